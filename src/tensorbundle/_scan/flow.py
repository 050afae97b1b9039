"""Flow of values: where inputs come from, through calls of functions too, and what is run when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from .._graphdef.attributes import FunctionRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._graphdef.functions import Function
    from .._graphdef.meta_graph import MetaGraph
    from .._graphdef.nodes import Node

# Inputs of calls that are no arguments of the function: the condition, the number of the branch.
_SKIPPED = {"If": 1, "StatelessIf": 1, "Case": 1, "StatelessCase": 1}
_ASSIGNS = frozenset(["Assign", "AssignVariableOp"])


class NodePlace(NamedTuple):
    """A node: of the main graph (``""``), or of a function's body."""

    function: str
    node: str


def node_name(text: str) -> str:
    """The node in an input as it is stored."""
    return text.removeprefix("^").partition(":")[0]


def functions_named_by(node: Node) -> Iterator[str]:
    """The functions that a node calls, or hands to something that does."""
    yield node.op  # a function may be called like an operation
    for key in node.attrs:
        value = node.attr(key)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, FunctionRef):
                yield each.name


class Flow:
    """The edges of a graph and its functions."""

    def __init__(self, meta: MetaGraph) -> None:
        self.meta = meta
        self.functions: Mapping[str, Function] = meta.functions

    def nodes(self, function: str) -> Mapping[str, Node]:
        """The nodes of the main graph, or of a function."""
        return self.functions[function].nodes if function else self.meta.nodes

    def places(self) -> Iterator[tuple[NodePlace, Node]]:
        """All nodes there are."""
        for function in ("", *self.functions):
            for name, node in self.nodes(function).items():
                yield NodePlace(function, name), node

    @cached_property
    def callers(self) -> dict[str, list[tuple[NodePlace, Node]]]:
        """By function, the nodes that name it."""
        found: dict[str, list[tuple[NodePlace, Node]]] = defaultdict(list)
        for place, node in self.places():
            for name in functions_named_by(node):
                if name in self.functions:
                    found[name].append((place, node))
        return found

    def sources(self, place: NodePlace, text: str) -> set[NodePlace]:
        """All nodes that an input is made of, through functions' arguments up to the callers."""
        seen: set[NodePlace] = set()
        todo = [(place.function, node_name(text))]
        while todo:
            function, name = todo.pop()
            here = NodePlace(function, name)
            if here in seen:
                continue
            node = self.nodes(function).get(name)
            if node is not None:
                seen.add(here)
                todo += [(function, node_name(each)) for each in node.inputs if each[:1] != "^"]
                if not function:
                    todo += [("", each) for each in self._assigned.get(name, ())]
            elif function:
                seen.add(here)
                arguments = [arg.name for arg in self.functions[function].signature.inputs]
                if name in arguments:
                    todo += self._given(function, arguments.index(name))
        return {each for each in seen if each.node in self.nodes(each.function)}

    @cached_property
    def _assigned(self) -> dict[str, list[str]]:
        """By variable of the main graph, the nodes that are assigned to it."""
        found: dict[str, list[str]] = defaultdict(list)
        for node in self.meta.nodes.values():
            if node.op in _ASSIGNS and len(node.inputs) > 1:
                found[node_name(node.inputs[0])].append(node_name(node.inputs[1]))
        return found

    def _given(self, function: str, position: int) -> Iterator[tuple[str, str]]:
        """What callers give for an argument."""
        for place, node in self.callers.get(function, ()):
            at = position + _SKIPPED.get(node.op, 0)
            inputs = [each for each in node.inputs if each[:1] != "^"]
            if at < len(inputs):
                yield place.function, node_name(inputs[at])

    def run_for(self, roots: Iterable[str]) -> set[NodePlace]:
        """The nodes that are run when some of the main graph are, bodies of functions too."""
        seen: set[NodePlace] = set()
        todo = [NodePlace("", node_name(root)) for root in roots]
        while todo:
            place = todo.pop()
            node = self.nodes(place.function).get(place.node)
            if node is None or place in seen:
                continue
            seen.add(place)
            todo += [NodePlace(place.function, node_name(each)) for each in node.inputs]
            for name in functions_named_by(node):
                if name in self.functions:
                    todo += [NodePlace(name, each) for each in self.nodes(name)]
        return seen
