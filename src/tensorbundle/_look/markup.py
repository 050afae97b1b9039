"""Markup for notebooks: tables and parts that open, all text escaped, no scripts.

Colours are left to the notebook, so that it is read in the dark as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from .._printable import printable

_NAME: Final = 200  # characters of one text
_NUMBER: Final = "text-align:right"
_TEXT: Final = "text-align:left"


def text(value: object) -> str:
    """Text from outside, as markup: on one line, in its own direction, shortened if endless."""
    return f"<bdi>{escape(printable(str(value), _NAME))}</bdi>"


def heading(title: str, *facts: str) -> str:
    """A title, and facts behind it; all of it plain text."""
    return f"<b>{text(title)}</b><br>{' · '.join(text(fact) for fact in facts if fact)}"


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, more: int = 0) -> str:
    """A table; numbers stand on the right.

    Args:
        headers: Names of the columns.
        rows: Their values, as plain text and numbers.
        more: How many rows were left out, which its last line says.
    """
    head = "".join(f'<th style="{_TEXT}">{text(each)}</th>' for each in headers)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    if more:
        body += f'<tr><td colspan="{len(headers)}" style="{_TEXT}">and {more:,} more</td></tr>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def part(title: str, inside: str, *, is_open: bool = False) -> str:
    """A part that is opened by its title; ``inside`` is markup."""
    state = " open" if is_open else ""
    return f"<details{state}><summary>{text(title)}</summary>{inside}</details>"


def block(*parts: str) -> str:
    """Parts put together as one answer to a notebook."""
    return f'<div class="tensorbundle">{"".join(parts)}</div>'


def _cell(value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        shown = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
        return f'<td style="{_NUMBER}">{shown}</td>'
    return f'<td style="{_TEXT}">{text("" if value is None else value)}</td>'
