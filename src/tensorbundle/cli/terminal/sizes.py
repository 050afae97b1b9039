"""Byte counts as people write them, in both directions: 90.8 kB, 5GB, 512MiB."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from ..._look.amounts import format_count, format_size, format_subject

__all__ = ["SizeType", "format_count", "format_size", "format_subject", "parse_size"]

_WRITTEN: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgtpe]?)(i?)b?", re.IGNORECASE)


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
