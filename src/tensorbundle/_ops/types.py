"""Types and shapes of nodes' outputs: dtype, and dimensions as far as a graph tells them.

The one room that answers; suggestions, cuts, signatures and runs all ask here. What an operation
gives is told by its registration (`facts`), never by the names of its attributes: those are only
guessed by for operations that nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from .._format.dtypes import HANDLES, without_reference
from .._graphdef import roles
from .._graphdef.attributes import DataType, decode_attr
from .._graphdef.nodes import parse_input
from .._graphdef.shapes import ShapeValue
from .facts import default_attrs, output_args

if TYPE_CHECKING:
    from .._graphdef.functions import Arg, OpDef
    from .._graphdef.meta_graph import MetaGraph
    from .._graphdef.nodes import Node, Nodes

Shape: TypeAlias = "tuple[int, ...] | None"

# Up to this producer version a placeholder's shape of no dimensions means that it is not known.
_LAST_VAGUE_PRODUCER: Final = 21
_STEPS: Final = 16  # as far as a shape is looked for upstream
# Attributes that hold outputs' types in operations that nobody knows, the more specific first.
_LIKELY_LISTS: Final = ("output_types", "component_types", "Tout")
_LIKELY_TYPES: Final = ("DstT", "output_type", "out_type", "dtype", "Tparams", "T", "Toutput")
# Their attributes "shape" or "output_shapes" are not the shapes of their outputs.
_OTHER_SHAPES: Final = roles.names("CollectiveGather MapDefun NcclBroadcast")
_NO_OP_DEFS: Final[Mapping[str, OpDef]] = MappingProxyType({})


def dtype_of(node: Node, port: int = 0, op_defs: Mapping[str, OpDef] = _NO_OP_DEFS) -> int | None:
    """Tell the DataType number of an output; None where the graph does not say.

    Args:
        node: The node.
        port: Which of its outputs.
        op_defs: What the model itself says of operations, and signatures of functions that are
            called by their name.
    """
    args = output_args(node.op, op_defs)
    if args is None:
        return _likely_type(node, port)
    for arg in args:
        if arg.type_list_attr:
            listed = _value(node, arg.type_list_attr, op_defs)
            count = len(listed) if isinstance(listed, list) else 0
            if port < count and isinstance(listed, list):
                return _type(listed[port])
        else:
            count = _count(node, arg, op_defs)
            if port < count:
                return arg.type or _type(_value(node, arg.type_attr, op_defs))
        port -= count
    return None


def definitions(meta: MetaGraph, node: Node) -> Mapping[str, OpDef]:
    """Find what a model says of a node's operation, which may be one of its functions."""
    if node.op in meta.functions:
        return {node.op: meta.functions[node.op].signature}
    return meta.op_defs


def shape_of(meta: MetaGraph, nodes: Nodes, node: Node, port: int = 0) -> Shape:
    """Tell the shape of an output.

    Args:
        meta: What is said about the graph: signatures, and the version of its writer.
        nodes: The nodes that the inputs of this one are found among.
        node: The node.
        port: Which of its outputs.

    Returns:
        Its dimensions, -1 for those that are not known; None where not even their number is.
    """
    dims, last = _upstream(meta, nodes, node, port)
    if dims is None and last is not None and last.op == "MatMul" and len(last.inputs) >= 2:
        return _product(meta, nodes, last)
    return dims


def _upstream(
    meta: MetaGraph, nodes: Nodes, node: Node | None, port: int
) -> tuple[Shape, Node | None]:
    """Follow what keeps its input's shape, up to a node that says one.

    Returns:
        The shape, and the node where the way ended.
    """
    reads = False  # whether the value of a handle is meant, not the handle
    for _ in range(_STEPS):
        if node is None:
            break
        dims = _stated(meta, node, port, reads)
        if dims is not None:
            return dims, node
        reads = reads or node.op == "ReadVariableOp"
        # All outputs of a switch are its input, of other operations the first one may be.
        keeps = node.op in roles.SWITCHES or (node.op in roles.SAME_SHAPE and not port)
        if not keeps or not node.inputs:
            return None, node
        source = parse_input(node.inputs[0])
        node, port = nodes.get(source.name), source.port
    return None, None


def _product(meta: MetaGraph, nodes: Nodes, node: Node) -> Shape:
    sides = []
    for text in node.inputs[:2]:
        source = parse_input(text)
        dims, _ = _upstream(meta, nodes, nodes.get(source.name), source.port)
        sides.append(dims if dims is not None and len(dims) == 2 else (-1, -1))
    rows = sides[0][1 if node.attr("transpose_a") is True else 0]
    columns = sides[1][0 if node.attr("transpose_b") is True else 1]
    return rows, columns


def _stated(meta: MetaGraph, node: Node, port: int, reads: bool) -> Shape:
    """Shape of an output that the node itself or a signature says."""
    if reads and node.op in roles.RESOURCE_VARIABLES:
        return _attribute(node)
    if (inferred := _listed(node, "_output_shapes", port)) is not None:
        return inferred
    if (signed := _signed(meta, node, port)) is not None:
        return signed
    op_defs = definitions(meta, node)
    if dtype_of(node, port, op_defs) in HANDLES:
        return () if node.op in roles.RESOURCE_VARIABLES else None
    if node.op in _OTHER_SHAPES:
        return None
    args = output_args(node.op, op_defs)
    # Of a dataset, which gives a handle, these would be the shapes of its elements.
    listing = args is None or (len(args) == 1 and args[0].type_list_attr)
    if listing and (listed := _listed(node, "output_shapes", port)) is not None:
        return listed
    if port or (args and args[0].name == "handle"):
        return None
    dims = _attribute(node)
    return None if dims == () and _scalars_are_vague(meta, node) else dims


def _attribute(node: Node) -> Shape:
    shape = node.attr("shape")
    return shape.dims if isinstance(shape, ShapeValue) else None


def _signed(meta: MetaGraph, node: Node, port: int) -> Shape:
    for signature in meta.signatures.values():
        for fact in (*signature.inputs.values(), *signature.outputs.values()):
            if fact.name is not None and parse_input(fact.name) == (node.name, port):
                return fact.shape
    return None


def _listed(node: Node, key: str, port: int) -> Shape:
    shapes = node.attr(key)
    if isinstance(shapes, list) and port < len(shapes):
        shape = shapes[port]
        if isinstance(shape, ShapeValue):
            return shape.dims
    return None


def _scalars_are_vague(meta: MetaGraph, node: Node) -> bool:
    """Tell whether the shape of a scalar is how this graph writes one that is not known."""
    return node.op == "Variable" or (
        node.op == "Placeholder" and meta.versions.producer <= _LAST_VAGUE_PRODUCER
    )


def _count(node: Node, arg: Arg, op_defs: Mapping[str, OpDef]) -> int:
    """Count the tensors of one type of an output; 0 where the node does not say."""
    if not arg.number_attr:
        return 1
    number = _value(node, arg.number_attr, op_defs)
    return max(number, 0) if isinstance(number, int) else 0


def _likely_type(node: Node, port: int) -> int | None:
    for key in _LIKELY_LISTS:
        listed = node.attr(key)
        if isinstance(listed, list) and port < len(listed):
            return _type(listed[port])
    return next((found for key in _LIKELY_TYPES if (found := _type(node.attr(key)))), None)


def _value(node: Node, key: str, op_defs: Mapping[str, OpDef]) -> object:
    value = node.attr(key) if key else None
    if value is None and key:
        default = default_attrs(node.op, op_defs).get(key)
        if default is not None:
            return decode_attr(default)
    return value


def _type(value: object) -> int | None:
    return without_reference(value) if isinstance(value, DataType) else None
