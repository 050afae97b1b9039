"""Runners of tasks: threads, any `concurrent.futures.Executor`, or a Dask client.

Tasks are module-level functions of small arguments, and may be run twice: a worker that dies costs
its task, which another one runs again.
"""

from __future__ import annotations

import errno
import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final, TypeAlias, TypeVar

from ..errors import ConversionError

# None: the caller's own way; a number of threads; an Executor; a Dask client.
Workers: TypeAlias = Any

MAX_TASKS: Final = 5000
_RETRIES: Final = 3
_PASSING: Final = frozenset(
    {
        errno.EIO,
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EPIPE,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)
_TASKS_A_WORKER: Final = 4
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def run_tasks(
    function: Callable[[_Item], _Result], items: Iterable[_Item], workers: Workers
) -> Iterator[_Result]:
    """Run a function for items; results in the order in which they are done.

    A few tasks a worker are under way at a time. A task that fails for a reason that may pass is
    run again, up to three times. What it raises otherwise is raised here, and ends the rest.

    Raises:
        TypeError: ``workers`` is none of what runs tasks.
        ConversionError: It is a number that is not positive.
    """
    with ExitStack() as stack:
        submit, window = _submitter(function, workers, stack)
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        running: dict[Any, tuple[_Item, int]] = {}  # what is run, and how often it was before
        source = iter(items)
        try:
            while True:
                while len(running) < window:
                    try:
                        item = next(source)
                    except StopIteration:
                        break
                    future = submit(item)
                    running[future] = item, 0
                    future.add_done_callback(done.put)
                if not running:
                    return
                finished = done.get()
                item, times = running.pop(finished)
                try:
                    result = finished.result()
                except OSError as error:
                    if error.errno not in _PASSING or times == _RETRIES:
                        raise
                    future = submit(item)
                    running[future] = item, times + 1
                    future.add_done_callback(done.put)
                    continue
                yield result
        finally:
            for future in running:
                future.cancel()


def _submitter(
    function: Callable[[_Item], _Result], workers: Workers, stack: ExitStack
) -> tuple[Callable[[_Item], Any], int]:
    """How a task is handed out, and how many may be under way."""
    if isinstance(workers, bool):
        raise TypeError("workers are a number of threads, an Executor or a Dask client")
    if isinstance(workers, int):
        if workers < 1:
            raise ConversionError(f"workers are 1 or more: found {workers}")
        executor: Executor = stack.enter_context(ThreadPoolExecutor(workers))
        return (lambda item: executor.submit(function, item)), workers
    if hasattr(workers, "scheduler_info") and hasattr(workers, "submit"):
        # Of the same arguments Dask would run one task: what lies in a store may have changed.
        count = sum(workers.nthreads().values()) or 1
        return (
            lambda item: workers.submit(function, item, retries=_RETRIES, pure=False)
        ), count * _TASKS_A_WORKER
    if hasattr(workers, "submit"):
        count = getattr(workers, "_max_workers", None) or 8
        return (lambda item: workers.submit(function, item)), count * _TASKS_A_WORKER
    raise TypeError(
        "workers are a number of threads, an Executor or a Dask client, "
        f"not {type(workers).__name__}"
    )
