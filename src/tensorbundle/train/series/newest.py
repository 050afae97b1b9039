"""Newest checkpoint of a directory: the one that the state file names, or the newest whole one.

A process that is killed between the last rename of a save and that of the state file leaves a
whole checkpoint that nothing names; a disk that fails, one that is named and cannot be read. So
whoever resumes by the state file alone starts one save earlier, or not at all.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ..._checkpoint.far.directories import far_checkpoints, far_latest
from ..._checkpoint.opening import open
from ..._far.states import places_in, state_at
from ..._format.filenames import Path
from ..._format.state import CheckpointState, named_places
from ..._locate.location import checkpoint_at
from ..._locate.neighbours import checkpoints_in
from ..._look.amounts import format_count
from ..._source.address import Address, is_far
from ..._source.connect import connect
from ...errors import FormatError, MissingFileError, TensorBundleError
from ..directory import checkpoint_exists, get_checkpoint_state, local_path, written_state

_STEP: Final = re.compile(r"(.*)-(\d{1,18})")

_log = logging.getLogger(__name__)


def latest_checkpoint(
    checkpoint_dir: Path, latest_filename: str | None = None, *, intact: bool = False
) -> str | None:
    """Find the newest checkpoint of a directory by its state file, or the newest that is whole.

    Args:
        checkpoint_dir: The directory.
        latest_filename: The name of its state file; ``checkpoint`` when None.
        intact: Find the newest that opens and verifies, every byte of it read: also one that was
            saved after the state file, by a process that was killed before it could name it, and an
            earlier one where the newest is damaged. The log says what was passed over, and why. Of
            checkpoints that the state file does not name, only those are taken that are called as
            the newest is, but for the number. A state file that is missing, or makes no sense, is
            not missed.

    Returns:
        Its prefix, joined to the directory; None when there is no state file or what it names is
        not there. As in TensorFlow, no other checkpoint is taken instead; `tensorbundle.open` also
        finds the checkpoints of a directory that was moved. With ``intact``, None when none is
        whole.

    Raises:
        FormatError: The state file names no checkpoint; not with ``intact``.
        OSError: The file system refuses, with ``intact``.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.latest_checkpoint(tb.demo("saver"))
        'demo/saver/model.ckpt-20'
        >>> tb.latest_checkpoint(tb.demo("saver"), intact=True)
        'demo/saver/model.ckpt-20'
    """
    if intact and is_far(checkpoint_dir):
        address = Address.of(checkpoint_dir)
        return newest_whole(
            far_newest_first(address), lambda url: address.at(Address(url).key)
        ).prefix
    if intact:
        return newest_whole(newest_first(checkpoint_dir, latest_filename)).prefix
    if is_far(checkpoint_dir) and latest_filename is None:
        return far_latest(Address.of(checkpoint_dir))
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None:
        return None
    if checkpoint_exists(state.model_checkpoint_path):
        return state.model_checkpoint_path
    _log.error("no files of the checkpoint %s", state.model_checkpoint_path)
    return None


# --- the order of saving --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Saved:
    """Checkpoint of a series.

    Attributes:
        prefix: Its prefix, to be opened by.
        stem: Its name, without the number at its end.
        step: That number; None without one.
        changed_ns: When its index or table was changed; None when it is not there.
        is_named: Whether the state file names it.
    """

    prefix: str
    stem: str
    step: int | None
    changed_ns: int | None
    is_named: bool

    @classmethod
    def at(cls, prefix: str, *, is_named: bool) -> Saved:
        """Look at a prefix."""
        name = os.path.basename(prefix)
        found = _STEP.fullmatch(name)
        stem, step = (found[1], int(found[2])) if found else (name, None)
        return cls(prefix, stem, step, _changed_ns(prefix), is_named)

    @property
    def age(self) -> tuple[int, int]:
        """Grows with the time when it was saved."""
        return self.changed_ns or 0, -1 if self.step is None else self.step

    def follows(self, other: Saved) -> bool:
        """Tell whether it was saved after another of its series, as number and time both say.

        The number alone is not enough: a run that began anew has lower ones than what the run
        before left. Nor is the time: copied files have any.
        """
        if self.stem != other.stem:
            return False
        if self.step is not None and other.step is not None and self.step <= other.step:
            return False
        return other.changed_ns is None or (self.changed_ns or 0) >= other.changed_ns


def newest_first(
    directory: Path, latest_filename: str | None = None, *, stem: str | None = None
) -> list[Saved]:
    """Put the checkpoints of a directory in order, the one that was saved last first.

    Args:
        directory: The directory; one that is not there has none.
        latest_filename: The name of its state file; ``checkpoint`` when None.
        stem: What the caller's checkpoints are called, but for their numbers.

    Returns:
        Those that were saved after the newest that the state file names; those that it names, which
        need not be there; those that it does not name any more. Beside what it names, only what is
        called as the newest, or as the caller says.

    Raises:
        OSError: The directory cannot be listed.
    """
    folder = local_path(directory)
    named = list(_named(folder, latest_filename))
    names = {os.path.basename(each.prefix) for each in named}
    stems = {stem, named[0].stem} if named else {stem}
    others = [
        Saved.at(os.path.join(folder, name), is_named=False)
        for name in _names_in(folder)
        if name not in names
    ]
    if stems != {None}:
        others = [each for each in others if each.stem in stems]
    others.sort(key=lambda each: each.age, reverse=True)
    newer = [each for each in others if named and each.follows(named[0])]
    return [*newer, *named, *(each for each in others if each not in newer)]


def far_newest_first(directory: Address) -> list[Saved]:
    """Put the V2 checkpoints of a far directory in order, as `newest_first` does, by numbers alone.

    Raises:
        OSError: The store refuses, or does not answer.
    """
    listed = {each.prefix: each.step for each in far_checkpoints(directory)}

    def saved(url: str, *, is_named: bool) -> Saved:
        found = _STEP.fullmatch(name := url.rpartition("/")[2])
        stem, step = (found[1], int(found[2])) if found else (name, None)
        return Saved(url, stem, step, 0 if url in listed else None, is_named)

    client, place = connect(directory), directory.at(directory.key.rstrip("/"))
    try:
        state = state_at(client, place)
    except (FileNotFoundError, FormatError) as error:
        if isinstance(error, FormatError):
            _log.warning("%s", error)
        state = CheckpointState()
    names = [state.model_checkpoint_path, *reversed(state.all_model_checkpoint_paths)]
    named = []
    for name in dict.fromkeys(filter(None, names)):
        urls = [client.url(key) for key, _ in places_in(place, name)]
        if urls:
            there = next((url for url in urls if url in listed), urls[0])
            named.append(saved(there, is_named=True))
    known = {each.prefix for each in named}
    others = [saved(url, is_named=False) for url in listed if url not in known]
    others = [each for each in others if not named or each.stem == named[0].stem]
    others.sort(key=lambda each: each.age, reverse=True)
    newer = [each for each in others if named and each.follows(named[0])]
    return [*newer, *named, *(each for each in others if each not in newer)]


def _named(folder: str, latest_filename: str | None) -> Iterator[Saved]:
    """What the state file names, the newest first."""
    try:
        state = written_state(folder, latest_filename)
    except FormatError as error:
        _log.warning("%s", error)
        state = None
    state = state or CheckpointState()
    names = [state.model_checkpoint_path, *reversed(state.all_model_checkpoint_paths)]
    for name in dict.fromkeys(filter(None, names)):
        found = [Saved.at(place, is_named=True) for place, _ in named_places(folder, name)]
        yield next((each for each in found if each.changed_ns is not None), found[0])


def _names_in(folder: str) -> list[str]:
    try:
        return checkpoints_in(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _changed_ns(prefix: str) -> int | None:
    try:
        found = checkpoint_at(prefix, prefix)
        return os.stat(found.index or found.files[0]).st_mtime_ns if found else None
    except (TensorBundleError, FileNotFoundError):
        return None


# --- the newest that is whole ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Whole:
    """Result of a search for a whole checkpoint.

    Attributes:
        prefix: The newest; None when there is none.
        passed_over: Newer ones and what is wrong with each, the newest first.
    """

    prefix: str | None
    passed_over: tuple[tuple[str, str], ...]

    def refuse_damaged(self, directory: str) -> None:
        """Raise FormatError when there are checkpoints, and none is whole."""
        if self.prefix is None and self.passed_over:
            told = "; ".join(f"{prefix}: {why}" for prefix, why in self.passed_over)
            raise FormatError(
                f"none of {format_count(len(self.passed_over), 'checkpoint')} in "
                f"{directory or os.curdir!r} is whole: {told}",
                path=directory,
            )


def newest_whole(
    candidates: Iterable[Saved], place_of: Callable[[str], Path] = lambda prefix: prefix
) -> Whole:
    """Find the first that opens and verifies; the log says what was passed over.

    Args:
        candidates: The checkpoints, the newest first.
        place_of: What to open one by that has a prefix.

    Raises:
        OSError: The file system refuses to say what is there.
    """
    passed_over: list[tuple[str, str]] = []
    first_named: str | None = None
    for each in candidates:
        first_named = first_named or (each.prefix if each.is_named else None)
        why = reason_against(place_of(each.prefix))
        if why is not None:
            _log.warning("the checkpoint %s was passed over: %s", each.prefix, why)
            passed_over.append((each.prefix, why))
            continue
        if not each.is_named and first_named is None:
            _log.warning("the newest whole checkpoint, %s, is in no state file", each.prefix)
        return Whole(each.prefix, tuple(passed_over))
    return Whole(None, tuple(passed_over))


def whole_from(path: Path) -> str:
    """Find what to resume from: the newest whole checkpoint of a directory, or one up to a prefix.

    Raises:
        FormatError: There are checkpoints, and none is whole.
        MissingFileError: There is none.
        OSError: As `newest_whole`.
    """
    place = local_path(path)
    if os.path.isdir(place):
        directory, candidates = place, newest_first(place)
    else:
        directory, name = os.path.split(place)
        candidates = newest_first(directory, stem=Saved.at(place, is_named=True).stem)
        while candidates and os.path.basename(candidates[0].prefix) != name:
            candidates.pop(0)
        if not candidates:
            return place  # whoever opens it says what is there instead
    found = newest_whole(candidates)
    found.refuse_damaged(directory)
    if found.prefix is None:
        raise MissingFileError(f"no checkpoint in {directory or os.curdir!r}", path=directory)
    return found.prefix


def reason_against(prefix: Path) -> str | None:
    """Say why a checkpoint is not whole; None when it opens and all of its bytes are right.

    Raises:
        OSError: The file system refuses to say what is there.
    """
    try:
        report = open(prefix).verify()
    except TensorBundleError as error:
        return str(error)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return str(error)
    # Sound, though not to be read here.
    faults = [fault for fault in report.faults if fault.kind != "unsupported"]
    if not faults:
        return None
    first = faults[0]
    more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
    where = "" if first.name is None else f" in {first.name!r}"
    return f"{first.kind}{where}: {first.message}{more}"
