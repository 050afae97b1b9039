"""Progress of work that can take a while, told in bytes, at most ten times a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias, TypeVar

Progress: TypeAlias = "Callable[[int, int], object] | None"
Piece = TypeVar("Piece", bytes, memoryview, "bytes | memoryview")

_INTERVAL_S: Final = 0.1


class Meter:
    """Progress of one piece of work: what calls the user's ``progress``.

    Attributes:
        progress: Called with the bytes done and the bytes in all, at most ten times a second and
            once at the end, from the thread that does the work; None: nobody asked. What it raises
            stops the work.
        total: The bytes in all.
        done: Those that are done.
    """

    __slots__ = ("_due", "_told", "done", "progress", "total")

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress = progress
        self.total = total
        self.done = 0
        self._due = time.monotonic() + _INTERVAL_S
        self._told: tuple[int, int] | None = None

    def add(self, nbytes: int) -> None:
        """Count bytes that are done."""
        self.at(self.done + nbytes)

    def at(self, done: int) -> None:
        """Say how many bytes are done; more than there are in all are all."""
        self.done = min(done, self.total)
        if self.progress is None or (self.done, self.total) == self._told:
            return
        if time.monotonic() >= self._due:
            self._tell(self.progress)

    def finish(self) -> None:
        """Tell the end, which the interval may have swallowed."""
        self.done = self.total
        if self.progress is not None and self._told != (self.total, self.total):
            self._tell(self.progress)

    def counted(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Pass pieces on, and count those that were dealt with."""
        for piece in pieces:
            yield piece
            self.add(memoryview(piece).nbytes)

    def _tell(self, progress: Callable[[int, int], object]) -> None:
        self._told = (self.done, self.total)
        progress(self.done, self.total)
        self._due = time.monotonic() + _INTERVAL_S
