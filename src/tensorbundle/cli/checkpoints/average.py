"""``tensorbundle average``: the mean of several checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

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
from ..terminal.sizes import format_count, format_size


@click.command(cls=DocumentedCommand, short_help="Average several checkpoints.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())
@target_argument
@click.option(
    "--weight",
    "weights",
    metavar="W",
    multiple=True,
    type=float,
    help="One a PATH, or one a checkpoint of a directory, oldest first; divided by their sum.",
)
@click.option(
    "--last",
    metavar="N",
    type=click.IntRange(min=2),
    help="Only the N of the highest steps; a PATH may then be a directory.",
)
@writing_options
@workers_options
@json_option
@global_options
@click.pass_obj
def average(
    console: Console,
    paths: Sequence[str],
    target: str,
    weights: Sequence[float],
    last: int | None,
    force: bool,
    dry_run: bool,
    workers: int | None,
    dask: str | None,
    as_json: bool,
) -> None:
    """Average the floating-point tensors of checkpoints of one model.

    Everything else, the step too, is as in the last PATH, or where all are steps
    of one run, in the one of the highest step. A checkpoint counts once, so
    model.ckpt-* may match all of its files. Dtypes stay as they are; sums are
    kept in double precision.

    Examples:
      tensorbundle average model.ckpt-2000 model.ckpt-3000 averaged
      tensorbundle average run/ averaged --last 5
      tensorbundle average a b out --weight 0.9 --weight 0.1

    JSON: averaged, taken, nbytes, files, sources, repeated.
    """
    from ..._edit.average import average as average_into

    with workers_of(workers, dask) as by, progress_bar(console, "averaging") as progress:
        done = average_into(
            paths,
            target,
            last=last,
            weights=weights or None,
            overwrite=force,
            dry_run=dry_run,
            workers=by,
            progress=progress,
        )
    if as_json:
        console.line(document({name: getattr(done, name) for name in done.__slots__}))
        return
    if done.repeated:
        console.note(f"{len(done.repeated)} of the paths lead to one of these again: counted once")
    would = "would write" if dry_run else "wrote"
    console.say(
        f"{would} {target}: {format_count(len(done.averaged), 'tensor')} of "
        f"{format_count(len(done.sources), 'checkpoint')} averaged, "
        f"{len(done.taken):,} as in {done.sources[-1]}, {format_size(done.nbytes)}"
    )
