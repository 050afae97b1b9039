"""Tasks of verification: ranges of shards, whose checksums workers compute without an index.

What travels are paths or addresses of shards, what these were found as, and packed rows; what comes
back are checksums. A worker reads by credentials of its own.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from ... import _core
from ..._format.filenames import shard_path
from ..._parallel.groups import TASK_BYTES
from ..._parallel.runners import MAX_TASKS, Workers, run_tasks
from ..._progress import Progress
from ..._source.address import Address
from ..._source.connect import connect
from ..._source.far_file import FarFile
from ..._source.store import Buffer, Meta, unreplaced
from ..audit import audit
from ..bundle import Bundle
from ..report import Report
from .audit import SHARDS, Rows, ShardRun, checksums
from .bundle import FarBundle

if TYPE_CHECKING:
    from ..._format.tensor_info import TensorInfo

# Of 24 bytes each; with the names of a window of shards, a task is below 64 KiB.
_MOST_ROWS: Final = 2000
# Rows as they are sent.
_SENT: Final = np.dtype([("offset", "<i8"), ("size", "<i8"), ("shard", "<u4")])


class RangesTask(NamedTuple):
    """Ranges to compute the checksums of.

    Attributes:
        number: That of the task.
        shards: By number where each shard is, and what it was found as.
        rows: The ranges, packed.
    """

    number: int
    shards: dict[int, tuple[str | Address, Meta]]
    rows: bytes


class NearShards:
    """A local bundle as verification by parts asks for it."""

    def __init__(self, ckpt: Bundle) -> None:
        self._ckpt = ckpt
        self.core = ckpt.core
        self.num_shards = ckpt.num_shards

    def know_shards(self, wanted: object) -> None:
        """Look nothing up: the core opens local shards itself."""

    def shard_file(self, shard: int) -> NearFile:
        """A data shard."""
        return NearFile(self._ckpt.core.shard(shard))

    def read_range(self, info: TensorInfo) -> None:
        """Check a stored range."""
        self._ckpt.read_range(info)


class NearFile:
    """A local shard as verification by parts reads it."""

    def __init__(self, file: _core.File) -> None:
        self._file = file

    def fetch(self, start: int, stop: int) -> Buffer:
        """Read a range."""
        return self._file.read(start, stop - start)


def verify_task(task: RangesTask) -> tuple[int, bytes]:
    """Compute the checksums of ranges of shards: the task's number, and these, packed."""
    files: dict[int, FarFile | NearFile] = {}
    for shard, (path, meta) in task.shards.items():
        if isinstance(path, Address):
            files[shard] = FarFile(connect(path), path.key, meta)
        else:
            files[shard] = NearFile(_core.File(path))
    rows = np.frombuffer(task.rows, _SENT)
    with unreplaced(", ".join(str(path) for path, _ in task.shards.values())):
        crcs = checksums(rows, lambda shard, begin, end: files[shard].fetch(begin, end))
    return task.number, crcs.astype(np.uint32).tobytes()


def verify_by(ckpt: Bundle, workers: Workers, progress: Progress = None) -> Report:
    """Check everything, as `Checkpoint.verify` does, by workers.

    Raises:
        TypeError: They are none; or the address carries credentials, which do not travel.
        FormatError: The checkpoint was replaced meanwhile.
    """
    if isinstance(ckpt, FarBundle):
        ckpt.need_all()
    return audit(_ByWorkers(ckpt, workers), ckpt.location.index or "", 0, progress)


class _Sent:
    """Rows whose checksums are awaited: of one that is cut into pieces, those of all pieces."""

    def __init__(self, rows: Rows, cuts: list[int]) -> None:
        self.rows = rows
        self._cuts = cuts  # where pieces begin, and where the last ends
        self._crcs: dict[int, int] = {}

    def take(self, piece: int, crcs: Any) -> Any:
        """Take checksums; those of all rows, once there is nothing to wait for."""
        if len(self._cuts) == 2:
            return crcs
        self._crcs[piece] = int(crcs[0])
        if len(self._crcs) + 1 < len(self._cuts):
            return None
        whole = self._crcs[0]
        for n in range(1, len(self._crcs)):
            size = self._cuts[n + 1] - self._cuts[n]
            whole = _core.crc32c_combine(whole, self._crcs[n], size)
        return np.array([whole], np.int64)


class _ByWorkers:
    """A bundle as `audit` asks for its verification, which workers do."""

    def __init__(self, ckpt: Bundle, workers: Workers) -> None:
        self._ckpt = ckpt
        self._shards: Any = ckpt if isinstance(ckpt, FarBundle) else NearShards(ckpt)
        self._workers = workers
        self._sent: dict[int, tuple[_Sent, int]] = {}
        self.index = ckpt.core.index

    def verify(
        self, entries: _core.Entries, threads: int, progress: Callable[[int], object] | None
    ) -> tuple[int, int, list[_core.Finding], list[_core.LostShard]]:
        """Check entries and their bytes; see `_core.Bundle.verify`."""
        run = ShardRun(self._shards, entries, progress)
        for number, packed in run_tasks(verify_task, self._tasks(run, entries), self._workers):
            sent, piece = self._sent.pop(number)
            crcs = sent.take(piece, np.frombuffer(packed, np.uint32).astype(np.int64))
            if crcs is not None:
                run.judge(sent.rows, crcs)
                run.report(int(sent.rows["size"].sum()))
        findings = sorted(run.findings, key=lambda each: each[0])
        return run.checked, run.nbytes, findings, sorted(run.lost, key=lambda each: each[0])

    def _tasks(self, run: ShardRun, entries: _core.Entries) -> Iterator[RangesTask]:
        """Ranges of neighbouring shards, of about as many bytes each; large ones are cut."""
        count = max(self._ckpt.num_shards, 1)
        self._shards.know_shards(n for n in entries.shard_counts() if n < count)
        windows = range(0, count, SHARDS)
        limit = max(TASK_BYTES, entries.stored_bytes // max(MAX_TASKS - len(windows), 1))
        numbers = itertools.count()
        for first in windows:
            for rows in _groups(run.planned(first, min(first + SHARDS, count)), limit):
                size = int(rows["size"].sum())
                cuts = [*range(0, size, limit), size] if size > limit else [0, size]
                sent = _Sent(rows, cuts)
                for piece, (begin, end) in enumerate(itertools.pairwise(cuts)):
                    cut = np.empty(len(rows), _SENT)
                    cut["shard"] = rows["shard"]
                    cut["offset"], cut["size"] = rows["offset"], rows["size"]
                    if len(cuts) > 2:
                        cut["offset"] += begin
                        cut["size"] = end - begin
                    number = next(numbers)
                    self._sent[number] = sent, piece
                    shards = {int(n): self._place(int(n)) for n in np.unique(rows["shard"])}
                    yield RangesTask(number, shards, cut.tobytes())

    def _place(self, shard: int) -> tuple[str | Address, Meta]:
        ckpt = self._ckpt
        if isinstance(ckpt, FarBundle):
            file = ckpt.shard_file(shard)
            key = shard_path(ckpt.address.key, shard, ckpt.num_shards)
            return ckpt.address.at(key), Meta(file.size, file.etag)
        path = shard_path(ckpt.location.prefix, shard, ckpt.num_shards)
        return os.path.abspath(path), Meta(0, None)  # of another process, which may be elsewhere


def _groups(rows: Rows, limit: int) -> Iterator[Rows]:
    """Neighbouring rows of at most so many bytes together, or a larger one."""
    ends = np.cumsum(rows["size"])
    start = 0
    while start < len(rows):
        done = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, done + limit, "right"))
        stop = max(min(stop, start + _MOST_ROWS), start + 1)
        yield rows[start:stop]
        start = stop
