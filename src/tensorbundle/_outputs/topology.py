"""Topology of a graph in numbers: nodes in stored order, data edges, and cones over them.

Control edges carry no values and are left out. Everything is iterative and visits an edge a bounded
number of times: graphs have a million nodes in a chain, and the loops of TensorFlow 1 are cycles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from .._graphdef.meta_graph import MetaGraph
from .._graphdef.nodes import Node
from .._graphdef.shapes import ShapeValue
from .._ops import types
from .._ops.types import Shape

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]

# A node between an Enter and an Exit has a value per iteration: nothing outside may take it.
_ENTERS: Final = frozenset(("Enter", "RefEnter"))
_EXITS: Final = frozenset(("Exit", "RefExit"))
_GATHERS: Final = frozenset(("TensorArrayGatherV3", "TensorArrayConcatV3", "TensorArrayReadV3"))
_WRITES: Final = frozenset(("TensorArrayWriteV3", "TensorArrayWriteV2", "TensorArrayWrite"))
_ARRANGING: Final = _GATHERS | {"Transpose", "TensorArraySizeV3"}
_ARRANGED: Final = 3  # arrangements between what leaves a loop and who takes it
_LAST: Final = -1
_PASSES: Final = 8  # over an order that only loops break: one more than loops are nested


class Groups:
    """Lists of numbers, one per node, in one list: a million small lists would be slow to make."""

    __slots__ = ("starts", "values")

    def __init__(self, values: Numbers, keys: Numbers, count: int) -> None:
        """The values of each key from 0 up to the count; the keys are sorted."""
        self.values: list[int] = values.tolist()
        self.starts: list[int] = [0, *np.cumsum(np.bincount(keys, minlength=count)).tolist()]

    def __getitem__(self, place: int) -> list[int]:
        return self.values[self.starts[place] : self.starts[place + 1]]


class Topology:
    """The data edges of a graph.

    Attributes:
        meta: What is said about the graph.
        names: The names of nodes in stored order; everything else speaks of places in it.
        nodes: The nodes themselves.
        ops: Their operations.
        index: The place of each name.
        inputs: By node, the nodes that its data inputs come from. Missing ones are left out.
        ports: By node that has an input other than an output 0: the outputs, as long as `inputs`.
        consumers: By node, the nodes that have it as a data input, once per input.
    """

    def __init__(self, meta: MetaGraph) -> None:
        self.meta = meta
        stored = meta.nodes
        self.names: list[str] = meta.node_names
        self.nodes: list[Node] = [stored[name] for name in self.names]
        self.ops: list[str] = [node.op for node in self.nodes]
        places = range(len(self.names) - 1, -1, -1)  # of equal names the first counts
        self.index: dict[str, int] = dict(zip(reversed(self.names), places, strict=True))
        starts, sources, ports, _ = meta.edges
        consumers = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(starts))
        data = (sources >= 0) & (ports >= 0)
        sources, ports, consumers = sources[data], ports[data], consumers[data]
        self.inputs = Groups(sources, consumers, len(self))
        ordered = np.argsort(sources, kind="stable")
        self.consumers = Groups(consumers[ordered], sources[ordered], len(self))
        self.ports = self._other_ports(consumers, ports)

    def __len__(self) -> int:
        return len(self.names)

    def _other_ports(self, consumers: Numbers, ports: Numbers) -> dict[int, list[int]]:
        starts = self.inputs.starts
        return {
            place: ports[starts[place] : starts[place + 1]].tolist()
            for place in np.unique(consumers[ports > 0]).tolist()
        }

    def ports_of(self, place: int) -> Sequence[int]:
        """Which output of its source each data input is."""
        return self.ports.get(place) or [0] * len(self.inputs[place])

    def used_ports(self, place: int) -> dict[int, list[int]]:
        """The outputs of a node that somebody takes, in order, each with who takes it."""
        used: dict[int, list[int]] = {}
        for consumer in dict.fromkeys(self.consumers[place]):
            taken = zip(self.inputs[consumer], self.ports_of(consumer), strict=True)
            for port in {port for source, port in taken if source == place}:
                used.setdefault(port, []).append(consumer)
        return dict(sorted(used.items()))

    def forward(self, starts: Iterable[int], barred: bytearray) -> bytearray:
        """The starts and what depends on them; nothing barred is entered."""
        return _cone(starts, self.consumers, barred)

    def backward(self, starts: Iterable[int], barred: bytearray) -> bytearray:
        """The starts and what they depend on; nothing barred is entered."""
        return _cone(starts, self.inputs, barred)

    def order(self) -> list[int]:
        """Every node after its inputs, as far as loops allow."""
        consumers, starts = self.consumers.values, self.consumers.starts
        waiting = np.diff(self.inputs.starts).tolist()
        ready = [place for place, count in enumerate(waiting) if not count]
        done = bytearray(len(self))
        found: list[int] = []
        stored = iter(range(len(self)))
        while len(found) < len(self):
            if not ready:  # a loop: enter it where it was written down first
                ready.append(next(place for place in stored if not done[place]))
            place = ready.pop()
            if done[place]:
                continue
            done[place] = 1
            found.append(place)
            for consumer in consumers[starts[place] : starts[place + 1]]:
                waiting[consumer] -= 1
                if not waiting[consumer] and not done[consumer]:
                    ready.append(consumer)
        return found

    def reached_by(
        self, starts: Sequence[int], order: Sequence[int], barred: bytearray
    ) -> list[int]:
        """By node, which of the starts depend on it, as bits.

        One pass over the nodes in backward order serves all starts at once; loops take another.
        """
        masks = [0] * len(self)
        for bit, place in enumerate(starts):
            masks[place] |= 1 << bit
        cone = self.backward(starts, barred)
        places = [place for place in reversed(order) if cone[place]]
        for _ in range(_PASSES):
            changed = False
            seen = bytearray(len(self))
            for place in places:
                seen[place] = 1
                if mask := masks[place]:
                    for source in self.inputs[place]:
                        if mask & ~masks[source] and not barred[source]:
                            masks[source] |= mask
                            changed = changed or bool(seen[source])
            if not changed:
                break
        return masks


def bit_counts(masks: Iterable[int], width: int) -> list[int]:
    """How often each bit is set."""
    counts = [0] * width
    for mask in masks:
        while mask:
            low = mask & -mask
            counts[low.bit_length() - 1] += 1
            mask ^= low
    return counts


def _cone(begin: Iterable[int], edges: Groups, barred: bytearray) -> bytearray:
    cone = bytearray(len(barred))
    values, starts = edges.values, edges.starts
    stack = [place for place in begin if not barred[place]]
    for place in stack:
        cone[place] = 1
    while stack:
        place = stack.pop()
        for other in values[starts[place] : starts[place + 1]]:
            if not cone[other] and not barred[other]:
                cone[other] = 1
                stack.append(other)
    return cone


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


class LoopResults:
    """What comes out of loops: a loop gives every value it has, whether or not somebody wants it.

    A value of which nothing is made is left over where something is made of another one.
    """

    def __init__(self, graph: Topology, inside: bytearray) -> None:
        self.graph = graph
        self.inside = inside
        self._used: dict[str, int] = {}
        for place, op in enumerate(graph.ops):
            if op in _EXITS and inside[place]:
                scope = self._scope(place)
                self._used[scope] = max(self._used.get(scope, 0), self._use(place))

    def is_left(self, place: int) -> bool:
        """Whether a node is a value that is left over: what leaves the loop, or an arrangement."""
        for _ in range(_ARRANGED):
            if self.graph.ops[place] in _EXITS:
                return self._use(place) < self._used.get(self._scope(place), 0)
            if self.graph.ops[place] not in _ARRANGING or not self.graph.inputs[place]:
                return False
            gathers = self.graph.ops[place] in _GATHERS
            place = self.graph.inputs[place][_LAST if gathers else 0]
        return False

    def _scope(self, place: int) -> str:
        return self.graph.names[place].rpartition("/")[0]

    def _use(self, place: int) -> int:
        """How far a value goes: 0 nowhere, 1 it is only arranged, 2 something is made of it."""
        arranged = 0
        for _ in range(_ARRANGED):
            users = [each for each in self.graph.consumers[place] if self.inside[each]]
            following = [each for each in users if self.graph.ops[each] in _ARRANGING]
            if len(following) < len(users):
                return 2
            if not following:
                return arranged
            arranged, place = 1, following[0]
        return arranged


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
