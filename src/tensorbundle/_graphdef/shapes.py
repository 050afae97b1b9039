"""``TensorShapeProto``: shapes, of which dimensions or all may be unknown."""

from __future__ import annotations

from typing import NamedTuple

from .._format.dtypes import MAX_RANK
from .._format.wire import Raw, bytes_field, fields, int_field
from ..errors import FormatError


class ShapeValue(NamedTuple):
    """Shape in an attribute.

    Attributes:
        dims: The dimensions, -1 for an unknown one; None when not even their number is known.
    """

    dims: tuple[int, ...] | None


def decode_shape(raw: Raw, base: int = 0) -> ShapeValue:
    """Read a shape. Raises FormatError, also for more dimensions than TensorFlow takes."""
    dims: list[int] = []
    unknown = False
    for field in fields(raw, base):
        if field.number == 2:
            size = 0
            for part in field.message():
                if part.number == 1:
                    size = part.int64()
            if len(dims) == MAX_RANK:
                raise FormatError(f"a shape has more than {MAX_RANK} dimensions", offset=base)
            dims.append(size if size >= 0 else -1)
        elif field.number == 3:
            unknown = field.int64() != 0
    return ShapeValue(None if unknown else tuple(dims))


def encode_shape(dims: tuple[int, ...] | None) -> bytes:
    """Write a shape."""
    if dims is None:
        return int_field(3, 1)
    return b"".join(bytes_field(2, int_field(1, dim)) for dim in dims)
