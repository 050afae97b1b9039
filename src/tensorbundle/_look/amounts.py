"""Amounts as people write them: 90.8 kB, 1,200 tensors."""

from __future__ import annotations

import functools
from typing import Final

_OF_SEVERAL: Final = {"is": "are", "was": "were", "does": "do", "matches": "match"}
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


def format_subject(count: int, noun: str, verb: str) -> str:
    """Write what a sentence counts, with its verb: 1 output of it is, 2 outputs of it are."""
    head, space, rest = noun.partition(" ")
    said = verb if count == 1 else _OF_SEVERAL.get(verb, verb.removesuffix("s"))
    return f"{format_count(count, head)}{space}{rest} {said}"
