"""What a graph says of a tensor: its dtype, and its shape as far as that is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from .._graphdef.attributes import DataType
from .._graphdef.nodes import parse_input
from .._graphdef.shapes import ShapeValue
from .facts import default_attrs, output_args

if TYPE_CHECKING:
    from .._graphdef.functions import OpDef
    from .._graphdef.meta_graph import MetaGraph
    from .._graphdef.nodes import Node, Nodes

_REFERENCE: Final = 100
# The producer version from which on a placeholder's shape of no dimensions means a scalar.
_PLACEHOLDER_SHAPES: Final = 24
# Attributes that hold an output's type in operations that nothing is known of.
_LIKELY_TYPES: Final = ("dtype", "T", "out_type", "output_type")
_SHAPE_LISTS: Final = ("_output_shapes", "output_shapes")


def dtype_of(node: Node, port: int, op_defs: Mapping[str, OpDef]) -> int | None:
    """The DataType number of an output; None where the graph does not say."""
    args = output_args(node.op, op_defs)
    if args is None:
        return next((t for key in _LIKELY_TYPES if (t := _type(node.attr(key)))), None)
    for arg in args:
        types = [arg.type or _type(_value(node, arg.type_attr, op_defs))]
        if arg.type_list_attr:
            listed = _value(node, arg.type_list_attr, op_defs)
            types = [_type(each) for each in listed] if isinstance(listed, list) else []
        elif arg.number_attr:
            number = _value(node, arg.number_attr, op_defs)
            count = number if isinstance(number, int) else 0
            if port < count:
                return types[0]
            port -= max(count, 0)
            continue
        if port < len(types):
            return types[port]
        port -= len(types)
    return None


def shape_of(meta: MetaGraph, nodes: Nodes, node: Node, port: int) -> tuple[int, ...] | None:
    """The shape of an output, -1 for unknown dimensions; None where not even the rank is known."""
    for key in _SHAPE_LISTS:
        shapes = node.attr(key)
        if isinstance(shapes, list) and port < len(shapes):
            shape = shapes[port]
            if isinstance(shape, ShapeValue):
                return shape.dims
    for signature in meta.signatures.values():
        for fact in (*signature.inputs.values(), *signature.outputs.values()):
            if fact.name is not None and parse_input(fact.name) == (node.name, port):
                return fact.shape
    if node.op.startswith(("Placeholder", "Variable", "VarHandle")):
        shape = node.attr("shape")
        dims = shape.dims if isinstance(shape, ShapeValue) else None
        return None if dims == () and _scalars_are_unknown(meta, node) else dims
    if node.op == "Identity" and node.inputs:
        source = parse_input(node.inputs[0])
        if source.name in nodes:
            before = nodes[source.name]
            if before.op != "Identity":  # one step: chains of them may be as long as the graph
                return shape_of(meta, nodes, before, source.port)
    return None


def _scalars_are_unknown(meta: MetaGraph, node: Node) -> bool:
    """Whether the shape of a scalar is how this graph writes one that is not known."""
    return node.op == "Variable" or (
        node.op == "Placeholder" and meta.versions.producer < _PLACEHOLDER_SHAPES
    )


def _value(node: Node, key: str, op_defs: Mapping[str, OpDef]) -> object:
    value = node.attr(key) if key else None
    if value is None and key:
        default = default_attrs(node.op, op_defs).get(key)
        if default is not None:
            from .._graphdef.attributes import decode_attr

            value = decode_attr(default)
    return value


def _type(value: object) -> int | None:
    return int(value) % _REFERENCE if isinstance(value, DataType) else None
