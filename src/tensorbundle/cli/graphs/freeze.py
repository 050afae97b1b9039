"""``tensorbundle freeze``: a graph and its weights in one file."""

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
    value_options,
)
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options, json_option
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count, format_size
from .views import format_dims


@click.command(cls=DocumentedCommand, short_help="Put a graph and its weights into one file.")
@graph_options
@value_options
@click.option(
    "--functions",
    type=click.Choice(["inline", "keep"]),
    default="inline",
    help="Put the bodies of functions in place of their calls (the default), or keep them.",
)
@click.option("--allow", metavar="NAME", multiple=True, help="Freeze only these variables.")
@click.option("--deny", metavar="NAME", multiple=True, help="Leave these as variables.")
@click.option("--add-default-attrs", is_flag=True, help="Write out attributes left at defaults.")
@click.option("--no-verify", is_flag=True, help="Copy weights without checking their checksums.")
@format_option
@dry_run_option
@force_option
@json_option
@global_options
@click.pass_obj
def freeze(
    console: Console,
    /,
    path: str,
    target: str,
    tags: str | None,
    checkpoint: str | None,
    no_verify: bool,
    format: Any,
    dry_run: bool,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Freeze a graph: variables become constants, and what outputs do not need goes.

    PATH is a .meta, .pb, .pbtxt, a checkpoint with its .meta, or a SavedModel.
    TARGET is a .pb, or a .pbtxt. Without --output a signature is used where
    there is one; else candidates are listed and nothing is written, unless
    --output auto takes the first. Weights are copied from the checkpoint and
    their checksums verified.

    Examples:
      tensorbundle freeze model.ckpt-2000 frozen.pb --output softmax
      tensorbundle freeze saved_model/ frozen.pb
      tensorbundle freeze model.meta frozen.pb -o logits --bind keep_prob=1.0
      tensorbundle freeze model.meta features.pb -o fc7 --input image:0

    JSON: path, nbytes, num_nodes, outputs, inputs, variables, warnings, init_op.
    """
    from ..._far.verbs import target_near
    from ..._freeze.freeze import freeze_as
    from ..._freeze.stream import Destination

    graph = load(path, tags)
    request = request_of(graph, options)
    with (
        target_near(target, overwrite=force, is_dry=dry_run) as near,
        progress_bar(console, "freezing") as progress,
    ):
        destination = Destination.of(near, overwrite=force, format=format, is_dry=dry_run)
        frozen = freeze_as(
            graph, checkpoint, request, destination, verify=not no_verify, progress=progress
        )
    for warning in frozen.warnings:
        console.note(warning)
    if as_json:
        console.line(document(describe_frozen(frozen)))
        return
    verb = "would write" if dry_run else "wrote"
    console.say(
        f"{verb} {target}: {format_count(frozen.num_nodes, 'node')}, {format_size(frozen.nbytes)}, "
        f"{format_count(len(frozen.variables), 'variable')} frozen"
    )
    for each in frozen.inputs:
        console.say(
            f"  input   {console.spell(each.name)}  {each.dtype} {format_dims(each.shape)}"
            + (f"  ({console.spell(each.key)})" if each.key else "")
        )
    for key, tensor in frozen.outputs.items():
        name = console.spell(tensor)
        console.say(f"  output  {name}" + (f"  ({console.spell(key)})" if key != tensor else ""))
    if frozen.init_op:
        console.say(f"  run once before use, since it fills tables: {frozen.init_op}")


def describe_frozen(frozen: Any) -> dict[str, Any]:
    """A frozen graph as ``--json`` tells it."""
    return {
        "path": frozen.path,
        "nbytes": frozen.nbytes,
        "num_nodes": frozen.num_nodes,
        "outputs": dict(frozen.outputs),
        "inputs": [
            {
                "name": each.name,
                "key": each.key,
                "dtype": str(each.dtype),
                "shape": None if each.shape is None else list(each.shape),
            }
            for each in frozen.inputs
        ],
        "variables": [
            {"name": each.name, "key": each.key, "slice": each.slice, "how": each.how}
            for each in frozen.variables
        ],
        "warnings": list(frozen.warnings),
        "init_op": frozen.init_op,
    }
