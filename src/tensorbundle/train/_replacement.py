"""Small files replaced as a whole: at every moment the old content or the new one is there."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from typing import IO, Final

_TEMPORARY: Final = ".tempstate"  # TensorFlow's mark for files that a save is still writing


def replace_file(path: str, content: bytes) -> None:
    """Write a file under a temporary name and rename it; both reach the disk before this returns.

    What killed processes left of earlier attempts at the same file is removed.

    Args:
        path: The file; there may be one of this name.
        content: What it shall hold.

    Raises:
        OSError: The directory is not there, full, or not writable; the old content still is.
    """
    directory, name = os.path.split(path)
    directory = directory or os.curdir
    _remove_leftovers(directory, name)
    temporary = f"{path}{_TEMPORARY}{secrets.randbits(64)}"
    try:
        with open(temporary, "xb") as file:
            _try_lock(file)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, path)
    except OSError as error:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        if error.filename in (None, temporary):
            error.filename = path  # the name that the user knows
        raise
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(directory: str, name: str) -> None:
    """Remove temporary files whose writer is gone: a living one holds a lock."""
    temporary = re.compile(re.escape(name + _TEMPORARY) + "[0-9]+")
    for left in filter(temporary.fullmatch, os.listdir(directory)):
        try:
            with open(os.path.join(directory, left), "rb") as file:
                if _try_lock(file):
                    os.unlink(file.name)
        except FileNotFoundError:
            continue  # another process was quicker


def _try_lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
