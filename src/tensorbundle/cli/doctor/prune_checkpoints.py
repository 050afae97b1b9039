"""``tensorbundle prune-checkpoints``: all but the newest whole checkpoints of a directory go."""

from __future__ import annotations

import dataclasses

import click

from ..._printable import printable
from ..grammar.help import DocumentedCommand
from ..grammar.options import dry_run_option, global_options, json_option
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.sizes import format_count, format_size


@click.command(
    "prune-checkpoints", cls=DocumentedCommand, short_help="Remove old ones, keep whole ones."
)
@click.argument("directory", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    required=True,
    metavar="N",
    help="How many of the newest to keep of each series of names.",
)
@dry_run_option
@json_option
@global_options
@click.pass_obj
def prune_checkpoints(
    console: Console, directory: str, keep: int, dry_run: bool, as_json: bool
) -> None:
    """Remove all but the N newest whole checkpoints of DIRECTORY.

    Names that differ only in the number at their end are a series, and counted
    by themselves. Checkpoints are verified, the newest first, until N are
    whole: damaged ones do not count, and stay. The state file is kept right.

    Examples:
      tensorbundle prune-checkpoints run/ --keep 5 --dry-run
      tensorbundle prune-checkpoints run/ --keep 1

    JSON: directory, kept, removed, damaged [[prefix, why]], nbytes.
    """
    from ...train.series.pruning import prune_checkpoints as prune

    done = prune(directory, keep=keep, dry_run=dry_run)
    if as_json:
        console.line(document(dataclasses.asdict(done)))
        return
    for prefix in done.kept:
        console.say(f"{console.style('keep', fg='green')}: {printable(prefix)}")
    for prefix, why in done.damaged:
        label = console.style("damaged", fg="red")
        console.say(f"{label}: {printable(prefix)}: {printable(why)}; kept, see 'doctor'")
    for prefix in done.removed:
        label = "would remove" if dry_run else "removed"
        console.say(f"{console.style(label, fg='yellow')}: {printable(prefix)}")
    would = "would be freed" if dry_run else "freed"
    count = format_count(len(done.removed), "checkpoint")
    console.say(f"{count} {'to remove' if dry_run else 'removed'}, "
                 f"{format_size(done.nbytes)} {would}")  # fmt: skip
