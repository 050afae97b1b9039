"""Parts of tensors, as a user says them and as TensorFlow's spec strings do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from .._core import SliceSpec

# Of each dimension a slice, or a pair of start and length; or all of them as TensorFlow writes it.
PartSpec: TypeAlias = "str | Sequence[slice | tuple[int, int | None]]"

_WHOLE: Final = -1
_EXTENT: Final = re.compile(r"-|(\d+),(\d+)")


def part_spec(spec: PartSpec, full_shape: Sequence[int]) -> SliceSpec:
    """Return (start, length) of each dimension; a whole dimension given as such has length -1.

    TensorFlow tells a whole dimension (``-``, ``slice(None)``) from an extent that happens to cover
    it, so this does too.

    Args:
        spec: ``"0,2:-"``, or per dimension ``slice(0, 2)`` or ``(0, 2)``, ``slice(None)`` for all.
        full_shape: The shape of the tensor.

    Raises:
        ValueError: It does not lie within the shape, or is empty.

    Example:
        >>> part_spec("0,2:-", (4, 6)), part_spec((slice(2, 4), slice(None)), (4, 6))
        (((0, 2), (0, -1)), ((2, 2), (0, -1)))
    """
    if isinstance(spec, str):
        found = [_EXTENT.fullmatch(extent) for extent in spec.split(":")]
        if None in found:
            raise ValueError(f"a slice is written like '0,2:-', not {spec!r}")
        pairs = [_pair((int(m[1]), int(m[2])) if m and m[1] else slice(None)) for m in found]
    else:
        pairs = [_pair(each) for each in spec]
    if len(pairs) != len(full_shape) or not full_shape:
        raise ValueError(
            f"the slice {spec!r} has {len(pairs)} dimensions: the tensor has {len(full_shape)}"
        )
    for (start, length), size in zip(pairs, full_shape, strict=True):
        whole = length in (None, _WHOLE)
        if (start != 0) if whole else not (0 <= start < start + (length or 0) <= size):
            raise ValueError(f"the slice {spec!r} is not within the shape {list(full_shape)}")
    return tuple((start, _WHOLE if length is None else length) for start, length in pairs)


def shape_of_part(extents: SliceSpec, full_shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of a part."""
    return tuple(
        size if length == _WHOLE else length
        for (_, length), size in zip(extents, full_shape, strict=True)
    )


def _pair(extent: slice | tuple[int, int | None]) -> tuple[int, int | None]:
    if not isinstance(extent, slice):
        start, length = extent
        return int(start), None if length is None else int(length)
    if extent == slice(None):
        return 0, None
    if extent.step not in (None, 1) or extent.stop is None:
        raise ValueError(f"a part is given by start and stop, not by {extent}")
    start = int(extent.start or 0)
    return start, int(extent.stop) - start
