"""Threads that fetch: a window of tasks at a time, results in order, stopped at once."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Generic, TypeVar

THREADS: Final = 16
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _Task(Generic[_Item, _Result]):
    """One item, and what became of it."""

    def __init__(self, item: _Item) -> None:
        self.item = item
        self.done = threading.Event()
        self.result: _Result | None = None
        self.error: BaseException | None = None


def in_order(
    function: Callable[[_Item], _Result], items: Iterable[_Item], *, threads: int = THREADS
) -> Iterator[_Result]:
    """Call a function for items in threads; results in the order of the items.

    At most ``threads`` items are under way or done ahead of the one that is waited for, which
    bounds the memory. What is raised for an item is raised when its turn comes; whatever ends the
    iteration, Ctrl-C too, leaves the rest undone and waits for nothing: threads are daemons.
    """
    todo: queue.SimpleQueue[_Task[_Item, _Result] | None] = queue.SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        while (task := todo.get()) is not None:
            if not stopped.is_set():
                try:
                    task.result = function(task.item)
                except BaseException as error:
                    task.error = error
            task.done.set()

    pending: deque[_Task[_Item, _Result]] = deque()
    source = iter(items)
    started = 0
    try:
        while True:
            while len(pending) < threads:
                try:
                    task = _Task[_Item, _Result](next(source))
                except StopIteration:
                    break
                pending.append(task)
                todo.put(task)
                if started < min(threads, len(pending)):
                    threading.Thread(target=work, daemon=True).start()
                    started += 1
            if not pending:
                return
            task = pending.popleft()
            task.done.wait()
            if task.error is not None:
                raise task.error
            yield task.result  # type: ignore[misc]
    finally:
        stopped.set()
        for _ in range(started):
            todo.put(None)
