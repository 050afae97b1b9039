"""``TensorProto``: a tensor inside a message, read and written (freeze.md §1.1, §6.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from .._format.dtypes import (
    RESOURCE,
    STRING,
    VARIANT,
    Array,
    canonical,
    name_of,
    number_of,
    numpy_dtype,
    without_reference,
)
from .._format.names import as_bytes
from .._format.tensor_info import MAX_DIMENSIONS
from .._format.wire import (
    FIXED32,
    FIXED64,
    Field,
    Raw,
    bytes_field,
    bytes_header,
    fields,
    int_field,
    repeated_numbers,
)
from ..errors import ConversionError, FormatError, TensorBundleError, UnsupportedError
from .shapes import decode_shape, encode_shape

# What a list of values that is shorter than its tensor may grow to: its last value fills the rest.
_MAX_FILLED_BYTES: Final = 1 << 28

# The typed lists by field number: how wide a value is stored, 0 for varints.
_FIXED_LISTS: Final = {5: "<f4", 6: "<f8", 9: "<f4", 12: "<f8"}
_VARINT_LISTS: Final = frozenset((7, 10, 11, 13, 16, 17))
_FLOAT8_LIST: Final = 18
_STRING_LIST: Final = 8
_COMPLEX: Final = (8, 18)
_SIXTEEN_BITS: Final = (14, 19)  # bfloat16 and half: their bits, as numbers


class ContentSizeError(FormatError):
    """Wrong size: a tensor's content is not as long as its type and shape say."""


@dataclass(frozen=True, slots=True)
class TensorMessage:
    """Tensor as a message holds it; no value is decoded before `array` is called.

    Attributes:
        dtype: Its DataType number; reference types are their values' here.
        shape: Its shape.
        content: The bytes of ``tensor_content``, empty when the values are in a typed list.
        content_offset: Where they begin.
        raw: The whole message.
        offset: Where that begins.
        path: The file, or ``""``.
    """

    dtype: int
    shape: tuple[int, ...]
    content: Raw
    content_offset: int
    raw: Raw
    offset: int
    path: str = ""

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that the values take as an array; of strings, what the message takes."""
        dtype = numpy_dtype(self.dtype)
        if dtype is None or self.dtype == STRING:
            return len(self.raw)
        return self.size * dtype.itemsize

    def moved(self, by: int, path: str) -> TensorMessage:
        """Copy that knows where in which file it really lies."""
        return replace(
            self, content_offset=self.content_offset + by, offset=self.offset + by, path=path
        )

    def array(self) -> Array:
        """Values: a read-only view of ``tensor_content``, else an array of the typed list.

        Raises:
            FormatError: The values do not fill the shape.
            UnsupportedError: No array holds values of this type.
        """
        try:
            return self._array()
        except TensorBundleError as error:
            raise error.add_context(path=self.path or None) from None

    def _array(self) -> Array:
        dtype = numpy_dtype(self.dtype)
        if dtype is None:
            raise UnsupportedError(
                f"a tensor of {name_of(self.dtype)} has no values that an array could hold",
                offset=self.offset,
            )
        if len(self.shape) > MAX_DIMENSIONS:
            raise UnsupportedError(
                f"a tensor has {len(self.shape)} dimensions: arrays have at most {MAX_DIMENSIONS}",
                offset=self.offset,
            )
        if self.dtype == STRING:
            return self._strings()
        if not len(self.content):
            return self._filled(self._typed(dtype), dtype)
        if len(self.content) != self.size * dtype.itemsize:
            raise ContentSizeError(
                f"a tensor of {name_of(self.dtype)}{list(self.shape)} has {len(self.content)} "
                f"bytes of content: expected {self.size * dtype.itemsize}",
                offset=self.content_offset,
            )
        stored = dtype if dtype.itemsize == 1 else dtype.newbyteorder("<")
        # The view makes of "<f4" plain "float32", where both are the same.
        flat = np.frombuffer(self.content, stored).astype(dtype, copy=False).view(dtype)
        array = canonical(flat.reshape(self.shape), self.dtype)
        array.flags.writeable = False
        return array

    def _typed(self, dtype: np.dtype[Any]) -> Array:
        """Values of the typed list that belongs to this type."""
        wanted = _list_number(self.dtype)
        numbers: list[int] = []
        pieces: list[Array] = []
        for field in fields(self.raw, self.offset):
            if field.number != wanted:
                continue
            if wanted in _FIXED_LISTS:
                pieces.append(_fixed(field, _FIXED_LISTS[wanted]))
            elif wanted == _FLOAT8_LIST:
                pieces.append(np.frombuffer(field.content(), np.uint8))
            else:
                numbers += repeated_numbers(field, _plain)
        if wanted in _VARINT_LISTS:
            # As the C++ reader does it: the low bits of each number are the value's.
            width = 2 if self.dtype in _SIXTEEN_BITS else dtype.itemsize
            if dtype == np.bool_:
                return np.array([number != 0 for number in numbers], np.bool_)
            bits = np.array(numbers, np.uint64).astype(f"u{width}")
            return canonical(bits.view(dtype), self.dtype)
        flat = np.concatenate(pieces) if pieces else np.empty(0, _FIXED_LISTS.get(wanted, "u1"))
        if self.dtype in _COMPLEX and len(flat) % 2:
            raise FormatError(
                f"a tensor of {name_of(self.dtype)} has {len(flat)} parts: expected pairs",
                offset=self.offset,
            )
        return canonical(
            flat.astype(flat.dtype.newbyteorder("="), copy=False).view(dtype), self.dtype
        )

    def _filled(self, values: Array, dtype: np.dtype[Any]) -> Array:
        """Tensor of the values; the last one is repeated where they are too few."""
        if len(values) > self.size:
            raise FormatError(
                f"a tensor of {name_of(self.dtype)}{list(self.shape)} has {len(values)} values: "
                f"expected at most {self.size}",
                offset=self.offset,
            )
        if len(values) == self.size:
            array = values.reshape(self.shape)
        elif len(values) < 2:
            last = values[0] if len(values) else np.zeros((), dtype)[()]
            array = _repeated(last, dtype, self.shape, self.offset)
        else:
            if self.size * dtype.itemsize > _MAX_FILLED_BYTES:
                raise UnsupportedError(
                    f"a tensor of shape {list(self.shape)} has only {len(values)} values: "
                    "the last one would fill more than 256 MiB",
                    offset=self.offset,
                )
            array = np.empty(self.size, dtype)
            array[: len(values)] = values
            array[len(values) :] = values[-1]
            array = array.reshape(self.shape)
        array.flags.writeable = False
        return array

    def _strings(self) -> Array:
        values = [
            bytes(field.content())
            for field in fields(self.raw, self.offset)
            if field.number == _STRING_LIST
        ]
        if len(self.content):
            values = self._string_content()
        flat = np.empty(len(values), object)
        flat[:] = values
        if len(values) < self.size and not values:
            return _repeated(b"", np.dtype(object), self.shape, self.offset)
        return self._filled(flat, np.dtype(object))

    def _string_content(self) -> list[bytes]:
        """Strings in ``tensor_content``: the length of each, then all of them (rare)."""
        content = memoryview(self.content)
        lengths: list[int] = []
        at = 0
        while len(lengths) < self.size and at < len(content):
            end = at
            while end < len(content) and content[end] & 0x80:
                end += 1
            lone = Field(_STRING_LIST, 2, 0, content[at : end + 1], self.content_offset + at)
            lengths += repeated_numbers(lone, _plain)
            at = end + 1
        if len(lengths) != self.size or at + sum(lengths) != len(content):
            raise FormatError(
                f"the content of a string tensor does not hold {self.size} strings",
                offset=self.content_offset,
            )
        values = []
        for length in lengths:
            values.append(bytes(content[at : at + length]))
            at += length
        return values


def decode_tensor(raw: Raw, base: int = 0) -> TensorMessage:
    """Read what a tensor is; its values are left as they are stored.

    Args:
        raw: A ``TensorProto``.
        base: Where it begins in the file, for offsets in errors.

    Raises:
        FormatError: It is no such message, or its shape is not known or too large.
    """
    dtype = 0
    shape: tuple[int, ...] = ()
    content: Raw = b""
    content_offset = base
    shapes: list[Field] = []
    for field in fields(raw, base):
        if field.number == 1:
            dtype = field.int32()
        elif field.number == 2:
            shapes.append(field)
        elif field.number == 4:
            content, content_offset = field.content(), field.offset
    if shapes:
        joined = shapes[0].content() if len(shapes) == 1 else b"".join(s.content() for s in shapes)
        dims = decode_shape(joined, shapes[0].offset).dims
        if dims is None or any(dim < 0 for dim in dims):
            raise FormatError("a stored tensor has an unknown shape", offset=shapes[0].offset)
        shape = dims
    if math.prod(shape) >> 63 or any(dim >> 48 for dim in shape):
        raise FormatError(f"a tensor has the impossible shape {list(shape)}", offset=base)
    return TensorMessage(without_reference(dtype), shape, content, content_offset, raw, base)


def encode_tensor(array: Any, dtype: int | None = None) -> bytes:
    """Write a tensor: ``tensor_content`` for all types but strings (freeze.md §6.2).

    Args:
        array: Anything that `numpy.asarray` takes; text is written as UTF-8.
        dtype: Its DataType number; by default what numpy's dtype says. Quantised types, which
            numpy does not know, must be named.

    Raises:
        ConversionError: No DataType holds such values.
    """
    array = np.asarray(array)
    if array.dtype.kind in "OSUT":
        return _encode_strings(array)
    number = number_of(array.dtype) if dtype is None else dtype
    stored = None if number is None else numpy_dtype(number)
    if number is None or stored is None or stored != array.dtype.newbyteorder("="):
        named = "" if dtype is None else f" as {name_of(dtype)}"
        raise ConversionError(f"cannot write an array of {array.dtype}{named} into a graph")
    little = (
        array if array.dtype.itemsize == 1 else array.astype(stored.newbyteorder("<"), copy=False)
    )
    content = np.ascontiguousarray(little).tobytes()
    return tensor_header(number, array.shape, len(content)) + content


def tensor_header(dtype: int, shape: Sequence[int], nbytes: int) -> bytes:
    """All of a ``TensorProto`` up to its content: ``nbytes`` bytes, which follow; none if 0."""
    head = int_field(1, dtype) + bytes_field(2, encode_shape(tuple(shape)))
    return head + bytes_header(4, nbytes) if nbytes else head


def _encode_strings(array: Array) -> bytes:
    parts = [tensor_header(STRING, array.shape, 0)]
    for value in array.reshape(-1).tolist():
        if isinstance(value, str):
            value = as_bytes(value)
        if not isinstance(value, bytes):
            raise ConversionError(
                f"cannot write a {type(value).__name__} as a string: expected bytes or str"
            )
        parts.append(bytes_field(_STRING_LIST, value))
    return b"".join(parts)


def _list_number(dtype: int) -> int:
    """Field that holds typed values of a DataType."""
    if dtype in (RESOURCE, VARIANT):
        return 14
    named = {1: 5, 2: 6, 8: 9, 9: 10, 10: 11, 14: 13, 18: 12, 19: 13, 22: 16, 23: 17}
    if dtype in named:
        return named[dtype]
    return _FLOAT8_LIST if 24 <= dtype <= 28 or dtype == 33 else 7


def _plain(field: Field) -> int:
    return field.value


def _fixed(field: Field, stored: str) -> Array:
    """Values of one field of repeated floats: packed, or a single one."""
    width = int(stored[-1])
    if field.wire != (FIXED32 if width == 4 else FIXED64):
        field.content()
    if len(field.data) % width:
        raise FormatError(
            f"a packed field has {len(field.data)} bytes: expected a multiple of {width}",
            offset=field.offset,
        )
    return np.frombuffer(field.data, stored)


def _repeated(value: Any, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int) -> Array:
    """One value in every place, which takes the memory of one; read-only."""
    lone = np.empty((), dtype)
    lone[()] = value
    try:
        return np.broadcast_to(lone, shape)
    except ValueError:
        raise FormatError(
            f"a tensor has the impossible shape {list(shape)}", offset=offset
        ) from None
