"""Averages by workers: each computes the means of some tensors, as a bundle of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..._checkpoint.far.sources import JobSource, job_sources, opened_bundle
from ..._parallel.groups import by_bytes
from ..._progress import Meter
from ..._write.jobs.parts import Parts
from ..._write.jobs.run import resumable, run_parts
from ..._write.shards import BundleFiles
from .means import MeanWriter, stored_nbytes

if TYPE_CHECKING:
    from ..._checkpoint.bundle import Bundle
    from ..._format.tensor_info import TensorInfo
    from ..._parallel.runners import Workers
    from ..._progress import Progress
    from ..._write.jobs.parts import JobTarget


class MeanTask(NamedTuple):
    """Some tensors to average.

    Attributes:
        sources: The checkpoints, the one to take from last.
        weights: What each counts.
        names: The tensors.
        parts: Where parts go.
        number: That of this one.
        nbytes: Bytes of the tensors.
    """

    sources: tuple[JobSource, ...]
    weights: tuple[float, ...]
    names: tuple[str, ...]
    parts: Parts
    number: int
    nbytes: int


def average_task(task: MeanTask) -> int:
    """Write the means of some tensors; their bytes."""
    bundles = [opened_bundle(each) for each in task.sources]
    infos = [bundles[-1].info(name) for name in task.names]
    with MeanWriter(task.parts.path(task.number), overwrite=True) as writer:
        writer.add_all(bundles, task.weights, infos, None)
    return task.nbytes


def average_by(
    bundles: Sequence[Bundle],
    weights: Sequence[float],
    tensors: Sequence[TensorInfo],
    target: JobTarget,
    workers: Workers,
    *,
    overwrite: bool,
    progress: Progress,
) -> tuple[str, ...]:
    """Average tensors by workers; the files of the result, the index last."""
    sizes = [(info.name, stored_nbytes(bundles[-1], info), len(info.name)) for info in tensors]
    size_of = {name: size for name, size, _ in sizes}
    groups = list(by_bytes(sizes))
    meter = Meter(progress, sum(size_of.values()))
    with job_sources(bundles) as sources, BundleFiles(target, overwrite=overwrite) as out:
        what = ("average", [(str(s.path), s.token) for s in sources], weights, groups)
        parts = Parts.of(target, what, len(groups))
        tasks = (
            MeanTask(
                sources, tuple(weights), tuple(names), parts, n, sum(size_of[e] for e in names)
            )
            for n, names in enumerate(groups)
        )
        with resumable(parts):
            run_parts(average_task, tasks, workers, parts, meter)
            parts.add_to(out)
            files = out.commit(workers=workers)
    meter.finish()
    return files
