"""Wire format of protobuf messages, walked field by field and written.

Only the wire format is known here; which field means what is said in the rooms above. Nothing
recurses and nothing is copied, so a message costs no more than its fields. The core does the walk
(``message.hpp``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias, TypeVar

from .. import _core
from ..errors import FormatError
from .names import as_bytes, as_text

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

_MAX_VARINT_BYTES: Final = 10
_BATCH: Final = 1024  # fields that are in memory together


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: Its number in the message's definition.
        wire: ``VARINT``, ``FIXED64``, ``BYTES`` or ``FIXED32``.
        value: The number of a varint, as 64 bits without a sign; 0 for other wire types.
        data: Its bytes as stored, without tag and length.
        offset: Where ``data`` begins.
    """

    number: int
    wire: int
    value: int
    data: memoryview
    offset: int

    def int64(self) -> int:
        """The value of a varint field. Raises FormatError for another wire type."""
        self.expect(VARINT)
        return self.value - (1 << 64) if self.value >> 63 else self.value

    def int32(self) -> int:
        """The same of an int32: protobuf takes the low 32 bits."""
        self.expect(VARINT)
        low = self.value & 0xFFFFFFFF
        return low - (1 << 32) if low >> 31 else low

    def content(self) -> memoryview:
        """The content of a string, bytes, message or packed field. Raises likewise."""
        self.expect(BYTES)
        return self.data

    def message(self) -> Iterator[Field]:
        """The fields of a message in this field. Raises likewise."""
        return fields(self.content(), self.offset)

    def expect(self, wire: int) -> None:
        """Raise FormatError unless the field has this wire type."""
        if self.wire != wire:
            raise FormatError(
                f"field {self.number} has wire type {self.wire}: expected {wire}",
                offset=self.offset,
            )


def fields(message: memoryview | bytes, base: int = 0) -> Iterator[Field]:
    """Walk a message.

    Args:
        message: Its bytes.
        base: Where they begin in the file, for offsets in errors.

    Yields:
        Fields as they are stored, repeated and unknown ones too; groups, which no known message
        uses, are passed over.

    Raises:
        FormatError: The bytes are not a message. Fields before the trouble were yielded.

    Example:
        >>> [(field.number, field.value) for field in fields(bytes.fromhex("08961810ff01"))]
        [(1, 3094), (2, 255)]
    """
    view = memoryview(message)
    at = 0
    while at < len(view):
        found, at, error = _core.message_fields(view, base, at, _BATCH)
        yield from map(Field._make, found)
        if error is not None:
            raise error


def find_cut_off(message: memoryview | bytes) -> tuple[int, str] | None:
    """Where the last field of a message begins that ends after the message, and in what words.

    Example:
        >>> find_cut_off(bytes.fromhex("0a0568656c"))
        (0, 'a part of 5 bytes at byte 2 runs past the end, which is at byte 5')
    """
    view = memoryview(message)
    at, error = 0, None
    while at < len(view) and error is None:
        _, at, error = _core.message_fields(view, 0, at, _BATCH)
    if error is None:
        return None
    numbers = bytes(view[at : at + 2 * _MAX_VARINT_BYTES])
    if len(view) - at < _MAX_VARINT_BYTES and min(numbers) >= 0x80:
        return at, f"it ends at byte {len(view)}, in the middle of a number"
    try:
        tag, begin = _core.varint(view, at)
        length, begin = _core.varint(view, begin)
    except FormatError:
        return None
    if tag & 7 != BYTES or begin + length <= len(view):
        return None
    end = f"runs past the end, which is at byte {len(view)}"
    return at, f"a part of {length} bytes at byte {begin} {end}"


@contextlib.contextmanager
def told_if_cut_off(message: memoryview | bytes) -> Iterator[None]:
    """Have a FormatError about a whole file say that it is cut off, where it is."""
    try:
        yield
    except FormatError as error:
        if cut := find_cut_off(message):
            error.offset, error.nbytes = cut[0], 0
            error.message = f"the file is cut off: {cut[1]}"
        raise


# --- and back -------------------------------------------------------------------------------------


def encode_varint(value: int) -> bytes:
    """A number in seven bits a byte, lowest first; a negative one as its 64 bits."""
    if 0 <= value < 0x80:
        return bytes((value,))
    value &= 0xFFFF_FFFF_FFFF_FFFF
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def bytes_header(number: int, length: int) -> bytes:
    """Tag and length of a field of bytes, which follow it."""
    return encode_varint(number << 3 | BYTES) + encode_varint(length)


def bytes_field(number: int, content: bytes | memoryview) -> bytes:
    """A string, bytes, message or packed field, also an empty one."""
    return b"".join((bytes_header(number, len(content)), content))


def text_field(number: int, text: str) -> bytes:
    """A string field; nothing for an empty one, as in proto3."""
    return bytes_field(number, as_bytes(text)) if text else b""


def int_field(number: int, value: int) -> bytes:
    """A varint field; nothing for 0, as in proto3."""
    return encode_varint(number << 3 | VARINT) + encode_varint(value) if value else b""


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
    values = _core.varints(field.data, field.offset)
    return [
        decode(Field(field.number, VARINT, value, field.data, field.offset)) for value in values
    ]


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
