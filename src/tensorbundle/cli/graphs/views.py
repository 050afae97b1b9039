"""Views of ``tensorbundle graph``: a summary, and each part by itself."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...errors import TensorBundleError
from ..terminal.console import Console
from ..terminal.sizes import format_count, format_size
from ..terminal.tables import Column, table_lines
from ..terminal.trees import Branch, Tree, grow
from ..terminal.values import format_string
from .documents import dtype_name, variables_of

if TYPE_CHECKING:
    from ..._graph.graph import Graph
    from ..._graphdef.facts import TensorFact
    from ..._graphdef.nodes import Node

_LISTED: Final = 8  # of each kind in the summary
_GUESSED: Final = 200_000  # nodes up to which a summary guesses outputs
_LONGEST: Final = 120  # characters of an attribute's value
_KINDS: Final = {"meta": "MetaGraph", "graph": "GraphDef", "saved_model": "SavedModel"}

Row = tuple[str, ...]
_NOT_THERE: Final = "not there"


def format_dims(shape: tuple[int, ...] | None) -> str:
    """Write a shape as one word: [?,784]; ? alone for an unknown rank."""
    if shape is None:
        return "?"
    return "[" + ",".join("?" if size < 0 else str(size) for size in shape) + "]"


def _table(console: Console, titles: Iterable[str], rows: Sequence[Row], right: int = -1) -> None:
    def cell(number: int) -> Callable[[Row], str]:
        return lambda row: row[number]

    columns: list[Column[Row]] = [
        Column(title, cell(number), right=number == right) for number, title in enumerate(titles)
    ]
    for line in table_lines(console, columns, rows):
        console.line(line)


# --- the summary ----------------------------------------------------------------------------------


def write_summary(console: Console, graph: Graph, ckpt: Any) -> None:
    """What a graph is, in a screenful."""
    version = console.spell(graph.tensorflow_version)
    version = f" of TensorFlow {version}" if version else ""
    console.line(console.style(f"{graph.path}: {_KINDS[graph.kind]}{version}", bold=True))
    lines = [("nodes", _describe_nodes(console, graph)), *_describe_values(console, graph, ckpt)]
    lines += [("tags", console.spell(_among(graph)))] if len(graph.tag_sets) > 1 else []
    lines += [("signature", each) for each in _describe_signatures(console, graph)]
    if not graph.signatures:
        lines += _describe_ends(console, graph, ckpt)
    lines += [("saver", console.spell(each.restore_op)) for each in graph.savers if each.restore_op]
    lines += [("table", f"{console.spell(name)}: {t.op}") for name, t in graph.tables.items()]
    lines += [("asset", console.spell(each.filename)) for each in graph.assets]
    lines += [
        ("collection", f"{console.spell(key)}: {len(each.values):,}")
        for key, each in graph.collections.items()
    ]
    lines += [
        ("device", f"{console.spell(device)} of {format_count(count, 'node')}")
        for device, count in graph.devices.items()
        if device
    ]
    _write_entries(console, lines)


def _write_entries(console: Console, lines: list[tuple[str, str]], most: float = _LISTED) -> None:
    """Write entries under their titles, each title once, no more than so many of a kind."""
    counts = Counter(title for title, _ in lines)
    seen: Counter[str] = Counter()
    width = max(len(title) for title in counts) + 1
    for title, text in lines:
        seen[title] += 1
        several = counts[title] > 1 and title != _NOT_THERE  # which is no noun
        shown = (f"{title}s" if several else title) if seen[title] == 1 else ""
        if seen[title] <= most:
            console.line(f"  {console.style(shown.ljust(width), dim=True)}  {text}")
        elif seen[title] == most + 1:
            console.line(f"  {' ' * width}  and {counts[title] - most:,} more")


def _describe_nodes(console: Console, graph: Graph) -> str:
    most = ", ".join(f"{console.spell(op)} {count:,}" for op, count in list(graph.ops.items())[:4])
    functions = f"; {format_count(len(graph.functions), 'function')}" if graph.functions else ""
    total = f"{graph.num_nodes:,} of {format_count(len(graph.ops), 'operation')}"
    return f"{total} ({most}){functions}" if most else total + functions


def _describe_values(console: Console, graph: Graph, ckpt: Any) -> list[tuple[str, str]]:
    variables = list(variables_of(graph, ckpt).values())
    if not variables:
        return [("variables", "none")]
    known = sum(_nbytes(each) for each in variables)
    notes = () if ckpt is not None else graph.notes
    lines = [("variables", f"{len(variables):,}, {format_size(known)}")]
    where = ckpt.location.prefix if ckpt is not None else None
    if where is None and graph.checkpoint is not None:
        where = graph.checkpoint.prefix
    if where is None:
        return [*lines, ("values", "no checkpoint found"), *_as_notes(console, notes)]
    found = [each for each in variables if each.found]
    ways = Counter(str(each.how) for each in found)
    by = ", ".join(f"{count:,} by {way}" for way, count in ways.most_common())
    lines.append(("values", f"{len(found):,} of {len(variables):,} in {where} ({by or 'none'})"))
    missing = [each for each in variables if not each.found]
    lines += [
        (_NOT_THERE, f"{console.spell(each.name)}: {each.problem or 'not stored'}")
        for each in missing
    ]
    return lines + _as_notes(console, notes)


def _as_notes(console: Console, notes: Iterable[str]) -> list[tuple[str, str]]:
    return [("note", console.spell(each)) for each in notes]


def _nbytes(variable: Any) -> int:
    from ..._format.dtypes import numpy_dtype

    dtype = numpy_dtype(variable.dtype)
    if dtype is None or not variable.is_static:
        return 0
    size = dtype.itemsize
    for dim in variable.shape:
        size *= dim
    return size


def _among(graph: Graph) -> str:
    sets = ["{" + ", ".join(tags) + "}" for tags in graph.tag_sets]
    return "{" + ", ".join(graph.tags) + "} of " + ", ".join(sets)


def _describe_signatures(console: Console, graph: Graph) -> list[str]:
    return [
        f"{console.spell(key)}: {', '.join(map(console.spell, each.inputs)) or 'nothing'}"
        f" -> {', '.join(map(console.spell, each.outputs)) or 'nothing'}"
        for key, each in graph.signatures.items()
        if not key.startswith("__saved_model_")  # what runs at loading; not a model
    ]


def _describe_ends(console: Console, graph: Graph, ckpt: Any) -> list[tuple[str, str]]:
    if graph.num_nodes > _GUESSED:
        return []
    from ..._outputs.inputs import suggest_inputs
    from ..._outputs.suggest import suggest_outputs

    return [
        ("input", f"{console.spell(each.name)}  {_type_of(each)}  {each.role}")
        for each in suggest_inputs(graph, ckpt)
    ] + [
        (
            "output",
            f"{console.spell(each.name)}  {_type_of(each)}  {console.spell(each.op)}, a guess",
        )
        for each in suggest_outputs(graph, ckpt)[:3]
    ]


def _type_of(end: Any) -> str:
    return f"{end.dtype} {format_dims(end.shape)}"


# --- its parts ------------------------------------------------------------------------------------


def write_candidates(console: Console, graph: Graph, ckpt: Any) -> None:
    """Ranked outputs, each with the reason, and the inputs."""
    from ..._outputs.inputs import suggest_inputs
    from ..._outputs.suggest import suggest_outputs

    spell = console.spell
    outputs = suggest_outputs(graph, ckpt)
    if outputs:
        rows = [
            (spell(each.name), spell(each.op), str(each.dtype), format_dims(each.shape),
             f"{each.score:.1f}", spell(each.reason))
            for each in outputs
        ]  # fmt: skip
        _table(console, ("output", "op", "dtype", "shape", "score", "reason"), rows, right=4)
    else:
        console.line("no outputs found")
    if inputs := suggest_inputs(graph, ckpt):
        console.line()
        fed: list[Row] = [
            (spell(each.name), spell(each.op), str(each.dtype), format_dims(each.shape),
             each.role, _default(each.default), spell(each.reason))
            for each in inputs
        ]  # fmt: skip
        _table(console, ("input", "op", "dtype", "shape", "role", "default", "reason"), fed)


def _default(value: Any) -> str:
    if value is None:
        return "-"
    shown = " ".join(str(value).split())
    return shown if len(shown) < _LONGEST else shown[:_LONGEST] + "…"


def write_variables(console: Console, graph: Graph, ckpt: Any) -> None:
    """Each variable with its key and how that was found."""
    variables = list(variables_of(graph, ckpt).values())
    parted = any(each.slice for each in variables)
    rows = [
        (
            console.spell(each.name),
            dtype_name(each.dtype),
            format_dims(each.shape),
            console.spell(each.key) if each.key is not None else "-",
            *([console.spell(each.slice or "-")] if parted else []),
            each.problem or {True: "found", False: "missing", None: "-"}[each.in_checkpoint],
            each.how or "-",
        )
        for each in variables
    ]
    if rows:
        titles = ["variable", "dtype", "shape", "key", "stored", "found by"]
        _table(console, [*titles[:4], *["slice"] * parted, *titles[4:]], rows)
    console.line(console.style(format_count(len(rows), "variable"), bold=True))


def write_signatures(console: Console, graph: Graph) -> None:
    """Each signature with its tensors."""
    for key, signature in graph.signatures.items():
        method = f"  ({console.spell(signature.method)})" if signature.method else ""
        console.line(console.style(console.spell(key), bold=True) + method)
        _write_facts(console, "input", signature.inputs)
        _write_facts(console, "output", signature.outputs)
    if not graph.signatures:
        console.line("no signatures")


def _write_facts(console: Console, side: str, facts: Mapping[str, TensorFact]) -> None:
    for key, fact in facts.items():
        parts = fact.parts or (fact,)
        tensors = ", ".join(console.spell(each.name or "?") for each in parts)
        shown = f"{dtype_name(fact.dtype)} {format_dims(fact.shape)}"
        console.line(f"  {side:<6}  {console.spell(key)}  {shown}  {tensors}")


def write_ops(console: Console, graph: Graph) -> None:
    """How many nodes of each operation, in the main graph and in the functions."""
    inside: Counter[str] = Counter()
    for function in graph.functions.values():
        inside.update(node.op for node in function.nodes.values())
    ops = [*graph.ops, *sorted(inside.keys() - graph.ops.keys())]
    rows = [
        (console.spell(op), f"{graph.ops.get(op, 0):,}", f"{inside[op]:,}" if inside else "")
        for op in ops
    ]
    _table(console, ("op", "nodes", "in functions" if inside else ""), rows, right=1)


@dataclass(frozen=True, slots=True)
class _Leaf:
    name: str
    op: str
    nbytes: int = 0


def write_tree(console: Console, graph: Graph) -> None:
    """The main graph's nodes, sorted into scopes."""
    leaves = [_Leaf(name, node.op) for name, node in graph.nodes.items()]

    def label(branch: Branch[_Leaf]) -> str:
        slash = "/" if branch.guide and branch.scope.leaf is None else ""
        return branch.guide + console.spell(branch.name) + slash

    def detail(branch: Branch[_Leaf]) -> str:
        leaf, below = branch.scope.leaf, branch.scope.count - 1
        if leaf is None:
            return format_count(branch.scope.count, "node")
        return console.spell(leaf.op) + (f" +{format_count(below, 'node')}" if below else "")

    root = grow(leaves, graph.path.rpartition("/")[2])
    columns: list[Column[Branch[_Leaf]]] = [Column("", label), Column("", detail)]
    tree = Tree(root, None, False, console.draws_lines)
    for line in table_lines(console, columns, tree, titles=False):
        console.line(line)


def write_node(console: Console, graph: Graph, name: str) -> None:
    """One node: its inputs, attributes, and who uses it."""
    node, where = find_node(console, graph, name)
    users = [] if where else [each.name for each in graph.nodes.values() if _uses(each, name)]
    console.line(
        console.style(f"{console.spell(name)}: {console.spell(node.op)}{where}", bold=True)
    )
    lines = [("device", console.spell(node.device))] * bool(node.device)
    lines += [("input", _describe_input(console, graph, each)) for each in node.inputs]
    lines += [("user", console.spell(each)) for each in users]
    lines += [
        ("attribute", f"{console.spell(key)} = {_shown(console, node, key)}")
        for key in sorted(node.attrs)
    ]
    if lines:
        _write_entries(console, lines, math.inf)


def find_node(console: Console, graph: Graph, name: str) -> tuple[Node, str]:
    """A node by its name, and within which function it is; empty for the main graph."""
    node = graph.nodes.get(name)
    return (node, "") if node is not None else _inside_functions(console, graph, name)


def _describe_input(console: Console, graph: Graph, text: str) -> str:
    from ..._graphdef.nodes import parse_input

    source = graph.nodes.get(parse_input(text).name)
    return console.spell(text) + (f"  {console.spell(source.op)}" if source is not None else "")


def _inside_functions(console: Console, graph: Graph, name: str) -> tuple[Node, str]:
    """A node of a function's body, named ``function/node``; or an error with what is near."""
    from ..._freeze.wanted.unknown import unknown_name

    for key, function in graph.functions.items():
        if name.startswith(f"{key}/") and (node := function.nodes.get(name[len(key) + 1 :])):
            return node, f" (in function {console.spell(key)})"
    raise unknown_name(graph, name, "node").add_context(path=graph.path)


def _uses(node: Node, name: str) -> bool:
    from ..._graphdef.nodes import parse_input

    return any(name in each and parse_input(each).name == name for each in node.inputs)


def _shown(console: Console, node: Node, key: str) -> str:
    """The value of an attribute in few words; of one that is damaged, what is wrong."""
    from ..._graphdef.attributes import decode_attr

    try:
        # Not `node.attr`, which finds out where each lies: of a million that takes for ever.
        shown = describe_value(decode_attr(node.attrs[key]), console.spell)
    except TensorBundleError as error:
        shown = f"({error.message})"
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"


def describe_value(value: Any, spell: Callable[[str], str]) -> str:
    """The value of an attribute: types by name, tensors by type and shape and what is in them."""
    from ..._graphdef.attributes import DataType, FunctionRef
    from ..._graphdef.shapes import ShapeValue
    from ..._graphdef.tensors import TensorMessage

    if isinstance(value, DataType):
        return dtype_name(value)
    if isinstance(value, ShapeValue):
        return format_dims(value.dims)
    if isinstance(value, FunctionRef):
        return spell(value.name)
    if isinstance(value, bytes):
        return format_string(value)
    if isinstance(value, TensorMessage):
        array = value.array()
        values = " ".join(str(array).split()) if array.size <= 32 else ""
        return f"{dtype_name(value.dtype)} {format_dims(value.shape)} {values}".rstrip()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(describe_value(each, spell) for each in value[:_LONGEST]) + "]"
    return spell(str(value))
