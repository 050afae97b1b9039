"""Messages of a V1 file (format.md §8.2): what its header lists, and the values of a slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from .. import _core
from ..errors import FormatError, UnsupportedError
from . import dtypes
from .dtypes import MAX_RANK
from .wire import BYTES, FIXED32, FIXED64, VARINT, Field, fields

if TYPE_CHECKING:
    from .._core import SliceSpec

# What a reader of this format declares itself, as in the header of a V2 index.
_CONSUMER_VERSION: Final = 1
_MAX_COUNT: Final = (1 << 63) - 1

# By DataType, the field of TensorProto that holds the values, and how.
_VALUE_FIELDS: Final = {
    1: (5, FIXED32),
    2: (6, FIXED64),
    **dict.fromkeys((3, 4, 5, 6, 11, 12, 13, 17), (7, VARINT)),  # integers of up to 32 bits
    7: (8, BYTES),
    8: (9, FIXED32),
    9: (10, VARINT),
    10: (11, VARINT),
    18: (12, FIXED64),
    19: (13, VARINT),
}


def numpy_dtype(data_type: int) -> np.dtype[Any] | None:
    """The dtype of the arrays that a DataType is read into; None for what V1 has no form for."""
    return dtypes.numpy_dtype(data_type) if data_type in _VALUE_FIELDS else None


@dataclass(slots=True)
class ListedTensor:
    """A tensor as the header of one file lists it.

    Attributes:
        name: Its name, any bytes.
        data_type: TensorFlow's DataType number.
        shape: Its dimensions: those of the whole, not of the slices in this file.
        slices: The slices that this file holds.
    """

    name: bytes = b""
    data_type: int = 0
    shape: tuple[int, ...] = ()
    slices: list[SliceSpec] = field(default_factory=list)


class Record(NamedTuple):
    """One stored slice.

    Attributes:
        name: The tensor's name, as the record repeats it.
        slice: Which slice it is, likewise.
        tensor: The fields that hold its TensorProto; one, as everybody writes it.
    """

    name: bytes
    slice: SliceSpec
    tensor: list[Field]


# --- the header --------------------------------------------------------------------------------


def decode_header(value: bytes, offset: int) -> list[ListedTensor]:
    """Decode the value of the key "", which lists what the file holds.

    Raises:
        FormatError: It is malformed; or the table is a V2 index.
        UnsupportedError: The file asks for readers of another version.
    """
    tensors: list[ListedTensor] = []
    versions: list[Field] = []
    for outer in fields(value, offset):
        if outer.number != 1:
            continue
        if outer.wire == VARINT:
            raise FormatError(
                "not a V1 checkpoint: the table is the index of a V2 one, "
                "whose name must end in '.index'"
            )
        for inner in outer.message():
            if inner.number == 1:
                tensors.append(_decode_listed(inner))
            elif inner.number == 2:
                versions.append(inner)
    _check_version(versions)
    return tensors


def _check_version(versions: list[Field]) -> None:
    producer = min_consumer = 0
    bad_consumer = False
    for part in (part for version in versions for part in version.message()):
        if part.number == 1:
            producer = part.int32()
        elif part.number == 2:
            min_consumer = part.int32()
        elif part.number == 3 and part.wire == BYTES:
            ends = sum(byte < 0x80 for byte in part.data)
            numbers = _core.unpack_varints(bytes(part.data), ends)
            bad_consumer |= bool((numbers == _CONSUMER_VERSION).any())
        elif part.number == 3:
            bad_consumer |= part.int32() == _CONSUMER_VERSION
    if producer < 0 or min_consumer > _CONSUMER_VERSION or bad_consumer:
        raise UnsupportedError(
            f"this checkpoint (producer version {producer}) asks for readers of version "
            f"{min_consumer}{', and not 1' if bad_consumer else ''}; this is one of version 1",
            offset=versions[0].offset,
        )


def _decode_listed(message: Field) -> ListedTensor:
    tensor = ListedTensor()
    for part in message.message():
        if part.number == 1:
            tensor.name = bytes(part.content())
        elif part.number == 2:
            tensor.shape += tuple(_decode_shape(part))
        elif part.number == 3:
            tensor.data_type = part.int32()
        elif part.number == 4:
            tensor.slices.append(_decode_slice(part))
    count = 1
    for size in tensor.shape:
        # A zero stays out of the product: [2^40, 0, 2^40] is refused, as TensorFlow refuses it.
        count *= size or 1
        if count > _MAX_COUNT:
            raise FormatError(
                f"the shape's element count does not fit in 64 bits: {_shown(tensor)}",
                offset=message.offset,
            )
    return tensor


def _shown(tensor: ListedTensor) -> str:
    name = tensor.name[:200].decode("utf-8", "replace")
    return f"tensor {name!r} of {len(tensor.shape)} dimensions"


def _decode_shape(message: Field) -> Iterator[int]:
    rank = 0
    for part in message.message():
        if part.number == 3 and part.int64() != 0:
            raise FormatError("the shape is of unknown rank", offset=part.offset)
        if part.number != 2:
            continue
        rank += 1
        if rank > MAX_RANK:
            raise FormatError("the shape has more than 254 dimensions", offset=part.offset)
        size = 0
        for inner in part.message():
            if inner.number == 1:
                size = inner.int64()
        if size < 0:
            raise FormatError(f"a dimension is negative: {size}", offset=part.offset)
        yield size


def _decode_slice(message: Field) -> SliceSpec:
    """The ``(start, length)`` of each dimension; an absent length is the whole dimension."""
    extents = []
    for part in message.message():
        if part.number != 1:
            continue
        start, length = 0, -1
        for inner in part.message():
            if inner.number == 1:
                start = inner.int64()
            elif inner.number == 2:
                length = inner.int64()
                if length < 0:
                    raise FormatError("a slice has a negative length", offset=part.offset)
        if start < 0 or (length < 0 and start != 0):
            raise FormatError(f"a slice starts at {start}", offset=part.offset)
        extents.append((start, length))
        if len(extents) > MAX_RANK:
            raise FormatError("a slice has more than 254 dimensions", offset=part.offset)
    return tuple(extents)


# --- records -----------------------------------------------------------------------------------


def decode_record(value: bytes, offset: int) -> Record:
    """Decode all but the values of a stored slice. Raises FormatError."""
    name = b""
    slice: SliceSpec = ()
    tensor: list[Field] = []
    for outer in fields(value, offset):
        if outer.number != 2:
            continue
        for part in outer.message():
            if part.number == 1:
                name = bytes(part.content())
            elif part.number == 2:
                slice = _decode_slice(part)
            elif part.number == 3:
                tensor.append(part)
    return Record(name, slice, tensor)


def decode_values(record: Record, data_type: int, count: int) -> np.ndarray[Any, Any]:
    """Decode the values of a stored slice.

    Args:
        record: Its record.
        data_type: TensorFlow's DataType number, which only the header knows.
        count: How many elements the slice has.

    Returns:
        A vector of its own.

    Raises:
        FormatError: There are more values or fewer; nothing was allocated for them.
    """
    dtype = numpy_dtype(data_type)
    if dtype is None:
        raise UnsupportedError(
            f"tensors of type {dtypes.name_of(data_type)} cannot be read: V1 has no form for them"
        )
    number, wire = _VALUE_FIELDS[data_type]
    parts = (
        part for message in record.tensor for part in message.message() if part.number == number
    )
    if data_type == dtypes.STRING:
        return _strings(parts, count)
    packed, offset = _packed(parts, wire)
    if wire == VARINT:
        try:
            numbers = _core.unpack_varints(bytes(packed), count)
        except FormatError as error:
            message = f"a slice does not hold its {count} values: {error.message}"
            raise FormatError(message, offset=offset) from None
        return _from_varints(numbers, data_type, dtype)
    if len(packed) != count * dtype.itemsize:
        raise FormatError(
            f"a slice does not hold its {count} values: {len(packed)} bytes, "
            f"expected {count * dtype.itemsize}",
            offset=offset,
        )
    values: np.ndarray[Any, Any] = np.frombuffer(packed, dtype.newbyteorder("<")).astype(dtype)
    return values


def _packed(parts: Iterator[Field], wire: int) -> tuple[memoryview | bytearray, int | None]:
    """The values in packed form, even if each has a field of its own, and where they begin."""
    packed: memoryview | bytearray = memoryview(b"")
    offset = None
    for part in parts:
        if part.wire != BYTES:
            part.expect(wire)
        if offset is None:
            packed, offset = part.data, part.offset
        elif isinstance(packed, memoryview):
            packed = bytearray(packed) + part.data
        else:
            packed += part.data
    return packed, offset


def _from_varints(
    numbers: np.ndarray[Any, Any], data_type: int, dtype: np.dtype[Any]
) -> np.ndarray[Any, Any]:
    if data_type == dtypes.BOOL:
        return numbers.astype(bool)
    if dtype == np.float16:
        return numbers.astype(np.uint16).view(dtype)
    # Negative numbers are stored as 64 bits whatever the type: the low ones are the number.
    return numbers.astype(dtype)


def _strings(parts: Iterator[Field], count: int) -> np.ndarray[Any, Any]:
    elements = [bytes(part.content()) for part in parts]
    if len(elements) != count:
        raise FormatError(
            f"a slice does not hold its {count} values: found {len(elements)} strings"
        )
    array = np.empty(count, dtype=object)
    array[:] = elements
    return array
