"""``tensorbundle freeze``: a graph and its weights in one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from ..grammar.assignments import read_assignments
from ..grammar.graph_options import (
    checkpoint_option,
    chosen_outputs,
    force_option,
    graph_options,
    load,
    own_words,
)
from ..grammar.help import DocumentedCommand
from ..grammar.options import NameType, global_options, json_option
from ..terminal.console import Console
from ..terminal.documents import dumps
from ..terminal.sizes import format_count, format_size
from .views import format_dims


@click.command(cls=DocumentedCommand, short_help="Put a graph and its weights into one file.")
@graph_options
@checkpoint_option
@click.option(
    "-i",
    "--input",
    "inputs",
    metavar="NAME",
    multiple=True,
    type=NameType(),
    help="Cut the graph here: a placeholder takes the place of what comes before.",
)
@click.option(
    "--bind",
    metavar="NAME=VALUE",
    multiple=True,
    help="Make a placeholder a constant: keep_prob=1.0, or x=x.npy.",
)
@click.option(
    "--functions",
    type=click.Choice(["inline", "keep"]),
    default="inline",
    help="Put the bodies of functions in place of their calls (the default), or keep them.",
)
@click.option("--ema", is_flag=True, help="Take moving averages where the checkpoint has them.")
@click.option(
    "--keys",
    metavar="FILE",
    type=click.File("rb"),
    help="JSON: checkpoint keys by variable, for those that are stored under other names.",
)
@click.option("--allow", metavar="NAME", multiple=True, help="Freeze only these variables.")
@click.option("--deny", metavar="NAME", multiple=True, help="Leave these as variables.")
@click.option(
    "--missing",
    type=click.Choice(["error", "initial"]),
    default="error",
    help="Take initial values of variables that were never saved, or refuse (the default).",
)
@click.option("--no-tables", is_flag=True, help="Leave lookup tables without initialisers.")
@click.option("--keep-devices", is_flag=True, help="Keep the devices that nodes ask for.")
@click.option("--add-default-attrs", is_flag=True, help="Write out attributes left at defaults.")
@click.option("--op-list", metavar="FILE", type=click.Path(), help="An OpList of custom ops.")
@click.option("--no-verify", is_flag=True, help="Copy weights without checking their checksums.")
@force_option
@json_option
@global_options
@click.pass_obj
def freeze(
    console: Console,
    /,
    path: str,
    target: str,
    outputs: Sequence[str],
    signature: str | None,
    tags: str | None,
    checkpoint: str | None,
    inputs: Sequence[str],
    bind: Sequence[str],
    keys: Any,
    no_tables: bool,
    keep_devices: bool,
    no_verify: bool,
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
    from ..._freeze.freeze import freeze as freeze_graph

    options["allow"] = list(options["allow"]) or None
    options["deny"] = list(options["deny"]) or None
    with own_words():
        frozen = freeze_graph(
            load(path, tags),
            checkpoint,
            outputs=chosen_outputs(outputs),
            path=target,
            signature=signature,
            inputs=list(inputs) or None,
            bind=read_assignments(bind, "--bind") or None,
            keys=_read_keys(keys),
            tables=not no_tables,
            clear_devices=not keep_devices,
            verify=not no_verify,
            overwrite=force,
            **options,
        )
    for warning in frozen.warnings:
        console.note(warning)
    if as_json:
        console.line(dumps(describe_frozen(frozen)))
        return
    console.line(
        f"wrote {target}: {format_count(frozen.num_nodes, 'node')}, {format_size(frozen.nbytes)}, "
        f"{format_count(len(frozen.variables), 'variable')} frozen"
    )
    for each in frozen.inputs:
        console.line(
            f"  input   {console.spell(each.name)}  {each.dtype} {format_dims(each.shape)}"
        )
    for key, tensor in frozen.outputs.items():
        name = console.spell(tensor)
        console.line(f"  output  {name}" + (f"  ({console.spell(key)})" if key != tensor else ""))
    if frozen.init_op:
        console.line(f"  run once before use, since it fills tables: {frozen.init_op}")


def _read_keys(file: Any) -> dict[str, str] | None:
    if file is None:
        return None
    try:
        keys = json.load(file)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--keys: {file.name!r} is not JSON: {error}") from error
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise click.UsageError(f"--keys: {file.name!r} is not an object of variables and keys")
    return keys


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
