"""Opening the checkpoint that a command works on, and the tensors it was asked about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..terminal.console import Console
from ..terminal.spelling import unspell

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint


def open_checkpoint(console: Console, path: str) -> Checkpoint:
    """Open a checkpoint and tell on stderr what was chosen for the user.

    Raises:
        TensorBundleError: There is no readable checkpoint at the path.
        OSError: The system refuses to read it.
    """
    from ..._checkpoint.opening import open as open_path

    checkpoint = open_path(path)
    for note in checkpoint.location.notes:
        console.note(note)
    return checkpoint


def read_patterns(patterns: Sequence[str], *, regex: bool) -> list[str | re.Pattern[str]]:
    """What the library takes as a filter: names and globs, or regular expressions.

    A name may be given as ``ls`` shows it, backslash escapes included.

    Raises:
        click.UsageError: A pattern is no regular expression.
    """
    if not regex:
        return [unspell(pattern) for pattern in patterns]
    compiled: list[str | re.Pattern[str]] = []
    for pattern in patterns:
        try:
            compiled.append(re.compile(pattern))
        except re.error as error:
            raise click.UsageError(f"not a regular expression: {pattern!r}: {error}") from error
    return compiled


def select(checkpoint: Checkpoint, patterns: Sequence[str], *, regex: bool = False) -> list[str]:
    """Names that any of the patterns matches, in key order.

    Raises:
        TensorNotFoundError: A pattern matches nothing.
        click.UsageError: A pattern is no regular expression.
    """
    from ..._checkpoint.selection import nothing_matches

    filters = read_patterns(patterns, regex=regex)
    found = [checkpoint.select(each) for each in filters]
    for names, pattern in zip(found, patterns, strict=True):
        if not names:
            raise nothing_matches(pattern)
    return found[0] if len(found) == 1 else checkpoint.select(filters)
