"""Conversions that transfers make of a data shard: what changed its length, told by its bytes."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable
from typing import Final

from .._core import File, crc32c
from .._look.amounts import format_subject
from ..errors import TensorBundleError

_LOOKED_AT: Final = 16 << 20  # bytes of a file, which say enough of how all were treated
_TELLING: Final = 1 << 16  # random bytes of that length hold a line end of either system
_PAIRS: Final = 8  # line ends of two bytes, that so many random bytes hold at most
_LONG: Final = 8  # bytes of a tensor, that are not found by chance
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
    # Bytes that are all alike lie in many places; what lost its own first bytes is nowhere.
    tried = [each for each in list(ranges)[:_TRIED] if each[1] >= _LONG and each[0] + excess >= 0]
    if tried and all(_lies_at(file, offset + excess, *rest) for offset, *rest in tried):
        they = "it" if abs(excess) == 1 else "them"
        said = (
            f"{format_subject(excess, 'byte', 'was')} put in front: after {they}"
            if excess > 0
            else f"{format_subject(-excess, 'byte', 'is')} missing in front: without {they}"
        )
        return True, f"{said} the tensors are whole"
    content = file.read(0, min(file.size, _LOOKED_AT))
    if (told := _as_text(content, lost=max(-excess, 0))) is not None:
        return True, f"{told}, as transfers in text mode do: copy the file again, as binary"
    if excess < 0:
        return True, None
    name = os.path.basename(path)
    return True, f"{name!r} is {excess} bytes longer than the index says: something was put in"


def explain_table(path: str) -> str | None:
    """Say what was done to a table, the index or a V1 file, that ends as one, but is damaged.

    Raises:
        OSError: It cannot be read.
    """
    content = File(path).read(0, min(os.path.getsize(path), _LOOKED_AT))
    line_ends = content.count(b"\n")
    if line_ends > 1 and content.count(b"\r\n") == line_ends:
        return "line ends were probably converted (LF to CRLF): copy the file again, as binary"
    return None


def _lies_at(file: File, offset: int, nbytes: int, expected: int) -> bool:
    """Whether the bytes of a tensor are found at another place."""
    if offset < 0:
        return False
    found = 0
    try:
        for at in range(offset, offset + nbytes, _LOOKED_AT):
            found = crc32c(file.read(at, min(_LOOKED_AT, offset + nbytes - at)), found)
    except TensorBundleError:
        return False
    return found == expected


def _as_text(content: bytes, lost: int) -> str | None:
    """What was made of bytes that were taken for text, and so many of them lost."""
    line_ends, pairs = content.count(b"\n"), content.count(b"\r\n")
    if max(content, default=0) >= 0x80 and _is_utf8(content):
        if content.count("\ufffd".encode()) * 3 > content.count(b"\xc3") + content.count(b"\xc2"):
            return "bytes that are no UTF-8 were replaced"
        return "the file was converted to UTF-8"
    if line_ends and pairs == line_ends:
        return "line ends were converted (LF to CRLF)"
    if len(content) < _TELLING or not lost:
        return None
    if 0 not in content:
        return "zero bytes were left out"
    # Such pairs are rare among bytes of numbers: where many bytes are lost, they were others.
    if line_ends and not pairs and lost <= max(len(content) // _TELLING, 1) * _PAIRS:
        return "line ends were converted (CRLF to LF)"
    return None


def _is_utf8(content: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return False
    return True
