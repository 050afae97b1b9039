"""Command line ``tensorbundle ls|show|verify|export|crosscheck|edit|merge|…``.

One file a command. Only this folder writes to stdout and stderr, and only it knows click and rich;
rich is loaded when there is a progress bar to draw, and by names with wide characters.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import click

from .grammar.failures import UNREADABLE, Program
from .grammar.options import global_options
from .terminal.console import PROGRAM

__all__ = ["main"]

# Where each command is: it is loaded when it is asked for, which makes all of them start faster.
_COMMANDS: Final = MappingProxyType(
    {
        "ls": ("checkpoints.ls", "ls"),
        "show": ("checkpoints.show", "show"),
        "verify": ("checkpoints.verify", "verify"),
        "export": ("checkpoints.export", "export"),
        "crosscheck": ("checkpoints.crosscheck", "crosscheck"),
        "diff": ("checkpoints.diff", "diff"),
        "edit": ("checkpoints.edit", "edit"),
        "merge": ("checkpoints.merge", "merge"),
        "average": ("checkpoints.average", "average"),
        "save": ("checkpoints.save", "save"),
        "cp": ("stores.cp", "cp"),
        "relocate": ("checkpoints.relocate", "relocate"),
        "convert": ("formats.convert", "convert"),
        "doctor": ("doctor.doctor", "doctor"),
        "salvage": ("doctor.salvage", "salvage"),
        "scan": ("doctor.scan", "scan"),
        "prune-checkpoints": ("doctor.prune_checkpoints", "prune_checkpoints"),
        "report": ("pages.report", "report"),
        "graph": ("graphs.graph", "graph"),
        "freeze": ("graphs.freeze", "freeze"),
        "run": ("graphs.run", "run"),
        "prune": ("graphs.prune", "prune"),
        "export-saved-model": ("graphs.export_saved_model", "export_saved_model"),
        "run-script": ("programs.run_script", "run_script"),
        "shim-check": ("programs.shim_check", "shim_check"),
        "demo": ("itself.demo", "demo_command"),
        "completion": ("itself.completion", "completion"),
        "help": ("itself.help", "help_command"),
    }
)


def _show_version(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if not value or ctx.resilient_parsing:
        return

    import numpy as np

    from .. import __version__, _core

    click.echo(
        f"tensorbundle {__version__} (crc32c: {_core.crc32c_kernel()}, numpy {np.__version__})"
    )
    ctx.exit()


@click.group(
    PROGRAM,
    cls=Program,
    rooms=_COMMANDS,
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


def main() -> None:
    """Run the command line of this process."""
    program()
