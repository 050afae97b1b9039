"""Statistics of a tensor from its pieces, in float64, in memory that does not grow with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]

# float64 copies of this many elements are made at a time: 2 MB, which a cache holds.
BLOCK_ELEMENTS: Final = 1 << 18


@dataclass(slots=True)
class Statistics:
    """Numbers about the elements seen so far.

    Of complex numbers ``min``, ``max``, ``mean`` and ``std`` are those of the magnitudes. They
    leave NaN and infinities out, which are counted; with nothing finite they are None. ``std`` is
    that of the whole population (ddof 0), as ``np.std``.

    Attributes:
        count: Elements.
        zeros: Elements equal to zero.
        nan: Elements with a NaN in any part.
        inf: Elements with an infinity, and no NaN, in any part.
        min: The least, in the tensor's own type.
        max: The greatest.
        mean: Their mean.
        m2: Sum of squared distances from the mean.
    """

    count: int = 0
    zeros: int = 0
    nan: int = 0
    inf: int = 0
    min: int | float | None = None
    max: int | float | None = None
    mean: float | None = None
    m2: float = 0.0

    @property
    def finite(self) -> int:
        """Elements that are neither NaN nor infinite."""
        return self.count - self.nan - self.inf

    @property
    def std(self) -> float | None:
        """Standard deviation of the finite elements."""
        return float(np.sqrt(self.m2 / self.finite)) if self.finite else None

    def add(self, elements: Array) -> None:
        """Count the elements of a flat numeric or bool array in."""
        if elements.dtype.kind not in "biuc" and "int" in elements.dtype.name:
            elements = elements.astype(np.int8)  # int4 and its like are not of numpy's own kinds
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, elements.size, BLOCK_ELEMENTS):
                self._add_block(elements[start : start + BLOCK_ELEMENTS])

    def _add_block(self, block: Array) -> None:
        self.count += block.size
        exact = block.dtype.kind in "biu"
        if block.dtype.kind == "c":
            values = np.abs(block.astype(np.complex128))
            nan = np.isnan(block.real) | np.isnan(block.imag)
            inf = (np.isinf(block.real) | np.isinf(block.imag)) & ~nan
            self.zeros += int(np.count_nonzero(block == 0))
        else:
            values = block.astype(np.float64)
            nan, inf = np.isnan(values), np.isinf(values)
            self.zeros += int(np.count_nonzero(values == 0))
        self.nan += int(np.count_nonzero(nan))
        self.inf += int(np.count_nonzero(inf))
        if not exact:
            values = values[~(nan | inf)]
        if values.size:
            bounds = block if exact else values
            self._widen(bounds.min().item(), bounds.max().item())
            self._merge(values)

    def _widen(self, least: float, greatest: float) -> None:
        self.min = least if self.min is None else min(self.min, least)
        self.max = greatest if self.max is None else max(self.max, greatest)

    def _merge(self, values: Array) -> None:
        # Chan, Golub, LeVeque: two means and sums of squares make those of both together.
        mean = float(values.mean())
        m2 = float(np.square(values - mean).sum())
        if self.mean is None:
            self.mean, self.m2 = mean, m2
            return
        share, before = values.size / self.finite, self.finite - values.size
        distance = mean - self.mean
        self.mean += distance * share
        self.m2 += m2 + distance * distance * before * share
