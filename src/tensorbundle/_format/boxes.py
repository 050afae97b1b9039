"""Boxes: partitioned tensors put together from their slices, and parts of tensors read alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .._core import File
from ..errors import FormatError
from .dtypes import Array

if TYPE_CHECKING:
    from .._core import SliceSpec

# (start, stop) of each dimension.
Box: TypeAlias = tuple[tuple[int, int], ...]

# Rows are read whole where they are no longer than this, or where so many times what is wanted of
# them is no less.
_RUN_BYTES = 16 << 10
_DENSITY = 4
_SPAN_BYTES = 8 << 20


def box_of(slice: SliceSpec, shape: tuple[int, ...]) -> Box:
    """The box that a stored slice covers. Raises FormatError unless it lies inside the shape."""
    if len(slice) != len(shape):
        raise FormatError(
            f"a slice does not fit: {len(slice)} dimensions, but the tensor has {len(shape)}"
        )
    box = tuple(
        (start, dim if length < 0 else start + length)
        for (start, length), dim in zip(slice, shape, strict=True)
    )
    if any(not 0 <= start <= stop <= dim for (start, stop), dim in zip(box, shape, strict=True)):
        raise FormatError(f"a slice does not fit: {describe(box)} in a tensor of {list(shape)}")
    return box


def describe(box: Box) -> str:
    """A box as numpy would index it: ``[0:2, 3:6]``."""
    return "[" + ", ".join(f"{start}:{stop}" for start, stop in box) + "]"


def shape_of(box: Box) -> tuple[int, ...]:
    """The shape of a box."""
    return tuple(stop - start for start, stop in box)


def volume(box: Box) -> int:
    """The number of elements in a box."""
    return math.prod(shape_of(box))


def intersection(one: Box, other: Box) -> Box | None:
    """The elements that two boxes share, or None."""
    shared = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))
    return shared if all(start < stop for start, stop in shared) else None


def first_overlap(boxes: Sequence[Box]) -> tuple[int, int] | None:
    """The positions of two boxes that share elements, or None.

    Boxes are swept along the axis on which the fewest lie beside each other, so that a tensor cut
    along one axis costs a sort.
    """
    solid = [i for i, box in enumerate(boxes) if volume(box) > 0]
    if len(solid) < 2:
        return None
    if not boxes[solid[0]]:  # scalars, which are all the same element
        return solid[0], solid[1]
    corners = np.array([boxes[i] for i in solid], dtype=np.int64)

    def sweep(axis: int) -> tuple[Array, Array]:
        """The boxes in order of their starts, and where in it those that begin too late do."""
        order = np.argsort(corners[:, axis, 0], kind="stable")
        return order, np.searchsorted(corners[order, axis, 0], corners[order, axis, 1])

    sweeps = map(sweep, range(corners.shape[1]))
    order, ends = min(sweeps, key=lambda swept: int(swept[1].sum()))
    starts, stops = corners[order, :, 0], corners[order, :, 1]
    for i in np.flatnonzero(ends > np.arange(1, len(ends) + 1)):
        later = slice(i + 1, ends[i])
        hit = (starts[later] < stops[i]) & (stops[later] > starts[i])
        hits = np.flatnonzero(hit.all(axis=1))
        if hits.size:
            return solid[order[i]], solid[order[i + 1 + int(hits[0])]]
    return None


def assemble(
    target: Box,
    boxes: Sequence[Box],
    dtype: np.dtype[Any],
    read: Callable[[int], Array],
    prepare: Callable[[Sequence[int]], object] | None = None,
) -> Array:
    """Put the elements of ``target`` together from stored boxes.

    Args:
        target: What is wanted.
        boxes: What is stored.
        dtype: The dtype of all.
        read: Gives the array of the stored box at a position; called for those that are needed.
        prepare: Told their positions before any memory is taken, to refuse what cannot be.

    Raises:
        FormatError: Boxes overlap, or leave elements of ``target`` uncovered.
    """
    if clash := first_overlap(boxes):
        one, other = (describe(boxes[i]) for i in clash)
        raise FormatError(f"slices overlap: {one} and {other} share elements")
    needed = {i: shared for i, box in enumerate(boxes) if (shared := intersection(box, target))}
    missing = volume(target) - sum(map(volume, needed.values()))
    if missing:
        raise FormatError(
            f"slices leave a gap: {missing} of {volume(target)} elements are in none of them"
        )
    if prepare is not None:
        prepare(list(needed))
    if len(needed) == 1 and boxes[only := next(iter(needed))] == target:
        return read(only)
    result = np.empty(shape_of(target), dtype)
    for i, shared in needed.items():
        result[_within(shared, target)] = read(i)[_within(shared, boxes[i])]
    return result


def _within(inner: Box, outer: Box) -> tuple[slice, ...]:
    return tuple(
        slice(start - origin, stop - origin)
        for (start, stop), (origin, _) in zip(inner, outer, strict=True)
    )


def basic_index(index: Any, shape: tuple[int, ...]) -> tuple[Box, tuple[int | slice, ...]]:
    """Split an index into the box that holds all it asks for, and the index within that box.

    Raises:
        IndexError: It does not fit the shape, or is none of integers, slices and ``...``.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can have only one ellipsis ('...')")
    given = len(parts) - len(dots)
    if given > len(shape):
        raise IndexError(f"too many indices: {given} for {len(shape)} dimensions")
    at = dots[0] if dots else len(parts)
    parts[at : at + 1] = [slice(None)] * (len(shape) - given)
    split = [_split(part, dim) for part, dim in zip(parts, shape, strict=True)]
    return tuple(extent for extent, _ in split), tuple(inner for _, inner in split)


def _split(part: Any, dim: int) -> tuple[tuple[int, int], int | slice]:
    if isinstance(part, slice):
        chosen = range(*part.indices(dim))
        if not chosen:
            return (0, 0), slice(0, 0)
        low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1]) + 1
        stop = chosen[-1] - low + (1 if chosen.step > 0 else -1)
        return (low, high), slice(chosen[0] - low, None if stop < 0 else stop, chosen.step)
    if isinstance(part, (bool, np.bool_, np.ndarray)) or not hasattr(part, "__index__"):
        raise IndexError(f"only integers, slices and '...' can index a stored tensor, not {part!r}")
    position = part.__index__()
    if not -dim <= position < dim:
        raise IndexError(f"index {position} is out of bounds for a dimension of {dim}")
    position %= dim
    return (position, position + 1), 0


def read_box(
    file: File, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any], box: Box
) -> Array:
    """Read a box of a tensor that is stored whole from ``offset`` on."""
    result = np.empty(shape_of(box), dtype)
    if result.size:
        _fill(result, file, offset, shape, box)
    return result


def _fill(result: Array, file: File, offset: int, shape: tuple[int, ...], box: Box) -> None:
    """Read a box into a contiguous array, dimension by dimension until it is one run of bytes."""
    if box[1:] == tuple((0, dim) for dim in shape[1:]):
        start = box[0][0] * math.prod(shape[1:]) * result.itemsize if shape else 0
        file.readinto(offset + start, result.reshape(-1).view(np.uint8))
        return
    row_bytes = math.prod(shape[1:]) * result.itemsize
    start, stop = box[0]
    if row_bytes > max(_RUN_BYTES, _DENSITY * result[0].nbytes):
        for i in range(start, stop):
            _fill(result[i - start], file, offset + i * row_bytes, shape[1:], box[1:])
        return
    # What lies between is read too, some rows at a time: that is quicker than a call a run.
    step = max(1, _SPAN_BYTES // row_bytes)
    columns = tuple(slice(*extent) for extent in box[1:])
    for low in range(start, stop, step):
        rows = np.empty((min(step, stop - low), *shape[1:]), result.dtype)
        file.readinto(offset + low * row_bytes, rows.reshape(-1).view(np.uint8))
        result[low - start : low - start + len(rows)] = rows[(slice(None), *columns)]
