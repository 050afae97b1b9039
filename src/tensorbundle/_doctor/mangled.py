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
from .undoing import UNDOINGS, ends_of_table

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

_MOST_BYTES: Final = 1 << 30  # read at once to undo what was done
_MOST_IN_FRONT: Final = 1 << 20
_CHUNK_BYTES: Final = 8 << 20
_PROOFS: Final = 50  # ranges whose checksums are compared
_REPLACEMENT: Final = b"\xef\xbf\xbd"  # what a decoder writes for bytes that are no UTF-8
_TELLING: Final = 4096  # bytes of numbers hold every byte
_RARE: Final = 64  # a byte is one of so many at most, where so many are missing


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
    more = len(raw) - size
    found = _undone(path, raw, lambda data: proves(data, ranges))
    if found is None and 0 < more <= _MOST_IN_FRONT and proves(raw[more:], ranges):
        found = _cut(path, more, len(raw), len(raw))
    return found or _lost(raw, size)


def mangled_index(path: str) -> Mangled | None:
    """What was done to an index that is no sound table."""
    if os.path.getsize(path) > _MOST_BYTES:
        return None
    with open(path, "rb") as file:
        raw = file.read()

    def is_sound(data: bytes) -> bool:
        table = mend_table(data, path, syndromes())
        return bool(table.blocks) and table.is_whole and not table.mendings and not table.notes

    found = _undone(path, raw, is_sound)
    if found is None and (ends := ends_of_table(raw)) and is_sound(raw[slice(*ends)]):
        found = _cut(path, *ends, len(raw))
    return found or _lost(raw, None)


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


def _undone(path: str, raw: bytes, is_right: Callable[[bytes], bool]) -> Mangled | None:
    name = shlex.quote(path)
    for undoing in UNDOINGS:
        plain = undoing.undo(raw, _MOST_BYTES)
        if plain is not None and plain != raw and is_right(plain):
            command = undoing.command.format(name=name)
            return Mangled(undoing.what, f"{command} > {name}.plain && mv {name}.plain {name}")
    return None


def _cut(path: str, begin: int, end: int, size: int) -> Mangled:
    """Bytes before and behind."""
    name = shlex.quote(path)
    told = [f"{begin} bytes in front"] if begin else []
    told += [f"{size - end} behind its end"] if end < size else []
    command = f"tail -c +{begin + 1} {name}"
    if end < size:
        command += f" | head -c {end - begin}"
    return Mangled(
        f"something was put in: {', '.join(told)}",
        f"{command} > {name}.plain && mv {name}.plain {name}",
    )


def _lost(raw: bytes, size: int | None) -> Mangled | None:
    """What cannot be undone, but should be known."""
    if raw.count(_REPLACEMENT) > max(2, len(raw) // 2000):
        return Mangled("bytes that are no UTF-8 were replaced: they are lost, get it anew", None)
    fewer = 0 if size is None else size - len(raw)
    if fewer <= 0 or len(raw) < _TELLING:
        return None
    if max(raw) >= 0x80 and _is_utf8(raw):
        return Mangled("bytes that are no UTF-8 were left out: they are lost, get it anew", None)
    for byte, what in ((b"\r", "carriage returns"), (b"\0", "zero bytes")):
        if byte not in raw and (byte == b"\0" or fewer <= max(len(raw) // _RARE, 1)):
            return Mangled(f"{what} were left out: where they were is lost, get it anew", None)
    return None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
