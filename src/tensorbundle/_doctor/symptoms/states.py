"""State files that name what is not there, or that are none."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..._edit.relocate import relocate
from ..._format.filenames import STATE_NAME
from ..._format.state import mentions_state
from ..._locate.damage import identify_file
from ..._locate.location import is_regular_file
from ..._locate.neighbours import checkpoints_in
from ...errors import FormatError, TensorBundleError
from .mistaken import mistaken
from .symptom import Symptom

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint


def of_opened(ckpt: Checkpoint | None) -> Iterator[Symptom]:
    """A state file by which a checkpoint was found, though not where it says."""
    state = ckpt.location.state if ckpt is not None else None
    if state is None:
        return
    try:
        done = relocate(state, dry_run=True)
    except TensorBundleError:
        return
    if done.found or done.lost:
        moved = ", ".join(f"{old!r} lies at {new!r}" for old, new in list(done.found.items())[:3])
        lost = f"{len(done.lost)} that it names are nowhere" if done.lost else ""
        yield Symptom(
            "the state file names checkpoints where they are not",
            "; ".join(filter(None, [moved, lost])),
            state,
            f"tensorbundle relocate {shlex.quote(state)}",
        )


def of_unopened(requested: str) -> Symptom | None:
    """A state file that can be made to name what is there."""
    state = requested
    if os.path.isdir(requested):
        state = os.path.join(requested, STATE_NAME)
    if os.path.basename(state) != STATE_NAME or not is_regular_file(state):
        return None
    try:
        done = relocate(state, dry_run=True)
    except FormatError as error:
        return _not_a_state(state, error)
    except TensorBundleError:
        return None
    if not done.changed:
        return None
    return Symptom(
        "the state file names checkpoints where they are not",
        f"the newest that is there is {done.latest!r}",
        state,
        f"tensorbundle relocate {shlex.quote(state)}",
    )


def _not_a_state(state: str, error: FormatError) -> Symptom | None:
    """Something else under a state file's name: it is got, or made anew of what is there."""
    symptom = mistaken(state)
    if symptom is not None and symptom.command is not None:
        return symptom
    with open(state, "rb") as file:
        if mentions_state(file.read(4096)):
            return None
    found = identify_file(state)
    what = "damaged" if found is None else found.phrase
    directory = os.path.dirname(state)
    try:
        names = checkpoints_in(directory)
    except OSError:
        names = []
    if not names:
        return Symptom(f"the state file {state!r} is {what}", str(error), state)
    line = shlex.quote(f'model_checkpoint_path: "{names[0]}"')
    return Symptom(
        f"the state file {state!r} is {what}",
        f"the newest checkpoint beside it is {names[0]!r}",
        state,
        f"echo {line} > {shlex.quote(state)}",
    )
