"""Progress bar in bytes and requests, on terminals only, and only for work that takes a moment."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from .console import Console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


_DELAY_S: Final = 0.3


# Of the clients of stores, which tell of each request.
_REQUESTS: Final = "tensorbundle._source.client"


class _Requests(logging.Handler):
    """Counts the requests that are sent to stores."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        self.count += 1


@contextmanager
def _requests_counted() -> Iterator[_Requests]:
    log, counter = logging.getLogger(_REQUESTS), _Requests()
    before = log.level, log.propagate
    log.addHandler(counter)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    try:
        yield counter
    finally:
        log.removeHandler(counter)
        log.level, log.propagate = before


class _Bar:
    """A bar that appears when the work has gone on for a moment and is not done."""

    def __init__(self, console: Console, title: str, requests: _Requests) -> None:
        self._console, self._title, self._requests = console, title, requests
        self._shown: tuple[Progress, TaskID] | None = None
        self._due = time.monotonic() + _DELAY_S

    def update(self, done: int, total: int) -> None:
        """Show how far the work is."""
        if self._shown is None and done < total and time.monotonic() >= self._due:
            progress = _make_progress(self._console)
            self._shown = (progress, progress.add_task(self._title, total=total))
            progress.start()
        if self._shown is not None:
            count = self._requests.count
            said = f"{self._title} ({count:,} requests)" if count else self._title
            self._shown[0].update(self._shown[1], completed=done, total=total, description=said)

    def close(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown[0].stop()


def _make_progress(console: Console) -> Progress:
    import sys

    from rich import progress
    from rich.console import Console as RichConsole

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(compact=True),
        console=RichConsole(stderr=True, no_color=not console.has_color(sys.stderr)),
        transient=True,
    )


@contextmanager
def progress_bar(console: Console, title: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show work on stderr while it runs.

    Yields:
        What to call with bytes done and in all, or None when nobody watches.
    """
    if not console.watched:
        yield None
        return
    with _requests_counted() as requests:
        bar = _Bar(console, title, requests)
        try:
            yield bar.update
        finally:
            bar.close()
