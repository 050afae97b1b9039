"""Aligned columns as plain text: streamed, never cut, folded only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from .console import Console

Row = TypeVar("Row")
_GAP: Final = "  "
_NARROWEST: Final = 24  # columns left for names below which the terminal itself wraps lines
_WIDEST: Final = 160  # columns that names are padded to: one of 10 kB must not pad all others
_CONTINUED: Final = "  "


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: its title, what a row shows in it, and how."""

    title: str
    text: Callable[[Row], str]
    right: bool = False
    style: dict[str, Any] | None = None


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fold(text: str, width: int) -> list[str]:
    """Break a name into lines of at most a width, after a slash where there is one."""
    lines: list[str] = []
    room = width
    while cells(text) > room:
        most = room if text.isascii() else max(1, room // 2)
        cut = text.rfind("/", 1, most) + 1 or most
        lines.append(text[:cut])
        text, room = text[cut:], width - len(_CONTINUED)
    return [*lines, text]


def table_lines(
    console: Console, columns: Sequence[Column[Row]], rows: Iterable[Row], *, titles: bool = True
) -> Iterator[str]:
    """Lay rows out; the first column is folded when a terminal is too narrow.

    Rows are gone through twice, for the widths and for the lines, so that no text is held.
    """
    widths = [len(column.title) if titles else 0 for column in columns]
    for row in rows:
        for number, column in enumerate(columns):
            width = cells(column.text(row))
            if width > widths[number]:
                widths[number] = width
    limit = _WIDEST
    if console.width is not None:
        limit = console.width - sum(widths[1:]) - len(_GAP) * (len(columns) - 1)
    widths[0] = min(widths[0], max(limit, _NARROWEST))
    if titles:
        head = [_pad(c.title, w, c.right) for c, w in zip(columns, widths, strict=True)]
        yield console.style(_GAP.join(head).rstrip(), dim=True)
    for row in rows:
        yield from _row_lines(console, columns, widths, row)


def _row_lines(
    console: Console, columns: Sequence[Column[Row]], widths: list[int], row: Row
) -> Iterator[str]:
    texts = [column.text(row) for column in columns]
    more: list[str] = []
    if console.width is not None and cells(texts[0]) > widths[0]:
        texts[0], *more = fold(texts[0], widths[0])
    parts = []
    for column, text, width in zip(columns, texts, widths, strict=True):
        padded = _pad(text, width, column.right)
        parts.append(console.style(padded, **column.style) if column.style else padded)
    yield _GAP.join(parts).rstrip()
    yield from (_CONTINUED + line for line in more)


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - cells(text))
    return space + text if right else text + space
