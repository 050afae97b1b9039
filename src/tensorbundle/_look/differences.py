"""Differences of two checkpoints as lines and as a table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from .._printable import printable
from .amounts import format_count
from .markup import block, heading, table

if TYPE_CHECKING:
    from .._edit.diff import Diff
    from .._edit.shared.comparison import TensorDifference

_SHOWN: Final = 50  # rows in a notebook


def text(diff: Diff) -> str:
    """Write all differences, one in a line."""
    lines = (printable(" ".join(row)) for row in _rows(diff))
    return "\n".join([_summary(diff), *lines])


def markup(diff: Diff) -> str:
    """Show the first differences in a notebook."""
    rows = list(islice(_rows(diff), _SHOWN))
    if not rows:
        return block(heading(_summary(diff)))
    more = sum(1 for _ in _rows(diff)) - len(rows)
    listed = table(("", "tensor", "difference"), rows, more=more)
    return block(heading(_summary(diff)), listed)


def _rows(diff: Diff) -> Iterator[tuple[str, str, str]]:
    """Line by line: a sign as the command has it, the name, and how it differs."""
    if not diff.frozen:
        yield from (("-", name, "only in the first") for name in diff.only_a)
        yield from (("+", name, "only in the second") for name in diff.only_b)
    yield from ((">", old, f"now called {new}") for old, new in diff.renamed.items())
    yield from (("!", each.name, _how(each)) for each in diff.changed)
    yield from (("?", name, "lacks some of its parts") for name in diff.incomplete)


def _summary(diff: Diff) -> str:
    if diff.same:
        return f"the same: {format_count(diff.equal, 'tensor')} equal"
    counts = (
        (len(diff.changed), "changed"),
        (len(diff.renamed), "renamed"),
        (len(diff.only_a), "only in the first"),
        (len(diff.only_b), "only in the second"),
        (len(diff.incomplete), "incomplete"),
        (diff.equal, "equal"),
    )
    return "different: " + ", ".join(f"{count:,} {what}" for count, what in counts if count)


def _how(each: TensorDifference) -> str:
    said = each.a if each.a == each.b else f"{each.a} -> {each.b}"
    values = each.values
    if values is None:
        return said
    said += f", {values.count:,} of {values.size:,} differ"
    return said if values.max_abs is None else f"{said}, by at most {values.max_abs:.3g}"
