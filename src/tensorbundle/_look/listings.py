"""Lists of facts that are shown as a table: by ``print`` and in notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from .._printable import printable
from .markup import block, table

Fact = TypeVar("Fact")


class Listing(list[Fact]):
    """A list that prints as a table of some attributes of its members."""

    def __init__(self, facts: Iterable[Fact], columns: tuple[str, ...]) -> None:
        super().__init__(facts)
        self._columns = columns

    def _rows(self) -> list[list[str]]:
        return [[_shown(getattr(each, name)) for name in self._columns] for each in self]

    def __str__(self) -> str:
        rows = [[printable(each) for each in row] for row in [[*self._columns], *self._rows()]]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        return block(table(self._columns, self._rows()))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (list(self), self._columns)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return "" if value is None else str(value)
