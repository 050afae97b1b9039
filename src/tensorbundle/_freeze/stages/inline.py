"""Function calls inlined: the nodes of the body in place of the call (freeze.md §2.3).

Only calls that the outputs need are looked at. A node ``inner`` of the body of call ``c`` becomes
``c/inner``. Everything is a loop over a stack, since calls may be nested as deep as a file likes;
how much may come of them is bounded, since bodies that call twice each double at every level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from ..._graphdef.attributes import FunctionRef
from ..._graphdef.functions import Function, OpDef
from ..._graphdef.nodes import Node, Nodes, join_input, make_node, parse_input
from ..._graphdef.roles import CALLS, CONTEXT_OPS
from ..._ops.edges import FEW_EDGES, NewNames, main_source
from ..._ops.ports import PortNumbers
from ...errors import FormatError, UnsupportedError
from .body import Body, MadeBody

# What may come of inlining: beyond that, a file is a bomb rather than a model.
_FREE_NODES: Final = 100_000
_GROWTH: Final = 20
_MAX_NAME_BYTES: Final = 1 << 26


class Inlined(NamedTuple):
    """A graph without the calls that were reachable.

    Attributes:
        nodes: Its nodes.
        tensors: By output of a call (``call:0``), the tensor that it is now.
    """

    nodes: Nodes
    tensors: Mapping[str, str]

    def tensor(self, name: str) -> str:
        """What a tensor of the graph before is called now."""
        at = parse_input(name)
        return self.tensors.get(f"{at.name}:{at.port}", name)


def inline_calls(
    nodes: Nodes,
    functions: Mapping[str, Function],
    roots: Iterable[str],
    op_defs: Mapping[str, OpDef],
) -> Inlined:
    """Inline the function calls that some nodes need.

    Args:
        nodes: The main graph.
        functions: Its functions.
        roots: The nodes whose calls are inlined, and all that they need.
        op_defs: What the model itself says of operations.

    Returns:
        The graph with bodies in place of calls; everything else is as before.

    Raises:
        FormatError: A function is missing or calls itself, or its body does not fit.
        UnsupportedError: More would come of it than 20 times the graph, or a body uses several
            outputs of an operation that nothing is known of.
    """
    return _Inliner(nodes, functions, op_defs).run(roots)


class _Inliner:
    def __init__(
        self, nodes: Nodes, functions: Mapping[str, Function], op_defs: Mapping[str, OpDef]
    ) -> None:
        self._given = nodes
        self._functions = functions
        self._ports = PortNumbers(functions, op_defs)
        self._nodes: Nodes = dict(nodes)
        self._bodies: dict[str, list[str]] = {}  # by call: the nodes that took its place
        self._results: dict[str, str] = {}  # by output of a call: an edge, perhaps of a call
        self._after: dict[str, list[str]] = {}  # by call: the nodes that it is done with
        self._checked: set[str] = set()
        self._counted: set[str] = set()
        self._made: dict[tuple[object, ...], Body] = {}
        self._left = _FREE_NODES + _GROWTH * len(nodes)
        self._name_bytes = 0
        self._in_context: set[str] = set()

    def run(self, roots: Iterable[str]) -> Inlined:
        todo = list(roots)
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name in seen or name not in self._nodes:
                continue  # what is missing is found by whoever needs all edges
            seen.add(name)
            node = self._nodes[name]
            todo += map(main_source, node.inputs)
            ref = called_function(node, self._functions)
            if ref is not None:
                made = self._expand(node, ref)
                todo += (main_source(edge) for edge in made.results)
                todo += made.after
        if not self._bodies:
            return Inlined(self._given, {})
        tensors = {call: self._resolve(call) for call in self._results}
        return Inlined(self._without_calls(tensors), tensors)

    def _expand(self, call: Node, ref: FunctionRef) -> MadeBody:
        if not self._bodies:
            self._in_context = _downstream(self._given, CONTEXT_OPS)
        body = self._body(call, ref)
        self._account(call, body)
        in_context = call.name in self._in_context
        made = body.make(call, self._nodes, anchored=in_context)
        self._nodes.update((node.name, node) for node in made.nodes)
        names = [node.name for node in made.nodes]
        if in_context or body.has_contexts:
            self._in_context.update(names)
        self._bodies[call.name] = names
        self._after[call.name] = made.after
        for number, edge in enumerate(made.results):
            self._results[f"{call.name}:{number}"] = edge
        return made

    def _body(self, call: Node, ref: FunctionRef) -> Body:
        function = self._functions.get(ref.name)
        if function is None:
            raise FormatError(f"node {call.name!r} calls {ref.name!r}: there is no such function")
        defaults = function.signature.attrs
        attrs = {key: ref.attrs.get(key, raw) for key, raw in defaults.items()}
        known = {key: raw for key, raw in attrs.items() if raw is not None}
        key = (ref.name, tuple((name, bytes(raw)) for name, raw in sorted(known.items())))
        if key not in self._made:
            check_recursion(ref.name, self._functions, self._checked)
            self._made[key] = Body(function, known, self._ports)
            if ref.name not in self._counted:
                self._counted.add(ref.name)
                self._left += _GROWTH * len(function.nodes)
        return self._made[key]

    def _account(self, call: Node, body: Body) -> None:
        """Refuse what would take more memory than the file can justify."""
        self._left -= len(body.nodes)
        self._name_bytes += len(call.name) * len(body.nodes)
        if self._left < 0 or self._name_bytes > _MAX_NAME_BYTES:
            raise UnsupportedError(
                f"inlining calls makes the graph too large, at {call.name[:200]!r} of function "
                f"{body.name!r}: expected at most {_GROWTH} times the nodes stored; keep functions"
            )

    def _resolve(self, tensor: str) -> str:
        """Follow calls that pass tensors through; what was passed is remembered on the way."""
        passed = []
        while tensor in self._results:
            passed.append(tensor)
            following = parse_input(self._results[tensor])
            if following.name not in self._bodies:
                tensor = join_input(*following)
                break
            tensor = f"{following.name}:{following.port}"
            if len(passed) > len(self._results):
                raise FormatError(f"calls pass {tensor!r} on to each other in a circle")
        if main_source(tensor) in self._bodies:
            raise FormatError(f"there is no output {tensor!r}: a call has no so many")
        for each in passed:
            self._results[each] = tensor
        return tensor

    def _without_calls(self, tensors: Mapping[str, str]) -> Nodes:
        waits = _Waits(self._after, self._bodies, self._nodes)
        result: Nodes = {}
        for name in _in_order(self._given, self._bodies):
            node = self._nodes[name]
            if any(main_source(edge) in self._bodies for edge in node.inputs):
                node = node.replace(inputs=_redirected(node, self._bodies, tensors, waits))
            result[name] = node
        for node in waits.made:
            result[node.name] = node
        return result


class _Waits:
    """What a control edge from a call becomes: edges from all that the call is done with."""

    def __init__(self, after: Mapping[str, list[str]], calls: Mapping[str, object], nodes: Nodes):
        self.made: list[Node] = []
        self._after = after
        self._calls = calls
        self._nodes = nodes
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, call: str) -> tuple[str, ...]:
        """The nodes to wait for instead of a call."""
        stack, entered = [call], set()
        while stack:
            name = stack[-1]
            if name not in entered and name not in self._known:
                entered.add(name)
                inner = [each for each in self._after[name] if each in self._calls]
                # A call that waits for itself, in a circle, adds nothing.
                stack += [each for each in inner if each not in entered]
                continue
            stack.pop()
            if name not in self._known:
                self._known[name] = self._gathered(name)
        return self._known[call]

    def _gathered(self, call: str) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for each in self._after[call]:
            names.update(
                dict.fromkeys(self._known.get(each, ()) if each in self._calls else (each,))
            )
        if len(names) <= FEW_EDGES:
            return tuple(names)
        name = NewNames(self._nodes).make(f"{call}/done")
        node = make_node(name, "NoOp", [f"^{each}" for each in names])
        self._nodes[name] = node
        self.made.append(node)
        return (name,)


def _redirected(
    node: Node, calls: Mapping[str, object], tensors: Mapping[str, str], waits: _Waits
) -> list[str]:
    """The inputs of a node, with those that come from calls coming from bodies."""
    data: list[str] = []
    control: dict[str, None] = {}
    for edge in node.inputs:
        name, port = parse_input(edge)
        if port < 0:
            control.update(dict.fromkeys(waits.of(name) if name in calls else (name,)))
        elif name not in calls:
            data.append(edge)
        elif (tensor := tensors.get(f"{name}:{port}")) is not None:
            data.append(tensor)
        else:
            raise FormatError(f"node {node.name!r} has the input {edge!r}: no such output")
    return data + [f"^{name}" for name in control]


def _in_order(nodes: Nodes, bodies: Mapping[str, list[str]]) -> Iterator[str]:
    """The names of all nodes, those of bodies in the places of their calls."""
    stack: list[Iterator[str]] = [iter(nodes)]
    while stack:
        name = next(stack[-1], None)
        if name is None:
            stack.pop()
        elif name in bodies:
            stack.append(iter(bodies[name]))
        else:
            yield name


def _downstream(nodes: Nodes, ops: frozenset[str]) -> set[str]:
    """The nodes that depend on a node of some operations, and those nodes themselves."""
    found = {node.name for node in nodes.values() if node.op in ops}
    if not found:
        return found
    consumers: dict[str, list[str]] = {}
    for node in nodes.values():
        for edge in node.inputs:
            consumers.setdefault(main_source(edge), []).append(node.name)
    todo = list(found)
    while todo:
        for name in consumers.get(todo.pop(), ()):
            if name not in found:
                found.add(name)
                todo.append(name)
    return found


# --- functions that call themselves have no inlined form ---------------------------------------


_SHOWN: Final = 5


def called_function(node: Node, functions: Mapping[str, Function]) -> FunctionRef | None:
    """The function that a node calls, with the attributes for it; None if it is no plain call."""
    if node.op in CALLS:
        ref = node.attr("f")
        if not isinstance(ref, FunctionRef):
            raise FormatError(f"the call {node.name!r} does not say what it calls")
        return ref
    return FunctionRef(node.op, dict(node.attrs)) if node.op in functions else None


def check_recursion(name: str, functions: Mapping[str, Function], checked: set[str]) -> None:
    """Raise FormatError if a function calls itself, perhaps through others.

    Args:
        name: The function.
        functions: All functions.
        checked: Those that do not; what is found is added.
    """
    path: dict[str, Iterator[str]] = {}
    current = name
    while True:
        if current in path:
            circle = [*list(path)[list(path).index(current) :], current]
            shown = circle if len(circle) <= _SHOWN else [*circle[:_SHOWN], "...", current]
            raise FormatError(f"functions call themselves: {' -> '.join(shown)}")
        if current not in checked and current in functions:
            path[current] = _callees(functions[current], functions)
        while path:
            top = next(reversed(path))
            following = next(path[top], None)
            if following is not None:
                current = following
                break
            checked.add(top)
            del path[top]
        if not path:
            return


def _callees(function: Function, functions: Mapping[str, Function]) -> Iterator[str]:
    for node in function.nodes.values():
        ref = called_function(node, functions)
        if ref is not None:
            yield ref.name
