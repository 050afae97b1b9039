"""``tensorbundle demo``: small checkpoints and models to try things on."""

from __future__ import annotations

import click

from ..._demo.demo import SAMPLES, demo
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options
from ..terminal.console import Console


@click.command(
    "demo", cls=DocumentedCommand, short_help="Write a small checkpoint to try things on."
)
@click.argument("name", type=click.Choice(list(SAMPLES)), default="network")
@click.option(
    "--folder", type=click.Path(), default="demo", help="Where; 'demo', if it is not said."
)
@global_options
@click.pass_obj
def demo_command(console: Console, name: str, folder: str) -> None:
    """Write a small checkpoint or model to try things on, and print what to open.

    network: a checkpoint, its .meta graph and a state file; saver: two of them;
    keras: a model's objects; slices: an incomplete partition; moved: a state
    file of another machine; saved_model: a SavedModel. Files that are there stay.

    Examples:
      tensorbundle demo
      tensorbundle ls demo/network
      tensorbundle ls "$(tensorbundle demo keras)" --paths
    """
    console.line(demo(name, folder))
