"""``tensorbundle doctor``: what is wrong, and the command that mends it."""

from __future__ import annotations

import dataclasses

import click

from ..._printable import printable
from ..grammar.failures import CHECK_FAILED, UNREADABLE
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options, json_option, path_argument
from ..terminal.console import Console
from ..terminal.documents import document


@click.command(cls=DocumentedCommand, short_help="What is wrong, and what mends it.")
@path_argument
@json_option
@global_options
@click.pass_obj
@click.pass_context
def doctor(ctx: click.Context, console: Console, path: str, as_json: bool) -> None:
    """Say what is wrong with a checkpoint or model, and which command mends it.

    PATH need not open. Nothing is changed; each guess is proved by checksums
    before it is told. The exit code is 0 if all is well, 1 with findings, 2 if
    it cannot be opened.

    Examples:
      tensorbundle doctor run/model.ckpt-2000
      tensorbundle doctor run/ --json | jq -r .symptoms[].command

    JSON: path, readable, healthy, unchecked, symptoms [{what, evidence, path, command}].
    """
    from ..._doctor.diagnose import diagnose

    found = diagnose(path)
    if as_json:
        console.line(document(dataclasses.asdict(found) | {"healthy": found.healthy}))
    else:
        for symptom in found.symptoms:
            console.say(console.style(printable(symptom.what), fg="red", bold=True))
            console.say(f"  because: {printable(symptom.evidence)}")
            if symptom.command is not None:
                console.say(
                    f"  mend it: {console.style(console.spell(symptom.command), bold=True)}"
                )
        for each in found.unchecked:
            console.note(f"not looked at: {each}")
        if found.healthy:
            console.say(console.style("nothing is wrong", fg="green", bold=True))
    ctx.exit(0 if found.healthy else CHECK_FAILED if found.readable else UNREADABLE)
