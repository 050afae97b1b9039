"""``tensorbundle prune``: the part of a graph that outputs need, without weights."""

from __future__ import annotations

from typing import Any

import click

from ..grammar.graph_options import (
    dry_run_option,
    force_option,
    format_option,
    graph_options,
    load,
    request_of,
)
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options, json_option
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.sizes import format_count, format_size
from .freeze import describe_frozen


@click.command(cls=DocumentedCommand, short_help="Keep the part of a graph that outputs need.")
@graph_options
@click.option("--clear-devices", is_flag=True, help="Forget on which devices nodes are to run.")
@format_option
@dry_run_option
@force_option
@json_option
@global_options
@click.pass_obj
def prune(
    console: Console,
    /,
    path: str,
    target: str,
    tags: str | None,
    format: Any,
    dry_run: bool,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write the part of a graph that its outputs need; variables stay variables.

    TARGET is a .pb, or a .pbtxt. No checkpoint is needed.

    Examples:
      tensorbundle prune model.ckpt-2000.meta inference.pb --output softmax
      tensorbundle prune saved_model/ serving.pbtxt --signature serving_default

    JSON: path, nbytes, num_nodes, outputs, inputs, warnings.
    """
    from ..._far.verbs import target_near
    from ..._freeze.pruning import prune_as
    from ..._freeze.stream import Destination

    graph = load(path, tags)
    with target_near(target, overwrite=force, is_dry=dry_run) as near:
        destination = Destination.of(near, overwrite=force, format=format, is_dry=dry_run)
        pruned = prune_as(graph, request_of(graph, options, functions="keep"), destination)
    for warning in pruned.warnings:
        console.note(warning)
    if as_json:
        console.line(document(describe_frozen(pruned)))
        return
    verb = "would write" if dry_run else "wrote"
    console.say(
        f"{verb} {target}: {format_count(pruned.num_nodes, 'node')}, {format_size(pruned.nbytes)}"
    )
