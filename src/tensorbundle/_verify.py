"""What verification found, and what probably happened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ._core import File
from ._damage import describe_file
from .errors import TensorBundleError

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
)

# A copy that stopped leaves holes of whole pages; shorter runs of zeros are ordinary data.
_PAGE_BYTES: Final = 4096
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
            ``size mismatch``, ``malformed``, ``unsupported``, ``unreadable``.
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
    """The result of `Checkpoint.verify`.

    Attributes:
        ok: Whether there are no faults.
        checked: How many stored ranges (tensors and slices) were read and compared.
        nbytes: Their bytes.
        faults: What is wrong, in key order, the index first.
        notes: What is odd and does no harm.
    """

    ok: bool
    checked: int
    nbytes: int
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()

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
    whole = {
        shard
        for shard, count in wrong.items()
        if shard is not None and count == ranges_by_shard.get(shard) and count > 1
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
        if cause is None and fault.kind == "checksum" and fault.shard in whole:
            others = len(ranges_by_shard) > len(whole)
            cause = (
                "every tensor of this shard differs"
                + (" while other shards are sound" if others else "")
                + ": index and shard are probably of two different saves"
            )
        explained.append(replace(fault, cause=cause))
    return explained


def _describe(path: str | None) -> str | None:
    found = describe_file(path) if path is not None and os.path.isfile(path) else None
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
    """The longest run of zero pages in a range of a file."""
    longest: tuple[int, int] | None = None
    begin: int | None = None
    file = File(path)
    end = min(offset + nbytes, file.size)
    for at in range(offset, end, _CHUNK_BYTES):
        chunk = np.frombuffer(file.read(at, min(_CHUNK_BYTES, end - at)), np.uint8)
        for page in range(0, len(chunk), _PAGE_BYTES):
            if chunk[page : page + _PAGE_BYTES].any():
                begin = None
                continue
            begin = at + page if begin is None else begin
            stop = min(at + page + _PAGE_BYTES, end)
            if longest is None or stop - begin > longest[1] - longest[0]:
                longest = (begin, stop)
    if longest is None or longest[1] - longest[0] < min(_PAGE_BYTES, nbytes):
        return None
    return longest
