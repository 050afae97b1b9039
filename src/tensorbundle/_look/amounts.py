"""Amounts as people write them: 90.8 kB, 1,200 tensors."""

from __future__ import annotations

import functools
from typing import Final

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


@functools.lru_cache(maxsize=4096)  # a million tensors have few different sizes
def format_size(nbytes: float) -> str:
    """Write a byte count with three digits and a decimal unit."""
    size, unit = float(nbytes), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    if unit == 0:
        return f"{size:.0f} B"
    return f"{size:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f} {_UNITS[unit]}"


def format_count(count: int, noun: str) -> str:
    """Write a count with its noun: 1 tensor, 1,200 tensors."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
