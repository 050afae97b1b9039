"""State files (``checkpoint``) as they lie about: read, and the checkpoints that they name found.

A directory that was moved, copied or came from another system has a state file whose paths lead
nowhere, or into somebody else's directory: `is_outside` says whose it is.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._format.state import mentions_state
from ..errors import FormatError
from .damage import FileKind, describe_mistaken, identify_file

if TYPE_CHECKING:
    from .._format.state import CheckpointState

_STATE_LIMIT: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class StateFile:
    """A state file that was read.

    Attributes:
        path: The file.
        state: What it says; paths in it are as written.
        note: Why TensorFlow does not read it so, for the user to read; None when it does.
    """

    path: str
    state: CheckpointState
    note: str | None = None


def read_state_bytes(path: str) -> bytes:
    """Read the content of a state file, which is a regular file of no great size.

    Raises:
        FormatError: It is something else: a named pipe, which nothing is waited for, say.
        OSError: The file cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise FormatError(f"not a checkpoint state file: {path!r} is no regular file")
        content = file.read(min(found.st_size, _STATE_LIMIT) + 1)
    if len(content) > _STATE_LIMIT:
        raise FormatError(
            f"not a checkpoint state file: {path!r} has more than {_STATE_LIMIT} bytes", path=path
        )
    return content


def read_state(path: str) -> StateFile:
    """Read a state file, whatever hand or system wrote it.

    Args:
        path: The file.

    Raises:
        FormatError: The file is something else; the message says what.
        OSError: The file cannot be read.
    """
    from .._format.state import parse_edited_state

    content = read_state_bytes(path)
    if not mentions_state(content):
        what = describe_mistaken(path)
        raise FormatError(f"not a checkpoint state file: {path!r} is {what}", path=path)
    try:
        state, reason = parse_edited_state(content)
    except FormatError as error:
        found = identify_file(path)
        if found is not None and found.kind is not FileKind.STATE:
            error.message = f"{error.message}: the file is {found.phrase}"
        raise error.add_context(path=path) from None
    note = f"TensorFlow does not read the state file {path!r}: {reason}" if reason else None
    return StateFile(path, state, note)


def is_outside(directory: str, prefix: str) -> bool:
    """Whether a checkpoint lies outside a directory, once links are followed."""
    inside = os.path.realpath(directory or os.curdir)
    folder = os.path.realpath(os.path.dirname(prefix) or os.curdir)
    return os.path.commonpath([inside, folder]) != inside
