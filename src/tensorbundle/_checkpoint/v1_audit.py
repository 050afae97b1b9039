"""Verification of a V1 checkpoint: every block and record, and how slices fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .. import _core
from .._format import boxes as _slices
from .._format.names import as_bytes, as_text
from .._format.v1_messages import decode_record, decode_values
from .._progress import Meter, Progress
from ..errors import ChecksumError, FormatError, TensorBundleError, UnsupportedError
from .report import Fault, Report, fault_of, with_causes
from .v1_headers import StoredTensor

if TYPE_CHECKING:
    from .._core import SliceSpec

_NAMES_SHOWN: Final = 3


def audit(
    files: Sequence[_core.File],
    tables: Sequence[_core.Table],
    tensors: Mapping[str, StoredTensor],
    progress: Progress,
) -> Report:
    """Check a V1 checkpoint; see `Checkpoint.verify`.

    Args:
        files: The files.
        tables: Their tables.
        tensors: What their headers list.
        progress: As of `Checkpoint.verify`.
    """
    work = _Audit(files, tables, tensors)
    blocks = [
        (number, block, table.block_range(block)[1])
        for number, table in enumerate(tables)
        for block in range(table.block_count)
    ]
    meter = Meter(progress, sum(size for _, _, size in blocks))
    for number, block, size in blocks:
        work.check_block(number, block)
        meter.add(size)
    meter.finish()
    faults = with_causes(work.faults(), {}, lambda name: None, dict)
    return Report(not faults, work.checked, meter.total, tuple(faults), tuple(work.notes()))


class _Audit:
    """What was found so far, and what the headers list that was not met yet."""

    def __init__(
        self,
        files: Sequence[_core.File],
        tables: Sequence[_core.Table],
        tensors: Mapping[str, StoredTensor],
    ) -> None:
        self.checked = 0
        self._files = files
        self._tables = tables
        self._tensors = tensors
        self._damaged_blocks: dict[tuple[int, int], Fault] = {}
        self._damaged_records: dict[tuple[int, bytes], Fault] = {}
        self._unlisted: list[bytes] = []
        # By file, name and slice: the type, and the element count where the slice makes sense.
        self._awaited: dict[tuple[int, bytes, SliceSpec], tuple[int, int | None]] = {}
        for name, tensor in tensors.items():
            for number, slice in zip(tensor.files, tensor.slices, strict=True):
                place = (number, as_bytes(name), slice)
                self._awaited[place] = (tensor.data_type, _count(slice, tensor.shape))

    def check_block(self, number: int, block: int) -> None:
        """Check a block and all records in it."""
        try:
            entries = self._tables[number].block(block)
        except (TensorBundleError, OSError) as error:
            self._damaged_blocks[number, block] = fault_of(error, _kind(error))
            return
        for key, offset, value in entries:
            if not key:  # the header
                continue
            try:
                self._check_record(number, key, offset, value)
            except TensorBundleError as error:
                error.add_context(path=self._files[number].path)
                self._damaged_records[number, key] = fault_of(error, _kind(error))

    def _check_record(self, number: int, key: bytes, offset: int, value: bytes) -> None:
        record = decode_record(value, offset)
        if _core.slice_key(record.name, record.slice) != key:
            raise FormatError("a record is of another slice than its key says", offset=offset)
        listed = self._awaited.get((number, record.name, record.slice))
        if listed is None:
            self._unlisted.append(record.name)
            return
        data_type, count = listed
        if count is not None:
            decode_values(record, data_type, count)
        del self._awaited[number, record.name, record.slice]
        self.checked += 1

    def notes(self) -> Iterator[str]:
        """What is odd and does no harm."""
        if self._unlisted:
            names = _shown([as_text(name) for name in self._unlisted])
            yield f"records that no header lists: of {names}"

    def faults(self) -> list[Fault]:
        """All that is wrong: blocks, records, and how slices fit together."""
        lost: dict[tuple[int, int], list[str]] = {}
        gaps: list[Fault] = []
        for number, raw_name, slice in self._awaited:
            name = as_text(raw_name)
            key = _core.slice_key(raw_name, slice)
            block = self._tables[number].find_block(key)
            if (number, key) in self._damaged_records:
                fault = self._damaged_records[number, key]
                self._damaged_records[number, key] = replace(fault, name=name)
            elif block is not None and (number, block) in self._damaged_blocks:
                lost.setdefault((number, block), []).append(name)
            else:
                message = f"slice {_label(slice)}: the file has no record of it"
                path = self._files[number].path
                gaps.append(Fault(name, None, None, None, "gap", message, path))
        blocks = [_named(fault, lost.get(at, ())) for at, fault in self._damaged_blocks.items()]
        return [*blocks, *self._damaged_records.values(), *gaps, *self._misfits()]

    def _misfits(self) -> Iterator[Fault]:
        for name, tensor in self._tensors.items():
            path = self._files[tensor.files[0] if tensor.files else 0].path
            for kind, message in self._problems(tensor):
                yield Fault(name, None, None, None, kind, message, path)

    def _problems(self, tensor: StoredTensor) -> Iterator[tuple[str, str]]:
        if tensor.conflict is not None:
            yield "malformed", tensor.conflict
            return
        try:
            boxes = tensor.boxes()
        except FormatError as error:
            yield "malformed", error.message
            return
        if clash := tensor.overlap(boxes, self._files):
            yield "overlap", clash
            return
        volume = _slices.volume(tuple((0, dim) for dim in tensor.shape))
        if missing := volume - sum(map(_slices.volume, boxes)):
            yield "gap", f"{missing} of {volume} elements are in no slice"


def _count(slice: SliceSpec, shape: tuple[int, ...]) -> int | None:
    try:
        return _slices.volume(_slices.box_of(slice, shape))
    except FormatError:  # reported with the tensor
        return None


def _kind(error: Exception) -> str:
    if isinstance(error, ChecksumError):
        return "checksum"
    if isinstance(error, UnsupportedError):
        return "unsupported"
    return "malformed" if isinstance(error, TensorBundleError) else "unreadable"


def _named(fault: Fault, names: Sequence[str]) -> Fault:
    """The fault of a block, with the tensors that lie in it."""
    if len(names) == 1:
        return replace(fault, name=names[0])
    return replace(fault, message=f"{fault.message}; in it lie {_shown(names)}") if names else fault


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_NAMES_SHOWN]))
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _label(slice: SliceSpec) -> str:
    """A slice as TensorFlow writes it: ``0,2:-``; nothing for a scalar's."""
    return ":".join("-" if length < 0 else f"{start},{length}" for start, length in slice)
