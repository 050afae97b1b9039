"""Listings of a directory's checkpoints, for ``tensorbundle ls --checkpoints``."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..._source.address import is_far
from .console import Console
from .documents import document
from .sizes import format_size, format_subject
from .tables import Column, table_lines

if TYPE_CHECKING:
    from ..._locate.listing import ListedCheckpoint


def write_checkpoints(console: Console, directory: str, *, exact: bool, as_json: bool) -> None:
    """Write a line a checkpoint, oldest first.

    Raises:
        click.UsageError: It is no directory.
        OSError: It cannot be listed.
    """
    found = _listed(directory)
    if as_json:
        console.line(document({"checkpoints": [dataclasses.asdict(each) for each in found]}))
        return
    columns: list[Column[ListedCheckpoint]] = [
        Column("checkpoint", lambda each: console.spell(each.prefix)),
        Column("step", lambda each: "-" if each.step is None else str(each.step), right=True),
        Column("saved", lambda each: _moment(each.saved_at), style={"fg": "cyan"}),
        Column("size", lambda each: str(each.nbytes) if exact else format_size(each.nbytes),
               right=True),
        Column("", _describe),
    ]  # fmt: skip
    if not found:
        console.line("no checkpoints")
        return
    for line in table_lines(console, columns, found):
        console.line(line.rstrip())


def checkpoint_prefixes(directory: str) -> list[str]:
    """The prefixes alone; errors as `write_checkpoints`."""
    return [each.prefix for each in _listed(directory)]


def _listed(directory: str) -> Sequence[ListedCheckpoint]:
    from ..._checkpoint.far.directories import checkpoints

    if not is_far(directory) and not os.path.isdir(directory):
        raise click.UsageError(f"--checkpoints takes a directory, not {directory!r}")
    return checkpoints(directory)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _describe(listed: ListedCheckpoint) -> str:
    told = ["newest"] if listed.newest else []
    if listed.missing is None:
        told.append("unreadable")
    elif listed.missing:
        told.append(f"incomplete: {format_subject(len(listed.missing), 'shard', 'is')} missing")
    return ", ".join(told)
