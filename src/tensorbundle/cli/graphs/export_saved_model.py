"""``tensorbundle export-saved-model``: a graph and its checkpoint, ready to be served."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..grammar.graph_options import (
    checkpoint_option,
    chosen_outputs,
    force_option,
    graph_options,
    load,
    own_words,
)
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options
from ..terminal.console import Console
from ..terminal.sizes import format_count


@click.command(
    "export-saved-model",
    cls=DocumentedCommand,
    short_help="Make a SavedModel of a graph and its checkpoint.",
)
@graph_options
@checkpoint_option
@force_option
@global_options
@click.pass_obj
def export_saved_model(
    console: Console,
    path: str,
    target: str,
    outputs: Sequence[str],
    signature: str | None,
    tags: str | None,
    checkpoint: str | None,
    force: bool,
) -> None:
    """Write a SavedModel that TensorFlow loads and serves.

    TARGET is a directory that does not exist yet. The weights are hard links to
    the checkpoint's files where the file system allows, else copies; they may be
    of any size.

    Examples:
      tensorbundle export-saved-model model.ckpt-2000 served/1 --output softmax
    """
    from ..._freeze.saved_model import export_saved_model as export

    with own_words():
        done = export(
            load(path, tags),
            checkpoint,
            outputs=chosen_outputs(outputs),
            signature=signature,
            path=target,
            overwrite=force,
        )
    for warning in done.warnings:
        console.note(warning)
    how = "linked" if done.linked else "copied"
    console.line(
        f"wrote {target}: {format_count(done.num_nodes, 'node')}, "
        f"{format_count(len(done.variables), 'variable')}, weights {how}"
    )
    for key, tensor in done.outputs.items():
        console.line(f"  output  {console.spell(key)}: {console.spell(tensor)}")
