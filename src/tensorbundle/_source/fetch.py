"""Ranges to fetch: merged where they lie close, in parts that keep all connections busy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from .pool import THREADS

Integers = np.ndarray[Any, np.dtype[np.int64]]

# What lies between two ranges is fetched with them, where it is cheaper than a request.
MAX_GAP: Final = 1 << 20
MAX_PART: Final = 8 << 20
MIN_PART: Final = 1 << 20


def part_bytes(total: int) -> int:
    """The size of parts for so many bytes: few requests for many, many connections for few."""
    return max(MIN_PART, min(MAX_PART, -(-total // (2 * THREADS))))


def spans(offsets: Integers, sizes: Integers) -> Iterator[tuple[int, int]]:
    """Stretches that cover ranges of one file, which come in the order of their offsets."""
    kept = sizes > 0
    begins, ends = offsets[kept], (offsets + sizes)[kept]
    if not len(begins):
        return
    reach = np.maximum.accumulate(ends)
    first = np.flatnonzero(np.r_[True, begins[1:] > reach[:-1] + MAX_GAP])
    last = np.r_[first[1:] - 1, len(begins) - 1]
    yield from zip(begins[first].tolist(), reach[last].tolist(), strict=True)


def parts(begin: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """A stretch cut into parts of at most ``size``, as equal as may be."""
    count = max(1, -(-(end - begin) // size))
    for number in range(count):
        yield (
            begin + (end - begin) * number // count,
            begin + (end - begin) * (number + 1) // count,
        )
