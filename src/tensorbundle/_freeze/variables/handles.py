"""Handles and references of variables, followed to where they go (freeze.md §2.1).

A reference or handle passes through control flow, into functions and out of them. What it passes
is found in loops over lists of work, since loops of a graph lead back and functions nest deep.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from ..._graphdef.attributes import FunctionRef
from ..._graphdef.functions import Function
from ..._graphdef.nodes import Node
from ..._graphdef.roles import FUNCTION_USES, HANDLE_CARRIERS, REF_CARRIERS, WHILE_USE, FunctionUse
from ..._ops.edges import Scope, data_inputs
from ...errors import FormatError


@dataclass(frozen=True, slots=True)
class Handle:
    """A variable that is to be frozen, as something that passes along an edge.

    Attributes:
        variable: The node of the variable.
        dtype: The DataType number of its values.
        shape: Its shape as far as it is known.
        is_ref: Whether it is a reference, which is read by whoever does not want one.
        is_stored: Whether the stored value is taken even where a written one is wanted.
    """

    variable: str
    dtype: int
    shape: tuple[int, ...] | None
    is_ref: bool = False
    is_stored: bool = False


class WantedFunction(NamedTuple):
    """A function is wanted that takes values where the given one takes handles."""

    function: str
    arguments: tuple[tuple[int, Handle], ...]


class Specialised(NamedTuple):
    """The function that a `WantedFunction` asks for.

    Attributes:
        name: Its name.
        outputs: The names of its results.
        results: Those by number that were handles and are values now.
        written: The arguments whose variables it would have written.
    """

    name: str
    outputs: tuple[str, ...]
    results: Mapping[int, Handle]
    written: frozenset[int] = frozenset()


_DIRECT: Final = FunctionUse((), 0, "", "")


@dataclass(slots=True)
class Traced:
    """What carries variables in a scope.

    Attributes:
        handles: By edge, the variable that passes.
        arguments: By node that uses functions, its handles by number of the argument.
        callees: By such a node, its functions: name before, and what took its place.
    """

    handles: dict[str, Handle] = field(default_factory=dict)
    arguments: dict[str, dict[int, Handle]] = field(default_factory=dict)
    callees: dict[str, list[tuple[str, Specialised]]] = field(default_factory=dict)

    def written(self) -> dict[str, set[str]]:
        """By node that uses functions, the variables that those would have written."""
        found: dict[str, set[str]] = {}
        for name, callees in self.callees.items():
            for _, callee in callees:
                for number in callee.written:
                    found.setdefault(name, set()).add(self.arguments[name][number].variable)
        return found


def passes(op: str, handle: Handle) -> bool:
    """Whether an operation does nothing to a variable but pass it on."""
    return op in (REF_CARRIERS if handle.is_ref else HANDLE_CARRIERS)


def function_use(node: Node, functions: Mapping[str, Function]) -> FunctionUse | None:
    """How a node uses functions that may be given handles; None if it does not."""
    use = FUNCTION_USES.get(node.op)
    return _DIRECT if use is None and node.op in functions else use


def used_functions(node: Node, use: FunctionUse) -> list[str]:
    """The functions of a node that uses some."""
    if not use.keys:
        return [node.op]
    names = []
    for key in use.keys:
        value = node.attr(key)
        refs = value if isinstance(value, list) else [value]
        if not refs or not all(isinstance(ref, FunctionRef) for ref in refs):
            raise FormatError(f"node {node.name!r} does not say which function {key!r} is")
        names += [ref.name for ref in refs]
    return names


def trace_handles(
    scope: Scope,
    kept: Mapping[str, object],
    start: Mapping[str, Handle],
    functions: Mapping[str, Function],
) -> Generator[WantedFunction, Specialised, Traced]:
    """Follow variables through a scope.

    Args:
        scope: The graph or body.
        kept: The nodes of it that matter.
        start: The edges that variables begin at.
        functions: All functions.

    Yields:
        Functions that are wanted; what is sent back for each is what took its place.
    """
    traced = Traced()
    consumers = _consumers(scope, kept, functions, start)
    todo = list(start.items())
    switched = _switched(scope, consumers)
    waiting: OrderedDict[str, FunctionUse] = OrderedDict()
    while todo or waiting:
        if not todo:
            name, use = waiting.popitem(last=False)
            callees = []
            arguments = tuple(sorted(traced.arguments[name].items()))
            for function in used_functions(scope.nodes[name], use):
                callees.append((function, (yield WantedFunction(function, arguments))))
            traced.callees[name] = callees
            todo += _results(scope, name, use, callees)
            continue
        edge, handle = todo.pop()
        known = traced.handles.get(edge)
        if known is not None:
            if known.shape == handle.shape or known.shape is None:
                continue
            handle = replace(known, shape=None)  # one of several variables, of different shapes
        traced.handles[edge] = handle
        for node, port in consumers.get(edge, ()):
            use_here = function_use(node, functions)
            if use_here is None:
                todo += ((out, handle) for out in _passed(scope, node, port, handle))
                todo += ((out, handle) for out in switched.get(node.name, ()) if port == 0)
            elif not handle.is_ref and port >= use_here.first:
                number = port - use_here.first
                traced.arguments.setdefault(node.name, {})[number] = handle
                waiting[node.name] = use_here
                if use_here is WHILE_USE:
                    todo.append((scope.tensor(node.name, number, "output", number), handle))
    return traced


def _consumers(
    scope: Scope,
    kept: Mapping[str, object],
    functions: Mapping[str, Function],
    start: Mapping[str, Handle],
) -> dict[str, list[tuple[Node, int]]]:
    """Who takes what from where: of all edges that may carry a variable."""
    source, spelled = scope.source, scope.spelled
    carriers = {source(edge) for edge in start}
    for name in kept:
        op = scope.nodes[name].op
        if op in HANDLE_CARRIERS or op in REF_CARRIERS or op in FUNCTION_USES or op in functions:
            carriers.add(name)
    consumers: dict[str, list[tuple[Node, int]]] = {}
    for name in kept:
        node = scope.nodes[name]
        for port, edge in enumerate(data_inputs(node)):
            if source(edge) in carriers:
                consumers.setdefault(spelled(edge), []).append((node, port))
    return consumers


def _switched(
    scope: Scope, consumers: Mapping[str, list[tuple[Node, int]]]
) -> dict[str, list[str]]:
    """The edges from each switch of many branches that are used: it may claim any number."""
    edges: dict[str, list[str]] = {}
    for edge in (*consumers, *map(scope.spelled, scope.roots)):
        name = scope.source(edge)
        if name in scope.nodes and scope.nodes[name].op == "_SwitchN":
            edges.setdefault(name, []).append(edge)
    return edges


def _passed(scope: Scope, node: Node, port: int, handle: Handle) -> Iterator[str]:
    """The edges on which a node passes the variable on that it is given."""
    op = node.op
    if handle.is_ref:
        if op not in REF_CARRIERS:
            return
        op = REF_CARRIERS[op]
    elif op not in HANDLE_CARRIERS:
        return
    if op == "Switch":
        if port == 0:
            yield scope.tensor(node.name, 0, "output_false", 0)
            yield scope.tensor(node.name, 1, "output_true", 0)
    elif op == "IdentityN":
        yield scope.tensor(node.name, port, "output", port)
    elif op == "Merge" or (port == 0 and op != "_SwitchN"):
        yield scope.tensor(node.name, 0, "output", 0)


def _results(
    scope: Scope, name: str, use: FunctionUse, callees: list[tuple[str, Specialised]]
) -> Iterator[tuple[str, Handle]]:
    """The edges on which functions give variables back."""
    if use is WHILE_USE:
        return  # its outputs are what its inputs are, which is known already
    for _, callee in callees:
        for number, handle in callee.results.items():
            output, index = "output", number
            if use is _DIRECT:
                output, index = callee.outputs[number], 0
            yield scope.tensor(name, number, output, index), handle
