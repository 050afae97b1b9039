"""Resolving names of outputs into tensors; and what to say when there is none such.

A name is that of a node (its first output is meant), of a tensor (``node:1``), of an output of the
signature that is used, or of a signature (all its outputs). Nodes inside functions are named by the
calls that lead to them, as they are called once these are inlined: ``call/inner``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from ..._format.names import closest
from ..._graphdef.nodes import join_input, parse_input
from ..._ops.facts import output_ports
from ...errors import ConversionError, TensorNotFoundError

if TYPE_CHECKING:
    from ..._graph.graph import Graph
    from ..._graphdef.facts import Signature, TensorFact
    from ..._graphdef.functions import Function, OpDef
    from ..._graphdef.nodes import Node, Nodes

Outputs: TypeAlias = "str | Sequence[str] | Mapping[str, str] | None"

_HINTS: Final = 5
_TAILS: Final = 8  # of a name: where only its end is right
_COMPARED: Final = 20_000  # names, which difflib compares in a second or two
_DEFAULT_SIGNATURE: Final = "serving_default"
_NO_MODELS: Final = ("init_op", "train_op")
_INTERNAL: Final = "__saved_model_"
_FED: Final = ("input", "placeholder", "tensor")  # what errors call that which is fed or cut at
# Scopes that hold no outputs of a model, so that names in them are suggested last.
_ASIDE: Final = ("gradients", "save", "optimizer", "adam", "rmsprop", "momentum", "init", "report")


class Target(NamedTuple):
    """A tensor that is wanted.

    Attributes:
        key: What it is called in the result.
        tensor: Its name, ``node`` or ``node:1``; inside a call ``call/inner``.
        root: The node of the main graph that leads to it: itself, or the call.
        named: Whether the result is to have a node of the name ``key``.
        dtype: Its DataType number as the signature says it; 0 where none does.
    """

    key: str
    tensor: str
    root: str
    named: bool
    dtype: int = 0


def resolve(graph: Graph, outputs: Outputs, signature: str | None) -> tuple[Target, ...]:
    """Find the tensors that are wanted.

    Args:
        graph: Where.
        outputs: What the caller asks for; None: the outputs of the signature.
        signature: Its key; None: the one to serve, or the only one.

    Raises:
        TensorNotFoundError: There is no such output, or no such signature.
        ConversionError: What is named gives no tensor, or nothing is named and there is no
            signature that would say it.
    """
    if outputs is None:
        return _of_signature(graph, signature)
    if isinstance(outputs, Mapping):
        wanted = [(key, name) for key, name in outputs.items()]
    else:
        wanted = [("", each) for each in ([outputs] if isinstance(outputs, str) else outputs)]
    if not wanted:
        raise ConversionError("no outputs are named: expected at least one")
    chosen = _signature_or_none(graph, signature)
    targets: list[Target] = []
    problems: list[TensorNotFoundError | ConversionError] = []
    for key, name in wanted:
        try:
            targets += _targets(graph, key, name, chosen)
        except (TensorNotFoundError, ConversionError) as error:
            problems.append(error)
    if problems:
        raise type(problems[0])("; ".join(error.message for error in problems), path=graph.path)
    _refuse_twins(targets)
    return tuple(targets)


def _targets(graph: Graph, key: str, name: str, signature: Signature | None) -> list[Target]:
    """The tensors of one name that a user gave."""
    if not isinstance(name, str):
        raise TypeError(f"an output is named by a str, not by {name!r}")
    name = name.strip()
    if name.startswith("^"):
        raise ConversionError(f"{name!r} is a control edge: name the tensor that is wanted")
    root = find_node(graph, name)
    if root is not None:
        text = _checked(graph, name, root)
        return [Target(key or name, text, root, bool(key) and key != name)]
    if signature is not None and name in signature.outputs:
        return _expanded(graph, key or name, signature.outputs[name])
    if name in graph.signatures and not key:
        found = graph.signatures[name]
        return [each for k, fact in found.outputs.items() for each in _expanded(graph, k, fact)]
    raise unknown_name(graph, name, "output")


def _expanded(graph: Graph, key: str, fact: TensorFact) -> list[Target]:
    """A tensor of a signature: one, or those that a sparse or composite one is made of."""
    if fact.name is None:
        kinds = ("values", "indices", "shape")
        return [
            target
            for i, part in enumerate(fact.parts)
            for target in _expanded(graph, f"{key}_{kinds[i] if len(fact.parts) == 3 else i}", part)
        ]
    root = find_node(graph, fact.name)
    if root is None:
        raise unknown_name(graph, fact.name, f"output {key!r} of the signature")
    return [Target(key, _checked(graph, fact.name, root), root, named=True, dtype=fact.dtype)]


def find_node(graph: Graph, text: str) -> str | None:
    """The node of the main graph that a name means or, of a name inside of calls, the outermost."""
    name = parse_input(text).name
    nodes = graph.nodes
    if name in nodes:
        return name
    if text in nodes:  # a colon that is part of a name is no port
        return text
    path = name.split("/")
    for i in range(len(path) - 1, 0, -1):
        call = "/".join(path[:i])
        if call in nodes and _holds(graph, nodes[call], path[i:]):
            return call
    return None


def _holds(graph: Graph, node: Node, path: Sequence[str]) -> bool:
    """Whether the function that a node calls has a node of that name, maybe in further calls."""
    while True:
        function = called(node, graph.functions)
        if function is None:
            return False
        if "/".join(path) in function.nodes:
            return True
        for i in range(len(path) - 1, 0, -1):
            inner = function.nodes.get("/".join(path[:i]))
            if inner is not None and called(inner, graph.functions) is not None:
                node, path = inner, path[i:]
                break
        else:
            return False


def called(node: Node, functions: Mapping[str, Function]) -> Function | None:
    """The function that a node calls and that inlining puts in its place."""
    if node.op in functions:
        return functions[node.op]
    if node.op in ("PartitionedCall", "StatefulPartitionedCall"):
        function = node.attr("f")
        return functions.get(function.name) if function is not None else None
    return None


def _checked(graph: Graph, text: str, root: str) -> str:
    """A tensor's name as inputs are written; refused when its node has no such output."""
    wanted = parse_input(text)
    if wanted.name != root:  # inside of calls: looked at once these are inlined
        return text.removesuffix(":0") if wanted.name not in graph.nodes else text
    check_port(graph.nodes, text, graph.meta.op_defs, graph.functions)
    return join_input(root, wanted.port)


def check_port(
    nodes: Nodes, text: str, op_defs: Mapping[str, OpDef], functions: Mapping[str, Function]
) -> None:
    """Raise ConversionError for a tensor that its node does not give."""
    wanted = parse_input(text)
    node = nodes[wanted.name]
    ports = output_ports(node, op_defs) if node.op not in functions else None
    count = None if ports is None else sum(number for _, _, number in ports)
    if count == 0:
        raise ConversionError(
            f"{wanted.name!r} is a {node.op}, which gives no tensor: training and initialising "
            f"ops are no outputs of a model; name what it computes with{_upstream(nodes, node)}"
        )
    if count is not None and wanted.port >= count:
        raise ConversionError(
            f"there is no output {text!r}: {wanted.name!r} is a {node.op} with "
            f"{count} output{'s' if count != 1 else ''}"
        )


def _upstream(nodes: Nodes, node: Node) -> str:
    """Some tensors that a node without outputs waits for."""
    before = [parse_input(text) for text in node.inputs[:50]]
    named = [each.name for each in before if each.name in nodes]
    useful = [name for name in named if nodes[name].op not in ("NoOp", "Assert")][:3]
    return f", such as {', '.join(map(repr, useful))}" if useful else ""


# --- signatures -------------------------------------------------------------------------------


def models_of(graph: Graph) -> dict[str, Signature]:
    """The signatures that are models: with outputs, and not of TensorFlow's own book-keeping."""
    return {
        key: each
        for key, each in graph.signatures.items()
        if each.outputs and key not in _NO_MODELS and not key.startswith(_INTERNAL)
    }


def default_signature(graph: Graph) -> str | None:
    """The key of the signature that is used when none is named; None when there is no such one."""
    models = models_of(graph)
    if _DEFAULT_SIGNATURE in models:
        return _DEFAULT_SIGNATURE
    return next(iter(models)) if len(models) == 1 else None


def _signature_or_none(graph: Graph, key: str | None) -> Signature | None:
    if key is not None and key not in graph.signatures:
        raise _unknown_signature(graph, key)
    key = default_signature(graph) if key is None else key
    return None if key is None else graph.signatures[key]


def _of_signature(graph: Graph, key: str | None) -> tuple[Target, ...]:
    chosen = _signature_or_none(graph, key)
    if chosen is None:
        shown = ", ".join(map(repr, models_of(graph)))
        raise ConversionError(
            f"there are several signatures: give signature= one of {shown}, or outputs=",
            path=graph.path,
        )
    if not chosen.outputs:
        raise ConversionError(f"signature {key!r} has no outputs: nothing to freeze")
    targets = [each for k, fact in chosen.outputs.items() for each in _expanded(graph, k, fact)]
    return tuple(targets)


def _unknown_signature(graph: Graph, key: str) -> TensorNotFoundError:
    shown = ", ".join(map(repr, graph.signatures)) or "none"
    return TensorNotFoundError(f"there is no signature {key!r}: expected one of {shown}", key=key)


def _refuse_twins(targets: Iterable[Target]) -> None:
    found: dict[str, str] = {}
    for each in targets:
        if found.setdefault(each.key, each.tensor) != each.tensor:
            raise ConversionError(
                f"two outputs would be called {each.key!r}: {found[each.key]!r} and "
                f"{each.tensor!r}; give a dict of names and tensors"
            )


# --- names that are not there -----------------------------------------------------------------


def unknown_name(graph: Graph, name: str, what: str) -> TensorNotFoundError:
    """The error for a name that is not in the graph, with what the user may have meant."""
    plain = parse_input(name).name
    inside = _inside_functions(graph, plain)
    near = near_names(plain, graph.nodes)
    message = f"there is no {what} {name!r} in the graph"
    if inside:
        message += f": {inside}"
    elif near:
        message += f": did you mean {', '.join(map(repr, near))}?"
    else:
        kind = "inputs" if what in _FED else "outputs"
        message += f": tensorbundle.suggest_{kind} lists what may be {kind}"
    return TensorNotFoundError(message, key=name)


def near_names(name: str, names: Iterable[str]) -> list[str]:
    """Up to five names that are near: by what they end in, by last component, as a whole."""
    known = list(names)
    lower, last = name.lower(), name.lower().rpartition("/")[2]
    by_suffix = [each for each in known if each.lower().endswith("/" + lower)]
    by_last = [each for each in known if each.lower().rpartition("/")[2] == last]
    compared = known[:_COMPARED]
    lasts: dict[str, str] = {}
    for each in compared:
        component = each.rpartition("/")[2]
        if component not in lasts or _rank(each) < _rank(lasts[component]):
            lasts[component] = each
    whole = closest(name, compared, _HINTS)
    by_component = [lasts[each] for each in closest(last, lasts, _HINTS)]
    starting = [each for each in known if each.startswith(name + "/")] if name else []
    ordered = [*sorted(by_suffix, key=_rank), *sorted(by_last, key=_rank), *whole, *by_component]
    return list(dict.fromkeys([*ordered, *sorted(starting, key=_rank)]))[:_HINTS]


def _rank(name: str) -> tuple[bool, int]:
    first = name.split("/", 1)[0].lower()
    return first.startswith(_ASIDE), name.count("/")


def _inside_functions(graph: Graph, name: str) -> str:
    """Where a name lives that is one of a function's body; empty if it is none."""
    parts = name.split("/")
    tails = ["/".join(parts[i:]) for i in range(min(len(parts), _TAILS))]
    calls = _first_calls(graph)
    for tail in tails:
        for function_name, function in graph.functions.items():
            if tail not in function.nodes:
                continue
            text = f"{tail!r} lives inside function {function_name!r}"
            call = calls.get(function_name)
            if call is None:
                return f"{text}, which nothing calls that inlining would replace"
            return f"{text}, called by {call!r}: write {f'{call}/{tail}'!r}"
    return ""


def _first_calls(graph: Graph) -> dict[str, str]:
    """By function, the first call that leads to it, as the path of calls from the main graph."""
    calls: dict[str, str] = {}
    waiting = [("", graph.nodes)]
    for path, nodes in waiting:  # grows while it is walked, by each function once
        for node in nodes.values():
            function = called(node, graph.functions)
            if function is not None and function.name not in calls:
                calls[function.name] = f"{path}{node.name}"
                waiting.append((f"{path}{node.name}/", function.nodes))
    return calls
