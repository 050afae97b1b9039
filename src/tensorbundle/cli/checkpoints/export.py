"""``tensorbundle export``: tensors in a format that other programs read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from ..grammar.assignments import read_casts
from ..grammar.help import DocumentedCommand
from ..grammar.opening import open_checkpoint
from ..grammar.options import (
    cast_option,
    dry_run_option,
    global_options,
    json_option,
    path_argument,
    shard_option,
)
from ..grammar.selection import Selection, names_option, paths_option, selects_tensors
from ..stores.workers import workers_of, workers_options
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count, format_size

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint
    from ..._export.export import Export

_LISTED: Final = 20  # files; a directory of .npy files has as many as there are tensors


@click.command(cls=DocumentedCommand, short_help="Write tensors as npz, safetensors, npy or HDF5.")
@path_argument
@click.argument("target", type=click.Path())
@selects_tensors
@names_option
@paths_option
@click.option(
    "--strip-optimizer", is_flag=True, help="Leave out what optimizers keep, as `edit` does."
)
@click.option(
    "--format",
    type=click.Choice(["npz", "safetensors", "npy", "h5", "hub"]),
    help="The format, whatever the suffix of TARGET.",
)
@click.option("--config", metavar="FILE", help="The config.json of a hub folder.")
@cast_option
@click.option("--saturate", is_flag=True, help="Cast to the largest number what is out of range.")
@shard_option
@click.option("--strict", is_flag=True, help="Fail if a tensor has to be left out.")
@click.option("-f", "--force", is_flag=True, help="Replace what an earlier export wrote to TARGET.")
@dry_run_option
@workers_options
@json_option
@global_options
@click.pass_obj
def export(
    console: Console,
    path: str,
    target: str,
    selection: Selection,
    paths: bool,
    strip_optimizer: bool,
    format: str | None,
    config: str | None,
    casts: Sequence[str],
    saturate: bool,
    max_shard_bytes: int | None,
    strict: bool,
    force: bool,
    dry_run: bool,
    workers: int | None,
    dask: str | None,
    as_json: bool,
) -> None:
    """Export tensors to .npz, .safetensors or .h5, or to a directory of .npy files.

    The suffix of TARGET decides; a directory's name ends in a slash. Tensors
    are streamed and their checksums verified; TARGET appears when all is
    written. What the format cannot hold is left out and told, unless it was
    asked for by name or --strict is given; --cast makes of it what it can
    hold. `save` reads each of them back.

    Examples:
      tensorbundle export model.ckpt-2000 weights.npz
      tensorbundle export run/ weights.safetensors --max-shard-bytes 5GB
      tensorbundle export run/ arrays/ 'encoder/*' global_step --exclude '*/Adam*'
      tensorbundle export run/ weights.npz --strip-optimizer --paths
      tensorbundle export keras-model/ weights.h5
      tensorbundle export run/ half.safetensors --cast bfloat16

    JSON: files, tensors, nbytes, left_out (name, reason), notes.
    """
    from ..._export.export import export as export_to

    if max_shard_bytes is not None and not (format or target).endswith(("safetensors", "hub")):
        raise click.UsageError("--max-shard-bytes is for safetensors")
    if config is not None and format != "hub":
        raise click.UsageError("--config is for a hub folder: --format hub")
    checkpoint = open_checkpoint(console, path)
    if selection:
        selection.of(checkpoint)  # each pattern must match something
    excluded: list[Any] = selection.exclude or []
    names: bool | dict[str, str] = paths
    if strip_optimizer:
        dropped, left = _strip(checkpoint)
        excluded += dropped
        names = left if paths else False
    with workers_of(workers, dask) as by, progress_bar(console, "exporting") as progress:
        done = export_to(
            checkpoint,
            target,
            names=selection.names,
            exclude=excluded or None,
            paths=names,
            max_shard_bytes=max_shard_bytes,
            format=format,
            config=config,
            cast=read_casts(casts),
            saturate=saturate,
            strict=strict,
            overwrite=force,
            dry_run=dry_run,
            workers=by,
            progress=progress,
        )
    if as_json:
        console.line(document(_record(done)))
    else:
        _show(console, done, target, dry_run=dry_run)


def _show(console: Console, done: Export, target: str, *, dry_run: bool) -> None:
    for note in done.notes:
        console.note(note)
    for name, reason in done.left_out:
        console.note(f"left out {console.spell(name)}: {reason}")
    left_out = f", {len(done.left_out):,} left out" if done.left_out else ""
    would, end = ("would write ", f" to {target}") if dry_run else ("", ":")
    written = f"{format_count(done.written, 'tensor')}, {format_size(done.nbytes)}{left_out}"
    console.say(f"{would}{written}{end}")
    for file in done.files[:_LISTED]:
        size = f"  {format_size(os.path.getsize(file))}" if os.path.exists(file) else ""
        console.say(f"  {file}{size}")
    if len(done.files) > _LISTED:
        console.say(f"  and {format_count(len(done.files) - _LISTED, 'more file')}")


def _strip(checkpoint: Checkpoint) -> tuple[list[str], dict[str, str]]:
    """What is there for the sake of training, objects too; and the paths of what is left."""
    from ..._edit.plan import plan
    from ..._objects.graph import GRAPH_KEY, ObjectGraph

    nothing: dict[str, Any] = dict.fromkeys(("rename", "drop", "keep", "cast"))
    planned = plan(checkpoint, **nothing, strip_optimizer=True, ema=False, strict=False)
    if checkpoint.objects is None:
        return [*planned.dropped], {}
    # The way to a weight led perhaps by its optimizer.
    graph = ObjectGraph.decode(planned.graph) if planned.graph else checkpoint.objects
    paths = {step.old: path for step in planned.steps if (path := graph.path_of(step.key))}
    return [*planned.dropped, GRAPH_KEY], paths


def _record(done: Export) -> dict[str, Any]:
    return {
        "files": list(done.files),
        "tensors": done.written,
        "nbytes": done.nbytes,
        "left_out": [{"name": name, "reason": reason} for name, reason in done.left_out],
        "notes": list(done.notes),
    }
