"""Verification of a V2 bundle: every block, entry, range and slice."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from .. import _core
from .._format import boxes as _slices
from .._format import dtypes
from .._format.names import as_bytes, as_text
from .._progress import Meter, Progress
from ..errors import FormatError
from .report import Fault, Report, fault_of, with_causes

_NAMES_SHOWN = 3


class Verified(Protocol):
    """What is audited: a bundle of the core, or what answers as one."""

    @property
    def index(self) -> _core.Index:
        """The index."""

    def verify(
        self, entries: _core.Entries, threads: int, progress: Callable[[int], object] | None
    ) -> tuple[int, int, list[_core.Finding], list[_core.LostShard]]:
        """Check entries and their bytes; see `_core.Bundle.verify`."""


def audit(
    bundle: Verified,
    index_path: str,
    threads: int,
    progress: Progress,
) -> Report:
    """Check a bundle; see `Checkpoint.verify`."""
    entries, damaged_blocks = bundle.index.salvage()
    counts = entries.shard_counts()
    meter = Meter(progress, entries.stored_bytes)
    checked, nbytes, findings, lost = bundle.verify(entries, threads, progress and meter.at)
    meter.finish()

    faults = [fault_of(error, kind) for _, _, kind, error in damaged_blocks]
    faults += map(_lost_shard, lost)
    slice_labels, slice_faults = _partitions(entries, index_path)
    for key, shard, kind, error in findings:
        name, label = slice_labels.get(key, (as_text(key), ""))
        fault = fault_of(error, kind, name=name, shard=shard if shard in counts else None)
        faults.append(_labelled(fault, label))
    faults += slice_faults
    ends = functools.cache(lambda: _ends(entries))
    causes = with_causes(faults, counts, lambda name: entries.find(as_bytes(name)), ends)
    return Report(not faults, checked, nbytes, tuple(causes))


def _ends(entries: _core.Entries) -> dict[int, int]:
    """Where the last stored range of each shard ends."""
    ends: dict[int, int] = {}
    names = entries.names()
    stored = [entry for name in names if (entry := entries.find(as_bytes(name))) is not None]
    for name in entries.partitioned():
        whole = entries.find(as_bytes(name))
        for slice in () if whole is None else whole[6]:
            part = entries.find(_core.slice_key(as_bytes(name), slice))
            stored += [] if part is None else [part]
    for _, _, nbytes, shard, offset, _, slices in stored:
        if not slices:
            ends[shard] = max(ends.get(shard, 0), offset + nbytes)
    return ends


def _labelled(fault: Fault, label: str) -> Fault:
    if not label:
        return fault
    return replace(fault, message=f"slice {label}: {fault.message}")


def _lost_shard(lost: _core.LostShard) -> Fault:
    """One fault for a shard that cannot be opened, however many tensors it had."""
    shard, kind, error, keys = lost
    shown = ", ".join(repr(key.decode("utf-8", "replace")) for key in keys[:_NAMES_SHOWN])
    more = f" and {len(keys) - _NAMES_SHOWN} more" if len(keys) > _NAMES_SHOWN else ""
    fault = fault_of(error, kind, shard=shard)
    name = os.path.basename(fault.path or "")
    if kind == "missing shard":
        what = f"the shard {name!r} is missing"
    else:
        reason = getattr(error, "strerror", None) or fault.message
        what = f"the shard {name!r} cannot be used: {reason}"
    return replace(fault, message=f"{what}: with it {shown}{more}")


def _partitions(
    entries: _core.Entries, path: str
) -> tuple[dict[bytes, tuple[str, str]], list[Fault]]:
    """Whose slice each slice key is, and what is wrong with how the slices fit together."""
    labels: dict[bytes, tuple[str, str]] = {}
    faults: list[Fault] = []
    for name in entries.partitioned():
        whole = entries.find(as_bytes(name))
        if whole is None:  # malformed, and reported as such
            continue
        try:
            boxes = [_slices.box_of(slice, whole[1]) for slice in whole[6]]
        except FormatError as error:
            faults.append(Fault(name, None, None, None, "malformed", error.message, path))
            continue
        for slice, box in zip(whole[6], boxes, strict=True):
            key = _core.slice_key(as_bytes(name), slice)
            labels[key] = (name, _slices.describe(box))
            if problem := _slice_problem(entries.find(key), whole, box):
                kind, message = problem
                message = f"slice {_slices.describe(box)}: {message}"
                faults.append(Fault(name, None, None, None, kind, message, path))
        for kind, message in _cover_problems(whole[1], boxes):
            faults.append(Fault(name, None, None, None, kind, message, path))
    return labels, faults


def _slice_problem(
    entry: _core.Entry | None, whole: _core.Entry, box: _slices.Box
) -> tuple[str, str] | None:
    if entry is None:
        return "gap", "the index has no entry for it"
    if entry[0] != whole[0] or entry[1] != _slices.shape_of(box):
        found = f"{dtypes.name_of(entry[0])}{list(entry[1])}"
        expected = f"{dtypes.name_of(whole[0])}{list(_slices.shape_of(box))}"
        return "malformed", f"stored as {found}, expected {expected}"
    if entry[6]:
        return "malformed", "its entry lists slices of its own, instead of bytes"
    return None


def _cover_problems(
    shape: tuple[int, ...], boxes: Sequence[_slices.Box]
) -> Iterator[tuple[str, str]]:
    if clash := _slices.first_overlap(boxes):
        one, other = (_slices.describe(boxes[i]) for i in clash)
        yield "overlap", f"slices overlap: {one} and {other} share elements"
        return
    whole = tuple((0, dim) for dim in shape)
    missing = _slices.volume(whole) - sum(map(_slices.volume, boxes))
    if missing:
        yield "gap", f"{missing} of {_slices.volume(whole)} elements are in no slice"
