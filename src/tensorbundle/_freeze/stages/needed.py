"""Needed nodes and nothing else; then the last check of edges and types (freeze.md §2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from ..._format.dtypes import is_reference
from ..._format.names import as_text
from ..._format.wire import Raw
from ..._graphdef.attributes import decode_attr, function_names, string_list_attr
from ..._graphdef.functions import Function, OpDef
from ..._graphdef.nodes import Node, Nodes, parse_input
from ..._graphdef.roles import FUNCTION_USES, HANDLE_READERS, REF_CARRIERS, writes_variable
from ..._ops.edges import body_source, data_inputs, main_source
from ..._ops.edges import reachable as _reachable
from ..._ops.facts import output_args
from ...errors import FormatError

_FUNC_TAGS: Final = frozenset({0x0A, 0x52})  # an AttrValue that is a list, or a function
_TYPE_TAG: Final = 0x30  # one that is a type
_LOOP_HEADS: Final = frozenset({"Merge", "RefMerge"})
_LOOP_BACKS: Final = frozenset({"NextIteration", "RefNextIteration"})


class Pruned(NamedTuple):
    """A graph with less in it.

    Attributes:
        nodes: Its nodes, in the order they had.
        functions: Its functions, likewise.
    """

    nodes: Nodes
    functions: Mapping[str, Function]


def reachable(nodes: Nodes, roots: Iterable[str]) -> set[str]:
    """The nodes that some nodes need, and these themselves.

    Raises:
        FormatError: A root, or an input of a node, is not there.
    """
    return set(_reachable(nodes, roots))


def prune(nodes: Nodes, functions: Mapping[str, Function], roots: Iterable[str]) -> Pruned:
    """Keep what some nodes need.

    Colocation is no need: TensorFlow follows it, and keeps nodes that nothing uses.

    Args:
        nodes: The main graph.
        functions: Its functions.
        roots: The nodes.

    Raises:
        FormatError: A root, or an input of a node, is not there.
    """
    needed = _reachable(nodes, roots)
    kept = {name: node for name, node in nodes.items() if name in needed}
    used = _used_functions(kept.values(), functions)
    return Pruned(kept, {name: each for name, each in functions.items() if name in used})


def _used_functions(nodes: Iterable[Node], functions: Mapping[str, Function]) -> set[str]:
    """The functions that nodes name, and those that their bodies name in turn."""
    if not functions:
        return set()
    used: set[str] = set()
    todo: list[str] = []

    def add(names: Iterable[str]) -> None:
        for name in names:
            if name not in used and name in functions:
                used.add(name)
                todo.append(name)

    for node in nodes:
        add(_named(node))
    while todo:
        for node in functions[todo.pop()].nodes.values():
            add(_named(node))
    return used


def _named(node: Node) -> Iterable[str]:
    yield node.op
    for raw in node.attrs.values():
        if len(raw) and raw[0] in _FUNC_TAGS:
            yield from function_names(raw)


def clean(nodes: Nodes, functions: Mapping[str, Function], *, clear_devices: bool = True) -> Pruned:
    """Remove what refers to nodes and machines that are not there.

    Args:
        nodes: The main graph.
        functions: Its functions.
        clear_devices: Whether the devices of nodes are removed: a graph that names some does not
            run where there are none.
    """
    cleaned = {}
    for name, function in functions.items():
        body = _cleaned(function.nodes, clear_devices)
        same = all(node is function.nodes[key] for key, node in body.items())
        cleaned[name] = function if same else function.replace(nodes=body)
    return Pruned(_cleaned(nodes, clear_devices), cleaned)


def _cleaned(nodes: Nodes, clear_devices: bool) -> Nodes:
    result: Nodes = {}
    for name, node in nodes.items():
        attrs = node.attrs
        if "_class" in attrs:
            attrs = _located(node, nodes)
        if attrs is not node.attrs or (clear_devices and node.device):
            node = node.replace(device="" if clear_devices else node.device, attrs=attrs)
        result[name] = node
    return result


def _located(node: Node, nodes: Nodes) -> Mapping[str, Raw]:
    """The attributes with those places only that there are; TensorFlow refuses others."""
    value = node.attr("_class")
    entries = value if isinstance(value, list) else [value]
    places = [each for each in entries if isinstance(each, bytes)]
    kept = [each for each in places if _place(each) in nodes]
    if kept and len(kept) == len(entries):
        return node.attrs
    attrs = dict(node.attrs)
    del attrs["_class"]
    if kept:
        attrs["_class"] = string_list_attr(kept)
    return attrs


def _place(entry: bytes) -> str:
    return as_text(entry.removeprefix(b"loc:@"))


# --- the last look ------------------------------------------------------------------------------


def check_graph(
    nodes: Nodes, functions: Mapping[str, Function], op_defs: Mapping[str, OpDef]
) -> None:
    """Make sure that a graph is one that can be imported.

    Raises:
        FormatError: An input leads nowhere, nodes feed each other in a circle, a function is
            missing, a reference is left, or something takes a handle from a constant.
    """
    widths: dict[str, int | None] = {}
    for name, node in nodes.items():
        if node.name != name:
            raise FormatError(f"node {name!r} calls itself {node.name!r}")
        _check_edges(node, nodes, functions, op_defs, widths)
        _check_types(node, nodes)
        _check_functions(node, functions)
    _check_circles(nodes)
    for function in functions.values():
        _check_body(function, functions)


def _check_edges(
    node: Node,
    nodes: Nodes,
    functions: Mapping[str, Function],
    op_defs: Mapping[str, OpDef],
    widths: dict[str, int | None],
) -> None:
    control = False
    for edge in node.inputs:
        name, port = parse_input(edge)
        source = nodes.get(name)
        if source is None:
            raise FormatError(f"node {node.name!r} has the input {edge!r}: there is no such node")
        if control and port >= 0:
            raise FormatError(f"node {node.name!r} has the input {edge!r} after a control edge")
        control = port < 0
        if control:
            continue
        if source.op not in widths:
            widths[source.op] = _width(source.op, functions, op_defs)
        width = widths[source.op]
        if width is not None and port >= width:
            raise FormatError(
                f"node {node.name!r} has the input {edge!r}: {source.op} has {width} outputs"
            )


def _width(op: str, functions: Mapping[str, Function], op_defs: Mapping[str, OpDef]) -> int | None:
    """How many outputs an operation has; None if nodes differ, or nobody knows."""
    outputs = functions[op].signature.outputs if op in functions else output_args(op, op_defs)
    if outputs is None or any(each.number_attr or each.type_list_attr for each in outputs):
        return None
    return len(outputs)


def _check_types(node: Node, nodes: Nodes) -> None:
    for key, raw in node.attrs.items():
        if len(raw) and raw[0] == _TYPE_TAG:
            value = decode_attr(raw)
            if isinstance(value, int) and is_reference(value):
                raise FormatError(f"attribute {key!r} of node {node.name!r} is a reference type")
    inputs = data_inputs(node)
    if not inputs:
        return
    if node.op in HANDLE_READERS or node.op in REF_CARRIERS or writes_variable(node.op):
        source = nodes[main_source(inputs[0])]
        if source.op == "Const":
            raise FormatError(
                f"node {node.name!r} of op {node.op} takes a variable: {source.name!r} is a Const"
            )


def _check_functions(node: Node, functions: Mapping[str, Function]) -> None:
    use = FUNCTION_USES.get(node.op)
    for key in use.keys if use is not None else ():
        raw = node.attrs.get(key, b"")
        for name in function_names(raw):
            if name not in functions:
                raise FormatError(f"node {node.name!r} uses {name!r}: there is no such function")


def _check_circles(nodes: Nodes) -> None:
    """Only what begins a loop's next round may feed a node that came before it."""
    waiting: dict[str, int] = {}
    consumers: dict[str, list[str]] = {}
    for name, node in nodes.items():
        sources = {main_source(edge) for edge in node.inputs}
        if node.op in _LOOP_HEADS:
            sources = {each for each in sources if nodes[each].op not in _LOOP_BACKS}
        waiting[name] = len(sources)
        for each in sources:
            consumers.setdefault(each, []).append(name)
    ready = [name for name, count in waiting.items() if not count]
    done = 0
    while ready:
        done += 1
        for name in consumers.get(ready.pop(), ()):
            waiting[name] -= 1
            if not waiting[name]:
                ready.append(name)
    if done < len(nodes):
        stuck = next(name for name, count in waiting.items() if count)
        raise FormatError(f"nodes feed each other in a circle, at or before node {stuck!r}")


def _check_body(function: Function, functions: Mapping[str, Function]) -> None:
    arguments = {each.name for each in function.signature.inputs}
    for node in function.nodes.values():
        for edge in node.inputs:
            name = body_source(edge)
            if name not in function.nodes and name not in arguments:
                raise FormatError(
                    f"{node.name!r} of function {function.name!r} has the input {edge!r}: there "
                    f"is no such node or argument"
                )
        _check_functions(node, functions)
    for output in function.signature.outputs:
        name = body_source(function.ret.get(output.name, ""))
        if name not in function.nodes and name not in arguments:
            raise FormatError(
                f"function {function.name!r} does not say what its result {output.name!r} is"
            )
    for name in function.control_ret.values():
        if name not in function.nodes:
            raise FormatError(f"function {function.name!r} waits for {name!r}: no such node")
