"""Integer divisions by zero: TensorFlow refuses them, the engine gives any number or dies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from .._format import dtypes
from .._format.wording import plain, quoted
from .._freeze.wanted.loops import Frames
from .._graphdef.nodes import Node, Nodes, join_input, parse_input
from .._graphdef.tensors import TensorMessage
from .._ops.edges import body_source, data_inputs, reachable
from .._ops.types import dtype_of
from ..errors import UnsupportedError

if TYPE_CHECKING:
    from .._format.dtypes import Array
    from .._graph.graph import Graph

_DIVISIONS: Final = frozenset({"Div", "FloorDiv", "FloorMod", "Mod", "TruncateDiv", "TruncateMod"})
_PASSING: Final = ("Identity", "Reshape", "Squeeze", "ExpandDims", "Cast")


class Division(NamedTuple):
    """An integer division.

    Attributes:
        node: The node.
        op: Its operation.
        tensor: What it divides by.
        is_constant: Whether nothing that is fed decides about that.
    """

    node: str
    op: str
    tensor: str
    is_constant: bool

    def refusal(self) -> UnsupportedError:
        """The error for a division by zero."""
        return UnsupportedError(
            f"integer division by zero in node {quoted(self.node)} ({plain(self.op)}), which "
            "TensorFlow refuses too"
        )


def computed_divisions(graph: Graph) -> list[Division]:
    """The integer divisions of a graph whose divisors are computed when it is run.

    Raises:
        UnsupportedError: One divides by a constant zero.
    """
    found: list[Division] = []
    frames: Frames | None = None
    for node in _integer_divisions(graph.nodes):
        edge = node.inputs[1]
        value = _constant(graph.nodes, edge)
        if value is not None:
            if not np.all(value):
                raise Division(node.name, node.op, edge, is_constant=True).refusal()
            continue
        frames = frames or Frames(graph.nodes)
        if not frames.holds(node.name):
            needed = reachable(graph.nodes, [edge])
            is_fed = any(graph.nodes[each].op.startswith("Placeholder") for each in needed)
            tensor = join_input(*parse_input(edge))
            found.append(Division(node.name, node.op, tensor, is_constant=not is_fed))
    for function in graph.functions.values():
        for node in _integer_divisions(function.nodes):
            source = function.nodes.get(body_source(node.inputs[1]))
            value = None if source is None else _value(source)
            if value is not None and not np.all(value):
                name = f"{function.name}/{node.name}"
                raise Division(name, node.op, node.inputs[1], is_constant=True).refusal()
    return found


def _integer_divisions(nodes: Nodes) -> Iterator[Node]:
    for node in nodes.values():
        if node.op not in _DIVISIONS or len(data_inputs(node)) != 2:
            continue
        dtype = dtypes.numpy_dtype(dtype_of(node, 0, {}) or 0)
        if dtype is not None and dtype.kind in "iu":
            yield node


def _constant(nodes: Nodes, edge: str) -> Array | None:
    """The value of a constant that is at most passed on."""
    node = nodes[parse_input(edge).name]
    for _ in range(8):
        if node.op not in _PASSING or not node.inputs:
            break
        node = nodes[parse_input(node.inputs[0]).name]
    return _value(node)


def _value(node: Node) -> Array | None:
    value = node.attr("value") if node.op == "Const" else None
    return value.array() if isinstance(value, TensorMessage) else None
