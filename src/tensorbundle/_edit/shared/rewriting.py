"""Rewrites by workers: each writes some tensors anew, as a bundle of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..._checkpoint.bundle import Bundle
from ..._checkpoint.far.sources import JobSource, job_sources, opened_source
from ..._parallel.groups import by_bytes
from ..._progress import Meter
from ..._write.jobs.parts import Parts
from ..._write.jobs.run import resumable, run_parts
from ..._write.shards import BundleFiles
from ..copying import Copying
from ..plan import Plan, Step, in_stored_order

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint
    from ..._parallel.runners import Workers
    from ..._write.casting import Loss
    from ..._write.jobs.parts import JobTarget


class SentStep(NamedTuple):
    """A step of a plan as it is sent: the new key, the tensor, and the DataType it is cast to."""

    key: str
    source: str
    data_type: int | None


class RewriteTask(NamedTuple):
    """Some tensors to write anew.

    Attributes:
        source: Their checkpoint.
        steps: What becomes of each.
        loss: What casts may lose.
        parts: Where parts go.
        number: That of this one.
        nbytes: Bytes of the tensors.
    """

    source: JobSource
    steps: tuple[SentStep, ...]
    loss: Loss
    parts: Parts
    number: int
    nbytes: int


def rewrite_task(task: RewriteTask) -> int:
    """Write some tensors anew; their bytes."""
    ckpt = opened_source(task.source)
    copying = Copying(ckpt, task.loss, Meter(None, 0))
    with BundleFiles(task.parts.path(task.number), overwrite=True) as out:
        for key, source, data_type in task.steps:
            info = ckpt.info(source)
            parts = tuple(ckpt.stored(info)) if isinstance(ckpt, Bundle) else ()
            copying.write(Step(key, source, info, data_type, parts), out.writer)
        out.commit()
    return task.nbytes


def rewrite_by(
    ckpt: Checkpoint,
    work: Plan,
    loss: Loss,
    target: JobTarget,
    out: BundleFiles,
    workers: Workers,
    meter: Meter,
) -> tuple[str, ...]:
    """Write all tensors of a plan anew by workers; the files of the result, the index last."""
    steps = in_stored_order(work.steps)
    groups = list(by_bytes((n, step.nbytes, _letters(step)) for n, step in enumerate(steps)))
    with job_sources([ckpt]) as (source,):
        what = ("rewrite", str(source.path), source.token, loss, groups, _sent(steps))
        parts = Parts.of(target, what, len(groups))
        tasks = (
            RewriteTask(
                source,
                _sent([steps[n] for n in group]),
                loss,
                parts,
                number,
                sum(steps[n].nbytes for n in group),
            )
            for number, group in enumerate(groups)
        )
        with resumable(parts):
            run_parts(rewrite_task, tasks, workers, parts, meter)
            parts.add_to(out)
            if work.graph is not None:
                out.writer.add_strings(work.graph_key, (), [work.graph])
            return out.commit(workers=workers)


def _sent(steps: list[Step]) -> tuple[SentStep, ...]:
    return tuple(SentStep(step.key, step.source.name, step.data_type) for step in steps)


def _letters(step: Step) -> int:
    return len(step.key) + len(step.source.name)
