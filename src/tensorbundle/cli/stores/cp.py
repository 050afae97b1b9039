"""``tensorbundle cp``: a checkpoint copied whole, between directories and stores."""

from __future__ import annotations

import click

from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options, json_option, path_argument, target_argument
from ..terminal.console import Console
from ..terminal.documents import dumps
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count, format_size


@click.command(cls=DocumentedCommand, short_help="Copy a checkpoint whole, also to stores.")
@path_argument
@target_argument
@click.option("--force", is_flag=True, help="Replace a checkpoint that is at TARGET.")
@json_option
@global_options
@click.pass_obj
def cp(console: Console, path: str, target: str, force: bool, as_json: bool) -> None:
    """Copy a checkpoint: index, data and graph, every checksum compared before.

    PATH and TARGET are paths or addresses: s3://, gs://, az://, http(s)://. What is
    far away appears whole: the data first, the index last and only if nobody else
    has written one meanwhile.

    Examples:
      tensorbundle cp run/model.ckpt-2000 s3://bucket/run/model.ckpt-2000
      tensorbundle cp gs://bucket/run model.ckpt

    JSON: files, nbytes, checked.
    """
    from ..._export.copy import copy

    with progress_bar(console, "verifying") as progress:
        done = copy(path, target, overwrite=force, progress=progress)
    if as_json:
        console.line(dumps({name: getattr(done, name) for name in done.__slots__}))
        return
    console.line(
        f"copied {format_count(len(done.files), 'file')}, {format_size(done.nbytes)}, to {target}"
    )
