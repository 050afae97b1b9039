"""Tasks of verification: some shards of a bundle each, for workers that open it by themselves.

What travels is an address or path, the ETag of the index, and numbers of shards; what comes back
are verdicts. A worker reads by credentials of its own.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ... import _core
from ..._parallel.runners import MAX_TASKS, Workers, run_tasks
from ..._progress import Progress
from ..._source.address import Address
from ..._source.store import Buffer
from ...errors import FormatError
from ..audit import audit
from ..bundle import Bundle
from ..report import Report
from .audit import Outcome, verify_shards
from .bundle import FarBundle

if TYPE_CHECKING:
    from ..._format.tensor_info import TensorInfo

TASK_BYTES: Final = 2 << 30


class Task(NamedTuple):
    """Some shards to check.

    Attributes:
        path: Where the bundle is.
        etag: That of its index where it is far; of another one, nothing is checked.
        first: The first shard.
        last: The shard after the last.
    """

    path: str | Address
    etag: str | None
    first: int
    last: int


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


def verify_task(task: Task) -> Outcome:
    """Check the stored ranges of some shards."""
    # By the door of the package: what opens lies above this room, and a worker begins here.
    ckpt = importlib.import_module("tensorbundle").open(task.path, mode="read")
    if isinstance(ckpt, FarBundle):
        ckpt.need_all()
        if ckpt.index_etag != task.etag:
            raise FormatError(
                "the checkpoint was replaced while it was verified", path=ckpt.location.prefix
            )
        return verify_shards(ckpt, ckpt.core.index.salvage()[0], task.first, task.last)
    assert isinstance(ckpt, Bundle)
    return verify_shards(NearShards(ckpt), ckpt.core.index.salvage()[0], task.first, task.last)


def verify_by(ckpt: Bundle, workers: Workers, progress: Progress = None) -> Report:
    """Check everything, as `Checkpoint.verify` does, by workers.

    Raises:
        TypeError: They are none; or the address carries credentials, which do not travel.
        FormatError: The checkpoint was replaced meanwhile.
    """
    if isinstance(ckpt, FarBundle):
        ckpt.need_all()
    return audit(_ByWorkers(ckpt, workers), ckpt.location.index or "", 0, progress)


class _ByWorkers:
    """A bundle as `audit` asks for its verification, which workers do."""

    def __init__(self, ckpt: Bundle, workers: Workers) -> None:
        self._ckpt = ckpt
        self._workers = workers
        self.index = ckpt.core.index

    def verify(
        self, entries: _core.Entries, threads: int, progress: Callable[[int], object] | None
    ) -> tuple[int, int, list[_core.Finding], list[_core.LostShard]]:
        """Check entries and their bytes; see `_core.Bundle.verify`."""
        checked = nbytes = 0
        findings: list[_core.Finding] = []
        lost: list[_core.LostShard] = []
        for found in run_tasks(verify_task, self._tasks(), self._workers):
            checked += found.checked
            nbytes += found.nbytes
            findings += found.findings
            lost += found.lost
            if progress is not None:
                progress(nbytes)
        return (
            checked,
            nbytes,
            sorted(findings, key=lambda each: each[0]),
            sorted(lost, key=lambda each: each[0]),
        )

    def _tasks(self) -> Iterator[Task]:
        """Neighbouring shards of about as many bytes each."""
        ckpt = self._ckpt
        found = ckpt.sizes_of(range(max(ckpt.num_shards, 1)))
        sizes = [size or 0 for size in found.values()]
        limit = max(TASK_BYTES, -(-sum(sizes) // MAX_TASKS))
        path: str | Address = os.path.abspath(ckpt.location.index or "")  # of other processes
        etag = None
        if isinstance(ckpt, FarBundle):
            path, etag = ckpt.address, ckpt.index_etag
        first = held = 0
        for shard, size in enumerate(sizes):
            if held and held + size > limit:
                yield Task(path, etag, first, shard)
                first, held = shard, 0
            held += size
        yield Task(path, etag, first, len(sizes))
