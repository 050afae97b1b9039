"""Corners of a large array: what numpy prints of it, kept while its pieces pass by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]


class Corners:
    """What numpy prints of a large array, kept while its pieces pass by.

    An axis that numpy would shorten keeps its ends and one element between them, so that printing
    ``array()`` with ``threshold=0`` gives the text that the whole array would give.
    """

    EDGE: Final = 3
    THRESHOLD: Final = 1000

    def __init__(self, shape: Sequence[int], dtype: np.dtype[Any], *, full: bool = False) -> None:
        size = math.prod(shape)
        self.shortened = size > self.THRESHOLD and not full
        # An empty array may have long axes all the same.
        axes = [self._kept(length) if size else np.arange(0) for length in shape]
        self._array = np.empty([len(axis) for axis in axes], dtype)
        # Where each kept element lies in the whole, ascending.
        flat = np.zeros((), np.int64)
        for length, axis in zip(shape, axes, strict=True):
            flat = flat[..., np.newaxis] * length + axis
        self._positions = flat.reshape(-1)
        self.seen = 0

    def _kept(self, length: int) -> Array:
        if not self.shortened or length <= 2 * self.EDGE:
            return np.arange(length)
        ends = np.arange(2 * self.EDGE + 1)
        ends[self.EDGE + 1 :] += length - len(ends)
        return ends

    def add(self, elements: Array) -> None:
        """Take what is wanted of the next elements of the flat array."""
        start, stop = np.searchsorted(
            self._positions, (self.seen, self.seen + elements.size)
        ).tolist()
        wanted = self._positions[start:stop] - self.seen
        self._array.reshape(-1)[start:stop] = elements[wanted]
        self.seen += elements.size

    def array(self) -> Array:
        """The elements kept."""
        return self._array
