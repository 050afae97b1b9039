"""Mangled files: what text conversion and other hands did to bytes, told by size and content.

Each guess is undone in memory and proved by the checksums of what comes out.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from .. import _core
from .._format import dtypes
from .mending.syndromes import syndromes
from .mending.tables import mend_table

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

_MOST_BYTES: Final = 1 << 30  # read at once to undo what was done
_MOST_IN_FRONT: Final = 1 << 20
_CHUNK_BYTES: Final = 8 << 20
_PROOFS: Final = 50  # ranges whose checksums are compared
_REPLACEMENT: Final = b"\xef\xbf\xbd"  # what a decoder writes for bytes that are no UTF-8


class Mangled(NamedTuple):
    """What was done to a file.

    Attributes:
        what: In words.
        command: What undoes it; None when that cannot be done.
    """

    what: str
    command: str | None


def mangled_shard(path: str, ranges: list[TensorInfo]) -> Mangled | None:
    """What was done to a shard whose tensors have wrong checksums."""
    size = max((info.offset or 0) + info.nbytes for info in ranges)
    if os.path.getsize(path) > _MOST_BYTES:
        return None
    with open(path, "rb") as file:
        raw = file.read()
    return _undone(path, raw, size, lambda data: proves(data, ranges))


def mangled_index(path: str) -> Mangled | None:
    """What was done to an index that is no sound table."""
    if os.path.getsize(path) > _MOST_BYTES:
        return None
    with open(path, "rb") as file:
        raw = file.read()

    def is_sound(data: bytes) -> bool:
        table = mend_table(data, path, syndromes())
        return bool(table.blocks) and table.is_whole and not table.mendings and not table.notes

    return _undone(path, raw, None, is_sound)


def proves(data: bytes | _core.File, ranges: list[TensorInfo]) -> bool:
    """Whether bytes, or a file, hold what the index says, as far as plain ranges tell."""
    compared = 0
    size = len(data) if isinstance(data, bytes) else data.size
    for info in ranges:
        begin, end = info.offset or 0, (info.offset or 0) + info.nbytes
        if end > size:
            return False
        if info.data_type in (dtypes.STRING, dtypes.VARIANT) or not info.nbytes:
            continue
        if _crc32c(data, begin, end) != info.crc32c:
            return False
        compared += 1
        if compared == _PROOFS:
            break
    return compared > 0


def _crc32c(data: bytes | _core.File, begin: int, end: int) -> int:
    if isinstance(data, bytes):
        return _core.crc32c(memoryview(data)[begin:end])
    crc32c = 0
    for start in range(begin, end, _CHUNK_BYTES):
        crc32c = _core.crc32c(data.read(start, min(_CHUNK_BYTES, end - start)), crc32c)
    return crc32c


def _undone(
    path: str, raw: bytes, size: int | None, is_right: Callable[[bytes], bool]
) -> Mangled | None:
    name = shlex.quote(path)
    unix = raw.replace(b"\r\n", b"\n")
    if unix != raw and is_right(unix):
        return Mangled(
            "line ends were converted: a carriage return was put before each line feed",
            f"perl -pi -e 's/\\r\\n/\\n/g' {name}",
        )
    try:
        plain = raw.decode("utf-8").encode("latin-1")
    except UnicodeError:
        plain = raw
    if plain != raw and is_right(plain):
        return Mangled(
            "bytes were converted from Latin-1 to UTF-8",
            f"iconv -f UTF-8 -t LATIN1 {name} > {name}.plain && mv {name}.plain {name}",
        )
    if raw.count(_REPLACEMENT) > max(2, len(raw) // 2000):
        return Mangled("bytes that are no UTF-8 were replaced: they are lost, get it anew", None)
    more = 0 if size is None else len(raw) - size
    if 0 < more <= _MOST_IN_FRONT and is_right(raw[more:]):
        return Mangled(
            f"{more} bytes were put in front",
            f"tail -c +{more + 1} {name} > {name}.plain && mv {name}.plain {name}",
        )
    return None
