"""Loops of TensorFlow 1: which nodes run inside one, and what a result that leaves it is made of.

A node between an ``Enter`` and an ``Exit`` has a value per iteration: nothing outside may take it,
so it is no output. What leaves the loop, through an ``Exit`` or a gathered ``TensorArray``, is.
"""

from __future__ import annotations

from typing import Final

from . import words
from .topology import Topology

_ENTERS: Final = words.names("Enter RefEnter")
_EXITS: Final = words.names("Exit RefExit")
_GATHERS: Final = words.names("TensorArrayGatherV3 TensorArrayConcatV3 TensorArrayReadV3")
_WRITES: Final = words.names("TensorArrayWriteV3 TensorArrayWriteV2 TensorArrayWrite")
_LAST: Final = -1


def inside_loops(graph: Topology) -> bytearray:
    """Mark the nodes that run once per iteration: how many loops deep, at most 255.

    Follows values from each ``Enter``; an ``Exit`` leads one loop out.
    """
    depth = bytearray(len(graph))
    stack = [place for place, op in enumerate(graph.ops) if op in _ENTERS]
    for place in stack:
        depth[place] = 1
    while stack:
        place = stack.pop()
        for each in graph.consumers[place]:
            op = graph.ops[each]
            at = depth[place] + (op in _ENTERS) - (op in _EXITS)
            # Only an Enter goes deeper, and a loop's own edges come back to the depth they left.
            if depth[each] < at <= 255:
                depth[each] = at
                stack.append(each)
    return depth


def source_in_loop(graph: Topology, place: int) -> int | None:
    """The node inside a loop whose values a node outside collects, or whose last one it is.

    Args:
        graph: The graph.
        place: An ``Exit``, or what gathers the array that a loop wrote.

    Returns:
        The node that each iteration computes; None if the place is nothing of the kind.
    """
    if graph.ops[place] in _GATHERS and graph.inputs[place]:
        place = graph.inputs[place][_LAST]  # the flow
    for ops in (_EXITS, ("Switch", "RefSwitch"), ("Merge", "RefMerge")):
        if graph.ops[place] not in ops or not graph.inputs[place]:
            return None
        sources = graph.inputs[place]
        place = sources[0]
        if "Merge" in ops:
            following = [each for each in sources if graph.ops[each] == "NextIteration"]
            if not following or not graph.inputs[following[0]]:
                return None
            place = graph.inputs[following[0]][0]
    if graph.ops[place] in _WRITES and len(graph.inputs[place]) > 2:
        return graph.inputs[place][2]
    return place
