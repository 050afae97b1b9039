"""``tensorbundle shim-check``: what a program uses of TensorFlow that the stand-in lacks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import click

from ..grammar.failures import CHECK_FAILED
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options, json_option
from ..terminal.console import Console
from ..terminal.documents import document


@click.command(
    "shim-check",
    cls=DocumentedCommand,
    short_help="Tell what a program would lack without it.",
)
@click.argument("scripts", metavar="SCRIPT...", nargs=-1, required=True, type=click.Path())
@click.option("--all", "show_all", is_flag=True, help="List what is there as well.")
@click.option("--only", is_flag=True, help="Do not read modules beside SCRIPT that it imports.")
@json_option
@global_options
@click.pass_context
def shim_check(
    ctx: click.Context, scripts: Sequence[str], show_all: bool, only: bool, as_json: bool
) -> None:
    """Tell what a program uses of TensorFlow that `run-script` does not have.

    The program is read, and not run: names that it puts together are not seen.

    Examples:
      tensorbundle shim-check convert.py
      tensorbundle shim-check convert.py --all --json

    JSON: uses: path, line, name, there, why of each.

    Exit code: 1 when something is missing.
    """
    from ...shim.check import check_script

    console: Console = ctx.obj
    uses = [use for script in scripts for use in check_script(script, follow=not only)]
    missing = [use for use in uses if not use.there]
    shown = uses if show_all else missing
    if as_json:
        console.line(document({"uses": [dataclasses.asdict(use) for use in shown]}))
    else:
        for use in shown:
            console.say(f"{use.path}:{use.line}: {use.name}: {use.why or 'there'}")
        names, lacking = ({use.name for use in each} for each in (uses, missing))
        told = f"{len(lacking)} of {len(names)} parts of TensorFlow are missing"
        console.say(told if lacking else f"all {len(names)} parts of TensorFlow are there")
    if missing:
        ctx.exit(CHECK_FAILED)
