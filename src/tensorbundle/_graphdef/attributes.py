"""``AttrValue``: the attributes as raw bytes and as values (freeze.md §1.1).

Attributes are carried as the bytes of their message and decoded when somebody asks.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from .._core import attr_value, map_entries
from .._format.dtypes import is_reference, name_of, without_reference
from .._format.names import as_bytes, as_text
from .._format.wire import (
    FIXED32,
    MAX_DEPTH,
    Raw,
    bytes_field,
    encode_varint,
    fields,
    map_entry,
    map_fields,
    other_fields,
    text_field,
    text_of,
)
from ..errors import FormatError
from .shapes import ShapeValue, encode_shape
from .tensors import TensorMessage, decode_tensor

LIST, STRING, INT, FLOAT, BOOL, TYPE, SHAPE, TENSOR, PLACEHOLDER, FUNC = range(1, 11)
_LISTED_FUNC: Final = 9  # in a list, functions have the number that placeholders have outside


class DataType(int):
    """Type in an attribute: its DataType number, plus 100 for a reference to it."""

    def __repr__(self) -> str:
        return f"DataType({int(self)}: {self.name})"

    @property
    def name(self) -> str:
        """TensorFlow's name: ``float32``; ``float32_ref`` for a reference."""
        name = name_of(without_reference(self))
        return f"{name}_ref" if is_reference(self) else name


class FunctionRef(NamedTuple):
    """Function that an attribute names, with the attributes it is to be made with."""

    name: str
    attrs: dict[str, Raw]


class Placeholder(str):
    """Name of the function's own attribute that an attribute in its body is filled from."""

    __slots__ = ()


Scalar: TypeAlias = (
    "int | float | bool | bytes | DataType | ShapeValue | TensorMessage | FunctionRef | Placeholder"
)
AttrValue: TypeAlias = "Scalar | list[Scalar] | None"


def decode_attr(raw: Raw, base: int = 0) -> AttrValue:
    """Value of an attribute.

    Args:
        raw: The ``AttrValue``.
        base: Where it begins in the file, for offsets in errors.

    Returns:
        A value of the kind that is stored; a list for a list; None if nothing is.

    Raises:
        FormatError: The bytes are no such message.
    """
    stored = _stored(raw, base)
    if stored is None:
        return None
    member, value = stored
    return [_value(*item) for item in value] if member == LIST else _value(member, value)


def _stored(raw: Raw, base: int = 0) -> tuple[int, Any] | None:
    """Member that is set and its value, as ``attr_value`` gives them."""
    stored = attr_value(raw, base)
    if not isinstance(stored, int):
        return stored
    parts: list[Raw] = []
    for field in fields(raw, base):
        if field.number == stored:
            parts.append(field.content())
        elif LIST <= field.number <= FUNC:
            parts.clear()  # another member, which a later part puts aside again
    return _stored(bytes_field(stored, b"".join(parts)), base)


def _value(member: int, value: Any) -> Scalar:
    if member == TYPE:
        return DataType(value)
    if member == SHAPE:
        return ShapeValue(value)
    if member == TENSOR:
        return decode_tensor(*value)
    if member == PLACEHOLDER:
        return Placeholder(as_text(value))
    if member == FUNC:
        return decode_function_ref(*value)
    plain: bytes | int | float | bool = value
    return plain


def decode_function_ref(raw: Raw, base: int = 0) -> FunctionRef:
    """Read a ``NameAttrList``."""
    name = ""
    for field in fields(raw, base):
        if field.number == 1:
            name = text_of(field)
    return FunctionRef(name, map_entries(raw, 2, base))


# --- making ---------------------------------------------------------------------------------------


def type_attr(number: int) -> bytes:
    """Type, by its DataType number."""
    return _number(TYPE, number)


def int_attr(number: int) -> bytes:
    """Whole number."""
    return _number(INT, number)


def bool_attr(value: bool) -> bytes:
    """Truth value."""
    return _number(BOOL, int(value))


def float_attr(value: float) -> bytes:
    """Number, as float32."""
    return encode_varint(FLOAT << 3 | FIXED32) + struct.pack("<f", value)


def string_attr(value: bytes) -> bytes:
    """String."""
    return bytes_field(STRING, value)


def shape_attr(dims: tuple[int, ...] | None) -> bytes:
    """Shape; -1 is an unknown dimension, None an unknown number of them."""
    return bytes_field(SHAPE, encode_shape(dims))


def tensor_attr(message: Raw) -> bytes:
    """Tensor, given as a ``TensorProto``."""
    return bytes_field(TENSOR, message)


def function_attr(name: str, attrs: Mapping[str, Raw] | None = None) -> bytes:
    """Function."""
    return bytes_field(FUNC, _function_message(name, attrs or {}))


def placeholder_attr(name: str) -> bytes:
    """Placeholder that is filled from the function's own attribute of that name."""
    return bytes_field(PLACEHOLDER, as_bytes(name))


def type_list_attr(numbers: Iterable[int]) -> bytes:
    """List of types."""
    return _packed(TYPE, numbers)


def int_list_attr(numbers: Iterable[int]) -> bytes:
    """List of whole numbers."""
    return _packed(INT, numbers)


def shape_list_attr(shapes: Iterable[tuple[int, ...] | None]) -> bytes:
    """List of shapes."""
    return bytes_field(LIST, b"".join(bytes_field(SHAPE, encode_shape(dims)) for dims in shapes))


def string_list_attr(values: Iterable[bytes]) -> bytes:
    """List of strings."""
    return bytes_field(LIST, b"".join(bytes_field(STRING, value) for value in values))


def function_list_attr(functions: Iterable[FunctionRef]) -> bytes:
    """List of functions."""
    messages = (_function_message(each.name, each.attrs) for each in functions)
    return bytes_field(LIST, b"".join(bytes_field(_LISTED_FUNC, each) for each in messages))


def _number(number: int, value: int) -> bytes:
    # A member of a oneof is written even when it is 0: that it is there says which one is meant.
    return encode_varint(number << 3) + encode_varint(value)


def _packed(number: int, values: Iterable[int]) -> bytes:
    packed = b"".join(map(encode_varint, values))
    return bytes_field(LIST, bytes_field(number, packed) if packed else b"")


def _function_message(name: str, attrs: Mapping[str, Raw]) -> bytes:
    return text_field(1, name) + map_fields(2, attrs)


# --- functions and placeholders within values ---------------------------------------------------


def function_names(raw: Raw, base: int = 0) -> list[str]:
    """Functions that an attribute names, directly or in attributes of those, in stored order.

    Raises:
        FormatError: The bytes are no attribute, or attributes are nested too deep.
    """
    names: list[str] = []
    todo: list[tuple[Raw, int, int]] = [(raw, base, 0)]
    while todo:
        value, offset, depth = todo.pop()
        inner: list[tuple[Raw, int, int]] = []
        for func, at in _functions_in(value, offset):
            check_depth(depth, at)
            for field in fields(func, at):
                if field.number == 1:
                    names.append(text_of(field))
                elif field.number == 2:
                    _, attr, place = map_entry(field)
                    inner.append((attr, place, depth + 1))
        todo += reversed(inner)
    return [name for name in names if name]


def _functions_in(raw: Raw, base: int) -> list[tuple[memoryview, int]]:
    """Messages of the functions in an attribute, and where they begin."""
    stored = _stored(raw, base)
    if stored is None or stored[0] not in (FUNC, LIST):
        return []
    if stored[0] == FUNC:
        return [stored[1]]
    return [value for member, value in stored[1] if member == FUNC]


def check_depth(depth: int, offset: int) -> None:
    """Raise FormatError when attributes are nested deeper than protobuf reads them."""
    # An attribute within another lies three messages deeper: value, function, entry of its map.
    if depth * 3 >= MAX_DEPTH:
        raise FormatError(
            f"attributes are nested too deep: expected at most {MAX_DEPTH} messages in each other",
            offset=offset,
        )


def fill_placeholders(raw: Raw, values: Mapping[str, Raw], depth: int = 0) -> Raw:
    """Attribute of a function's body with placeholders filled from the call's attributes.

    One that ``values`` does not name stays. The same object is returned when nothing changes.
    """

    def fill(func: Raw, depth: int) -> Raw:
        ref = decode_function_ref(func)
        attrs = {key: fill_placeholders(each, values, depth) for key, each in ref.attrs.items()}
        if all(attrs[key] is each for key, each in ref.attrs.items()):
            return func
        return _function_message(ref.name, attrs) + other_fields(func, (1, 2))

    stored = _stored(raw)
    if stored is not None and stored[0] == PLACEHOLDER:
        return values.get(as_text(stored[1]), raw)
    return _with_functions(raw, fill, depth)


def rename_functions(raw: Raw, names: Mapping[str, str], depth: int = 0) -> Raw:
    """Attribute with other functions in it, by old name; the same object if none changes."""

    def rename(func: Raw, depth: int) -> Raw:
        ref = decode_function_ref(func)
        attrs = {key: rename_functions(each, names, depth) for key, each in ref.attrs.items()}
        if ref.name not in names and all(attrs[key] is each for key, each in ref.attrs.items()):
            return func
        name = names.get(ref.name, ref.name)
        return _function_message(name, attrs) + other_fields(func, (1, 2))

    return _with_functions(raw, rename, depth)


def _with_functions(raw: Raw, change: Callable[[Raw, int], Raw], depth: int) -> Raw:
    """Attribute with its functions changed; how is told by their bytes and the depth below."""
    functions = _functions_in(raw, 0)
    if not functions:
        return raw
    check_depth(depth, functions[0][1])
    changed = [change(message, depth + 1) for message, _ in functions]
    if all(new is old for new, (old, _) in zip(changed, functions, strict=True)):
        return raw
    stored = _stored(raw)
    if stored is None or stored[0] == FUNC:
        return bytes_field(FUNC, changed[0])
    lists = [field.content() for field in fields(raw) if field.number == LIST]
    others = other_fields(b"".join(lists), (_LISTED_FUNC,))
    return bytes_field(LIST, others + b"".join(bytes_field(_LISTED_FUNC, each) for each in changed))
