"""State files repaired whose checkpoints have moved with their directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from .._format.filenames import STATE_NAME, as_path, base_name
from .._format.state import CheckpointState, encode_state, mentions_state, named_places
from .._locate.location import checkpoint_at
from .._locate.neighbours import findings
from .._locate.states import (
    StateFile,
    is_outside,
    read_state,
    read_state_bytes,
)
from .._look.outcomes import Outcome
from .._write.durable import replace_file
from ..errors import FormatError, MissingFileError, TensorBundleError


@dataclass(frozen=True, slots=True, repr=False)
class Relocation(Outcome):
    """Result of `relocate`: what it did, or would do.

    Attributes:
        path: The state file.
        found: New paths by old ones, for those that changed.
        lost: Paths of checkpoints that are nowhere; they are taken out.
        changed: Whether the file changes.
        latest: The newest checkpoint, as the file calls it now.
    """

    path: str
    found: dict[str, str]
    lost: tuple[str, ...]
    changed: bool
    latest: str


def relocate(
    path: str | os.PathLike[str],
    *,
    latest: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
) -> Relocation:
    """Make a state file name the checkpoints that lie beside it, by relative paths.

    A state file with absolute paths is useless after its directory was moved or copied: TensorFlow
    finds nothing, or the checkpoints of the old place; likewise one that an editor or another
    system changed. Each path is replaced by that of the checkpoint as it lies in the directory;
    timestamps stay with theirs. Paths outside the directory stay as they are while something is
    there. When the newest checkpoint is nowhere, the last of the others is the newest.

    Args:
        path: The state file, or its directory.
        latest: The checkpoint that is to be the newest, in the directory or in any spelling; the
            state file is made if there is none.
        dry_run: Only say what would be done.

    Returns:
        What was done.

    Raises:
        MissingFileError: No checkpoint is there, or not the one asked for.
        FormatError: There is no readable state file.

    Example:
        >>> import tensorbundle as tb
        >>> tb.relocate(tb.demo("moved"), dry_run=True).changed
        True
    """
    file = as_path(path)
    if os.path.isdir(file):
        file = os.path.join(file, STATE_NAME)
    directory = os.path.dirname(file)
    if latest is not None and not os.path.lexists(file):
        said = StateFile(file, CheckpointState(), "there was none")
    else:
        said = _read(file, anew=latest is not None)
    state = said.state
    names = dict.fromkeys((*state.all_model_checkpoint_paths, state.model_checkpoint_path))
    places = {name: _place(directory, name, file) for name in names if name}
    kept = _kept(state, places)
    newest: str | None
    if latest is not None:
        newest = _chosen(directory, as_path(latest), file)
        kept.setdefault(newest, _time_of(directory, newest))
    else:
        newest = places.get(state.model_checkpoint_path) or next(reversed(kept), None)
    if newest is None:
        raise MissingFileError(
            f"no checkpoint that the state file {file!r} names is there; "
            + "; ".join(findings(directory, base_name(state.model_checkpoint_path)))
            + "; --latest NAME (latest=) chooses one",
            path=file,
        )
    has_times = bool(state.all_model_checkpoint_timestamps)
    repaired = CheckpointState(
        newest,
        tuple(kept),
        tuple(time for time in kept.values() if time is not None) if has_times else (),
        state.last_preserved_timestamp,
    )
    changed = repaired != state or said.note is not None
    if changed and not dry_run:
        replace_file(file, encode_state(repaired))
    found = {name: place for name, place in places.items() if place is not None and place != name}
    lost = tuple(name for name, place in places.items() if place is None)
    return Relocation(file, found, lost, changed, newest)


def _read(file: str, *, anew: bool) -> StateFile:
    """Read a state file; one that is malformed says nothing, where it is to be written anew."""
    try:
        return read_state(file)
    except FormatError as error:
        if not (anew and mentions_state(read_state_bytes(file))):
            raise
        return StateFile(file, CheckpointState(), error.message)


def _kept(state: CheckpointState, places: Mapping[str, str | None]) -> dict[str, float | None]:
    """The checkpoints that are there, oldest first, and when they were saved."""
    times = dict(enumerate(state.all_model_checkpoint_timestamps))
    return {
        place: times.get(number)
        for number, name in enumerate(state.all_model_checkpoint_paths)
        if (place := places.get(name)) is not None
    }


def _place(directory: str, name: str, state: str) -> str | None:
    """What a state file has to call a checkpoint that it names; None if that is nowhere.

    The path from its directory, where the checkpoint lies in that; else the path as it is.
    """
    for prefix, _ in named_places(directory, name):
        if not is_outside(directory, prefix) and _is_checkpoint(prefix, state):
            return os.path.relpath(prefix, directory or os.curdir)
    return name if _is_checkpoint(os.path.join(directory, name), state) else None


def _is_checkpoint(prefix: str, state: str) -> bool:
    try:
        return checkpoint_at(prefix, prefix, (), state) is not None
    except TensorBundleError:  # a shard is missing, or it is something else
        return False


def _chosen(directory: str, latest: str, state: str) -> str:
    """What a state file has to call the checkpoint that was asked for."""
    if os.path.dirname(latest) and _is_checkpoint(latest, state):
        latest = os.path.relpath(latest, directory or os.curdir)
    if place := _place(directory, latest, state):
        return place
    there = "; ".join(findings(directory, base_name(latest)))
    raise MissingFileError(f"no checkpoint {latest!r} beside the state file: {there}", path=state)


def _time_of(directory: str, place: str) -> float | None:
    full = os.path.join(directory, place)
    found = checkpoint_at(full, full)
    return os.stat(found.index or found.files[0]).st_mtime if found else None
