"""Reports of verification: what was found, and what probably happened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from .._core import File
from .._locate.damage import describe_shard
from ..errors import TensorBundleError

FAULT_KINDS: Final = (
    "checksum",
    "truncated",
    "missing shard",
    "overlap",
    "gap",
    "size mismatch",
    "malformed",
    "unsupported",
    "unreadable",
    "replaced",
    "graph",
    "variable",
    "asset",
    "fingerprint",
    "objects",
    "not finite",
)

# Copies and disks that fail leave holes of whole sectors; shorter runs of zeros are ordinary data.
_SECTOR_BYTES: Final = 512
_CHUNK_BYTES: Final = 4 << 20
_MAX_EXPLAINED: Final = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        name: The tensor; None where a block of the index or a whole shard is concerned.
        shard: The number of the data shard; None for the index and V1 files.
        offset: First byte of the range concerned; None where there is none.
        nbytes: Length of that range; None likewise.
        kind: One of ``checksum``, ``truncated``, ``missing shard``, ``overlap``, ``gap``,
            ``size mismatch``, ``malformed``, ``unsupported``, ``unreadable``, ``replaced``; of
            models also ``graph``, ``variable``, ``asset``, ``fingerprint``, ``objects``,
            ``not finite``.
        message: What was expected and what was found.
        path: The file.
        cause: What probably happened, where that can be told.
    """

    name: str | None
    shard: int | None
    offset: int | None
    nbytes: int | None
    kind: str
    message: str
    path: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Result of `Checkpoint.verify` and `verify`.

    Attributes:
        ok: Whether there are no faults.
        checked: How many stored ranges (tensors and slices) were read and compared.
        nbytes: Their bytes.
        faults: What is wrong, in key order, the index first.
        notes: What is odd and does no harm.
        unchecked: What was not looked at.
    """

    ok: bool
    checked: int
    nbytes: int
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ("the graph and NaN: tensorbundle.verify looks at them too",)

    def __bool__(self) -> bool:
        return self.ok


def fault_of(
    error: Exception, kind: str, *, name: str | None = None, shard: int | None = None
) -> Fault:
    """Turn an error into a fault."""
    if not isinstance(error, TensorBundleError):
        path = getattr(error, "filename", None)
        return Fault(name, shard, None, None, kind, str(error), path)
    return Fault(
        name if name is not None else error.key,
        shard,
        error.offset,
        error.nbytes or None,
        kind,
        error.message,
        error.path,
    )


def with_causes(faults: Sequence[Fault], ranges_by_shard: dict[int, int]) -> list[Fault]:
    """Say for each fault what probably happened.

    Args:
        faults: What was found.
        ranges_by_shard: How many stored ranges each shard has, to tell damage here and there from
            a shard that belongs to another save.
    """
    wrong: dict[int | None, int] = {}
    for fault in faults:
        if fault.kind == "checksum":
            wrong[fault.shard] = wrong.get(fault.shard, 0) + 1
    # Two saves of one model have some tensors in common: empty ones, constants, zeros.
    foreign = {
        shard
        for shard, count in wrong.items()
        if shard is not None and count > 1 and 2 * count > ranges_by_shard.get(shard, 0)
    }
    files: dict[str | None, str | None] = {}
    explained: list[Fault] = []
    for number, fault in enumerate(faults):
        if fault.path not in files:
            files[fault.path] = _describe(fault.path)
        cause = files[fault.path]
        # Looking for holes reads the range again, so not for every one of a hundred thousand.
        if cause is None and number < _MAX_EXPLAINED:
            cause = _cause_in_file(fault)
        if cause is None and fault.kind == "checksum" and fault.shard in foreign:
            cause = (
                f"{wrong[fault.shard]} of the {ranges_by_shard[fault.shard]} tensors of this shard "
                "differ: index and shard are probably of two different saves"
            )
        explained.append(replace(fault, cause=cause))
    return explained


def _describe(path: str | None) -> str | None:
    found = describe_shard(path) if path is not None and os.path.isfile(path) else None
    return f"the file is {found}" if found else None


def _cause_in_file(fault: Fault) -> str | None:
    if fault.kind == "truncated":
        return "the file was cut off: a download or copy that stopped, or a full disk"
    if fault.kind != "checksum" or fault.path is None or not fault.nbytes:
        return None
    hole = _longest_hole(fault.path, fault.offset or 0, fault.nbytes)
    if hole is None:
        return None
    return (
        f"bytes {hole[0]}-{hole[1]} are all zero: "
        "a hole that an interrupted download, copy or disk left"
    )


def _longest_hole(path: str, offset: int, nbytes: int) -> tuple[int, int] | None:
    """The longest run of zero sectors in a range of a file."""
    file = File(path)
    end = min(offset + nbytes, file.size)
    longest = (offset, offset)
    last_live = offset // _SECTOR_BYTES - 1  # the last sector that was not zero
    for at in range(offset - offset % _SECTOR_BYTES, end, _CHUNK_BYTES):
        begin, stop = max(at, offset), min(at + _CHUNK_BYTES, end)
        chunk = np.zeros(-(-(stop - at) // _SECTOR_BYTES) * _SECTOR_BYTES, np.uint8)
        file.readinto(begin, chunk[begin - at : stop - at])
        live = np.flatnonzero(chunk.reshape(-1, _SECTOR_BYTES).any(axis=1)) + at // _SECTOR_BYTES
        marks = [last_live, *live.tolist(), (at + len(chunk)) // _SECTOR_BYTES]
        gap = int(np.argmax(np.diff(marks)))
        hole = (
            max(offset, (marks[gap] + 1) * _SECTOR_BYTES),
            min(end, marks[gap + 1] * _SECTOR_BYTES),
        )
        longest = max(longest, hole, key=lambda span: span[1] - span[0])
        last_live = marks[-2]
    return longest if longest[1] - longest[0] >= min(_SECTOR_BYTES, nbytes) else None
