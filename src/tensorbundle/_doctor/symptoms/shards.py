"""Shards that are not what the index says, and where the right bytes are."""

from __future__ import annotations

import filecmp
import os
import shlex
from typing import TYPE_CHECKING

from ..._checkpoint.bundle import Bundle
from ..._format.filenames import INDEX_SUFFIX, shard_path, split_data_path
from ..._locate.location import is_regular_file
from ..mangled import mangled_shard
from .archives import in_archive
from .around import ranges_in, shard_around
from .exchanged import exchanged_shards
from .mistaken import mistaken
from .symptom import Symptom, copying

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..._format.tensor_info import TensorInfo


def of_shards(ckpt: Bundle, numbers: Iterable[int]) -> dict[int, Symptom]:
    """Find what became of shards: mangled, something else, or there under another name.

    Args:
        ckpt: The opened checkpoint.
        numbers: The shards with tensors that are not what they should be.

    Returns:
        What is wrong, by shard; one symptom may be of several. Shards of which nothing can be said
        are left out.
    """
    found: dict[int, Symptom] = {}
    paths: dict[str, int] = {}
    places: dict[str, str] = {}
    for number in numbers:
        path = shard_path(ckpt.location.prefix, number, ckpt.num_shards)
        ranges = ranges_in(ckpt, number)
        if not ranges:
            continue
        symptom, place = _of_shard(path, ranges)
        if symptom is not None:
            found[number] = symptom
        if place is not None:
            paths[path], places[path] = number, place
    if turned := exchanged_shards({path: at for path, at in places.items() if at in paths}):
        found |= {paths[path]: turned for path, at in places.items() if at in paths}
    return found


def _of_shard(path: str, ranges: list[TensorInfo]) -> tuple[Symptom | None, str | None]:
    """What is wrong, and where its bytes are."""
    is_missing = not is_regular_file(path)
    mangled = None if is_missing else mangled_shard(path, ranges)
    if mangled is not None and mangled.command is not None:
        evidence = "undone, the checksums are right"
        return Symptom(mangled.what, evidence, path, mangled.command), None
    other = None if is_missing else mistaken(path)
    if other is not None and other.command is not None:
        return other, None
    if (place := shard_around(path, ranges)) is not None:
        return _elsewhere(path, place, other, is_missing=is_missing), place
    if is_missing and (packed := in_archive(os.path.dirname(path), (os.path.basename(path),))):
        return packed, None
    if other is None and mangled is not None:
        return Symptom(mangled.what, "by its bytes", path), None
    return other, None


def _elsewhere(path: str, place: str, other: Symptom | None, *, is_missing: bool) -> Symptom:
    """The bytes that the index means are in another file."""
    evidence = f"{place!r} has its size and the tensors' checksums"
    if is_missing:
        return Symptom("a shard is missing", evidence, path, copying(place, path))
    if other is not None:
        return Symptom(other.what, evidence, path, copying(place, path))
    index = (split_data_path(path) or "") + INDEX_SUFFIX
    sibling = split_data_path(place)
    if sibling is not None and _alike(index, sibling + INDEX_SUFFIX):
        prefix = index.removesuffix(INDEX_SUFFIX)
        return Symptom(
            "the index is of another save, and the one of this shard is not there",
            f"it is the same as that of {sibling!r}, and {place!r} has what it names",
            index,
            f"{_aside(index)} && tensorbundle salvage {shlex.quote(prefix)} "
            f"{shlex.quote(prefix + '-salvaged')} --like {shlex.quote(sibling)} --unproved",
        )
    command = f"{_aside(path)} && {copying(place, path)}"
    return Symptom("a shard is of another save", evidence, path, command)


def _alike(one: str, other: str) -> bool:
    return one != other and is_regular_file(other) and filecmp.cmp(one, other, shallow=False)


def _aside(path: str) -> str:
    """The command that keeps a file that may be the only one of its kind."""
    return f"mv -- {shlex.quote(path)} {shlex.quote(path + '.wrong')}"
