"""Opening the checkpoint that a command works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..terminal.console import Console

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint


def open_checkpoint(console: Console, path: str) -> Checkpoint:
    """Open a checkpoint and tell on stderr what was chosen for the user.

    Raises:
        TensorBundleError: There is no readable checkpoint at the path.
        OSError: The system refuses to read it.
    """
    from ..._checkpoint.opening import open as open_path

    checkpoint = open_path(path)
    for note in checkpoint.location.notes:
        console.note(note)
    return checkpoint
