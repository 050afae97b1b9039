"""Workers of commands: threads that share out the shards, or the workers of a Dask scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def workers_options(command: F) -> F:
    """Accept ``--workers`` and ``--dask``."""
    command = click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Share the work out among N threads.",
    )(command)
    return click.option(
        "--dask",
        metavar="ADDRESS",
        help="Share the work out among the workers of a Dask scheduler.",
    )(command)


@contextmanager
def workers_of(count: int | None, dask: str | None) -> Iterator[Any]:
    """What runs the tasks, for as long as the command does.

    Raises:
        click.UsageError: Both are given, or Dask is not installed, or does not answer.
    """
    if count is not None and dask is not None:
        raise click.UsageError("--workers and --dask exclude each other")
    if dask is None:
        yield count
        return
    try:
        from distributed import Client
    except ImportError:
        raise click.UsageError("--dask needs: pip install 'tensorbundle[dask]'") from None
    try:
        connect: Any = Client
        client = connect(dask, timeout="30s")
    except (OSError, ValueError) as error:
        raise click.UsageError(f"no Dask scheduler answers at {dask!r}: {error}") from None
    with client:
        yield client
