"""Following a directory into which another process saves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from .directory import Path
from .series.newest import latest_checkpoint


def wait_for_new_checkpoint(
    checkpoint_dir: Path,
    last_checkpoint: str | None = None,
    seconds_to_sleep: float = 1,
    timeout: float | None = None,
) -> str | None:
    """Wait until a directory's newest checkpoint is another one.

    Args:
        checkpoint_dir: The directory; it need not exist yet.
        last_checkpoint: The one known so far; None waits for any.
        seconds_to_sleep: How long to wait before looking again.
        timeout: Seconds after which to give up; None never does. It is not waited for when less
            than ``seconds_to_sleep`` of it is left.

    Returns:
        The new checkpoint's prefix; None when the time was up.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.wait_for_new_checkpoint(tb.demo("saver"), timeout=10)
        'demo/saver/model.ckpt-20'
    """
    stop = None if timeout is None else time.monotonic() + timeout
    while True:
        newest = latest_checkpoint(checkpoint_dir)
        if newest is not None and newest != last_checkpoint:
            return newest
        if stop is not None and time.monotonic() + seconds_to_sleep > stop:
            return None
        time.sleep(seconds_to_sleep)


def checkpoints_iterator(
    checkpoint_dir: Path,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], object] | None = None,
) -> Iterator[str]:
    """Yield the newest checkpoint of a directory each time that it is another one.

    Those that came and went while the caller was busy are not seen.

    Args:
        checkpoint_dir: The directory; it need not exist yet.
        min_interval_secs: The least time between two of them.
        timeout: How many seconds to wait for each; None waits for ever.
        timeout_fn: Asked after each checkpoint and each timeout: true ends the iteration, anything
            else goes on waiting. Without it a timeout ends the iteration.

    Yields:
        The checkpoint's prefix.

    Example:
        >>> import tensorbundle as tb
        >>> list(tb.train.checkpoints_iterator(tb.demo("saver"), timeout=0))
        ['demo/saver/model.ckpt-20']
    """
    newest = None
    while True:
        found = wait_for_new_checkpoint(checkpoint_dir, newest, timeout=timeout)
        if found is not None:
            newest, start = found, time.monotonic()
            yield found
            time.sleep(max(0.0, start + min_interval_secs - time.monotonic()))
        elif timeout_fn is None:
            return
        if timeout_fn is not None and timeout_fn():
            return
