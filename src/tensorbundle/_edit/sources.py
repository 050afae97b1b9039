"""Sources of an edit: the checkpoints that are meant, each once, however it is spelled."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._format.filenames import INDEX_SUFFIX
from .._locate.checkpoints import locate
from ..errors import ConversionError, MissingFileError
from .rules import listed

if TYPE_CHECKING:
    from .._locate.location import Location

_PART: Final = re.compile(r"part-(\d{5,})-of-(\d{5,})\.index")
_STEP: Final = re.compile(r"(.*)-(\d+)")


@dataclass(frozen=True, slots=True)
class GivenCheckpoints:
    """Checkpoints in the V2 format, no two of them the same files.

    Attributes:
        locations: Where they are.
        positions: The first place of each among the paths that were given.
        repeated: Paths that led to one of them again.
    """

    locations: tuple[Location, ...]
    positions: tuple[int, ...]
    repeated: tuple[str, ...]


def find_sources(paths: Iterable[str], last: int | None = None) -> GivenCheckpoints:
    """Find the checkpoints that paths lead to.

    Args:
        paths: Checkpoints in any spelling, files of one and links among them. With ``last`` also
            directories, for all checkpoints in them.
        last: Take those of the highest steps only, so many.

    Returns:
        The checkpoints, in the order of their steps where all are steps of one run.

    Raises:
        MissingFileError: There is none at a path.
        ConversionError: One is in the V1 format, or without a step; there are fewer than ``last``.
    """
    given = list(paths)
    if last is not None:
        given = [each for path in given for each in _checkpoints_in(path)]
    first: dict[tuple[int, int], tuple[Location, int]] = {}
    repeated = []
    for position, path in enumerate(given):
        location = locate(path)
        if location.kind != "v2" or location.index is None:
            raise ConversionError(
                f"not a checkpoint of the V2 format: {path!r}: 'tensorbundle edit OLD NEW', or "
                "tensorbundle.rewrite, makes one of a V1 checkpoint"
            )
        status = os.stat(location.index)
        if (status.st_dev, status.st_ino) in first:
            repeated.append(path)
        first.setdefault((status.st_dev, status.st_ino), (location, position))
    found = list(first.values())
    steps = [_STEP.fullmatch(location.prefix) for location, _ in found]
    stems = {step and step[1] for step in steps}
    if len(stems) == 1 and None not in stems:
        found.sort(key=lambda each: step_of(each[0].prefix))
    elif last is not None:
        raise ConversionError(f"not steps of one run: {listed(x.prefix for x, _ in found)}")
    if last is not None and len(found) < last:
        raise ConversionError(f"there are {len(found)} checkpoints: expected {last} or more")
    chosen = found if last is None else found[-last:]
    return GivenCheckpoints(
        tuple(location for location, _ in chosen),
        tuple(position for _, position in chosen),
        tuple(repeated),
    )


def step_of(prefix: str) -> int:
    """The step in a checkpoint's name, ``model.ckpt-2000``; -1 without one."""
    found = _STEP.fullmatch(prefix)
    return int(found[2]) if found else -1


def _checkpoints_in(path: str) -> Sequence[str]:
    """The checkpoints in a directory that are steps of its run; a path to another thing itself."""
    if not os.path.isdir(path):
        return [path]
    names = [name[: -len(INDEX_SUFFIX)] for name in os.listdir(path) if name.endswith(INDEX_SUFFIX)]
    runs: dict[str, list[str]] = {}
    for name in names:
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


def parts_in(directory: str) -> dict[tuple[int, int], str]:
    """Find the parts of a sharded save in a directory, by their number and count."""
    if not os.path.isdir(directory):
        return {}
    return {
        (int(found[1]), int(found[2])): os.path.join(directory, name[: -len(INDEX_SUFFIX)])
        for name in sorted(os.listdir(directory))
        if (found := _PART.fullmatch(name))
    }
