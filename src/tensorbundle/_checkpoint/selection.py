"""Selection of tensors by name: exact names, readable paths, globs and regular expressions."""

from __future__ import annotations

import operator
import re
import warnings
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from .._format.names import as_bytes, as_name, near
from .._format.wording import listed
from ..errors import ConversionError, LeftOutWarning, TensorNotFoundError

if TYPE_CHECKING:
    from .._format.dtypes import Array
    from .._format.tensor_info import TensorInfo
    from .checkpoint import Checkpoint

_MOST_THREADS: Final = 1 << 16
# What tensors are chosen by; None chooses all.
Filter: TypeAlias = "str | bytes | re.Pattern[str] | Iterable[str | bytes | re.Pattern[str]] | None"


class Aliases(Protocol):
    """Other names of keys: the readable paths of an object graph."""

    def key(self, name: str) -> str | None:
        """The key that such a name means; None if it means none."""

    def paths(self) -> Mapping[str, str]:
        """All of them with their keys."""


class ReadablePaths:
    """Readable paths of objects, and names of variables in graphs, as names of tensors."""

    def __init__(self, ckpt: Checkpoint) -> None:
        self._ckpt = ckpt

    def key(self, name: str) -> str | None:
        """The key that a path or a variable's name means; None if it means none."""
        graph = self._ckpt.objects
        key = graph.key_of(name) if graph is not None else None
        if key is None and graph is not None:
            key = graph.full_names.get(name)
        return key if key is not None and self._ckpt._has(key) else None

    def paths(self) -> Mapping[str, str]:
        """All paths with their keys."""
        graph = self._ckpt.objects
        if graph is None:
            return {}
        known = self._ckpt._known
        named = ((graph.path_of(key), key) for key in self._ckpt if key in known)
        return {path: key for path, key in named if path is not None}


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


def literal_names(filter: Filter) -> frozenset[str]:
    """The names that a filter gives in full, and perhaps globs: those must be answered for."""
    parts = () if filter is None else parts_of(filter)
    return frozenset(part for part in parts if isinstance(part, str))


def select(
    filter: Filter,
    names: Callable[[], Sequence[str]],
    known: Callable[[str], bool],
    aliases: Aliases | None = None,
    *,
    exclude: Filter = None,
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
        exclude: What is not chosen, whatever ``filter`` says.

    Raises:
        TensorNotFoundError: A plain name that is not there. Patterns may match nothing.
        TypeError: As `parts_of`.
    """
    if exclude is not None:
        gone = set(select(exclude, names, known, aliases).values())
        kept = select(filter, names, known, aliases)
        return {label: name for label, name in kept.items() if name not in gone}
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


def wanted(
    filter: Filter, choose: Callable[[Filter], dict[str, str]]
) -> tuple[dict[str, str], frozenset[str]]:
    """Names as they were asked for, with their keys; and the keys that were named in full.

    Raises:
        TensorNotFoundError: Nothing is chosen, or a plain name is not there.
    """
    parts = parts_of(filter)
    labels = choose(parts)
    refuse_nothing(parts, labels)
    return labels, frozenset(labels[name] for name in literal_names(parts) if name in labels)


def refuse_nothing(filter: Filter, chosen: Collection[object]) -> None:
    """Raise TensorNotFoundError where patterns were given, and nothing is what they chose.

    Who asks what there is, may be told that there is nothing; who reads, writes or compares
    tensors, meant some.
    """
    if chosen or filter is None or not (parts := parts_of(filter)):
        return
    shown = (each.pattern if isinstance(each, re.Pattern) else each for each in parts)
    raise TensorNotFoundError(f"no tensor matches {listed(shown)}")


def without_left_out(
    keys: Iterable[str], needed: Container[str], info: Callable[[str], TensorInfo]
) -> list[str]:
    """Keys without those of tensors that no array holds whole; a warning tells of these.

    Args:
        keys: All of them.
        needed: Those that were asked for by name, which are kept whatever they are.
        info: Describes a tensor.
    """
    kept: list[str] = []
    left_out: dict[str, str] = {}
    for key in keys:
        reason = None if key in needed else info(key).obstacle
        if reason is None:
            kept.append(key)
        else:
            left_out[key] = reason
    if left_out:
        name, reason = next(iter(left_out.items()))
        more = f"; and {listed(list(left_out)[1:])}" if len(left_out) > 1 else ""
        warnings.warn(f"left out {name!r}: {reason}{more}", LeftOutWarning, stacklevel=3)
    return kept


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


def labelled(
    arrays: Mapping[str, Array], labels: Mapping[str, str], out: Mapping[str, Array] | None
) -> dict[str, Array]:
    """Arrays by the names that were asked for, each one's own, read into ``out`` if it is given."""
    found: dict[str, Array] = {}
    given: set[str] = set()
    for label, key in labels.items():
        if key not in arrays:
            continue
        array = arrays[key]
        if key in given:
            array = array.copy()
        if out is not None and (target := out[label]) is not arrays[key]:
            target[...] = array
            array = target
        found[label] = array
        given.add(key)
    return found
