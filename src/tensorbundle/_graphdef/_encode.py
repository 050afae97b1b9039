"""The wire format written: fields as protobuf encodes them, and messages taken apart by field.

The twin of ``_wire.py``, which walks what this writes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeAlias, TypeVar

from .._wire import (
    BYTES,
    VARINT,
    Field,
    as_bytes,
    bytes_field,
    bytes_header,
    encode_varint,
    fields,
)
from ..errors import FormatError

# Bytes of a message: a view into a file, or made here.
Raw: TypeAlias = "bytes | memoryview"
Value = TypeVar("Value")

# protobuf's own limit on messages within messages; an attribute may hold functions that hold
# attributes, and so on.
MAX_DEPTH = 100


def map_fields(number: int, entries: Mapping[str, Raw]) -> bytes:
    """A map from names to messages or bytes, sorted by key so that equal maps give equal bytes."""
    parts = []
    for key in sorted(entries):
        value = entries[key]
        head = bytes_field(1, as_bytes(key)) + bytes_header(2, len(value))
        parts += [bytes_header(number, len(head) + len(value)), head, value]
    return b"".join(parts)


def text_map_fields(number: int, entries: Mapping[str, str]) -> bytes:
    """A map from strings to strings, sorted likewise."""
    return map_fields(number, {key: as_bytes(value) for key, value in entries.items()})


def as_text(content: Raw) -> str:
    """A name from its bytes; those that are not UTF-8 become surrogate escapes."""
    return str(content, "utf-8", "surrogateescape")


def text_of(field: Field) -> str:
    """The text of a string field. Raises FormatError for another wire type."""
    return as_text(field.content())


def map_entry(field: Field) -> tuple[str, Raw, int]:
    """Key, value and the value's offset of an entry of a map with string keys."""
    key, value, offset = "", memoryview(b""), field.offset
    for part in field.message():
        if part.number == 1:
            key = text_of(part)
        elif part.number == 2:
            value, offset = part.content(), part.offset
    return key, value, offset


def repeated_numbers(field: Field, decode: Callable[[Field], Value]) -> list[Value]:
    """The values of one field of repeated varints: packed, or a single one."""
    if field.wire != BYTES:
        field.expect(VARINT)
        return [decode(field)]
    # A packed field is a run of varints: each gets the tag that `fields` wants to see.
    return [decode(Field(field.number, VARINT, value, field.data, at)) for value, at in _run(field)]


def _run(field: Field) -> Iterable[tuple[int, int]]:
    value = shift = 0
    start = 0
    for at, byte in enumerate(field.data):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if value >> 64:
                raise FormatError("a varint is longer than 64 bits", offset=field.offset + start)
            yield value, field.offset + start
            value = shift = 0
            start = at + 1
        elif shift == 70:
            raise FormatError("a varint is longer than 64 bits", offset=field.offset + start)
    if shift:
        raise FormatError("a varint is cut off", offset=field.offset + start)


def other_fields(message: Raw, known: Collection[int]) -> bytes:
    """Those fields of a message that are not ``known``, encoded again for a copy of it."""
    parts: list[Raw] = []
    for field in fields(message):
        if field.number in known:
            continue
        tag = encode_varint(field.number << 3 | field.wire)
        if field.wire == VARINT:
            parts += [tag, encode_varint(field.value)]
        elif field.wire == BYTES:
            parts += [tag, encode_varint(len(field.data)), field.data]
        else:
            parts += [tag, field.data]
    return b"".join(parts)
