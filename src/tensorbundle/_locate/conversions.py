"""Conversions that transfers make of a data shard: what changed its length, told by its bytes."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable
from typing import Final

from .._core import File, crc32c
from ..errors import TensorBundleError

_LOOKED_AT: Final = 16 << 20  # bytes of a file, which say enough of how all were treated
_TELLING: Final = 1 << 16  # random bytes of that length hold a line end of either system
_TRIED: Final = 8  # tensors, that are looked for elsewhere


def explain_length(
    path: str, expected: int, ranges: Iterable[tuple[int, int, int]]
) -> tuple[bool, str | None]:
    """Say how a shard came to a length that its index does not say.

    Args:
        path: The shard.
        expected: Where its last tensor ends, by the index.
        ranges: Offset, bytes and CRC-32C of tensors that are not where the index says.

    Returns:
        Whether the length differs, and what probably happened, where that can be told.

    Raises:
        OSError: It cannot be read.
    """
    file = File(path)
    excess = file.size - expected
    if not excess:
        return False, None
    if excess > 0:
        for offset, nbytes, stored in list(ranges)[:_TRIED]:
            if nbytes and _lies_at(file, offset + excess, nbytes, stored):
                return True, f"{excess} bytes were put in front: after them the tensors are whole"
    content = file.read(0, min(file.size, _LOOKED_AT))
    if (told := _as_text(content)) is not None:
        return True, f"{told}, as transfers in text mode do: copy the file again, as binary"
    if excess < 0:
        return True, None
    name = os.path.basename(path)
    return True, f"{name!r} is {excess} bytes longer than the index says: something was put in"


def _lies_at(file: File, offset: int, nbytes: int, expected: int) -> bool:
    """Whether the bytes of a tensor are found at another place."""
    found = 0
    try:
        for at in range(offset, offset + nbytes, _LOOKED_AT):
            found = crc32c(file.read(at, min(_LOOKED_AT, offset + nbytes - at)), found)
    except TensorBundleError:
        return False
    return found == expected


def _as_text(content: bytes) -> str | None:
    """What was made of bytes that were taken for text."""
    line_ends, pairs = content.count(b"\n"), content.count(b"\r\n")
    if max(content, default=0) >= 0x80 and _is_utf8(content):
        if content.count("\ufffd".encode()) * 3 > content.count(b"\xc3") + content.count(b"\xc2"):
            return "bytes that are no UTF-8 were replaced"
        return "the file was converted to UTF-8"
    if line_ends and pairs == line_ends:
        return "line ends were converted (LF to CRLF)"
    if len(content) >= _TELLING and line_ends and not pairs:
        return "line ends were converted (CRLF to LF)"
    return None


def _is_utf8(content: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return False
    return True
