"""``TensorShapeProto``: shapes, of which dimensions or all may be unknown."""

from __future__ import annotations

from typing import NamedTuple

from .._core import decode_partial_shape
from .._format.wire import Raw, bytes_field, int_field


class ShapeValue(NamedTuple):
    """Shape in an attribute.

    Attributes:
        dims: The dimensions, -1 for an unknown one; None when not even their number is known.
    """

    dims: tuple[int, ...] | None


def decode_shape(raw: Raw, base: int = 0) -> ShapeValue:
    """Read a shape. Raises FormatError, also for more dimensions than TensorFlow takes."""
    return ShapeValue(decode_partial_shape(raw, base))


def encode_shape(dims: tuple[int, ...] | None) -> bytes:
    """Write a shape."""
    if dims is None:
        return int_field(3, 1)
    return b"".join(bytes_field(2, int_field(1, dim)) for dim in dims)
