"""Bodies of functions, made ready to be put in place of calls (freeze.md §2.3)."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Final, NamedTuple

from ..._format.names import as_bytes, as_text
from ..._format.wire import Raw
from ..._graphdef.attributes import (
    DataType,
    decode_attr,
    fill_placeholders,
    string_attr,
    string_list_attr,
    type_attr,
)
from ..._graphdef.functions import Arg, Function
from ..._graphdef.nodes import Node, join_input, make_node
from ..._graphdef.roles import CONTEXT_OPS
from ..._ops.edges import FEW_EDGES, NewNames, data_inputs, main_source
from ..._ops.ports import PortNumbers, list_length
from ...errors import FormatError, UnsupportedError

_CONTROL: Final = -1
_LOOP_ENTRIES: Final = ("Enter", "RefEnter")


class _Edge(NamedTuple):
    """An edge of a body: from an argument (by number) or from a node; port -1 is control."""

    argument: int
    node: str
    port: int


class MadeBody(NamedTuple):
    """What takes the place of a call.

    Attributes:
        nodes: Its nodes, in the words of the main graph.
        results: By output of the call, the edge that it is; perhaps of a call that is among the
            nodes, or what the call itself was given.
        after: The nodes that who waits for the call has to wait for.
    """

    nodes: list[Node]
    results: list[str]
    after: list[str]


class Body:
    """A function made with some attributes.

    Args:
        function: The function.
        attrs: The attributes that fill its placeholders.
        ports: What tells the numbers of outputs.

    Raises:
        FormatError: An edge of the body leads nowhere.
    """

    def __init__(self, function: Function, attrs: Mapping[str, Raw], ports: PortNumbers) -> None:
        self.name = function.name
        self._ports = ports
        self._attrs = attrs
        self.nodes = {name: _filled(node, attrs) for name, node in function.nodes.items()}
        self._arguments = self._spelled_arguments(function.signature.inputs)
        self._edges = {
            name: [self._edge(text, name) for text in node.inputs]
            for name, node in self.nodes.items()
        }
        self._results = [self._result(each, function) for each in function.signature.outputs]
        self._control = list(function.control_ret.values())
        for name in self._control:
            if name not in self.nodes:
                raise FormatError(
                    f"function {self.name!r} waits for {name!r}: there is no such node in it"
                )
        self.has_contexts = any(node.op in CONTEXT_OPS for node in self.nodes.values())

    def _spelled_arguments(self, arguments: Sequence[Arg]) -> dict[str, int]:
        """The number of each argument by the ways a body may write it."""
        spelled: dict[str, int] = {}
        number = 0
        for each in arguments:
            length = list_length(each.number_attr, each.type_list_attr, self._attrs)
            if length != 0:
                spelled[each.name] = number
            for index in range(1 if length is None else length):
                spelled[f"{each.name}:{index}"] = number
                number += 1
        self._argument_count = number
        self._first_type = _type_of(arguments[0], self._attrs) if arguments else b""
        return spelled

    def _edge(self, text: str, where: str) -> _Edge:
        if text.startswith("^"):
            name = text[1:]
            if name in self._arguments:
                return _Edge(self._arguments[name], "", _CONTROL)
            if name in self.nodes:
                return _Edge(-1, name, _CONTROL)
        elif text in self._arguments:
            return _Edge(self._arguments[text], "", 0)
        else:
            name, _, output = text.partition(":")
            output, _, index = output.partition(":")
            if name in self.nodes and (not index or (index.isascii() and index.isdigit())):
                number = int(index[:9] or 0)
                return _Edge(-1, name, self._ports.number(self.nodes[name], output, number))
        raise FormatError(
            f"{where!r} of function {self.name!r} has the input {text!r}: there is no such "
            f"node or argument in it"
        )

    def _result(self, output: Arg, function: Function) -> _Edge:
        if (list_length(output.number_attr, output.type_list_attr, self._attrs) or 1) != 1:
            raise UnsupportedError(
                f"function {self.name!r} has a list as result {output.name!r}: expected one tensor"
            )
        if output.name not in function.ret:
            raise FormatError(f"function {self.name!r} does not say what {output.name!r} is")
        return self._edge(function.ret[output.name], f"result {output.name}")

    def make(self, call: Node, taken: Container[str], *, anchored: bool) -> MadeBody:
        """The nodes for one call.

        Args:
            call: The call.
            taken: The names that the graph has already.
            anchored: Whether nodes without inputs must wait for what the call is given.

        Raises:
            FormatError: The call gives too few or too many arguments.
        """
        given = data_inputs(call)
        if len(given) != self._argument_count:
            raise FormatError(
                f"node {call.name!r} gives function {self.name!r} {len(given)} arguments: "
                f"expected {self._argument_count}"
            )
        names = self._new_names(call.name, taken)
        ready = _Readiness(call, call.inputs[len(given) :], taken, names)
        if anchored and not ready.nodes and given and self._first_type:
            ready.anchor(given[0], self._first_type)
        nodes = []
        for name, node in self.nodes.items():
            edges = self._edges[name]
            inputs = [_written(edge, given, names) for edge in edges]
            if all(edge.argument >= 0 for edge in edges):
                inputs += ready.edges(inputs)
            attrs = _moved(node, call.name, names)
            device = node.device or call.device
            nodes.append(node.replace(name=names[name], inputs=inputs, device=device, attrs=attrs))
        results = [_written(edge, given, names) for edge in self._results]
        after = dict.fromkeys(names[each] for each in self._control)
        after.update(dict.fromkeys(map(main_source, results)))
        return MadeBody(ready.nodes + nodes, results, list(after))

    def _new_names(self, call: str, taken: Container[str]) -> dict[str, str]:
        names = {name: f"{call}/{name}" for name in self.nodes}
        clashes = [name for name, new in names.items() if new in taken]
        if clashes:
            new_names = NewNames(taken, set(names.values()))
            names.update((name, new_names.make(names[name])) for name in clashes)
        return names


class _Readiness:
    """What nodes of a body that need no other of it wait for: what the call itself waits for."""

    def __init__(
        self, call: Node, waited: Sequence[str], taken: Container[str], names: Mapping[str, str]
    ) -> None:
        self.nodes: list[Node] = []
        self._call = call
        self._waited = waited
        self._names = NewNames(taken, set(names.values()))
        self._lonely_only = False
        if len(waited) > FEW_EDGES and len(names) > 1:
            name = self._names.make(f"{call.name}/ready")
            self.nodes.append(make_node(name, "NoOp", waited, {}, call.device))
            self._waited = (f"^{name}",)

    def anchor(self, edge: str, dtype: Raw) -> None:
        """Have nodes without any inputs wait for an argument, if the call waits for nothing."""
        if self._waited:
            return
        name = self._names.make(f"{self._call.name}/anchor")
        attrs = {"T": dtype}
        self.nodes.append(make_node(name, "Identity", (edge,), attrs, self._call.device))
        self._waited, self._lonely_only = (f"^{name}",), True

    def edges(self, inputs: Sequence[str]) -> list[str]:
        """The control edges to add to a node that has only inputs from outside the body."""
        if self._lonely_only and inputs:
            return []
        return [edge for edge in self._waited if edge not in inputs]


def _written(edge: _Edge, given: Sequence[str], names: Mapping[str, str]) -> str:
    if edge.argument < 0:
        return join_input(names[edge.node], edge.port)
    text = given[edge.argument]
    return f"^{main_source(text)}" if edge.port == _CONTROL else text


def _filled(node: Node, attrs: Mapping[str, Raw]) -> Node:
    if not attrs:
        return node
    filled = {key: fill_placeholders(raw, attrs) for key, raw in node.attrs.items()}
    if all(filled[key] is raw for key, raw in node.attrs.items()):
        return node
    return node.replace(attrs=filled)


def _moved(node: Node, call: str, names: Mapping[str, str]) -> Mapping[str, Raw]:
    """Attributes of a node that is to be in the place of a call."""
    attrs = node.attrs
    if "_class" in attrs:
        entries = node.attr("_class")
        located = [each.removeprefix(b"loc:@") for each in _byte_strings(entries)]
        places = [as_text(each) for each in located]
        moved = [names[place] for place in places if place in names]
        kept = [b"loc:@" + as_bytes(place) for place in moved]
        attrs = {**attrs, "_class": string_list_attr(kept)}
    if node.op in _LOOP_ENTRIES:
        # Loops are told apart by this name alone, and the body may be called twice.
        frame = node.attr("frame_name")
        prefix = as_bytes(f"{call}/")
        attrs = {**attrs, "frame_name": string_attr(prefix + (frame or b""))}
    return attrs


def _byte_strings(value: object) -> list[bytes]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, bytes)]


def _type_of(argument: Arg, attrs: Mapping[str, Raw]) -> Raw:
    """The type of an argument as an attribute; empty if the call does not say."""
    if argument.type:
        return type_attr(argument.type)
    if argument.type_list_attr in attrs:
        types = decode_attr(attrs[argument.type_list_attr])
        first = types[0] if isinstance(types, list) and types else None
        return type_attr(first) if isinstance(first, DataType) else b""
    return attrs.get(argument.type_attr, b"")
