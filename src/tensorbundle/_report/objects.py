"""Object tree of a checkpoint, as the page opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .._printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._objects.graph import ObjectGraph

_MOST: Final = 100_000  # objects


def objects_of(graph: ObjectGraph, rows: Mapping[str, int]) -> dict[str, Any]:
    """Put down the objects: children by local name, and the rows of the tensors that they have.

    Args:
        graph: The object graph.
        rows: The row of each tensor.
    """
    nodes = [
        [
            [[printable(name), child] for name, child in node.children],
            [[each.name, rows.get(each.key)] for each in node.attributes],
            [[printable(each.name), each.variable, each.node] for each in node.slots],
        ]
        for node in graph.nodes[:_MOST]
    ]
    return {"nodes": nodes, "left_out": max(0, len(graph.nodes) - _MOST)}
