"""Types and shapes of tensors by their place in a `Topology`; what they are, `_ops.types` says."""

from __future__ import annotations

from .._graphdef.shapes import ShapeValue
from .._ops import types
from .._ops.types import Shape
from .topology import Topology

__all__ = ["Shape", "dtype_of", "shape_of", "variable_shape_of"]


def dtype_of(graph: Topology, place: int, port: int = 0) -> int:
    """Tell the DataType of an output, 0 where the graph does not say it."""
    node = graph.nodes[place]
    return types.dtype_of(node, port, types.definitions(graph.meta, node)) or 0


def shape_of(graph: Topology, place: int, port: int = 0) -> Shape:
    """Tell the shape of an output: -1 for unknown dimensions, None for an unknown rank."""
    return types.shape_of(graph.meta, graph.meta.nodes, graph.nodes[place], port)


def variable_shape_of(graph: Topology, place: int) -> Shape:
    """Tell the shape of a variable's value, also where its node gives a handle."""
    shape = graph.nodes[place].attr("shape")
    return shape.dims if isinstance(shape, ShapeValue) else None
