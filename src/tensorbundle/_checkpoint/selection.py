"""Choosing tensors by name: exact names, globs and regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, TypeAlias

from .._format.names import as_name
from ..errors import TensorNotFoundError

# What tensors are chosen by; None chooses all.
Filter: TypeAlias = "str | bytes | re.Pattern[str] | Iterable[str | bytes | re.Pattern[str]] | None"

# What difflib is given, which is quadratic in the length of names.
_COMPARED: Final = 20_000
_LONGEST: Final = 500


def select(
    filter: Filter,
    names: Sequence[str],
    known: Collection[str],
    key_of: Callable[[str], str | None] = lambda name: None,
) -> list[str]:
    """Return the names that a filter chooses, each once, in the order of ``names``.

    A ``str`` that is a name means that name; otherwise, with ``*``, ``?`` or ``[`` in it, it is a
    glob in which ``*`` matches ``/`` too. A pattern must match somewhere (``re.search``).

    Args:
        filter: What to choose.
        names: All names, in key order.
        known: The same names, for a quick look-up.
        key_of: Gives the name that a plain one which is not there stands for, or None.

    Raises:
        TensorNotFoundError: A plain name that is not there. Patterns may match nothing.
    """
    if filter is None:
        return list(names)
    given = [filter] if isinstance(filter, (str, bytes, re.Pattern)) else filter
    parts = [as_name(part) if isinstance(part, bytes) else part for part in given]
    parts = [_meant(part, known, key_of) if isinstance(part, str) else part for part in parts]
    exact = {part for part in parts if isinstance(part, str) and part in known}
    matchers = [_matcher(part, names) for part in parts if part not in exact]
    if not matchers and len(exact) == 1:
        return list(exact)
    return [name for name in names if name in exact or any(match(name) for match in matchers)]


def _meant(name: str, known: Collection[str], key_of: Callable[[str], str | None]) -> str:
    return name if name in known else key_of(name) or name


def _matcher(part: str | re.Pattern[str], names: Sequence[str]) -> Callable[[str], object]:
    if isinstance(part, re.Pattern):
        return part.search
    if not any(char in part for char in "*?["):
        raise not_found(part, names)
    import fnmatch

    return re.compile(fnmatch.translate(part)).match


def not_found(name: str, names: Sequence[str]) -> TensorNotFoundError:
    """The error for a name that is not there, with up to three that are near."""
    # A hundred thousand names are compared in under a second.
    by_tail = [
        known for known in names if known.endswith("/" + name) or known.startswith(name + "/")
    ]
    near = by_tail[:3] or closest(name, names[:100_000])
    hint = f": did you mean {', '.join(map(repr, near))}?" if near else ""
    return TensorNotFoundError(f"there is no tensor {name!r}{hint}", key=name)


def near_keys(key: str, keys: Sequence[str]) -> tuple[str, ...]:
    """Up to three keys that are like one that is not there: by their ends, or letter by letter."""
    last = key.rpartition("/")[2]
    ends = [each for each in keys if each.endswith("/" + key) or key.endswith("/" + each)]
    if not ends:
        ends = closest(key, keys[:_COMPARED])
    if not ends:
        ends = [each for each in keys if each.rpartition("/")[2] == last]
    return tuple(ends[:3])


def closest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """Up to ``count`` names that are like another letter by letter; endless ones never are."""
    import difflib

    if len(name) > _LONGEST:
        return []
    short = [each for each in names if len(each) <= _LONGEST]
    return difflib.get_close_matches(name, short, n=count)
