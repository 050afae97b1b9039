"""Files of other programs, opened without trusting what they are."""

from __future__ import annotations

import os
from typing import Final

from ..._core import File
from ..._locate.location import file_mode, is_regular_file
from ...errors import FormatError

# An index names each tensor once; one of a million tensors takes a hundred megabytes.
_MAX_INDEX_BYTES: Final = 1 << 30


def regular_file(path: str) -> File:
    """Open a file; what is there, but is a pipe or a device, is refused without waiting for it."""
    if file_mode(path) and not is_regular_file(path):
        raise FormatError(f"{path!r} is not a regular file", path=path)
    return File(path)


def whole_file(path: str) -> bytes:
    """Read all of an index."""
    file = regular_file(path)
    if file.size > _MAX_INDEX_BYTES:
        raise FormatError(f"an index of {file.size} bytes: at most {_MAX_INDEX_BYTES} are read")
    return file.read(0, file.size)


def inside(folder: str, name: str) -> str:
    """Give the path of a file that an index names, which must lie in its folder, links followed.

    Raises:
        FormatError: It lies elsewhere.
    """
    path = os.path.join(folder, name)
    root = os.path.realpath(folder)
    if not name or "\0" in name or os.path.commonpath([root, os.path.realpath(path)]) != root:
        raise FormatError(f"the index names the file {name!r}, which does not lie in {folder!r}")
    return path
