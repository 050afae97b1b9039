"""Edges: who feeds whom, in a graph and in the body of a function (freeze.md §1.1).

The main graph says ``node`` or ``node:number``, a body says ``node:output:index`` or the name of an
argument; ``^node`` is a control edge in both. A `Scope` hides the difference, so that what is done
to variables is written once for both.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from .._graphdef.functions import Function
from .._graphdef.nodes import Node, Nodes, parse_input
from ..errors import FormatError

# So many control edges are written out at every node that waits; more are gathered in one NoOp.
FEW_EDGES: Final = 8


def main_source(edge: str) -> str:
    """Node that an edge of the main graph comes from."""
    if edge.startswith("^"):
        return edge[1:]
    return parse_input(edge).name if ":" in edge else edge


def body_source(edge: str) -> str:
    """Node or argument that an edge of a function's body comes from."""
    name = edge.partition(":")[0]
    return name[1:] if name.startswith("^") else name


def data_inputs(node: Node) -> tuple[str, ...]:
    """Inputs of a node that are no control edges."""
    inputs = node.inputs
    # Most nodes have no control edges.
    if not any(edge[:1] == "^" for edge in inputs):
        return inputs
    return tuple(edge for edge in inputs if edge[:1] != "^")


def control_inputs(node: Node) -> tuple[str, ...]:
    """Inputs of a node that are control edges."""
    return tuple(edge for edge in node.inputs if edge[:1] == "^")


@dataclass(frozen=True, slots=True)
class Scope:
    """Graph, or the body of a function.

    Attributes:
        nodes: Its nodes.
        roots: The edges that must be there in the end: outputs, results, control results.
        function: The name of the function; empty for the main graph.
        arguments: The function's arguments.
    """

    nodes: Nodes
    roots: tuple[str, ...]
    function: str = ""
    arguments: frozenset[str] = frozenset()

    @classmethod
    def of_function(cls, function: Function) -> Scope:
        """Scope that a function's body is."""
        roots = [*function.ret.values(), *(f"^{name}" for name in function.control_ret.values())]
        arguments = frozenset(arg.name for arg in function.signature.inputs)
        return cls(function.nodes, tuple(roots), function.name, arguments)

    @property
    def source(self) -> Callable[[str], str]:
        """Function that tells the node (or argument) that an edge comes from."""
        return body_source if self.function else main_source

    def spelled(self, edge: str) -> str:
        """Data edge in its one spelling: without ``:0`` in the main graph, with it in a body."""
        if not self.function:
            return edge[:-2] if edge.endswith(":0") else edge
        name, _, output = edge.partition(":")
        if name in self.arguments:
            return edge if output and output != "0" else name
        return edge if ":" in output else f"{edge}:0"

    def tensor(self, node: str, number: int, output: str, index: int) -> str:
        """Edge for an output, told in both ways: flat number; name and index within that."""
        if self.function:
            return f"{node}:{output}:{index}"
        return f"{node}:{number}" if number else node

    def where(self, node: str) -> str:
        """Node as errors name it."""
        return f"{node!r} of function {self.function!r}" if self.function else repr(node)


def reachable(
    nodes: Mapping[str, Node],
    roots: Iterable[str],
    source: Callable[[str], str] = main_source,
    arguments: frozenset[str] = frozenset(),
    *,
    inputs: Callable[[Node], Iterable[str]] = lambda node: node.inputs,
) -> dict[str, str]:
    """Nodes that others need.

    Args:
        nodes: The graph.
        roots: The edges or nodes that are needed first.
        source: What tells the node of an edge.
        arguments: Names that are no nodes but may be used.
        inputs: The inputs of a node that are followed.

    Returns:
        By node, one of those that need it (empty for a root).

    Raises:
        FormatError: An edge comes from a node that is not there.
    """
    found = {source(root): "" for root in roots}
    for name in list(found):
        if name in arguments:
            del found[name]
        elif name not in nodes:
            raise FormatError(f"there is no node {name!r} in the graph")
    todo = list(found)
    while todo:
        name = todo.pop()
        for edge in inputs(nodes[name]):
            other = source(edge)
            if other in found or other in arguments:
                continue
            if other not in nodes:
                raise FormatError(
                    f"node {name!r} has the input {edge!r}: there is no node {other!r}"
                )
            found[other] = name
            todo.append(other)
    return found


class NewNames:
    """Makes names that nothing has yet.

    Args:
        taken: The names that there are.
    """

    def __init__(self, *taken: Container[str]) -> None:
        self._taken = taken
        self._made: set[str] = set()
        # Where to go on, so that many names of one stem are not all tried again for the next.
        self._next: dict[str, int] = {}

    def make(self, wanted: str) -> str:
        """Name, with a number appended if there is one; it is taken then."""
        number = self._next.get(wanted, 0)
        name = f"{wanted}_{number}" if number else wanted
        while name in self._made or any(name in each for each in self._taken):
            number += 1
            name = f"{wanted}_{number}"
        self._next[wanted] = number + 1
        self._made.add(name)
        return name


def unique_name(wanted: str, *taken: Container[str]) -> str:
    """Name, with a number appended if one of these has it; see `NewNames` for many."""
    return NewNames(*taken).make(wanted)
