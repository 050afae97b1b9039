"""Listings of a directory: its checkpoints, their step, time and size, which is the newest."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from .._core import File, Index
from .._format.filenames import (
    INDEX_SUFFIX,
    STATE_NAME,
    as_path,
    base_name,
    shard_path,
    spelled_prefix,
    split_table_path,
)
from .._format.state import named_places
from .._look.listings import Listing
from ..errors import TensorBundleError
from .damage import is_table
from .location import checkpoint_at, is_regular_file
from .neighbours import checkpoints_in
from .states import read_state

# How a list of them is shown.
_COLUMNS: Final = ("prefix", "kind", "step", "nbytes", "newest", "missing")
_STEP: Final = re.compile(r"-(\d{1,18})$")


@dataclass(frozen=True, slots=True)
class ListedCheckpoint:
    """Checkpoint of a directory.

    Attributes:
        prefix: Its prefix, to be opened by.
        kind: ``"v2"`` or ``"v1"``.
        step: The number that its name ends in; None without one.
        saved_at: When it was saved, in seconds since the epoch: by the state file, else when its
            index or table was changed.
        nbytes: Bytes of its files: index, data, graph.
        newest: Whether the state file names it as the newest; without one, whether it is.
        missing: Files that its index needs and that are not there; None if it cannot be read.
    """

    prefix: str
    kind: Literal["v1", "v2"]
    step: int | None
    saved_at: float
    nbytes: int
    newest: bool
    missing: tuple[str, ...] | None

    @property
    def complete(self) -> bool:
        """True when it can be read and all its files are there; bytes are not looked at."""
        return self.missing == ()


def checkpoints(directory: str | os.PathLike[str] | bytes) -> list[ListedCheckpoint]:
    """List the checkpoints of a directory, oldest first.

    Only indexes are read.

    Args:
        directory: The directory; ones in it are not looked into.

    Raises:
        OSError: It cannot be listed.

    Example:
        >>> import tensorbundle as tb
        >>> [(each.step, each.newest) for each in tb.checkpoints(tb.demo("saver"))]
        [(10, False), (20, True)]
    """
    folder = as_path(directory)
    times, newest = _told_by_state(folder)
    found = []
    for name in reversed(checkpoints_in(folder)):
        prefix = os.path.join(folder, name)
        if (listed := _listed(prefix, times.get(name))) is not None:
            found.append(listed)
    found.sort(key=lambda each: (each.saved_at, -1 if each.step is None else each.step))
    last = found[-1].prefix if found and newest is None else newest
    return Listing((_with_newest(each, last) for each in found), _COLUMNS)


def _with_newest(listed: ListedCheckpoint, newest: str | None) -> ListedCheckpoint:
    is_newest = newest is not None and os.path.basename(listed.prefix) == os.path.basename(newest)
    return replace(listed, newest=is_newest)


def _told_by_state(folder: str) -> tuple[dict[str, float], str | None]:
    """Times by base name, and the newest that is there, by the directory's state file."""
    path = os.path.join(folder, STATE_NAME)
    if not is_regular_file(path):
        return {}, None
    try:
        state = read_state(path).state
    except (TensorBundleError, OSError):
        return {}, None
    paths, saved_at = state.all_model_checkpoint_paths, state.all_model_checkpoint_timestamps
    times = {base_name(path): time for path, time in zip(paths, saved_at, strict=False)}
    for place, _ in named_places(folder, state.model_checkpoint_path):
        if is_regular_file(place + INDEX_SUFFIX) or is_regular_file(place):
            return times, place
    return times, ""


def _listed(prefix: str, saved_at: float | None) -> ListedCheckpoint | None:
    try:
        location = checkpoint_at(prefix, prefix)
    except TensorBundleError:
        return None
    if location is None:
        return None
    files = [location.index] if location.index else list(location.files)
    main, missing = files[0], _missing(prefix, location.index)
    if location.index and missing is not None:
        files += [path for path in _shards(prefix, location.index) if is_regular_file(path)]
    files += [location.meta] if location.meta else []
    step = _STEP.search(prefix)
    return ListedCheckpoint(
        prefix,
        "v2" if location.index else "v1",
        int(step[1]) if step else None,
        os.stat(main).st_mtime if saved_at is None else saved_at,
        sum(os.stat(path).st_size for path in files),
        False,
        missing if location.index else (),
    )


def _shards(prefix: str, index: str) -> list[str]:
    """The data files that the entries of an index name."""
    read = Index(File(index))
    return [shard_path(prefix, n, read.num_shards) for n in sorted(read.entries().shard_counts())]


def _missing(prefix: str, index: str | None) -> tuple[str, ...] | None:
    try:
        shards = _shards(prefix, index) if index else []
    except TensorBundleError:
        return None
    return tuple(path for path in shards if not is_regular_file(path))


def checkpoints_among(paths: Sequence[str]) -> list[str]:
    """The checkpoints that paths mean, as a shell's ``run/*`` names them: each once, by a prefix.

    Args:
        paths: Files of checkpoints, prefixes, directories, and what lies beside them.

    Returns:
        What is to be opened, in the order in which it is first named. State files, and files that
        belong to none, are left out where there are checkpoints by their own files.
    """
    if len(paths) < 2:
        return list(paths)
    found = dict.fromkeys(_meant(paths))
    return list(found) or list(dict.fromkeys(paths))


def _meant(paths: Sequence[str]) -> Iterable[str]:
    for path in paths:
        prefix = spelled_prefix(path)
        table = split_table_path(path)
        if prefix is not None:
            yield prefix
        elif table is not None and is_regular_file(path):
            yield table[0]
        elif (
            os.path.isdir(path)
            or not os.path.lexists(path)
            or (is_regular_file(path) and is_table(path))
        ):
            yield path


def is_spread_glob(path: str, others: Sequence[str]) -> bool:
    """Whether arguments are what a shell made of ``run/*``, and not a path and patterns.

    They are when all of them lie in one directory, and one beside the first is a checkpoint's file.
    """
    folder = os.path.dirname(path)
    return (
        bool(others)
        and is_regular_file(path)
        and all(os.path.dirname(each) == folder and os.path.lexists(each) for each in others)
        and any(spelled_prefix(each) is not None for each in others)
    )
