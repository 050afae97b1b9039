"""Byte counts as people write them, in both directions: 90.8 kB, 5GB, 512MiB."""

from __future__ import annotations

import functools
import re
from typing import Any, Final

import click

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_WRITTEN: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgtpe]?)(i?)b?", re.IGNORECASE)


@functools.lru_cache(maxsize=4096)  # a million tensors have few different sizes
def format_size(nbytes: float) -> str:
    """Write a byte count with three digits and a decimal unit."""
    size, unit = float(nbytes), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    if unit == 0:
        return f"{size:.0f} B"
    return f"{size:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f} {_UNITS[unit]}"


def parse_size(text: str) -> int:
    """Read a byte count; kB is 1000 bytes, KiB 1024.

    Raises:
        ValueError: The text is no byte count.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or (found[3] and not found[2]):
        raise ValueError(f"{text!r} is not a size such as 5GB, 500MB or 2GiB")
    power = " kmgtpe".index(found[2].lower() or " ")
    factor: int = (1024 if found[3] else 1000) ** power
    # A whole number stays exact at any magnitude.
    return round(float(found[1]) * factor) if "." in found[1] else int(found[1]) * factor


def format_count(count: int, noun: str) -> str:
    """Write a count with its noun: 1 tensor, 1,200 tensors."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class SizeType(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.2
    """An option's value that is a byte count of at least one."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the value, or fail as wrong use."""
        try:
            size = parse_size(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if size < 1:
            self.fail(f"{value!r} is not at least one byte", param, ctx)
        return size
