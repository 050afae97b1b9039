"""Reports of verification: what was found, and what probably happened."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from .._core import File
from .._locate.conversions import explain_length
from .._locate.damage import describe_shard
from .._look.amounts import format_count, format_size
from .._look.outcomes import Outcome
from .._printable import printable
from ..errors import TensorBundleError

if TYPE_CHECKING:
    from .._core import Entry

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
_MAX_SHOWN: Final = 50


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

    @property
    def place(self) -> str:
        """Place of the bytes concerned, as people write it; empty where there is none."""
        place = [] if self.path is None else [os.path.basename(self.path)]
        if self.path is None and self.shard is not None:
            place = [f"shard {self.shard}"]
        if self.offset is not None:
            end = "" if self.nbytes is None else f"-{self.offset + self.nbytes}"
            place.append(f"{'bytes' if end else 'byte'} {self.offset}{end}")
        return ", ".join(place)

    def __str__(self) -> str:
        where = f" ({self.place})" if self.place else ""
        what = f"{self.kind}: {self.name or 'the file'}{where}: {self.message}"
        return printable(f"{what}; probably: {self.cause}" if self.cause else what)


@dataclass(frozen=True, slots=True, repr=False)
class Report(Outcome):
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

    def _summary(self) -> str:
        verdict = "ok" if self.ok else format_count(len(self.faults), "fault")
        work = f"{format_count(self.checked, 'stored tensor')}, {format_size(self.nbytes)} checked"
        return f"{verdict}: {work}"

    def __str__(self) -> str:
        lines = [self._summary(), *map(str, self.faults)]
        lines += [f"note: {each}" for each in self.notes]
        lines += [f"not looked at: {each}" for each in self.unchecked]
        return "\n".join(map(printable, lines))

    def _repr_html_(self) -> str:
        from .._look.markup import block, heading, table

        shown = [
            (each.kind, each.name, each.place, each.message, each.cause)
            for each in self.faults[:_MAX_SHOWN]
        ]
        remarks = (f"not looked at: {each}" for each in self.unchecked)
        head = heading(self._summary(), *self.notes, *remarks)
        if not shown:
            return block(head)
        titles = ("kind", "tensor", "place", "found", "probably")
        return block(head, table(titles, shown, more=len(self.faults) - len(shown)))


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


def with_causes(
    faults: Sequence[Fault],
    ranges_by_shard: dict[int, int],
    entry_of: Callable[[str], Entry | None],
    ends: Callable[[], dict[int, int]],
) -> list[Fault]:
    """Say for each fault what probably happened.

    Args:
        faults: What was found.
        ranges_by_shard: How many stored ranges each shard has, to tell damage here and there from
            a shard that belongs to another save.
        entry_of: Gives the entry of a tensor.
        ends: Gives where the last tensor of each shard ends.
    """
    foreign = _explain_shards(faults, ranges_by_shard, entry_of, ends)
    files: dict[str | None, str | None] = {}
    explained: list[Fault] = []
    for number, fault in enumerate(faults):
        if fault.path not in files:
            files[fault.path] = _describe(fault.path)
        cause = files[fault.path]
        if cause is None and fault.kind == "missing shard" and fault.path is not None:
            cause = _stand_ins(fault.path)
        is_converted = fault.shard in foreign and foreign[fault.shard][0]
        if cause is None and is_converted and fault.kind in ("checksum", "truncated"):
            cause = foreign[fault.shard][1]
        # Looking for holes reads the range again, so not for every one of a hundred thousand.
        if cause is None and number < _MAX_EXPLAINED:
            cause = _cause_in_file(fault)
        if cause is None and fault.kind == "checksum" and fault.shard in foreign:
            cause = foreign[fault.shard][1]
        explained.append(replace(fault, cause=cause))
    return explained


def _explain_shards(
    faults: Sequence[Fault],
    ranges_by_shard: dict[int, int],
    entry_of: Callable[[str], Entry | None],
    ends: Callable[[], dict[int, int]],
) -> dict[int | None, tuple[bool, str | None]]:
    """Of shards most of whose tensors differ: whether their length does too, and the cause."""
    wrong: dict[int | None, list[Fault]] = {}
    for fault in faults:
        if fault.kind in ("checksum", "truncated", "size mismatch", "malformed"):
            wrong.setdefault(fault.shard, []).append(fault)
    causes: dict[int | None, tuple[bool, str | None]] = {}
    for shard, found in wrong.items():
        count = sum(1 for fault in found if fault.kind == "checksum")
        # Two saves of one model have some tensors in common: empty ones, constants, zeros.
        if shard is None or not count or 2 * len(found) <= ranges_by_shard.get(shard, 0):
            continue
        causes[shard] = _explain_length(found, entry_of, ends().get(shard, 0))
        if not causes[shard][0] and count > 1:
            told = (
                f"{count} of the {ranges_by_shard[shard]} tensors of this shard "
                "differ: index and shard are probably of two different saves"
            )
            causes[shard] = (False, told)
    return causes


def _explain_length(
    faults: Sequence[Fault], entry_of: Callable[[str], Entry | None], end: int
) -> tuple[bool, str | None]:
    path = next((fault.path for fault in faults if fault.path is not None), None)
    if path is None:
        return False, None
    entries = [entry_of(fault.name) for fault in faults if fault.name is not None]
    ranges = [(entry[4], entry[2], entry[5]) for entry in entries if entry is not None]
    try:
        return explain_length(path, end, ranges)
    except (TensorBundleError, OSError):
        return False, None


def _describe(path: str | None) -> str | None:
    found = describe_shard(path) if path is not None and os.path.isfile(path) else None
    return f"the file is {found}" if found else None


def _stand_ins(path: str) -> str | None:
    from .._locate.neighbours import list_names, stand_ins

    names = stand_ins(path)
    if not names:
        return None
    return (
        f"the file was renamed, or belongs to another save: beside it lies {list_names(names)}, "
        f"expected {os.path.basename(path)!r}"
    )


def _cause_in_file(fault: Fault) -> str | None:
    if fault.kind == "truncated":
        return "the file was cut off: a download or copy that stopped, or a full disk"
    if fault.kind != "checksum" or fault.path is None or not fault.nbytes:
        return None
    if not os.path.isfile(fault.path):  # far away, or gone by now
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
