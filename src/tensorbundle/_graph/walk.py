"""Walking a graph backward from restore and save ops, through functions (freeze.md §3.1).

A value is followed from where it is used to where it comes from, through ops that hand it on and
through calls of functions in both directions. Nothing recurses, every step is remembered, and a
walk that comes back to where it was ends there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from .._format.names import as_name
from .._graphdef.attributes import FunctionRef
from .._graphdef.nodes import parse_input
from .._graphdef.roles import FUNCTION_USES, HANDED_ON, RESTORES, TRACED_CALLS, VARIABLES
from .._graphdef.tensors import TensorMessage
from .._ops.edges import data_inputs, main_source
from ..errors import FormatError

if TYPE_CHECKING:
    from .._graphdef.functions import Function
    from .._graphdef.meta_graph import MetaGraph
    from .._graphdef.nodes import Node, Nodes

# Operations whose outputs are values of their own; what else may be handed on is looked at closely.
_MAKERS: Final = frozenset(["Const", *RESTORES, *VARIABLES])

_MAX_CALL_DEPTH: Final = 1000
# Functions that call each other in ever new ways would be walked for ever.
_MAX_CALLS: Final = 1 << 16
_MAX_BODY_NODES: Final = 1 << 20
_MAX_NAMES: Final = 1 << 22
_MAX_STEPS: Final = 1000
_STRING: Final = 7


class Frame:
    """Frame in which names of nodes mean something: the main graph, or a call of a function."""

    __slots__ = ("arguments", "depth", "function", "inputs", "nodes", "parent")

    def __init__(
        self,
        nodes: Nodes,
        function: Function | None = None,
        parent: Frame | None = None,
        inputs: tuple[str, ...] = (),
    ) -> None:
        self.nodes = nodes
        self.function = function
        self.parent = parent
        self.inputs = inputs  # of the call, as the parent names them
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.arguments: dict[str, int] = (
            {each.name: at for at, each in enumerate(function.signature.inputs)} if function else {}
        )


class Port(NamedTuple):
    """Output of a node, or an argument of a function."""

    scope: Frame
    name: str
    port: int
    output: str  # the output's name, where the body of a function says it


class Origin(NamedTuple):
    """Origin of a value: the output that makes it."""

    scope: Frame
    name: str
    port: int
    reshaped: bool = False
    cast: bool = False

    @property
    def node(self) -> Node | None:
        """Node that makes it; None for an argument that nobody gives."""
        return self.scope.nodes.get(self.name)


class Restored(NamedTuple):
    """Key that an op restores, the part of it, and whether it is reshaped or cast."""

    key: str
    slice: str
    reshaped: bool
    cast: bool
    file: Origin | None


# The names and the slices that a restore op reads, where they are constants, and the file.
_Read: TypeAlias = "tuple[list[str] | None, list[str] | None, Origin | None]"


class Placed(NamedTuple):
    """Node and where it is."""

    scope: Frame
    node: Node


class Walk:
    """Walks through one graph; what one finds, the next ones know."""

    def __init__(self, meta: MetaGraph) -> None:
        self.main = Frame(meta.nodes)
        self._functions = meta.functions
        self._origins: dict[Port, Origin | None] = {}
        self._scopes: dict[tuple[Frame, str, tuple[str, ...]], Frame] = {}
        self._called: dict[tuple[Frame, Node], Frame | None] = {}
        self._strings: dict[Node, list[str] | None] = {}
        self._reads: dict[tuple[Frame, Node], _Read] = {}
        self._decoded: dict[bytes, list[str] | None] = {}
        self._body_nodes = 0

    # --- nodes -----------------------------------------------------------------------------------

    def before(self, name: str, ops: Collection[str]) -> list[Placed]:
        """Nodes of some ops among a node of the main graph, all before it, and what they call.

        Raises:
            FormatError: There is no end of what they call.
        """
        found: list[Placed] = []
        calls: list[Placed] = []
        todo = [main_source(name)]
        seen = set(todo)
        for each in todo:
            node = self.main.nodes.get(each)
            if node is None:
                continue
            if node.op in ops:
                found.append(Placed(self.main, node))
            elif self._calls(node):
                calls.append(Placed(self.main, node))
            for text in node.inputs:
                source = main_source(text)
                if source not in seen:
                    seen.add(source)
                    todo.append(source)
        return [*found, *self.bodies(calls, ops)]

    def bodies(self, calls: Iterable[Placed], ops: Collection[str]) -> Iterator[Placed]:
        """Nodes of some ops in the functions that nodes call, and in those that these call.

        Raises:
            FormatError: There is no end of them.
        """
        todo = [scope for call in calls for scope in self._entered(call)]
        seen = set(todo)
        for scope in todo:
            self._body_nodes += len(scope.nodes)
            if self._body_nodes > _MAX_BODY_NODES or len(self._scopes) > _MAX_CALLS:
                name = scope.function.name if scope.function else ""
                raise FormatError(
                    f"functions call each other without end: {name!r} was reached after "
                    f"{len(self._scopes)} calls of others, expected at most {_MAX_CALLS}"
                )
            for node in scope.nodes.values():
                if node.op in ops:
                    yield Placed(scope, node)
                elif self._calls(node):
                    for inner in self._entered(Placed(scope, node)):
                        if inner not in seen:
                            seen.add(inner)
                            todo.append(inner)

    def _calls(self, node: Node) -> bool:
        return node.op in TRACED_CALLS or node.op in FUNCTION_USES or node.op in self._functions

    def takes_strings(self, node: Node) -> bool:
        """Tell whether a node calls a function with a string, as those that save and restore do."""
        if self._callee(node) is None:
            return False
        if node.op not in self._functions:
            types = node.attr("Tin")
            return isinstance(types, list) and _STRING in types
        return any(each.type == _STRING for each in self._functions[node.op].signature.inputs)

    def _entered(self, call: Placed) -> Iterator[Frame]:
        node = call.node
        if node.op in FUNCTION_USES and node.op not in TRACED_CALLS:
            names, skipped = _named_functions(node), FUNCTION_USES[node.op].first
        else:
            callee = self._callee(node)
            names, skipped = ([] if callee is None else [callee]), 0
        for name in names:
            if scope := self._enter(call.scope, node, name, skipped):
                yield scope

    def _callee(self, node: Node) -> str | None:
        """One function whose results are the node's outputs."""
        if node.op in TRACED_CALLS:
            return next(iter(_named_functions(node)), None)
        return node.op if node.op in self._functions else None

    def _enter(self, scope: Frame, node: Node, name: str, skipped: int = 0) -> Frame | None:
        if name not in self._functions or scope.depth >= _MAX_CALL_DEPTH:
            return None
        inputs = tuple(data_inputs(node)[skipped:])
        # Calls of one function on the same things in the same place are one.
        known = self._scopes.get((scope, name, inputs))
        if known is None:
            function = self._functions[name]
            known = Frame(function.nodes, function, scope, inputs)
            self._scopes[scope, name, inputs] = known
        return known

    # --- values ----------------------------------------------------------------------------------

    def origin(self, scope: Frame, text: str) -> Origin | None:
        """Follow an input to the node whose value it is; None where that is not in the graph."""
        if scope.function is None and not text.startswith("^"):
            # Nearly all that is asked about is made by the very node that is named.
            source = parse_input(text)
            node = scope.nodes.get(source.name)
            if node is not None and node.op in _MAKERS:
                return Origin(scope, source.name, source.port)
        tensor = self._tensor(scope, text)
        path: list[tuple[Port, str]] = []
        found: Origin | None = None
        while tensor is not None:
            if tensor in self._origins:
                found = self._origins[tensor]
                break
            self._origins[tensor] = None  # what a cycle finds
            before = self._before(tensor)
            if before is None:
                found = Origin(tensor.scope, tensor.name, tensor.port)
                self._origins[tensor] = found
                break
            path.append((tensor, before[1]))
            tensor = before[0]
        for tensor, op in reversed(path):
            if found is not None and op == "Reshape":
                found = found._replace(reshaped=True)
            elif found is not None and op == "Cast":
                found = found._replace(cast=True)
            self._origins[tensor] = found
        return found

    def _before(self, tensor: Port) -> tuple[Port | None, str] | None:
        """Find what a tensor is handed on from, and by which op; None if its own node makes it."""
        scope = tensor.scope
        if tensor.name in scope.arguments and scope.parent is not None:
            position = scope.arguments[tensor.name]
            if position >= len(scope.inputs):
                return None, ""
            return self._tensor(scope.parent, scope.inputs[position]), ""
        node = scope.nodes.get(tensor.name)
        if node is None:
            return None, ""
        if node.op in HANDED_ON or node.op in ("Reshape", "Cast", "IdentityN"):
            given = node.inputs  # control inputs come last, and are no tensors
            port = tensor.port if node.op == "IdentityN" else 0
            return (self._tensor(scope, given[port]), node.op) if port < len(given) else None
        inner = self._body(scope, node)
        if inner is None or inner.function is None:
            return None
        outputs = inner.function.signature.outputs
        output = tensor.output if node.op in self._functions else ""
        if not output and tensor.port < len(outputs):
            output = outputs[tensor.port].name
        text = inner.function.ret.get(output)
        return None if text is None else (self._tensor(inner, text), "")

    def _body(self, scope: Frame, node: Node) -> Frame | None:
        """Body of the function that a node calls; it is asked again for each output."""
        if (scope, node) not in self._called:
            callee = self._callee(node)
            if callee is None:
                return None
            self._called[scope, node] = self._enter(scope, node, callee)
        return self._called[scope, node]

    def _tensor(self, scope: Frame, text: str) -> Port | None:
        if text.startswith("^"):
            return None
        if scope.function is None:
            return Port(scope, *parse_input(text), "")
        name, _, rest = text.partition(":")
        output, _, port = rest.rpartition(":")
        number = int(port) if port.isascii() and port.isdigit() and len(port) < 10 else 0
        return Port(scope, name, number, output)

    def strings(self, scope: Frame, text: str) -> list[str] | None:
        """Strings of a constant; None if it is none."""
        origin = self.origin(scope, text)
        node = None if origin is None else origin.node
        if node is None or node.op != "Const":
            return None
        if node not in self._strings:
            # Old graphs have a constant for each variable, most of which say "the whole".
            raw = bytes(node.attrs.get("value", b""))
            if raw not in self._decoded:
                value = node.attr("value")
                fine = isinstance(value, TensorMessage)
                self._decoded[raw] = _strings(value) if fine else None
            self._strings[node] = self._decoded[raw]
        return self._strings[node]

    # --- restored values -------------------------------------------------------------------------

    def restored(self, scope: Frame, text: str) -> Restored | None:
        """Find what a value is restored from; None if it comes from elsewhere."""
        origin = self.origin(scope, text)
        node = None if origin is None else origin.node
        if origin is None or node is None or node.op not in RESTORES:
            return None
        names, slices, file = self._read_by(origin.scope, node)
        if names is None or origin.port >= len(names):
            return None
        return Restored(
            names[origin.port],
            slices[origin.port] if slices and origin.port < len(slices) else "",
            origin.reshaped,
            origin.cast,
            file,
        )

    def _read_by(self, scope: Frame, node: Node) -> _Read:
        """Names and slices that a restore op reads, and from where; one op reads thousands."""
        known = self._reads.get((scope, node))
        if known is None:
            given = data_inputs(node)
            known = (
                self.strings(scope, given[1]) if len(given) > 1 else None,
                self.strings(scope, given[2]) if len(given) > 2 else None,
                self.origin(scope, given[0]) if given else None,
            )
            self._reads[scope, node] = known
        return known

    def is_restored_by_computing(self, scope: Frame, text: str) -> str | None:
        """Op that makes a value out of restored ones; None where nothing is restored."""
        origin = self.origin(scope, text)
        if origin is None or origin.node is None:
            return None
        todo = [origin]
        seen = {(origin.scope, origin.name)}
        for each in islice(todo, _MAX_STEPS):  # it grows meanwhile
            node = each.node
            if node is None:
                continue
            if node.op in RESTORES:
                return origin.node.op
            for given in data_inputs(node):
                source = self.origin(each.scope, given)
                if source is not None and (source.scope, source.name) not in seen:
                    seen.add((source.scope, source.name))
                    todo.append(source)
        return None


def _strings(message: TensorMessage) -> list[str] | None:
    if message.dtype != _STRING or message.size > _MAX_NAMES:
        return None
    return [as_name(each) for each in message.array().reshape(-1).tolist()]


def _named_functions(node: Node) -> list[str]:
    """Functions in the attributes of an op that runs them."""
    names = []
    for key in ("f", "then_branch", "else_branch", "cond", "body", "branches"):
        value = node.attr(key)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, FunctionRef):
                names.append(each.name)
    return names
