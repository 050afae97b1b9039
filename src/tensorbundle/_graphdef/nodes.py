"""``NodeDef``: the nodes of a graph, made from bytes and back (freeze.md §1.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from .._core import GraphScan, map_entries, map_value_offset
from .._format.names import as_bytes
from .._format.wire import Raw, bytes_field, map_fields, other_fields, text_field
from ..errors import FormatError
from .attributes import AttrValue, decode_attr, tensor_attr, type_attr
from .tensors import TensorMessage, decode_tensor, encode_tensor


class NodeSource(NamedTuple):
    """Bytes that nodes were read from.

    Attributes:
        data: The message that holds them.
        base: Where it begins in the file.
        path: The file, or ``""``.
    """

    data: memoryview
    base: int = 0
    path: str = ""


_FIELDS: Final = (1, 2, 3, 4, 5)
_NOWHERE: Final = NodeSource(memoryview(b""))


class Node:
    """One node. Not to be changed: `replace` gives another. Equal only to itself.

    Attributes:
        name: Its name.
        op: The operation, or the function that it calls.
        inputs: Its inputs as stored: data inputs, then control inputs (``^name``).
        device: The device it asks for; often empty.

    Example:
        >>> import tensorbundle as tb
        >>> node = tb.load_graph(tb.demo("saver")).nodes["save/restore_all"]
        >>> node.op, node.inputs[0], sorted(node.attrs)
        ('NoOp', '^save/restore_all/NoOp', [])
    """

    __slots__ = (
        "_attrs", "_begin", "_end", "_same", "_source", "device", "inputs", "name", "op",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        op: str,
        inputs: tuple[str, ...] = (),
        device: str = "",
        attrs: Mapping[str, Raw] | None = None,
        source: NodeSource = _NOWHERE,
        begin: int = 0,
        end: int = 0,
    ) -> None:
        self.name = name
        self.op = op
        self.inputs = inputs
        self.device = device
        self._attrs = attrs
        # The bytes it was read from: attributes are read there, and unknown fields are kept.
        self._source = source
        self._begin = begin
        self._end = end
        self._same = attrs is None

    def __repr__(self) -> str:
        return f"<Node {self.name!r}: {self.op}({', '.join(self.inputs)})>"

    @property
    def attrs(self) -> Mapping[str, Raw]:
        """Raw attributes (``AttrValue``) by key. Raises FormatError when first asked."""
        if self._attrs is None:
            try:
                self._attrs = map_entries(self._raw, 5, self._offset)
            except FormatError as error:
                raise error.add_context(path=self._source.path or None) from None
        return self._attrs

    @property
    def _raw(self) -> memoryview:
        return self._source.data[self._begin : self._end]

    @property
    def _offset(self) -> int:
        return self._source.base + self._begin

    def attr(self, key: str, default: Any = None) -> Any:
        """Decode the value of an attribute; see `decode_attr` for what values there are."""
        raw = self.attrs.get(key)
        if raw is None:
            return default
        try:
            value: AttrValue = decode_attr(raw)
        except FormatError as error:
            message = f"attribute {key!r} of node {self.name!r} is malformed: {error.message}"
            offset = self._place(key) + (error.offset or 0)
            raise FormatError(message, path=self._source.path or None, offset=offset) from None
        if isinstance(value, TensorMessage):
            return value.moved(self._place(key), self._source.path)
        return value

    def _place(self, key: str) -> int:
        """Tell where a stored attribute begins in the file; 0 for one that was made."""
        return map_value_offset(self._raw, 5, key, self._offset) if self._same else 0

    def replace(
        self,
        *,
        name: str | None = None,
        op: str | None = None,
        inputs: Sequence[str] | None = None,
        device: str | None = None,
        attrs: Mapping[str, Raw] | None = None,
    ) -> Node:
        """Copy with some parts changed; ``attrs`` is a whole new mapping."""
        node = Node(
            self.name if name is None else name,
            self.op if op is None else op,
            self.inputs if inputs is None else tuple(inputs),
            self.device if device is None else device,
            self._attrs if attrs is None else attrs,
            self._source,
            self._begin,
            self._end,
        )
        node._same = False
        return node

    def encode(self) -> Raw:
        """Its bytes: those it was read from if nothing was changed, else with sorted attributes."""
        if self._same and self._end:
            return self._raw
        return b"".join(
            (
                text_field(1, self.name),
                text_field(2, self.op),
                *(bytes_field(3, as_bytes(each)) for each in self.inputs),
                text_field(4, self.device),
                map_fields(5, self.attrs),
                other_fields(self._raw, _FIELDS),
            )
        )


# The nodes of a graph or of a function's body, by name, in stored order.
Nodes: TypeAlias = dict[str, Node]


class Input(NamedTuple):
    """Input of a node of the main graph: where it comes from, which output; -1 is control."""

    name: str
    port: int


def read_nodes(source: NodeSource, number: int) -> list[Node]:
    """All nodes of a message in which they are the fields of that number. Raises FormatError."""
    return make_nodes(GraphScan(source.data, source.base, number), source)


def make_nodes(scan: GraphScan, source: NodeSource) -> list[Node]:
    """All nodes of a scan of these bytes."""
    return scan.make_nodes(Node, source)


def by_name(nodes: Iterable[Node]) -> Nodes:
    """Nodes by name, in their order; of equal names the first counts."""
    listed = list(nodes)
    found = dict(zip(map(attrgetter("name"), listed), listed, strict=True))
    if len(found) == len(listed):
        return found
    found.clear()
    for node in listed:
        found.setdefault(node.name, node)
    return found


def make_node(
    name: str,
    op: str,
    inputs: Sequence[str] = (),
    attrs: Mapping[str, Raw] | None = None,
    device: str = "",
) -> Node:
    """New node."""
    return Node(name, op, tuple(inputs), device, attrs or {})


def const_node(name: str, value: Any, device: str = "") -> Node:
    """New ``Const``.

    Args:
        name: Its name.
        value: An array, or the bytes of a ``TensorProto``.
        device: The device it is for.
    """
    if isinstance(value, (bytes, memoryview)):
        message: Raw = value
    else:
        message = encode_tensor(value)
    dtype = decode_tensor(message).dtype
    attrs = {"dtype": type_attr(dtype), "value": tensor_attr(message)}
    return make_node(name, "Const", (), attrs, device)


def parse_input(text: str) -> Input:
    """Take apart an input of a node of the main graph: ``n``, ``n:k`` or ``^n``.

    Example:
        >>> parse_input("split:2"), parse_input("^init")
        (Input(name='split', port=2), Input(name='init', port=-1))
    """
    if text.startswith("^"):
        return Input(text[1:], -1)
    name, colon, port = text.rpartition(":")
    # Bounded, since the text comes from outside: no operation has 10**9 outputs.
    if colon and port.isascii() and port.isdigit() and len(port) < 10:
        return Input(name, int(port))
    return Input(text, 0)


def join_input(name: str, port: int) -> str:
    """Write an input of a node of the main graph; the twin of `parse_input`."""
    if port < 0:
        return f"^{name}"
    return f"{name}:{port}" if port else name
