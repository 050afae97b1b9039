"""State files repaired whose checkpoints have moved with their directory."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .._format.state import CheckpointState, encode_state
from .._locate.checkpoints import read_state
from .._locate.location import checkpoint_at
from .._write.commit import replace_file
from ..errors import MissingFileError

_STATE_NAME = "checkpoint"


@dataclass(frozen=True, slots=True)
class Relocation:
    """What `relocate` did, or would do.

    Attributes:
        path: The state file.
        found: New paths by old ones, for those that changed.
        lost: Paths of checkpoints that are nowhere; they are taken out.
        changed: Whether the file changes.
    """

    path: str
    found: dict[str, str]
    lost: tuple[str, ...]
    changed: bool


def relocate(path: str | os.PathLike[str], *, dry_run: bool = False) -> Relocation:
    """Make a state file name the checkpoints that lie beside it, by relative paths.

    A state file with absolute paths is useless after its directory was moved or copied: TensorFlow
    finds nothing, or the checkpoints of the old place. Each path is replaced by the base name where
    that is a checkpoint beside the file; timestamps stay with theirs.

    Args:
        path: The state file, or its directory.
        dry_run: Only say what would be done.

    Returns:
        What was done.

    Raises:
        MissingFileError: The newest checkpoint is not there.
        FormatError: There is no readable state file.

    Example:
        >>> import tensorbundle as tb
        >>> tb.relocate("tests/golden/data/moved", dry_run=True).changed
        True
    """
    file = os.fspath(path)
    if os.path.isdir(file):
        file = os.path.join(file, _STATE_NAME)
    state = read_state(file)
    directory = os.path.dirname(file)
    names = dict.fromkeys((*state.all_model_checkpoint_paths, state.model_checkpoint_path))
    places = {name: _place(directory, name) for name in names}
    lost = tuple(name for name, place in places.items() if place is None)
    newest = places[state.model_checkpoint_path]
    if newest is None:
        raise MissingFileError(
            f"the newest checkpoint {state.model_checkpoint_path!r} is not beside the state file",
            path=file,
        )
    times = state.all_model_checkpoint_timestamps
    kept = [
        (place, number)
        for number, name in enumerate(state.all_model_checkpoint_paths)
        if (place := places[name]) is not None
    ]
    repaired = CheckpointState(
        newest,
        tuple(place for place, _ in kept),
        tuple(times[number] for _, number in kept if number < len(times)),
        state.last_preserved_timestamp,
    )
    if repaired != state and not dry_run:
        replace_file(file, encode_state(repaired))
    found = {name: place for name, place in places.items() if place is not None and place != name}
    return Relocation(file, found, lost, repaired != state)


def _place(directory: str, name: str) -> str | None:
    """The relative path of a checkpoint by the name that a state file gives it; None if gone."""
    base = name.replace("\\", "/").rpartition("/")[2]
    for candidate in (name if not os.path.isabs(name) else base, base):
        full = os.path.join(directory, candidate)
        if checkpoint_at(full, full):
            return candidate
    return None
