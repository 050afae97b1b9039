"""``tensorbundle relocate``: a state file repaired after its directory has moved."""

from __future__ import annotations

import click

from ..grammar.help import DocumentedCommand
from ..grammar.options import dry_run_option, global_options, json_option, path_argument
from ..terminal.console import Console
from ..terminal.documents import document


@click.command(cls=DocumentedCommand, short_help="Repair a moved state file.")
@path_argument
@click.option(
    "--latest",
    metavar="NAME",
    type=click.Path(),
    help="The checkpoint that is to be the newest; makes a state file if there is none.",
)
@dry_run_option
@json_option
@global_options
@click.pass_obj
def relocate(console: Console, path: str, latest: str | None, dry_run: bool, as_json: bool) -> None:
    """Make a `checkpoint` state file name what lies beside it.

    PATH is the state file or its directory. Paths to where the directory once
    was become relative ones; checkpoints that are nowhere are taken out, and if
    the newest is among them, the last of the others is the newest.

    Examples:
      tensorbundle relocate run/ --dry-run
      tensorbundle relocate run/checkpoint
      tensorbundle relocate run/ --latest model.ckpt-50002

    JSON: path, found {old: new}, lost, changed, latest.
    """
    from ..._edit.relocate import relocate as repair

    done = repair(path, latest=latest, dry_run=dry_run)
    if as_json:
        console.line(document({name: getattr(done, name) for name in done.__slots__}))
        return
    for old, new in done.found.items():
        console.say(f"{old} -> {new}")
    for name in done.lost:
        console.say(f"{name} is nowhere: taken out")
    would = "would write" if dry_run else "wrote"
    wrote = f"{would} {done.path}: the newest is {done.latest}"
    console.say(wrote if done.changed else f"{done.path} needs no repair")
