"""Sources of an edit: the checkpoints that are meant, each once, however it is spelled."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from .._checkpoint.bundle import Bundle
from .._checkpoint.checkpoint import Checkpoint
from .._checkpoint.far.directories import far_checkpoints
from .._checkpoint.opening import opened
from .._format.filenames import INDEX_SUFFIX, split_table_path
from .._locate.checkpoints import locate
from .._locate.damage import is_table
from .._locate.location import Location, is_regular_file
from .._source.address import Address
from .._source.connect import connect
from .._write.staging import Staging
from ..errors import ConversionError, MissingFileError
from .rewrite import rewrite
from .rules import listed

_STEP: Final = re.compile(r"(.*)-(\d+)")
_PART: Final = re.compile(r"part-(\d{5,})-of-(\d{5,})\.index")


@dataclass(frozen=True, slots=True)
class GivenCheckpoints:
    """Checkpoints of either format, no two of them the same files.

    Attributes:
        locations: Where they are.
        positions: The first place of each among the paths that were given.
        repeated: Paths that led to one of them again.
        far: Those that lie far away, opened, by their prefixes.
    """

    locations: tuple[Location, ...]
    positions: tuple[int, ...]
    repeated: tuple[str, ...]
    far: Mapping[str, Checkpoint] = field(default_factory=dict)


def find_sources(paths: Iterable[str | Address], last: int | None = None) -> GivenCheckpoints:
    """Find the checkpoints that paths lead to.

    Args:
        paths: Checkpoints in any spelling, files of one and links among them. With ``last`` also
            directories, for all checkpoints in them.
        last: Take those of the highest steps only, so many.

    Returns:
        The checkpoints, in the order of their steps where all are steps of one run.

    Raises:
        MissingFileError: There is none at a path.
        ConversionError: One is no checkpoint, or without a step; there are fewer than ``last``.
    """
    given = list(paths)
    if last is not None:
        given = [each for path in given for each in _checkpoints_in(path)]
    first: dict[object, tuple[Location, int]] = {}
    far: dict[str, Checkpoint] = {}
    repeated = []
    for position, path in enumerate(given):
        location, file = _located(path, far)
        if file in first:
            repeated.append(str(path))
        first.setdefault(file, (location, position))
    found = list(first.values())
    steps = [_STEP.fullmatch(location.prefix) for location, _ in found]
    stems = {step and step[1] for step in steps}
    if len(stems) == 1 and None not in stems:
        found.sort(key=lambda each: step_of(each[0].prefix))
    elif last is not None:
        raise ConversionError(f"not steps of one run: {listed(x.prefix for x, _ in found)}")
    if last is not None and len(found) < last:
        raise ConversionError(f"expected {last} checkpoints or more: found {len(found)}")
    chosen = found if last is None else found[-last:]
    return GivenCheckpoints(
        tuple(location for location, _ in chosen),
        tuple(position for _, position in chosen),
        tuple(repeated),
        far,
    )


def _located(path: str | Address, far: dict[str, Checkpoint]) -> tuple[Location, object]:
    """Where a checkpoint is, and what tells its file from others; one far away is opened."""
    if isinstance(path, Address):
        ckpt = opened(path)
        refuse_foreign(ckpt.location)
        far[ckpt.location.prefix] = ckpt
        return ckpt.location, ckpt.location.prefix
    location = locate(path)
    refuse_foreign(location)
    status = os.stat(location.index or location.files[0])
    return location, (status.st_dev, status.st_ino)


def gather(paths: Iterable[str | Address], *, partial: bool) -> GivenCheckpoints:
    """The checkpoints that are meant: given ones in their order, then parts by their number.

    Args:
        paths: Checkpoints, or directories of the parts that a sharded save left.
        partial: Whether parts may be missing.

    Raises:
        MissingFileError: Parts are missing, or nothing is given.
        ConversionError: Something is no checkpoint, or given twice; parts are of several saves.
    """
    plain: list[Location] = []
    far: dict[str, Checkpoint] = {}
    parts: dict[tuple[int, int], str | Address] = {}
    for path in paths:
        found = parts_in(path)
        for number, name in found.items():
            if number in parts:
                raise ConversionError(
                    f"two parts of one number: {str(parts[number])!r} and {str(name)!r}"
                )
            parts[number] = name
        if not found:
            plain.append(_located(path, far)[0])
    totals = {total for _, total in parts}
    if len(totals) > 1:
        raise ConversionError(f"parts of several saves: of {', '.join(map(str, sorted(totals)))}")
    for total in totals:
        numbers = {number for number, _ in parts}
        missing = [f"part-{n:05d}-of-{total:05d}" for n in range(total) if n not in numbers]
        if missing and not partial:
            raise MissingFileError(
                f"{len(missing)} of {total} parts are missing: {listed(missing)}"
            )
    gathered = plain + [_part(parts[each], far) for each in sorted(parts)]
    if not gathered:
        raise MissingFileError("nothing to merge: no checkpoints were given")
    prefixes = [each.prefix for each in gathered]
    twice = [each for each in prefixes if prefixes.count(each) > 1]
    if twice:
        raise ConversionError(f"given twice: {listed(sorted(set(twice)))}")
    return GivenCheckpoints(tuple(gathered), tuple(range(len(gathered))), (), far)


def _part(part: str | Address, far: dict[str, Checkpoint]) -> Location:
    # Of an interrupted save some shards may lie elsewhere: `locate` is not asked for these.
    return _located(part, far)[0] if isinstance(part, Address) else Location(part, "v2", part)


def refuse_foreign(location: Location) -> None:
    """Raise ConversionError for what is no checkpoint of TensorFlow."""
    if location.kind not in ("v1", "v2"):
        raise ConversionError(
            f"not a checkpoint: {location.requested!r} is of kind {location.kind!r}; "
            "'tensorbundle save', or tensorbundle.save, makes a checkpoint of it"
        )


@contextmanager
def as_bundles(
    found: GivenCheckpoints, dst: str | Address, *, dry_run: bool
) -> Iterator[list[Bundle]]:
    """Open checkpoints, all in the V2 format: of those in V1, copies that do not last.

    Args:
        found: The checkpoints.
        dst: The prefix of what is to be made of them, beside which the copies are made.
        dry_run: Whether nothing may be written there.
    """
    if all(location.kind == "v2" for location in found.locations):
        yield [_as_bundle(each, found, "", i) for i, each in enumerate(found.locations)]
    elif dry_run or isinstance(dst, Address):
        with tempfile.TemporaryDirectory(prefix="tensorbundle-") as folder:
            yield [_as_bundle(each, found, folder, i) for i, each in enumerate(found.locations)]
    else:
        with Staging(os.path.dirname(dst), earlier=(), overwrite=False) as staging:
            folder = staging.scratch()
            yield [_as_bundle(each, found, folder, i) for i, each in enumerate(found.locations)]


def _as_bundle(location: Location, found: GivenCheckpoints, folder: str, number: int) -> Bundle:
    far = found.far.get(location.prefix)
    if isinstance(far, Bundle):
        return far
    prefix = location.prefix
    if location.kind != "v2":
        rewrite(far or location.requested, prefix := os.path.join(folder, str(number)))
    bundle = opened(prefix + INDEX_SUFFIX, mode="read", verify="never")
    assert isinstance(bundle, Bundle)  # the index of one was named
    return bundle


def step_of(prefix: str) -> int:
    """The step in a checkpoint's name, ``model.ckpt-2000``; -1 without one."""
    found = _STEP.fullmatch(prefix)
    return int(found[2]) if found else -1


def _checkpoints_in(path: str | Address) -> Sequence[str | Address]:
    """The checkpoints in a directory that are steps of its run; a path to another thing itself."""
    if isinstance(path, Address):
        return _far_checkpoints_in(path)
    if not os.path.isdir(path):
        return [path]
    runs: dict[str, list[str]] = {}
    for name in _names_in(path):
        if step := _STEP.fullmatch(name):
            runs.setdefault(step[1], []).append(os.path.join(path, name))
    if not runs:
        raise MissingFileError(f"there are no checkpoints with a step in {path!r}")
    if len(runs) > 1:
        # Which run is meant, the state file knows.
        newest = _STEP.fullmatch(os.path.basename(locate(path).prefix))
        if newest is None:
            raise ConversionError(
                f"checkpoints of several runs in {path!r}: {listed(sorted(runs))}"
            )
        return runs[newest[1]]
    return next(iter(runs.values()))


def _far_checkpoints_in(address: Address) -> Sequence[Address]:
    runs: dict[str, list[Address]] = {}
    for each in far_checkpoints(address):
        if step := _STEP.fullmatch(each.prefix):
            runs.setdefault(step[1], []).append(address.at(Address(each.prefix).key))
    if len(runs) > 1:
        names = listed(sorted(run.rpartition("/")[2] for run in runs))
        raise ConversionError(f"checkpoints of several runs in {address.url!r}: {names}")
    return next(iter(runs.values()), [address])


def _names_in(directory: str) -> list[str]:
    """The names of checkpoints in a directory; those of V1 are known by their bytes."""
    names = []
    for name in sorted(os.listdir(directory)):
        if name.endswith(INDEX_SUFFIX):
            names.append(name[: -len(INDEX_SUFFIX)])
            continue
        part = split_table_path(name)
        stem = part[0] if part else name
        path = os.path.join(directory, name)
        if _STEP.fullmatch(stem) and is_regular_file(path) and is_table(path):
            names.append(stem)
    return list(dict.fromkeys(names))


def parts_in(directory: str | Address) -> Mapping[tuple[int, int], str | Address]:
    """Find the parts of a sharded save in a directory, by their number and count."""
    if isinstance(directory, Address):
        below = f"{directory.key.rstrip('/')}/"
        client = connect(directory)
        there = client.list(f"{below}part-") if client.can_list and len(below) > 1 else ()
        return {
            (int(found[1]), int(found[2])): directory.at(each.key[: -len(INDEX_SUFFIX)])
            for each in there
            if (found := _PART.fullmatch(each.key[len(below) :]))
        }
    if not os.path.isdir(directory):
        return {}
    return {
        (int(found[1]), int(found[2])): os.path.join(directory, name[: -len(INDEX_SUFFIX)])
        for name in sorted(os.listdir(directory))
        if (found := _PART.fullmatch(name))
    }
