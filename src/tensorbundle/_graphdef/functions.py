"""``FunctionDef`` and ``OpDef``: functions of a graph, and what operations take and give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from .._format.names import as_text
from .._format.wire import (
    Field,
    Raw,
    bytes_field,
    fields,
    int_field,
    map_entry,
    map_fields,
    other_fields,
    text_field,
    text_map_fields,
    text_of,
)
from ..errors import FormatError
from .located import located
from .nodes import Nodes, NodeSource, by_name, read_nodes

_NODES: Final = 3
_ARG_FIELDS: Final = (1, 3, 4, 5, 6, 16)
_OP_FIELDS: Final = (1, 2, 3, 17)
_FUNCTION_FIELDS: Final = (1, 3, 4, 5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Arg:
    """Argument or a result of an operation or function.

    Attributes:
        name: Its name.
        type: Its DataType number, or 0 when an attribute says it.
        type_attr: The attribute that holds its type, or ``""``.
        number_attr: The attribute that says how many tensors it is, or ``""``.
        type_list_attr: The attribute that lists the types of the tensors it is, or ``""``.
        is_ref: Whether it is a reference.
        raw: The message it was read from; fields that are not above are kept in copies.
    """

    name: str
    type: int = 0
    type_attr: str = ""
    number_attr: str = ""
    type_list_attr: str = ""
    is_ref: bool = False
    raw: Raw = b""

    def encode(self) -> bytes:
        """Its bytes."""
        return b"".join(
            (
                text_field(1, self.name),
                int_field(3, self.type),
                text_field(4, self.type_attr),
                text_field(5, self.number_attr),
                text_field(6, self.type_list_attr),
                int_field(16, int(self.is_ref)),
                other_fields(self.raw, _ARG_FIELDS),
            )
        )

    def replace(self, **changes: Any) -> Arg:
        """Copy with some parts changed."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class OpDef:
    """Registration of an operation: what it takes and gives; of a function, its signature.

    Attributes:
        name: Its name.
        inputs: Its arguments.
        outputs: Its results.
        attrs: By attribute, its default as raw bytes, or None where there is none.
        is_stateful: Whether running it has effects, or gives something else each time.
        raw: The message it was read from; fields that are not above are kept in copies.
    """

    name: str
    inputs: tuple[Arg, ...] = ()
    outputs: tuple[Arg, ...] = ()
    attrs: Mapping[str, Raw | None] = field(default_factory=dict)
    is_stateful: bool = False
    raw: Raw = b""

    def encode(self) -> bytes:
        """Its bytes."""
        return b"".join(
            (
                text_field(1, self.name),
                *(bytes_field(2, each.encode()) for each in self.inputs),
                *(bytes_field(3, each.encode()) for each in self.outputs),
                int_field(17, int(self.is_stateful)),
                other_fields(self.raw, _OP_FIELDS),
            )
        )

    def replace(self, **changes: Any) -> OpDef:
        """Copy with some parts changed. Attributes stay those of ``raw``."""
        return replace(self, **changes)


def decode_op_def(raw: Raw, base: int = 0) -> OpDef:
    """Read an ``OpDef``. Raises FormatError."""
    name, stateful = "", False
    inputs: list[Arg] = []
    outputs: list[Arg] = []
    attrs: dict[str, Raw | None] = {}
    for each in fields(raw, base):
        if each.number == 1:
            name = text_of(each)
        elif each.number == 2:
            inputs.append(_decode_arg(each))
        elif each.number == 3:
            outputs.append(_decode_arg(each))
        elif each.number == 4:
            key, default = "", None
            for part in each.message():
                if part.number == 1:
                    key = text_of(part)
                elif part.number == 3:
                    default = part.content()
            attrs[key] = default
        elif each.number == 17:
            stateful = each.int64() != 0
    return OpDef(name, tuple(inputs), tuple(outputs), attrs, stateful, raw)


def _decode_arg(message: Field) -> Arg:
    texts = {1: "", 4: "", 5: "", 6: ""}
    dtype, is_ref = 0, False
    for each in message.message():
        if each.number in texts:
            texts[each.number] = text_of(each)
        elif each.number == 3:
            dtype = each.int32()
        elif each.number == 16:
            is_ref = each.int64() != 0
    return Arg(texts[1], dtype, texts[4], texts[5], texts[6], is_ref, message.content())


class Function:
    """Function of a graph. Not to be changed: `replace` gives another.

    Attributes:
        signature: Its name, arguments and results.
        ret: By result, the tensor of the body that it is (``node:output:index``, or an argument).
        control_ret: By control result, the node of the body that it stands for.
        attrs: Its raw attributes by key.
        arg_attrs: By the number of an argument, that argument's raw attributes.
        resource_ids: By the number of an argument, what tells which arguments are one resource.
        path: The file it was read from, or ``""``.
    """

    def __init__(
        self,
        signature: OpDef,
        nodes: Nodes | None = None,
        ret: Mapping[str, str] | None = None,
        control_ret: Mapping[str, str] | None = None,
        attrs: Mapping[str, Raw] | None = None,
        arg_attrs: Mapping[int, Mapping[str, Raw]] | None = None,
        resource_ids: Mapping[int, int] | None = None,
        *,
        raw: Raw = b"",
        offset: int = 0,
        path: str = "",
        same: bool = False,
    ) -> None:
        self.signature = signature
        self.ret: Mapping[str, str] = ret or {}
        self.control_ret: Mapping[str, str] = control_ret or {}
        self.attrs: Mapping[str, Raw] = attrs or {}
        self.arg_attrs: Mapping[int, Mapping[str, Raw]] = arg_attrs or {}
        self.resource_ids: Mapping[int, int] = resource_ids or {}
        self._raw = raw
        self._offset = offset
        self.path = path
        self._same = same
        if nodes is not None:
            self.nodes = nodes

    def __repr__(self) -> str:
        return f"<Function {self.name!r}>"

    @property
    def name(self) -> str:
        """Its name."""
        return self.signature.name

    @located
    def nodes(self) -> Nodes:
        """Nodes of its body by name, in stored order."""
        source = NodeSource(memoryview(self._raw), self._offset, self.path)
        return by_name(read_nodes(source, _NODES))

    def replace(
        self,
        *,
        name: str | None = None,
        signature: OpDef | None = None,
        nodes: Nodes | None = None,
        ret: Mapping[str, str] | None = None,
        control_ret: Mapping[str, str] | None = None,
        attrs: Mapping[str, Raw] | None = None,
        arg_attrs: Mapping[int, Mapping[str, Raw]] | None = None,
        resource_ids: Mapping[int, int] | None = None,
    ) -> Function:
        """Copy with some parts changed; mappings are whole new ones."""
        chosen = self.signature if signature is None else signature
        return Function(
            chosen if name is None else chosen.replace(name=name),
            self.nodes if nodes is None else nodes,
            self.ret if ret is None else ret,
            self.control_ret if control_ret is None else control_ret,
            self.attrs if attrs is None else attrs,
            self.arg_attrs if arg_attrs is None else arg_attrs,
            self.resource_ids if resource_ids is None else resource_ids,
            raw=self._raw,
            offset=self._offset,
            path=self.path,
        )

    def encode(self) -> Raw:
        """Its bytes: those it was read from if nothing was changed."""
        if self._same:
            return self._raw
        parts: list[Raw] = [bytes_field(1, self.signature.encode())]
        parts += [bytes_field(3, node.encode()) for node in self.nodes.values()]
        parts.append(text_map_fields(4, self.ret))
        parts.append(map_fields(5, self.attrs))
        parts.append(text_map_fields(6, self.control_ret))
        for number in sorted(self.arg_attrs):
            value = map_fields(1, self.arg_attrs[number])
            parts.append(bytes_field(7, int_field(1, number) + bytes_field(2, value)))
        for number in sorted(self.resource_ids):
            entry = int_field(1, number) + int_field(2, self.resource_ids[number])
            parts.append(bytes_field(8, entry))
        parts.append(other_fields(self._raw, _FUNCTION_FIELDS))
        return b"".join(parts)


def decode_function(raw: Raw, base: int = 0, path: str = "") -> Function:
    """Read a function; the nodes of its body are read when they are asked for."""
    signature = OpDef("")
    ret: dict[str, str] = {}
    control_ret: dict[str, str] = {}
    attrs: dict[str, Raw] = {}
    arg_attrs: dict[int, Mapping[str, Raw]] = {}
    resource_ids: dict[int, int] = {}
    for each in fields(raw, base):
        if each.number == 1:
            signature = decode_op_def(each.content(), each.offset)
        elif each.number in (4, 6):
            key, value, _ = map_entry(each)
            (ret if each.number == 4 else control_ret)[key] = as_text(value)
        elif each.number == 5:
            key, value, _ = map_entry(each)
            attrs[key] = value
        elif each.number == 7:
            number, inner = _numbered(each)
            arg_attrs[number] = {} if inner is None else dict(_entries(inner))
        elif each.number == 8:
            number, inner = _numbered(each)
            resource_ids[number] = 0 if inner is None else inner.int64()
    return Function(
        signature, None, ret, control_ret, attrs, arg_attrs, resource_ids,
        raw=raw, offset=base, path=path, same=True,
    )  # fmt: skip


def _numbered(entry: Field) -> tuple[int, Field | None]:
    """Key and value of an entry of a map with numbers as keys."""
    number, value = 0, None
    for part in entry.message():
        if part.number == 1:
            number = part.int64()
        elif part.number == 2:
            value = part
    return number, value


def _entries(message: Field) -> Iterator[tuple[str, Raw]]:
    for part in message.message():
        if part.number == 1:
            key, value, _ = map_entry(part)
            yield key, value


class FunctionLibrary(Mapping[str, Function]):
    """Functions of a graph by name, in stored order; each is decoded when it is asked for.

    Attributes:
        raw: The whole message.
        path: The file, or ``""``.
        gradients: By function, the function that is its gradient.
        registered_gradients: The raw messages that name gradients of operations.
    """

    def __init__(self, raw: Raw = b"", base: int = 0, path: str = "") -> None:
        self.raw = raw
        self.path = path
        self.gradients: dict[str, str] = {}
        self.registered_gradients: list[Raw] = []
        self._stored: dict[str, tuple[Raw, int]] = {}
        self._decoded: dict[str, Function] = {}
        for each in fields(raw, base):
            if each.number == 1:
                self._stored[_function_name(each)] = (each.content(), each.offset)
            elif each.number == 2:
                texts = {part.number: text_of(part) for part in each.message() if part.number < 3}
                self.gradients[texts.get(1, "")] = texts.get(2, "")
            elif each.number == 3:
                self.registered_gradients.append(each.content())

    def __getitem__(self, name: str) -> Function:
        if name not in self._decoded:
            try:
                self._decoded[name] = decode_function(*self._stored[name], self.path)
            except FormatError as error:
                raise error.add_context(path=self.path or None) from None
        return self._decoded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __contains__(self, name: object) -> bool:
        return name in self._stored


def _function_name(function: Field) -> str:
    name = ""
    for each in function.message():
        if each.number == 1:
            for part in each.message():
                if part.number == 1:
                    name = text_of(part)
    return name
