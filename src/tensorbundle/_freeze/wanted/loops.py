"""Loops of TensorFlow 1: what is inside of a frame is no output, what leaves it is (freeze.md §2).

A node between ``Enter`` and ``Exit`` computes once a round. TensorFlow cannot fetch it, nor feed
it; the value after the last round is that of an ``Exit``, those of all rounds are gathered from a
``TensorArray`` behind one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ..._format.wording import listed, quoted
from ..._graphdef.nodes import Node, Nodes, parse_input
from ...errors import ConversionError

_ENTERS: Final = frozenset({"Enter", "RefEnter"})
_EXITS: Final = frozenset({"Exit", "RefExit"})
_GATHERS: Final = ("TensorArrayGather", "TensorArrayConcat", "TensorArrayRead", "TensorListStack")
_MAX_DEPTH: Final = 64
_STEPS: Final = 4  # from an Exit to what gathers all rounds
_SHOWN: Final = 3


class Frames:
    """The nodes of a graph that are inside of loops.

    Args:
        nodes: The main graph.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._entries: dict[str, tuple[str, ...]] = {}
        self._consumers: Mapping[str, list[str]] = {}
        enters = [name for name, node in nodes.items() if node.op in _ENTERS]
        if enters:
            self._consumers = _consumers(nodes)
            self._walk(enters)

    def _walk(self, enters: list[str]) -> None:
        """Note by which entries each node is reached; beyond any sense loops do not nest."""
        waiting: list[tuple[str, tuple[str, ...]]] = [(name, (name,)) for name in enters]
        for name, path in waiting:  # which grows
            if len(path) <= len(self._entries.get(name, ())) or len(path) > _MAX_DEPTH:
                continue
            self._entries[name] = path
            for other in self._consumers.get(name, ()):
                op = self._nodes[other].op
                inner = (*path, other) if op in _ENTERS else path[: len(path) - (op in _EXITS)]
                if inner:
                    waiting.append((other, inner))

    def holds(self, name: str) -> bool:
        """Whether a node computes in each round of a loop."""
        return name in self._entries

    def entries(self, name: str) -> list[Node]:
        """By loop that a node is in, the outermost first, one of the nodes that enter it."""
        return [self._nodes[each] for each in self._entries.get(name, ())]

    def leaving(self, name: str) -> list[str]:
        """What leaves the loop that a node is in, and comes of the node: gathered rounds first."""
        seen, exits = {name}, []
        waiting = [name]
        for each in waiting:  # which grows
            for other in self._consumers.get(each, ()):
                if other in seen:
                    continue
                seen.add(other)
                if self.holds(other):
                    waiting.append(other)
                elif self._nodes[other].op in _EXITS:
                    exits.append(other)
        return [*self._gathered(exits), *exits]

    def _gathered(self, exits: Iterable[str]) -> list[str]:
        found: dict[str, None] = {}
        for name in exits:
            waiting = [name]
            for _ in range(_STEPS):
                waiting = [other for each in waiting for other in self._consumers.get(each, ())]
                for each in waiting:
                    if self._nodes[each].op.startswith(_GATHERS) and not self.holds(each):
                        found[each] = None
        return list(found)


def _consumers(nodes: Nodes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, node in nodes.items():
        for text in node.inputs:
            found.setdefault(parse_input(text).name, []).append(name)
    return found


def refuse_inside(nodes: Nodes, outputs: Iterable[str], cuts: Iterable[str]) -> None:
    """Refuse tensors that a loop computes in each of its rounds.

    Raises:
        ConversionError: There is one; what leaves the loop is named.
    """
    frames = Frames(nodes)
    for tensors, what in ((outputs, "be an output"), (cuts, "be fed")):
        for text in tensors:
            name = parse_input(text).name
            if not frames.holds(name):
                continue
            after = frames.leaving(name)
            hint = f": name what leaves the loop: {listed(after, _SHOWN)}" if after else ""
            raise ConversionError(
                f"{quoted(text)} cannot {what}, since a loop computes it in each round{hint}"
            )
