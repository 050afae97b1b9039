"""Jobs run: tasks whose part is not there yet; those ended early are gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from ..._parallel.runners import Workers, run_tasks
from ..._progress import Meter
from ...errors import TensorBundleError
from .parts import Parts


class PartTask(Protocol):
    """A task that writes one part.

    Attributes:
        number: That of its part.
        nbytes: Bytes of tensors in it.
    """

    @property
    def number(self) -> int: ...

    @property
    def nbytes(self) -> int: ...


_Task = TypeVar("_Task", bound=PartTask)


def run_parts(
    function: Callable[[_Task], int],
    tasks: Iterable[_Task],
    workers: Workers,
    parts: Parts,
    meter: Meter,
) -> None:
    """Have workers write the parts that are not there.

    Args:
        function: Writes the part of a task; the task's bytes.
        tasks: The tasks, one for each part.
        workers: Who runs them; see `run_tasks`.
        parts: The parts.
        meter: Told of the bytes that are done.
    """
    done = parts.done()

    def left() -> Iterator[_Task]:
        for task in tasks:
            if task.number in done:
                meter.add(task.nbytes)
            else:
                yield task

    for nbytes in run_tasks(function, left(), workers):
        meter.add(nbytes)


@contextmanager
def resumable(parts: Parts) -> Iterator[None]:
    """Keep parts that are finished when a job ends early, and tell where; on success they go.

    What the sources themselves are wrong in goes on to be wrong: then nothing is kept.
    """
    try:
        yield
    except TensorBundleError:
        parts.remove()
        raise
    except BaseException as error:
        kept = len(parts.done())
        if kept:
            _tell(
                error,
                f"{kept} of {parts.total} parts are finished and stay in {str(parts.directory)!r}: "
                "the same call goes on from there",
            )
        raise
    else:
        parts.remove()


def _tell(error: BaseException, what: str) -> None:
    """Add a sentence to what an error says, of whatever kind it is."""
    if isinstance(error, OSError) and error.strerror is not None:
        error.strerror = f"{error.strerror}; {what}"
    else:
        said = str(error)
        error.args = (f"{said}; {what}" if said else what,)
