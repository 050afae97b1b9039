"""Small files replaced as a whole: at every moment the old content or the new one is there."""

from __future__ import annotations

import os
import random
import re
from typing import Final

_TEMPORARY: Final = ".tempstate"  # TensorFlow's mark for files that a save is still writing


def replace_file(path: str, content: bytes) -> None:
    """Write a file under a temporary name and rename it; both reach the disk before this returns.

    Leftovers of earlier attempts at the same file, which were killed, are removed.

    Args:
        path: The file; there may be one of this name.
        content: What it shall hold.

    Raises:
        OSError: The directory is not there, full, or not writable; nothing has changed.
    """
    directory, name = os.path.split(path)
    for left in _leftovers(directory or os.curdir, name):
        os.unlink(os.path.join(directory, left))
    temporary = f"{path}{_TEMPORARY}{random.SystemRandom().getrandbits(64)}"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise
    _sync_directory(directory or os.curdir)


def _leftovers(directory: str, name: str) -> list[str]:
    temporary = re.compile(re.escape(name + _TEMPORARY) + "[0-9]+")
    return [each for each in os.listdir(directory) if temporary.fullmatch(each)]


def _sync_directory(directory: str) -> None:
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
