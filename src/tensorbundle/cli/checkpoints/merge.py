"""``tensorbundle merge``: several checkpoints made one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ..grammar.help import DocumentedCommand
from ..grammar.options import (
    global_options,
    json_option,
    target_argument,
    writing_options,
)
from ..stores.workers import workers_of, workers_options
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count


@click.command(cls=DocumentedCommand, short_help="Make several checkpoints one.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())
@target_argument
@click.option(
    "--partial",
    is_flag=True,
    help="Accept missing parts and slices.",
)
@click.option(
    "--prefer",
    type=click.Choice(["first", "last"]),
    help="Of tensors with different values, take those of the first or the last PATH.",
)
@writing_options
@workers_options
@json_option
@global_options
@click.pass_obj
def merge(
    console: Console,
    paths: Sequence[str],
    target: str,
    partial: bool,
    prefer: Any,
    force: bool,
    dry_run: bool,
    workers: int | None,
    dask: str | None,
    as_json: bool,
) -> None:
    """Merge checkpoints into one, as TensorFlow ends a sharded save.

    A PATH may be a directory of parts that such a save left when it was
    interrupted (model.ckpt-5_temp); parts may lie in several directories. The
    inputs are kept, and share their shards with the result. What several have
    with the same values, such as a step, is taken once; the objects of several
    tf.train.Checkpoint are joined by their paths. A tensor of which no input has
    all slices is left out and told, unless --partial is given.

    Examples:
      tensorbundle merge model.ckpt-2000 embeddings all
      tensorbundle merge model.ckpt-5_temp model.ckpt-5
      tensorbundle merge host0/model_temp host1/model_temp model --dry-run

    JSON: prefixes, tensors, shards, files, equal, joined, incomplete.
    """
    from ..._edit.merge import merge as merge_into

    with workers_of(workers, dask) as by, progress_bar(console, "merging") as progress:
        done = merge_into(
            paths, target, partial=partial, prefer=prefer, overwrite=force, dry_run=dry_run,
            workers=by,
            progress=progress,
        )  # fmt: skip
    if as_json:
        console.line(document({name: getattr(done, name) for name in done.__slots__}))
        return
    for prefix in done.prefixes:
        console.say(prefix)
    if done.equal:
        console.note(f"{format_count(len(done.equal), 'tensor')} of equal values taken once")
    would = "would write" if dry_run else "wrote"
    console.say(
        f"{would} {target}: {format_count(done.tensors, 'tensor')} of "
        f"{format_count(len(done.prefixes), 'checkpoint')}, "
        f"{format_count(len(done.shards), 'shard')} shared"
    )
