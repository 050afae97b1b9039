"""State files (``checkpoint``) as they lie about: read, and the checkpoints that they name found.

A directory that was moved, copied or came from another system has a state file whose paths lead
nowhere, or into somebody else's directory: `named_places` says where to look, `is_outside` whose it
is.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._format.filenames import spelled_prefix
from ..errors import FormatError
from .damage import FileKind, describe_mistaken, identify_file

if TYPE_CHECKING:
    from .._format.state import CheckpointState

_STATE_LIMIT: Final = 1 << 24
_TAILS: Final = 8  # of a path, that are tried below the state file's directory


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


def mentions_state(head: bytes) -> bool:
    """Whether bytes are of a state file, in UTF-16 too."""
    return b"model_checkpoint_path" in head.replace(b"\0", b"").lower()


def named_places(directory: str, name: str) -> Iterator[tuple[str, str | None]]:
    """Where a checkpoint may lie that a state file names.

    Args:
        directory: The state file's.
        name: The path as it is written there.

    Yields:
        Prefixes, the likeliest first, each with what is to be told if the checkpoint is taken
        there. They may lie outside the directory, and may come twice.
    """
    if not name:
        return
    spelled = spelled_prefix(name)
    for each in [name] if spelled is None else [spelled, name]:
        is_file = f"the state file names {name!r}, a file of the checkpoint" if each != name else ""
        yield os.path.join(directory, each), is_file or None
        parts = each.replace("\\", "/").split("/")
        if "\\" in each and os.sep == "/":
            note = is_file or f"the state file names {name!r}, written on Windows"
            yield os.path.join(directory, *parts), note
        note = is_file or f"the state file names {name!r}, which is not there"
        here = repr(directory or os.curdir)
        yield os.path.join(directory, parts[-1]), f"{note}: found by its base name in {here}"
        for count in range(2, min(len(parts), _TAILS)):
            tail = os.path.join(*parts[-count:])
            if os.pardir not in parts[-count:]:
                yield os.path.join(directory, tail), f"{note}: found as {tail!r} in {here}"


def is_outside(directory: str, prefix: str) -> bool:
    """Whether a checkpoint lies outside a directory, once links are followed."""
    inside = os.path.realpath(directory or os.curdir)
    folder = os.path.realpath(os.path.dirname(prefix) or os.curdir)
    return os.path.commonpath([inside, folder]) != inside
