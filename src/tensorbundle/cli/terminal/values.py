"""Values as text (the way numpy prints them) and as JSON."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from .corners import Corners
from .spelling import spell

Array = np.ndarray[Any, Any]
_LONGEST: Final = 200  # characters of a string shown unless all is asked for


def format_values(
    array: Array,
    *,
    shortened: bool,
    width: int,
    encoding: str,
    full: bool,
    precision: int | None = None,
) -> str:
    """Print an array as numpy does.

    Args:
        array: All elements, or what ``Corners`` kept of them.
        shortened: Whether it is what ``Corners`` kept.
        width: Characters of a line.
        encoding: What the output can show.
        full: Whether long strings are shown whole.
        precision: Digits after the point; by default as many as tell the numbers apart, up to 8.
    """

    def text(element: Any) -> str:
        shown = format_string(element, encoding)
        if full or len(shown) <= _LONGEST:
            return shown
        return f"{shown[:_LONGEST]}… ({len(element):,} bytes)"

    if precision is not None and array.dtype.isbuiltin == 2 and "int" not in array.dtype.name:
        array = array.astype(np.float32)  # numpy's own types alone are rounded as they are printed
    return np.array2string(
        array,
        precision=precision,
        max_line_width=width,
        threshold=0 if shortened else sys.maxsize,
        edgeitems=Corners.EDGE,
        separator=" ",
        formatter={"object": text},
    )


def format_string(element: bytes, encoding: str = "utf-8") -> str:
    """Show bytes as text in quotes where they are UTF-8, and as a bytes literal where not."""
    try:
        text = element.decode("utf-8")
    except UnicodeDecodeError:
        return repr(element)
    mark = '"' if "'" in text and '"' not in text else "'"
    return mark + spell(text, encoding).replace(mark, "\\" + mark) + mark


def jsonable(array: Array) -> Any:
    """Nested lists of an array's values.

    NaN and infinities become "nan", "inf", "-inf"; complex numbers [real, imaginary]; strings that
    are not UTF-8 {"hex": ...}.
    """
    if array.dtype.kind == "O":
        return _nested(array, _jsonable_string)
    if array.dtype.kind == "c":
        return _nested(array, lambda z: [_jsonable_float(z.real), _jsonable_float(z.imag)])
    if array.dtype.kind in "biu":
        return array.tolist()
    if "int" in array.dtype.name:  # int4 and its like are not of numpy's own kinds
        return array.astype(np.int64).tolist()
    return _nested(array.astype(np.float64), _jsonable_float)


def _nested(array: Array, convert: Any) -> Any:
    def walk(values: Any, depth: int) -> Any:
        return [walk(v, depth - 1) for v in values] if depth else convert(values)

    return walk(array.tolist(), array.ndim)


def _jsonable_float(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _jsonable_string(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"hex": value.hex()}


def lengths_of(strings: Iterable[bytes]) -> tuple[int, int, int]:
    """The least and greatest length of some strings, and the sum: (0, 0, 0) of none."""
    lengths = [len(each) for each in strings]
    return min(lengths, default=0), max(lengths, default=0), sum(lengths)
