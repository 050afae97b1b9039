"""Distance of two tensors, value by value and piece by piece."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from .._format.dtypes import Array

_MOST: Final = 2.0**64


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """How far apart two tensors of one shape are.

    Attributes:
        count: Elements that differ by more than the tolerance.
        size: Elements in all.
        max_abs: The largest difference; NaN where one is NaN and the other is not, None for what
            are no numbers.
        max_rel: The largest difference in proportion to the second value; None likewise.
        norm_a: Euclidean norm of the first; None likewise.
        norm_b: Euclidean norm of the second; None likewise.
        norm_difference: Euclidean norm of the difference; None likewise.
    """

    count: int
    size: int
    max_abs: float | None
    max_rel: float | None
    norm_a: float | None
    norm_b: float | None
    norm_difference: float | None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Within which numbers are the same, as `numpy.isclose` has it.

    Attributes:
        rtol: In proportion to the second value.
        atol: As it is.
    """

    rtol: float = 0.0
    atol: float = 0.0

    def __post_init__(self) -> None:
        if not (self.rtol >= 0 and self.atol >= 0):
            raise ValueError(
                f"tolerances are not negative: found rtol={self.rtol}, atol={self.atol}"
            )

    def accepts(self, gap: Array, size: Array) -> Array:
        """Whether numbers that are not equal are close: finite, and no further than allowed."""
        if not (self.rtol or self.atol):
            return np.zeros(gap.shape, bool)
        limit = self.atol + self.rtol * size
        if gap.dtype.kind == "u":
            # An integer is within a number if it is within its whole part, which is exact.
            whole = np.floor(limit)
            close: Array = (whole >= _MOST) | (
                gap <= np.where(whole < _MOST, whole, 0).astype("u8")
            )
            return close
        return (gap <= limit) & np.isfinite(size)


class Sums:
    """Sums over the pieces of two tensors."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.count = self.size = 0
        self.max_abs = self.max_rel = 0.0
        self.squares = np.zeros(3)
        self._tolerance = tolerance

    def add(self, x: Array, y: Array) -> None:
        """Take in a piece of each, of the same length."""
        is_complex = "c" in (x.dtype.kind, y.dtype.kind)
        wide = np.complex128 if is_complex else np.float64
        integers = _are_integers(x) and _are_integers(y)
        self.size += x.size
        with np.errstate(all="ignore"):
            p, q = x.astype(wide), y.astype(wide)
            # Integers of 64 bits are more than a double holds.
            unequal = x != y if integers or x.dtype == y.dtype else p != q
            unequal &= ~(np.isnan(p) & np.isnan(q))
            gap = _gap_of_integers(x, y) if integers else np.abs(p - q)
            gap[~unequal] = 0  # infinite ones that are the same, too
            magnitude = np.abs(q)
            self.count += int(np.count_nonzero(unequal & ~self._tolerance.accepts(gap, magnitude)))
            # maximum keeps a NaN, fmax passes over those of 0 / 0.
            self.max_abs = float(np.maximum(self.max_abs, gap.max()))
            self.squares += [_sum_of_squares(each) for each in (p, q, gap.astype(np.float64))]
            np.divide(gap, magnitude, out=magnitude)
            self.max_rel = float(np.fmax(self.max_rel, np.fmax.reduce(magnitude)))

    def result(self) -> ValueDifference:
        """What the sums say."""
        max_rel = math.nan if math.isnan(self.max_abs) else self.max_rel
        norms = [math.sqrt(each) if each >= 0 else math.nan for each in self.squares]
        return ValueDifference(self.count, self.size, self.max_abs, max_rel, *norms)


def _are_integers(values: Array) -> bool:
    return values.dtype.kind in "iu"


def _gap_of_integers(x: Array, y: Array) -> Array:
    """The exact difference of integers, of any two widths."""
    a, b = x.astype(np.uint64), y.astype(np.uint64)  # modulo 2^64, as is their difference
    gap: Array = np.where(x < y, b - a, a - b)
    return gap


def _sum_of_squares(values: Array) -> float:
    # Not np.dot: the threads that its library starts cost more than such small pieces.
    flat = values.view(np.float64)
    return float(np.einsum("i,i->", flat, flat))
