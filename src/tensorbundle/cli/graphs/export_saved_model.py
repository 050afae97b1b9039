"""``tensorbundle export-saved-model``: a graph and its checkpoint, ready to be served."""

from __future__ import annotations

from typing import Any

import click

from ..grammar.graph_options import (
    dry_run_option,
    force_option,
    graph_options,
    load,
    request_of,
    value_options,
)
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options, json_option
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count


@click.command(
    "export-saved-model",
    cls=DocumentedCommand,
    short_help="Make a SavedModel of a graph and its checkpoint.",
)
@graph_options
@value_options
@dry_run_option
@force_option
@json_option
@global_options
@click.pass_obj
def export_saved_model(
    console: Console,
    /,
    path: str,
    target: str,
    tags: str | None,
    checkpoint: str | None,
    dry_run: bool,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write a SavedModel that TensorFlow loads and serves.

    TARGET is a directory that does not exist yet. The weights are hard links to
    the checkpoint's files where the file system allows, else copies; they may be
    of any size.

    Examples:
      tensorbundle export-saved-model model.ckpt-2000 served/1 --output softmax
      tensorbundle export-saved-model m.meta served/2 -o logits --bind keep_prob=1

    JSON: path, files, num_nodes, signature, outputs, inputs, variables, linked,
    warnings.
    """
    from ..._far.verbs import target_near
    from ..._freeze.saved_model import export_as

    graph = load(path, tags)
    request = request_of(graph, options)
    with (
        target_near(target, overwrite=force, is_dry=dry_run) as near,
        progress_bar(console, "writing") as progress,
    ):
        done = export_as(
            graph, checkpoint, request, near,
            overwrite=force, is_dry=dry_run, progress=progress,
        )  # fmt: skip
    for warning in done.warnings:
        console.note(warning)
    if as_json:
        console.line(document(_describe(done)))
        return
    verb = "would write" if dry_run else "wrote"
    how = "linked" if done.linked else "copied"
    console.say(
        f"{verb} {target}: {format_count(done.num_nodes, 'node')}, "
        f"{format_count(len(done.variables), 'variable')}, weights {how}"
    )
    for key, tensor in done.outputs.items():
        console.say(f"  output  {console.spell(key)}: {console.spell(tensor)}")


def _describe(done: Any) -> dict[str, Any]:
    """A SavedModel that was written, as ``--json`` tells it."""
    return {
        "path": done.path,
        "files": list(done.files),
        "num_nodes": done.num_nodes,
        "signature": done.signature,
        "outputs": dict(done.outputs),
        "inputs": {key: each.name for key, each in done.inputs.items()},
        "variables": [{"name": each.name, "key": each.key} for each in done.variables],
        "linked": done.linked,
        "warnings": list(done.warnings),
    }
