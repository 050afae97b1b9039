"""Selection of tensors by name: exact names, readable paths, globs and regular expressions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from .._format.names import as_bytes, as_name, near
from ..errors import ConversionError, TensorNotFoundError

_MOST_THREADS: Final = 1 << 16
# What tensors are chosen by; None chooses all.
Filter: TypeAlias = "str | bytes | re.Pattern[str] | Iterable[str | bytes | re.Pattern[str]] | None"


class Aliases(Protocol):
    """Other names of keys: the readable paths of an object graph."""

    def key(self, name: str) -> str | None:
        """The key that such a name means; None if it means none."""

    def paths(self) -> Mapping[str, str]:
        """All of them with their keys."""


def count_of(threads: Any) -> int:
    """How many threads are asked for; more than there can be are as many as there can be.

    Raises:
        TypeError: It is no whole number.
        ConversionError: It is negative.
    """
    try:
        count = operator.index(threads)
    except TypeError:
        raise TypeError(f"threads are a whole number, not {threads!r}") from None
    if count < 0:
        raise ConversionError(f"threads are 0, as many as useful, or more: found {count}")
    return min(count, _MOST_THREADS)


def parts_of(filter: Filter) -> list[str | re.Pattern[str]]:
    """Take a filter apart.

    Raises:
        TypeError: It is, or holds, something that names no tensor.
    """
    given = [filter] if isinstance(filter, (str, bytes, re.Pattern)) else filter
    if not isinstance(given, Iterable):
        raise TypeError(
            "tensors are chosen by names, globs and compiled regular expressions, "
            f"not by {type(filter).__name__}"
        )
    return [part if isinstance(part, re.Pattern) else as_name(part) for part in given]


def select(
    filter: Filter,
    names: Callable[[], Sequence[str]],
    known: Callable[[str], bool],
    aliases: Aliases | None = None,
) -> dict[str, str]:
    """Choose tensors: what each was asked for as, and its key, in key order.

    A ``str`` that is a name means that name, else the readable path that it is; otherwise, with
    ``*``, ``?`` or ``[`` in it, it is a glob in which ``*`` matches ``/`` too. A pattern must match
    somewhere (``re.search``). Patterns choose among keys, and where none matches, among paths.

    Args:
        filter: What to choose.
        names: Gives all names, in key order; asked only by patterns and for errors.
        known: Tells whether a name is there.
        aliases: Other names that keys have.

    Raises:
        TensorNotFoundError: A plain name that is not there. Patterns may match nothing.
        TypeError: As `parts_of`.
    """
    if filter is None:
        return {name: name for name in names()}
    chosen: dict[str, str] = {}
    patterns: list[Callable[[str], object]] = []
    for part in parts_of(filter):
        if isinstance(part, str) and known(part):
            chosen[part] = part
        elif isinstance(part, str) and aliases is not None and (key := aliases.key(part)):
            chosen[part] = key
        else:
            patterns.append(_matcher(part, names, aliases))
    for match in patterns:
        found = {name: name for name in names() if match(name)}
        if not found and aliases is not None:
            found = {path: key for path, key in aliases.paths().items() if match(path)}
        chosen.update(found)
    if not patterns and len(chosen) == 1:
        return chosen
    return dict(sorted(chosen.items(), key=_by_key) if not patterns else _ordered(chosen, names()))


def _by_key(item: tuple[str, str]) -> bytes:
    return as_bytes(item[1])


def _ordered(chosen: Mapping[str, str], names: Sequence[str]) -> list[tuple[str, str]]:
    """In the order of all names, which formats without an order of keys have as well."""
    labels: dict[str, list[str]] = {}
    for label, key in chosen.items():
        labels.setdefault(key, []).append(label)
    return [(label, name) for name in names for label in labels.get(name, ())]


def _matcher(
    part: str | re.Pattern[str], names: Callable[[], Sequence[str]], aliases: Aliases | None
) -> Callable[[str], object]:
    if isinstance(part, re.Pattern):
        return part.search
    if not any(char in part for char in "*?["):
        raise not_found(part, names, aliases)
    import fnmatch

    return re.compile(fnmatch.translate(part)).match


def not_found(
    name: str, names: Callable[[], Collection[str]], aliases: Aliases | None = None
) -> TensorNotFoundError:
    """Make the error for a name that is not there; near ones are sought when it is read."""

    def hint() -> tuple[str, ...]:
        there = list(names())
        if aliases is not None:
            there = [*aliases.paths(), *there]
        return near(name, there)

    return TensorNotFoundError(f"there is no tensor {name!r}", key=name, near=hint)
