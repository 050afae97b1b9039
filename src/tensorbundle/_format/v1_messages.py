"""Messages of a V1 file (format.md §8.2): what its header lists, and the values of a slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from .. import _core
from ..errors import FormatError, UnsupportedError
from . import dtypes
from .wire import BYTES, FIXED32, FIXED64, VARINT, Field, fields

if TYPE_CHECKING:
    from .._core import SliceSpec

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
    if versions:
        _core.check_version(_joined(versions), versions[0].offset)
    return tensors


def _decode_listed(message: Field) -> ListedTensor:
    tensor = ListedTensor()
    shapes: list[Field] = []
    for part in message.message():
        if part.number == 1:
            tensor.name = bytes(part.content())
        elif part.number == 2:
            shapes.append(part)
        elif part.number == 3:
            tensor.data_type = part.int32()
        elif part.number == 4:
            tensor.slices.append(_decode_slice(part))
    if shapes:
        try:
            tensor.shape = _core.decode_shape(_joined(shapes), shapes[0].offset)
        except FormatError as error:
            error.message += f": tensor {tensor.name[:200].decode('utf-8', 'replace')!r}"
            raise
    return tensor


def _joined(parts: list[Field]) -> bytes | memoryview:
    """A message in several fields, which are its parts as protobuf has it; mostly it is in one."""
    if len(parts) == 1:
        return parts[0].content()
    return b"".join(part.content() for part in parts)


def _decode_slice(message: Field) -> SliceSpec:
    return _core.decode_slice(message.content(), message.offset)


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
