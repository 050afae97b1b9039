"""``tensorbundle run-script``: a program that reads checkpoints, run without TensorFlow."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

import click

from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options
from ..terminal.console import Console


@click.command(
    "run-script",
    cls=DocumentedCommand,
    short_help="Run a program without TensorFlow.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("-m", "as_module", is_flag=True, help="SCRIPT is a module, as for python -m.")
@click.option(
    "--even-if-installed",
    is_flag=True,
    help="Stand in for TensorFlow where it is installed, too; by default the program gets it.",
)
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@global_options
@click.pass_context
def run_script(
    ctx: click.Context,
    script: str,
    arguments: Sequence[str],
    as_module: bool,
    even_if_installed: bool,
) -> None:
    """Run a program with a stand-in for TensorFlow: readers, files, sessions.

    SCRIPT is run as it is, with the arguments after it. The stand-in has what
    programs need that read checkpoints, and run graphs that they import; what
    it lacks is an error that names it. `tensorbundle shim-check` tells before.

    Examples:
      tensorbundle run-script convert.py --tf_checkpoint_path bert_model.ckpt
      tensorbundle run-script -m package.convert bert_model.ckpt out.bin

    Exit code: the program's; 2 when there is no such script.
    """
    from ...shim.install import is_installed
    from ...shim.script import run_script as run

    console: Console = ctx.obj
    if not even_if_installed and is_installed():
        console.note("TensorFlow is installed, and used: --even-if-installed runs without it")
    with warnings.catch_warnings():
        warnings.showwarning = _show_at_once  # not as the notes of a command, at its end
        code = run(script, arguments, as_module=as_module, even_if_installed=even_if_installed)
    ctx.exit(code)


def _show_at_once(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))
