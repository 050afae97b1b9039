"""Rules of a rewrite: what is asked for, read against the names that are there.

A rule that finds nothing, a name that no rule speaks of where one must, two tensors under one name:
each is an error, and lists all cases.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .._checkpoint.opening import open
from .._checkpoint.selection import parts_of, select
from .._format import dtypes
from .._format.filenames import INDEX_SUFFIX
from .._format.names import as_name, as_new_name, near
from .._locate.location import saved_model_around
from .._look.amounts import format_subject
from .._objects.graph import GRAPH_KEY
from .._objects.slots import NamedSlot, find_slots, shadows
from .._objects.tree import split_slot
from .._write.casting import Cast, number_of
from ..errors import ConversionError, TensorNotFoundError

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter

# Old to new names, of tensors or scopes; or (pattern, replacement) rules for `re.sub`; or a
# function of the old name.
Rename: TypeAlias = (
    "Mapping[str, str] | Sequence[tuple[str | re.Pattern[str], str]] | Callable[[str], str | None]"
)

_LISTED: Final = 10
_GLOB: Final = re.compile(r"[*?\[]")


def listed(names: Iterable[str]) -> str:
    """Names for a message: all of a few, the first of many and their number."""
    names = list(names)
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(map(repr, names[:_LISTED])) + more


def renames(ckpt: Checkpoint, rename: Rename | None, *, strict: bool) -> dict[str, str]:
    """New names by old ones, both readable, for those tensors that get a new one.

    Args:
        ckpt: The checkpoint.
        rename: The rules. Patterns and functions see readable paths.
        strict: Whether every tensor must be spoken of.

    Raises:
        TensorNotFoundError: Names or rules without a tensor.
        ConversionError: A new name is empty; ``strict``, and names that match no rule.
    """
    if rename is None:
        return {}
    graph = ckpt.objects
    readable = {
        name: (graph.path_of(name) if graph else None) or name for name in ckpt if name != GRAPH_KEY
    }
    # In an object graph slots have no names of their own.
    plain = [path for path in readable.values() if split_slot(path) is None]
    if isinstance(rename, Mapping):
        named = {as_name(old): as_new_name(new) for old, new in rename.items()}
        found, spoken = _by_mapping(ckpt, named, readable)
    elif callable(rename):
        found = {old: as_new_name(rename(old) or old) for old in plain}
        spoken = {old for old, new in found.items() if old != new}
    else:
        found, spoken = _by_rules(_pairs(rename), plain)
    found = {old: new for old, new in found.items() if old != new}
    if found and graph is None:
        infos = {info.name: info for info in ckpt.infos()}
        _follow(found, spoken, {**find_slots(infos).slots, **shadows(infos)})
    if strict and (silent := [old for old in plain if old not in spoken]):
        said = format_subject(len(silent), "name", "matches")
        raise ConversionError(f"{said} no rule: {listed(silent)}")
    # TensorFlow itself makes names with an empty part, such as `linear//weights`.
    if empty := [old for old, new in found.items() if _empty(new) > _empty(old)]:
        raise ConversionError(f"new names with an empty part, for {listed(empty)}")
    return found


def _empty(name: str) -> int:
    return name.split("/").count("")


def _follow(found: dict[str, str], spoken: set[str], slots: Mapping[str, NamedSlot]) -> None:
    """Have slots called after the new names of their variables, but those that rules spoke of."""
    for name, slot in slots.items():
        if slot.variable in spoken and slot.variable in found and name not in found:
            found[name] = slot.renamed(found[slot.variable])
        if slot.variable in spoken:
            spoken.add(name)


def _by_mapping(
    ckpt: Checkpoint, rename: Mapping[str, str], readable: Mapping[str, str]
) -> tuple[dict[str, str], set[str]]:
    found: dict[str, str] = {}
    lost = []
    # Names first, then the innermost scopes: they leave to others what they do not hold.
    for old, new in sorted(rename.items(), key=lambda each: (each[0] not in ckpt, -len(each[0]))):
        if old in ckpt and old != GRAPH_KEY:
            path = readable[ckpt.info(old).name]
            if split_slot(path):
                raise ConversionError(f"slots are called after their variables: {old!r}")
            if found.setdefault(path, _as_path(new, path, old)) != _as_path(new, path, old):
                raise ConversionError(f"two new names for one tensor: {path!r}")
        elif below := _below(old, new, readable.values()):
            found = {**below, **found}
        else:
            lost.append(old)
    if lost:
        raise _lost([old for old in rename if old in lost], readable.values())
    return found, set(found)


def _lost(names: Sequence[str], paths: Iterable[str]) -> TensorNotFoundError:
    """The error for what there is nothing of to rename."""
    there = [*paths]
    told = f"there are no tensors and no scopes {listed(names)} to rename"
    if any(_GLOB.search(name) for name in names):
        told += "; patterns are regular expressions, --substitute /REGEX/NEW/ (rename=)"
    return TensorNotFoundError(told, near=lambda: near(names[0], there))


def _pairs(rules: Any) -> list[tuple[Any, Any]]:
    """Rules of patterns and what replaces them, as they were given.

    Raises:
        TypeError: They are something else.
    """
    pairs = [] if isinstance(rules, (str, bytes)) or not isinstance(rules, Iterable) else [*rules]
    if not pairs or not all(isinstance(each, (tuple, list)) and len(each) == 2 for each in pairs):
        raise TypeError(
            "names are given anew by a mapping, by pairs of a pattern and what replaces it, or by "
            f"a function, not by {rules!r:.80}"
        )
    return pairs


def _below(scope: str, new: str, paths: Iterable[str]) -> dict[str, str]:
    """New names of what stands below a scope, which may be written ``scope``, or ``scope/*``."""
    head = scope.removesuffix("/*").removesuffix("/") + "/"
    other = new.removesuffix("*") if new.endswith("/*") else new
    other = other.removesuffix("/") + "/" if other else ""
    return {
        path: other + path[len(head) :]
        for path in paths
        if path.startswith(head) and split_slot(path) is None
    }


def _as_path(new: str, path: str, old: str) -> str:
    """A raw new key as a readable path, where the old one was raw with the same ending."""
    ending = old[len(path) :] if old.startswith(path) else ""
    return new[: -len(ending)] if ending and new.endswith(ending) else new


def _by_rules(
    rules: Sequence[tuple[str | re.Pattern[str], str]], names: Sequence[str]
) -> tuple[dict[str, str], set[str]]:
    found = {name: name for name in names}
    spoken: set[str] = set()
    idle = []
    for pattern, replacement in rules:
        try:
            compiled = re.compile(pattern)
            hits = [name for name in names if compiled.search(found[name])]
            for name in hits:
                found[name] = compiled.sub(replacement, found[name])
        except (re.error, IndexError) as error:  # the second for a group's name
            rule = f"{getattr(pattern, 'pattern', pattern)!r} -> {replacement!r}"
            raise ConversionError(f"not a rule for names: {rule}: {error}") from None
        spoken.update(hits)
        if not hits:
            idle.append(compiled.pattern)
    if idle:
        raise TensorNotFoundError(f"rules that match no name: {listed(idle)}")
    return found, spoken


def drops(ckpt: Checkpoint, drop: Filter) -> set[str]:
    """Keys that a filter drops; each part of it must match.

    Raises:
        TensorNotFoundError: Parts that match nothing.
    """
    if drop is None:
        return set()
    return _matches(ckpt, parts_of(drop), "drop")


def keeps(ckpt: Checkpoint, keep: Filter) -> set[str]:
    """Keys that a filter drops by naming what is kept; each part of it must match.

    Raises:
        TensorNotFoundError: Parts that match nothing.
    """
    if keep is None:
        return set()
    return set(ckpt) - _matches(ckpt, parts_of(keep), "keep") - {GRAPH_KEY}


def _matches(ckpt: Checkpoint, parts: Sequence[Any], verb: str) -> set[str]:
    """Keys that raw names, readable paths or patterns of either mean."""
    graph = ckpt.objects
    by_path: dict[str, str] = {}
    if graph is not None:
        by_path = {graph.path_of(name) or name: name for name in ckpt}
    chosen: set[str] = set()
    lost = []
    for part in parts:
        try:
            found = {info.name for info in ckpt.infos([part])}
        except TensorNotFoundError:
            found = set()
        if graph is not None and not (isinstance(part, str) and part in ckpt):
            with contextlib.suppress(TensorNotFoundError):
                among = select([part], lambda: list(by_path), by_path.__contains__)
                found |= {by_path[path] for path in among}
        if not found:
            lost.append(getattr(part, "pattern", None) or str(part))
        chosen |= found
    if lost:
        raise TensorNotFoundError(f"nothing to {verb} matches {listed(lost)}")
    return chosen - {GRAPH_KEY}


def casts(ckpt: Checkpoint, cast: Cast | None) -> dict[str, int]:
    """DataType numbers by key, for those tensors that get another one.

    Raises:
        TensorNotFoundError: Names and globs that match nothing.
        ConversionError: There is no such dtype, or a tensor that is named has no numbers.
    """
    if cast is None:
        return {}
    by_part: Mapping[Any, Any] = cast if isinstance(cast, Mapping) else {None: cast}
    found = {}
    for part, dtype in sorted(by_part.items(), key=lambda each: each[0] is not None):
        number = number_of(dtype)
        if part is None:
            found = {i.name: number for i in ckpt.iter_infos() if i.data_type in dtypes.FLOATING}
            continue
        exact = isinstance(part, str) and part in ckpt and part != GRAPH_KEY
        for key in [ckpt.info(part).name] if exact else _matches(ckpt, [part], "cast"):
            found[key] = number
    infos = [ckpt.info(key) for key in found]
    if wrong := [i.name for i in infos if i.dtype is None or i.data_type == dtypes.STRING]:
        raise ConversionError(f"only numbers can be cast: {listed(wrong)}")
    return {i.name: found[i.name] for i in infos if i.data_type != found[i.name]}


def refuse_collisions(targets: Iterable[tuple[str, str]]) -> None:
    """Raise ConversionError when several old names have one new name; it lists them."""
    by_new: dict[str, list[str]] = {}
    for old, new in targets:
        by_new.setdefault(new, []).append(old)
    taken = {new: olds for new, olds in by_new.items() if len(olds) > 1}
    if taken:
        shown = "; ".join(f"{new!r} from {listed(olds)}" for new, olds in list(taken.items())[:5])
        more = f"; and {len(taken) - 5} more" if len(taken) > 5 else ""
        what = format_subject(len(taken), "name", "collides")
        raise ConversionError(f"{what}: {shown}{more}")


def refuse_in_saved_model(prefix: str, tensors: Mapping[str, tuple[int, tuple[int, ...]]]) -> None:
    """Raise ConversionError where a SavedModel's graph could not restore its variables any more.

    Args:
        prefix: Where a checkpoint is to be written.
        tensors: DataType numbers and shapes of what it is to hold, by key.
    """
    model = saved_model_around(prefix)
    if model is None or not os.path.lexists(prefix + INDEX_SUFFIX):
        return
    lost = [
        info.name
        for info in open(prefix, verify="never").infos()
        if tensors.get(info.name) != (info.data_type, info.shape)
    ]
    if lost:
        raise ConversionError(
            f"the graph in {model!r} restores its variables by name, dtype and shape, and would "
            f"not find {listed(lost)}: write to another prefix"
        )
