"""Command line ``tensorbundle ls|show|verify|export|crosscheck|edit|merge|…``.

One file a command. Only this folder writes to stdout and stderr, and only it knows click and rich;
rich is loaded when there is a progress bar to draw, and by names with wide characters.
"""

from __future__ import annotations

import importlib.metadata
from typing import Any

import click

from .checkpoints.average import average
from .checkpoints.crosscheck import crosscheck
from .checkpoints.diff import diff
from .checkpoints.edit import edit
from .checkpoints.export import export
from .checkpoints.ls import ls
from .checkpoints.merge import merge
from .checkpoints.relocate import relocate
from .checkpoints.save import save
from .checkpoints.show import show
from .checkpoints.verify import verify
from .doctor.doctor import doctor
from .doctor.prune_checkpoints import prune_checkpoints
from .doctor.salvage import salvage
from .doctor.scan import scan
from .formats.convert import convert
from .grammar.failures import UNREADABLE, Program
from .grammar.options import global_options
from .graphs.export_saved_model import export_saved_model
from .graphs.freeze import freeze
from .graphs.graph import graph
from .graphs.prune import prune
from .graphs.run import run
from .itself.completion import completion
from .itself.demo import demo_command
from .itself.help import help_command
from .pages.report import report
from .programs.run_script import run_script
from .programs.shim_check import shim_check
from .stores.cp import cp
from .terminal.console import PROGRAM

__all__ = ["main"]


def _show_version(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if not value or ctx.resilient_parsing:
        return

    import numpy as np

    from .. import _core

    # Not at the top: it costs a tenth of what starting does.
    version = importlib.metadata.version("tensorbundle")
    click.echo(f"tensorbundle {version} (crc32c: {_core.crc32c_kernel()}, numpy {np.__version__})")
    ctx.exit()


@click.group(
    PROGRAM,
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version, the CRC-32C kernel and numpy's version.",
)
@global_options
@click.pass_context
def program(ctx: click.Context) -> None:
    """Read, write and edit TensorFlow checkpoints without TensorFlow.

    PATH is a checkpoint in any spelling: its prefix, its .index, .data or .meta
    file, a directory with a `checkpoint` file, a SavedModel, a V1 file or glob.
    One that begins with a dash goes after "--". Addresses (s3://, gs://, az://,
    http(s)://) are taken as well, by every command with --endpoint-url, --region,
    --anonymous, --storage-option NAME=VALUE, --no-cache.

    Examples:
      tensorbundle ls model.ckpt-2000 --tree
      tensorbundle show model.ckpt-2000 dense/kernel
      tensorbundle verify model.ckpt-2000
      tensorbundle export model.ckpt-2000 weights.safetensors
      tensorbundle edit model.ckpt-2000 slim --strip-optimizer

    Exit codes: 0 fine; 1 the check failed; 2 wrong use or unreadable input.
    JSON begins with schema, which is 1 until a field changes or goes; each
    command's help lists the others.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(UNREADABLE)


_COMMANDS = (
    (ls, show, verify, export, crosscheck, diff, edit, merge, average, save, cp, relocate),
    (convert,),
    (doctor, salvage, scan, prune_checkpoints, report),
    (graph, freeze, run, prune, export_saved_model),
    (run_script, shim_check),
    (demo_command, completion, help_command),
)

for _command in (command for group in _COMMANDS for command in group):
    program.add_command(_command)


def main() -> None:
    """Run the command line of this process."""
    program()
