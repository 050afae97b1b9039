"""Outcomes of verbs: what was done, in a line at the prompt, as tables in notebooks."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Final

from .._printable import printable
from .amounts import format_size
from .markup import block, heading, part, table

_SHOWN: Final = 50  # rows of one table
_TEXT: Final = 200  # characters of one text
_BYTES: Final = "nbytes"
_LISTS: Final = (Mapping, tuple, list, frozenset)


class Outcome:
    """What dataclasses of facts about something done are shown as.

    ``repr`` has each fact that is not empty, lists as their count: the facts themselves are
    attributes, and may be thousands.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self._told()) or 'nothing'}>"

    def _repr_html_(self) -> str:
        parts = [
            part(f"{_words(name)} ({len(value):,})", _listed(value))
            for name, value in self._facts()
            if isinstance(value, _LISTS)
        ]
        return block(heading(type(self).__name__, *self._told()), *parts)

    def _facts(self) -> list[tuple[str, object]]:
        """The facts that say something."""
        names = [each.name for each in dataclasses.fields(self)]  # type: ignore[arg-type]
        named = [(name, getattr(self, name)) for name in names]
        return [(name, value) for name, value in named if not _is_empty(value)]

    def _told(self) -> list[str]:
        return [_told(name, value) for name, value in self._facts()]


def _told(name: str, value: object) -> str:
    words = _words(name)
    if value is True:
        return words
    if isinstance(value, _LISTS):
        return f"{len(value):,} {words}"
    if name.endswith(_BYTES) and isinstance(value, int):
        return f"{words.removesuffix(_BYTES)}{format_size(value)}"
    if isinstance(value, int):
        return f"{value:,} {words}"
    return f"{words} {printable(str(value), _TEXT)!r}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _is_empty(value: object) -> bool:
    return value is None or value is False or (isinstance(value, _LISTS) and not value)


def _listed(value: Mapping[str, object] | Collection[object]) -> str:
    """A list of facts as a table: of their attributes where they have some."""
    if isinstance(value, Mapping):
        rows = [(name, _text(each)) for name, each in list(value.items())[:_SHOWN]]
        return table(("name", "is"), rows, more=max(0, len(value) - _SHOWN))
    shown = list(value)[:_SHOWN]
    more = max(0, len(value) - _SHOWN)
    if shown and dataclasses.is_dataclass(shown[0]):
        names = [each.name for each in dataclasses.fields(shown[0])]
        cells = [[_text(getattr(each, name)) for name in names] for each in shown]
        return table([_words(name) for name in names], cells, more=more)
    return table(("what",), [(_text(each),) for each in shown], more=more)


def _text(value: object) -> object:
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    return value if isinstance(value, (int, float)) or value is None else str(value)
