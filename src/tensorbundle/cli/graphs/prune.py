"""``tensorbundle prune``: the part of a graph that outputs need, without weights."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..grammar.graph_options import chosen_outputs, force_option, graph_options, load, own_words
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options
from ..terminal.console import Console
from ..terminal.sizes import format_count, format_size


@click.command(cls=DocumentedCommand, short_help="Keep the part of a graph that outputs need.")
@graph_options
@force_option
@global_options
@click.pass_obj
def prune(
    console: Console,
    path: str,
    target: str,
    outputs: Sequence[str],
    signature: str | None,
    tags: str | None,
    force: bool,
) -> None:
    """Write the part of a graph that its outputs need; variables stay variables.

    TARGET is a .pb, or a .pbtxt. No checkpoint is needed.

    Examples:
      tensorbundle prune model.ckpt-2000.meta inference.pb --output softmax
      tensorbundle prune saved_model/ serving.pbtxt --signature serving_default
    """
    from ..._freeze.freeze import prune as prune_graph

    with own_words():
        pruned = prune_graph(
            load(path, tags),
            outputs=chosen_outputs(outputs),
            signature=signature,
            path=target,
            overwrite=force,
        )
    for warning in pruned.warnings:
        console.note(warning)
    console.line(
        f"wrote {target}: {format_count(pruned.num_nodes, 'node')}, {format_size(pruned.nbytes)}"
    )
