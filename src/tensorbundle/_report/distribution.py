"""Distribution of a tensor's values: histogram, quantiles, powers of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from .statistics import BLOCK_ELEMENTS, Array, Statistics

BINS: Final = 24
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
SAMPLE: Final = 1 << 17
"""Elements that quantiles are told by: of larger tensors a sample at even distances."""

# Powers of two that magnitudes are counted by: all of float32's that are not denormal.
LEAST, GREATEST = -126, 129
_LEVELS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"


@dataclass(frozen=True, slots=True)
class Distribution:
    """What is told of a tensor's values.

    Attributes:
        statistics: Counts and moments, of all elements.
        quantiles: Those of `QUANTILES`, of the finite elements; empty without any.
    """

    statistics: Statistics
    quantiles: tuple[float, ...]


class Magnitudes:
    """Counts of elements by sign and power of two, of as many tensors as are added."""

    def __init__(self) -> None:
        self.negative = np.zeros(GREATEST - LEAST, np.int64)
        self.positive = np.zeros(GREATEST - LEAST, np.int64)
        self.zeros = self.nan = self.inf = self.count = 0

    def add(self, flat: Array, statistics: Statistics) -> None:
        """Count the elements of a flat array in, whose statistics are known."""
        self.count += statistics.count
        self.zeros += statistics.zeros
        self.nan += statistics.nan
        self.inf += statistics.inf
        for values in finite_blocks(flat):
            values = values[values != 0]
            powers = np.clip(np.frexp(values)[1] - 1 - LEAST, 0, GREATEST - LEAST - 1)
            below = values < 0
            for side, chosen in ((self.negative, below), (self.positive, ~below)):
                side += np.bincount(powers[chosen], minlength=len(side))


def is_number(array: Array) -> bool:
    """Whether an array holds numbers, which strings and pieces of memory are not."""
    return array.dtype.kind in "biufc" or (array.dtype.kind == "V" and array.dtype.names is None)


def describe(flat: Array) -> Distribution:
    """Describe the elements of a flat array."""
    statistics = Statistics()
    statistics.add(flat)
    sample = np.concatenate([*finite_blocks(flat[:: -(-flat.size // SAMPLE) or 1]), np.empty(0)])
    sample.sort()
    if not sample.size:
        return Distribution(statistics, ())
    places = np.array(QUANTILES) * (sample.size - 1)
    below = places.astype(np.intp)
    share = places - below
    above = np.minimum(below + 1, sample.size - 1)
    # Each by its share: the distance of two floats may be more than a float.
    found = sample[below] * (1 - share) + sample[above] * share
    return Distribution(statistics, tuple(found.tolist()))


def histogram(flat: Array, least: float, greatest: float) -> list[int]:
    """Count the finite elements of a flat array in bins of one width between two numbers."""
    counts = np.zeros(BINS, np.int64)
    # Of halves, since the distance of two floats may be more than a float.
    width = (greatest / 2 - least / 2) / (BINS / 2)
    for values in finite_blocks(flat):
        if width > 0:
            with np.errstate(over="ignore", invalid="ignore"):
                places = (values / 2 - least / 2) / (width / 2)
            bins = np.clip(np.nan_to_num(places), 0, BINS - 1).astype(np.intp)
        else:
            bins = np.full(values.size, BINS // 2)
        counts += np.bincount(bins, minlength=BINS)
    return counts.tolist()


def levels(counts: list[int], steps: int = 63) -> str:
    """Write a histogram as one character a bin: heights up to 63, and only none at all is zero.

    Args:
        counts: Of each bin.
        steps: How many heights there are.
    """
    top = max(counts, default=0)
    if not top:
        return ""
    return "".join(_LEVELS[-(-steps * count // top) * 63 // steps] for count in counts)


def finite_blocks(flat: Array) -> Iterator[Array]:
    """Give the finite elements as float64, block by block; of complex numbers the magnitudes."""
    if flat.dtype.kind not in "biufc" and "int" in flat.dtype.name:
        flat = flat.astype(np.int8)
    for start in range(0, flat.size, BLOCK_ELEMENTS):
        block = flat[start : start + BLOCK_ELEMENTS]
        is_complex = block.dtype.kind == "c"
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.abs(block.astype(np.complex128)) if is_complex else block.astype(np.float64)
        yield values[np.isfinite(values)]
