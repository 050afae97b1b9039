"""Types and shapes of tensors, as far as a graph tells them (freeze.md §1.4)."""

from __future__ import annotations

from typing import Final, TypeAlias

from .._format.dtypes import BOOL
from .._graphdef.attributes import DataType
from .._graphdef.nodes import Node
from .._graphdef.shapes import ShapeValue
from . import words
from .topology import Topology

Shape: TypeAlias = "tuple[int, ...] | None"

_STEPS: Final = 16  # as far as a shape is looked for upstream
_SAME_SHAPE: Final = words.ACTIVATIONS | words.names(
    "Identity BiasAdd Cast Neg Exp Log Sqrt Square Abs StopGradient Rsqrt FusedBatchNorm "
    "FusedBatchNormV2 FusedBatchNormV3 Enter Exit Print Snapshot ReadVariableOp "
    "PlaceholderWithDefault CheckNumerics PreventGradient Round"
)
_TRUTHS: Final = words.names(
    "Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr LogicalNot All Any "
    "InTopK InTopKV2 IsFinite IsNan IsInf"
)
# Attributes that say the type of the first output, the more specific first.
_TYPES: Final = ("DstT", "output_type", "out_type", "dtype", "Tparams", "T", "Toutput")


def dtype_of(node: Node, port: int = 0) -> int:
    """The DataType of an output, 0 where the graph does not say it."""
    if node.op in _TRUTHS:
        return BOOL
    for key in ("output_types", "component_types", "Tout"):
        listed = node.attr(key)
        if isinstance(listed, list) and port < len(listed):
            return _plain(listed[port])
    if node.op in ("ArgMax", "ArgMin"):
        return _plain(node.attr("output_type", DataType(9)))
    for key in _TYPES:
        value = node.attr(key)
        if isinstance(value, DataType):
            return _plain(value)
    return 0


def _plain(value: object) -> int:
    if not isinstance(value, DataType):
        return 0
    return value - 100 if value > 100 else int(value)


def shape_of(graph: Topology, place: int, port: int = 0) -> Shape:
    """The shape of an output: -1 for unknown dimensions, None for an unknown rank."""
    turned: list[Node] = []
    for _ in range(_STEPS):
        node = graph.nodes[place]
        stated = _stated(node, port)
        if stated is not None and stated.dims is not None:
            return stated.dims
        if node.op == "MatMul" and len(graph.inputs[place]) == 2:
            return _matmul(graph, place)
        if node.op not in _SAME_SHAPE or not graph.inputs[place]:
            return None
        turned.append(node)
        place, port = graph.inputs[place][0], graph.ports_of(place)[0]
    return None


def _stated(node: Node, port: int) -> ShapeValue | None:
    for key in ("_output_shapes", "output_shapes"):
        listed = node.attr(key)
        if isinstance(listed, list) and port < len(listed):
            shape = listed[port]
            return shape if isinstance(shape, ShapeValue) else None
    shape = node.attr("shape")
    if not isinstance(shape, ShapeValue) or port:
        return None
    # Before TensorFlow 1.0 a placeholder without a shape said ().
    return ShapeValue(None) if shape.dims == () and node.op == "Placeholder" else shape


def _matmul(graph: Topology, place: int) -> Shape:
    node = graph.nodes[place]
    sides = []
    for source, port in zip(graph.inputs[place], graph.ports_of(place), strict=True):
        known = _stated(graph.nodes[source], port)
        if known is None and graph.ops[source] in words.READ_CHAIN and graph.inputs[source]:
            known = _stated(graph.nodes[graph.inputs[source][0]], 0)
        dims = known.dims if known is not None else None
        sides.append(dims if dims is not None and len(dims) == 2 else (-1, -1))
    left = sides[0][1 if node.attr("transpose_a") is True else 0]
    right = sides[1][0 if node.attr("transpose_b") is True else 1]
    return left, right
