"""Results of freezing: the graph that `freeze` gives back, its inputs, and the notes on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from .._format import dtypes
from .._format.wording import Worded, listed, option, quoted
from .._graphdef.nodes import parse_input
from .._graphdef.roles import PLACEHOLDERS
from .._graphdef.tensors import TensorMessage
from .._look.amounts import format_count
from .._look.outcomes import Outcome
from .._ops.facts import is_known
from .._ops.types import dtype_of, shape_of
from .stages.inference import switched_branches
from .stages.switches import names_switch
from .stream import LARGE_BYTES

if TYPE_CHECKING:
    from .._graph.variables import Variable
    from .._graphdef.functions import Function
    from .._graphdef.meta_graph import MetaGraph
    from .._graphdef.nodes import Node, Nodes


@dataclass(frozen=True, slots=True, repr=False)
class Frozen(Outcome):
    """Frozen graph, and what to know for using it.

    Attributes:
        path: The file, or None when it was not written to one.
        data: The serialized ``GraphDef`` when it was not written to a file, else None.
        nbytes: Its size.
        num_nodes: How many nodes its main graph has.
        outputs: By the name it was asked for, or the key in the signature, each output's tensor.
        inputs: What is to be fed.
        variables: The variables that became constants, with the key of each in the checkpoint and
            how it was found.
        init_op: The op to run once before anything else, which fills lookup tables; None when
            there are none to fill.
        warnings: What is worth knowing: updates that were dropped, random ops, switches.
    """

    path: str | None
    data: bytes | None = field(repr=False)
    nbytes: int
    num_nodes: int
    outputs: Mapping[str, str]
    inputs: tuple[FrozenInput, ...]
    variables: tuple[Variable, ...] = field(repr=False)
    init_op: str | None
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        where = "in memory" if self.path is None else self.path
        lines = [
            f"frozen graph {where}: {format_count(self.num_nodes, 'node')}, "
            f"{self.nbytes:,} bytes, {format_count(len(self.variables), 'variable')} made constants"
        ]
        for each in self.inputs:
            lines.append(f"  input   {each}")
        for key, tensor in self.outputs.items():
            named = "" if key in (tensor, tensor[:-2]) else f"{key}: "
            lines.append(f"  output  {named}{tensor}")
        if self.init_op is not None:
            lines.append(f"  run once before: {self.init_op}")
        lines += [f"  note: {each}" for each in self.warnings]
        return "\n".join(lines)


# --- ----------

_RANDOM: Final = frozenset(
    [
        "RandomUniform",
        "RandomUniformInt",
        "RandomStandardNormal",
        "RandomGamma",
        "RandomPoisson",
        "RandomPoissonV2",
        "RandomShuffle",
        "RandomCrop",
        "ParameterizedTruncatedNormal",
        "TruncatedNormal",
        "Multinomial",
        "StatelessRandomGetKeyCounter",
        "StatelessRandomUniform",
        "StatelessRandomNormal",
        "StatelessTruncatedNormal",
    ]
)
_PIPELINE: Final = re.compile(
    r"(OneShot|Make|Anonymous|MultiDevice)?Iterator\w*|.*Dataset(V\d)?$"
    r"|(?!.*Tensor).*Queue(V2)?$|Queue(Dequeue|Enqueue).*|.*Reader(V2)?$|ReaderRead.*"
)
_SOURCE: Final = re.compile(r"IteratorGetNext.*|QueueDequeue.*|ReaderRead.*")
_NAMED: Final = 5  # of each kind in a warning


@dataclass(frozen=True, slots=True)
class FrozenInput:
    """A tensor that is to be fed when the frozen graph is run.

    Attributes:
        name: Its name, as sessions are fed: ``"x:0"``.
        dtype: TensorFlow's name of its type.
        shape: Its shape, -1 for unknown dimensions; None where not even the rank is known.
        default: Its value when it is not fed; None where it must be.
        key: Its key in the signature that the outputs are of; None where there is none.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None
    default: Any = None
    key: str | None = None

    def __str__(self) -> str:
        given = "" if self.default is None else f" = {self.default}"
        return f"{self.name} {self.dtype}{shown_shape(self.shape)}{given}"


def inputs_of(
    nodes: Nodes, meta: MetaGraph, keys: Mapping[str, str] = MappingProxyType({})
) -> tuple[FrozenInput, ...]:
    """The placeholders of a graph, in its order; each with its key, told by tensor."""
    return tuple(
        FrozenInput(
            f"{name}:0",
            dtypes.name_of(dtype_of(node, 0, {}) or 0),
            shape_of(meta, nodes, node, 0),
            _default(nodes, node),
            keys.get(f"{name}:0"),
        )
        for name, node in nodes.items()
        if node.op in PLACEHOLDERS
    )


def _default(nodes: Nodes, node: Node) -> Any:
    if node.op != "PlaceholderWithDefault" or not node.inputs:
        return None
    source = nodes.get(parse_input(node.inputs[0]).name)
    value = source.attr("value") if source is not None and source.op == "Const" else None
    return value.array() if isinstance(value, TensorMessage) else None


def notes(
    nodes: Nodes,
    functions: Mapping[str, Function],
    meta: MetaGraph,
    nbytes: int,
    place_before: Callable[[str], str] = str,
    *,
    training: bool | None = None,
) -> Iterator[str]:
    """What the user of a frozen graph should know, a sentence each.

    Args:
        nodes: The frozen graph.
        functions: Its functions.
        meta: What was said about the graph that it was made of.
        nbytes: Its size.
        place_before: What tells how a tensor was called there.
        training: False where it was to be in inference mode.
    """
    ops = [(node.name, node.op) for node in nodes.values()]
    idle = switched_branches(nodes, fed=False)
    random = [node.name for node in nodes.values() if node.op in _RANDOM and node.name not in idle]
    for function in functions.values():
        if function.name not in idle:
            random += [
                f"{function.name}/{node.name}"
                for node in function.nodes.values()
                if node.op in _RANDOM
            ]
        ops += [(f"{function.name}/{node.name}", node.op) for node in function.nodes.values()]
    switches = list(_switches(nodes, meta))
    if random:
        hint: str = ""
        if switches:
            value = f"{{{quoted(switches[0])}: …}}"
            bound = Worded.of(f"bind={value}", f"--bind {switches[0]}=…")
            hint = Worded("; ", bound, " may switch them off")
        elif training is None:
            hint = Worded("; ", option("training", False), " leaves dropout out")
        yield Worded(
            f"random ops are reachable: {_some(random)}: results differ from run to run", hint
        )
    if switches:
        yield Worded(
            f"switches are left as placeholders: {_some(switches)}: feed them, or give them a "
            "value with ",
            option("bind"),
        )
    if any(_PIPELINE.fullmatch(op) for _, op in ops):
        yield _about_pipelines(nodes, place_before)
    unknown = sorted({op for _, op in ops if not is_known(op) and op not in functions})
    if unknown:
        yield f"ops of no plain TensorFlow are needed at run time: {_some(unknown)}"
    if nbytes >= LARGE_BYTES:
        yield Worded(
            f"the graph has {nbytes} bytes: TensorFlow takes many times that to load it; ",
            Worded.of("export_saved_model", "'export-saved-model'"),
            " leaves the weights in the checkpoint",
        )


def unneeded_inputs(cuts: Iterable[str], inputs: Iterable[FrozenInput]) -> Iterator[str]:
    """Say which of the tensors that were to be fed no output needs."""
    needed = {each.name.removesuffix(":0") for each in inputs}
    idle = [each for each in cuts if each not in needed]
    if idle:
        yield f"no output needs {len(idle)} of the inputs that were named: {listed(idle)}"


def _switches(nodes: Nodes, meta: MetaGraph) -> Iterator[str]:
    """Placeholders that turn training on and off, by their type and name."""
    for name, node in nodes.items():
        if node.op in PLACEHOLDERS:
            is_bool = dtype_of(node, 0, {}) == dtypes.BOOL
            if (is_bool or names_switch(name)) and not shape_of(meta, nodes, node, 0):
                yield name


def _about_pipelines(nodes: Nodes, place_before: Callable[[str], str]) -> str:
    """The ports of input pipelines that are in use: where a graph is best cut."""
    ports: dict[str, None] = {}
    for node in nodes.values():
        for text in node.inputs:
            source = parse_input(text)
            before = nodes.get(source.name)
            if source.port >= 0 and before is not None and _SOURCE.fullmatch(before.op):
                found = parse_input(place_before(f"{source.name}:{source.port}"))
                ports[f"{found.name}:{found.port}"] = None
    cut = Worded("; cut there: ", option("inputs", list(ports)[:_NAMED])) if ports else ""
    kept = [name for name, node in nodes.items() if _PIPELINE.fullmatch(node.op)]
    return Worded(
        f"an input pipeline is kept, the graph waits for its data when run: {_some(kept)}", cut
    )


def _some(names: Iterable[str]) -> str:
    return listed(names, _NAMED)


def shown_shape(shape: tuple[int, ...] | None) -> str:
    """A shape as users read it."""
    if shape is None:
        return " of unknown shape"
    return "[" + ", ".join("?" if dim < 0 else str(dim) for dim in shape) + "]"
