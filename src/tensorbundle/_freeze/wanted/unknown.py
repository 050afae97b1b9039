"""Names that are not there: what to say of them, with what the user may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ..._format import dtypes
from ..._format.names import closest
from ..._format.wording import Worded, listed, option, quoted
from ..._graphdef.attributes import function_names
from ..._graphdef.nodes import parse_input
from ..._graphdef.roles import FUNCTION_USES
from ...errors import TensorBundleError, TensorNotFoundError
from ..result import shown_shape
from .places import called
from .signatures import default_signature, models_of

if TYPE_CHECKING:
    from ..._graph.graph import Graph
    from ..._graphdef.facts import TensorFact
    from ..._graphdef.nodes import Node

_HINTS: Final = 5
_SHOWN: Final = 10  # things in a message
_LONGEST: Final = 200
_TAILS: Final = 8  # of a name: where only its end is right
_COMPARED: Final = 20_000  # names, which difflib compares in a second or two
_FED: Final = ("input", "placeholder", "tensor")  # what errors call that which is fed or cut at
# Scopes that hold no outputs of a model, so that names in them are suggested last.
_ASIDE: Final = ("gradients", "save", "optimizer", "adam", "rmsprop", "momentum", "init", "report")


def unknown_name(graph: Graph, name: str, what: str) -> TensorNotFoundError:
    """The error for a name that is not in the graph, with what the user may have meant."""
    node = parse_input(name).name
    inside = _inside_functions(graph, node)
    near = near_names(node, graph.nodes)
    if what == "output":
        near = _with_likely_outputs(graph, node, near)
    message: str = f"there is no {what} {quoted(name)} in the graph"
    if inside:
        message = Worded(message, ": ", inside)
    elif given := _signatures_with(graph, name, what):
        ways = option("signature", given[0])
        message = Worded(message, f": it is a key of the signatures {listed(given)}: give ", ways)
    elif what in _FED and (not near or (what == "input" and _keys(graph, what))):
        inputs = _likely_inputs(graph)
        shown = ", ".join(inputs[:_SHOWN])
        message += f": expected one of {shown}" if inputs else ": nothing in it is fed"
    elif near:
        message += f": did you mean {listed(near)}?"
    else:
        message = Worded.of(
            f"{message}: tensorbundle.suggest_outputs lists what may be outputs",
            f"{message}: 'tensorbundle graph --outputs' lists what may be outputs",
        )
    return TensorNotFoundError(message, key=name if len(name) <= _LONGEST else None)


def _signatures_with(graph: Graph, name: str, what: str) -> list[str]:
    """The signatures of which a name is a key."""
    return [
        key
        for key, each in models_of(graph).items()
        if name in (each.outputs if what == "output" else each.inputs if what == "input" else ())
    ]


def _keys(graph: Graph, what: str) -> dict[str, TensorFact]:
    """The inputs or outputs of the signature that is used, by key."""
    key = default_signature(graph)
    signature = None if key is None else graph.signatures[key]
    if signature is None:
        return {}
    return signature.inputs if what == "input" else signature.outputs


def _likely_inputs(graph: Graph) -> list[str]:
    """What is there to be fed, with its type: keys of the signature, else what data comes by."""
    from ..._outputs.inputs import suggest_inputs

    if inputs := _keys(graph, "input"):
        return [
            f"{quoted(name)} {dtypes.name_of(fact.dtype)}{shown_shape(fact.shape)}"
            for name, fact in inputs.items()
        ]
    try:
        found = suggest_inputs(graph)
    except TensorBundleError:  # what is wrong with the graph is for others to say
        return []
    return [
        f"{quoted(each.name)} {each.dtype}{shown_shape(each.shape)}"
        for each in found
        if each.role != "label"
    ]


def _with_likely_outputs(graph: Graph, name: str, near: list[str]) -> list[str]:
    """Near names where they are surely meant, else what looks like an output first."""
    from ..._outputs.suggest import suggest_outputs

    last = name.rpartition("/")[2].lower()
    sure = [each for each in near if each.rpartition("/")[2].lower() == last]
    if sure:
        return near
    if keys := _keys(graph, "output"):
        close = closest(name, [*keys, *near], _HINTS)
        return list(dict.fromkeys([*close, *keys, *near]))[:_HINTS]
    try:
        likely = [each.name for each in suggest_outputs(graph)[:_HINTS]]
    except TensorBundleError:
        return near
    close = closest(name, [*likely, *near], _HINTS)
    aside = [each for each in near if not _is_aside(each)]
    return list(dict.fromkeys([*close, *aside, *likely]))[:_HINTS]


def _is_aside(name: str) -> bool:
    """Whether a node has to do with training or with saving, by the scopes it is in."""
    return any(scope.lower().startswith(_ASIDE) for scope in name.split("/")[:-1])


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
            text = f"{quoted(tail)} lives inside function {quoted(function_name)}"
            call = calls.get(function_name)
            if call is not None:
                return f"{text}, called by {quoted(call)}: write {quoted(f'{call}/{tail}')}"
            user = _user_of(graph, function_name)
            if user is None:
                return f"{text}, which nothing calls that inlining would replace"
            kind = "loop" if "While" in user.op else "condition"
            return (
                f"{text}, a part of the {kind} {quoted(user.name)}: name what comes out of that, "
                f"such as {quoted(user.name)}"
            )
    return ""


def _user_of(graph: Graph, function: str) -> Node | None:
    """The loop or condition that a function is a part of."""
    for node in graph.nodes.values():
        use = FUNCTION_USES.get(node.op)
        for key in use.keys if use is not None else ():
            if function in function_names(node.attrs.get(key, b"")):
                return node
    return None


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
