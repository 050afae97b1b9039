"""Comparisons by workers: each compares some tensors of two checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..._checkpoint.far.sources import JobSource, job_sources, opened_source
from ..._parallel.groups import by_bytes
from ..._parallel.runners import run_tasks
from ..distance import Tolerance
from .comparison import PairComparison, TensorDifference, is_equal

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint
    from ..._format.tensor_info import TensorInfo
    from ..._parallel.runners import Workers
    from ..._progress import Meter

    Pairs = Sequence[tuple[TensorInfo, TensorInfo]]


class Manner(NamedTuple):
    """How tensors are compared; see `diff`."""

    tolerance: Tolerance
    ignore_dtype: bool
    exact: bool


class CompareTask(NamedTuple):
    """Some tensors to compare.

    Attributes:
        sources: The two checkpoints.
        manner: How; None: whether bytes are equal.
        pairs: Names in the one and the other.
        nbytes: Bytes of the tensors.
    """

    sources: tuple[JobSource, ...]
    manner: Manner | None
    pairs: tuple[tuple[str, str], ...]
    nbytes: int


class PairOutcomes(NamedTuple):
    """What became of comparisons: what differs, what could not be compared, and the rest."""

    changed: tuple[TensorDifference, ...]
    incomplete: tuple[str, ...]
    by_checksum: int
    nbytes: int


def compare_task(task: CompareTask) -> PairOutcomes:
    """Compare tensors of one name."""
    one, other = map(opened_source, task.sources)
    assert task.manner is not None
    pairs = [(one.info(a), other.info(b)) for a, b in task.pairs]
    return _compare(one, other, task.manner, pairs, None)._replace(nbytes=task.nbytes)


def equal_task(task: CompareTask) -> list[tuple[str, str]]:
    """Find pairs whose bytes are equal."""
    one, other = map(opened_source, task.sources)
    return [(a, b) for a, b in task.pairs if is_equal(one, other, a, b)]


class Compared:
    """Comparisons of two checkpoints, here or by workers."""

    def __init__(
        self, one: Checkpoint, other: Checkpoint, manner: Manner, workers: Workers
    ) -> None:
        self._both = one, other
        self._manner = manner
        self._workers = workers

    def equal(self, pairs: Pairs) -> dict[str, str]:
        """The names of tensors by the names of those in the first whose bytes are the same."""
        if self._workers is None or not pairs:
            names = [(a.name, b.name) for a, b in pairs]
            return {a: b for a, b in names if is_equal(*self._both, a, b)}
        with job_sources(self._both) as sources:
            tasks = self._tasks(sources, None, pairs)
            same = {pair for done in run_tasks(equal_task, tasks, self._workers) for pair in done}
        return {a.name: b.name for a, b in pairs if (a.name, b.name) in same}

    def all(self, pairs: Pairs, meter: Meter) -> PairOutcomes:
        """What became of tensors of one name, in their order."""
        if self._workers is None or not pairs:
            return _compare(*self._both, self._manner, pairs, meter)
        changed: dict[str, TensorDifference] = {}
        incomplete: set[str] = set()
        by_checksum = 0
        with job_sources(self._both) as sources:
            tasks = self._tasks(sources, self._manner, pairs)
            for done in run_tasks(compare_task, tasks, self._workers):
                changed.update((each.name, each) for each in done.changed)
                incomplete.update(done.incomplete)
                by_checksum += done.by_checksum
                meter.add(done.nbytes)
        names = [a.name for a, _ in pairs]
        return PairOutcomes(
            tuple(changed[name] for name in names if name in changed),
            tuple(name for name in names if name in incomplete),
            by_checksum,
            meter.total,
        )

    def _tasks(
        self, sources: tuple[JobSource, ...], manner: Manner | None, pairs: Pairs
    ) -> Iterator[CompareTask]:
        sizes = (((a, b), a.nbytes + b.nbytes, len(a.name) + len(b.name)) for a, b in pairs)
        for group in by_bytes(sizes):
            names = tuple((a.name, b.name) for a, b in group)
            yield CompareTask(sources, manner, names, sum(a.nbytes for a, _ in group))


def _compare(
    one: Checkpoint, other: Checkpoint, manner: Manner, pairs: Pairs, meter: Meter | None
) -> PairOutcomes:
    compare = PairComparison(one, other, manner.tolerance, manner.ignore_dtype, manner.exact)
    changed, incomplete = [], []
    for a, b in pairs:
        if compare.is_hindered(a, b):
            incomplete.append(a.name)
        elif difference := compare(a, b):
            changed.append(difference)
        if meter is not None:
            meter.add(a.nbytes)
    return PairOutcomes(tuple(changed), tuple(incomplete), compare.by_checksum, 0)
