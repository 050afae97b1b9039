"""``tensorbundle save``: a checkpoint made of tensors in other files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from ..._format.wording import undivided
from ..._progress import Meter
from ...errors import ConversionError
from ..grammar.help import DocumentedCommand
from ..grammar.opening import open_checkpoint
from ..grammar.options import (
    global_options,
    json_option,
    path_argument,
    target_argument,
    threads_option,
    writing_options,
)
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import SizeType, format_count, format_size

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint
    from ..._format.tensor_info import TensorInfo
    from ..._objects.graph import ObjectGraph
    from ..._write.writer import Writer


@click.command(
    cls=DocumentedCommand, short_help="Make a checkpoint of npz, npy, safetensors or HDF5."
)
@path_argument
@target_argument
@click.option(
    "--objects",
    is_flag=True,
    help="Add the objects that the names are paths of, for tf.train.Checkpoint.",
)
@click.option(
    "--separator",
    metavar="TEXT",
    default="/",
    help="What separates the parts of a path with --objects, such as '.'; '/' by default.",
)
@click.option(
    "--max-shard-bytes",
    metavar="SIZE",
    type=SizeType(),
    help="Split the data into shards of at most this size, such as 5GB or 500MiB; a larger tensor "
    "has one of its own.",
)
@threads_option
@writing_options
@json_option
@global_options
@click.pass_obj
def save(
    console: Console,
    path: str,
    target: str,
    objects: bool,
    separator: str,
    max_shard_bytes: int | None,
    threads: int,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Save the tensors of another format as a checkpoint.

    PATH is a .npz, .npy, .safetensors or .h5 file, the index of several
    .safetensors, a folder that was exported as .npy files, a model's folder
    with .safetensors, or torch's .pt or .bin. TARGET is a prefix. TensorFlow restores the result by
    name (tf.train.Saver), or, with --objects, into objects that have these
    paths. Tensors are streamed.

    Examples:
      tensorbundle save weights.npz model.ckpt-1
      tensorbundle save model.safetensors converted --max-shard-bytes 2GB
      tensorbundle save weights.npz ckpt-1 --objects
      tensorbundle save model.safetensors ckpt-1 --objects --separator .

    JSON: prefix, tensors, nbytes.
    """
    from ..._write.commit import refuse_existing
    from ..._write.writer import Writer

    refuse_existing(target, overwrite=force)
    checkpoint = open_checkpoint(console, path)
    infos = checkpoint.infos()
    _refuse_unreadable(checkpoint, infos)
    graph = _objects(console, infos, separator) if objects else None
    _note_ports(console, infos)
    for note in undivided(((info.name, info.nbytes) for info in infos), max_shard_bytes):
        console.note(note)
    nbytes = sum(info.nbytes for info in infos)
    if not dry_run:
        with (
            progress_bar(console, "saving") as progress,
            Writer(
                target, max_shard_bytes=max_shard_bytes, threads=threads, overwrite=force
            ) as writer,
        ):
            meter = Meter(progress, checkpoint.nbytes)
            _write(checkpoint, writer, _keys(infos, graph, separator), meter)
            if graph is not None:
                _write_graph(writer, graph)
    if as_json:
        console.line(document({"prefix": target, "tensors": len(infos), "nbytes": nbytes}))
        return
    would = "would write" if dry_run else "wrote"
    console.say(f"{would} {target}: {format_count(len(infos), 'tensor')}, {format_size(nbytes)}")


def _refuse_unreadable(checkpoint: Checkpoint, infos: Iterable[TensorInfo]) -> None:
    """Raise before anything is written: what is saved is all of it."""
    for info in infos:
        if not info.name:
            raise ConversionError(
                "a tensor needs a name: TensorFlow crashes on an empty one",
                path=checkpoint.location.prefix,
            )
        if info.dtype is None:
            checkpoint[info.name]


def _objects(console: Console, infos: list[TensorInfo], separator: str) -> ObjectGraph:
    """Make the objects that the names are paths of."""
    from ..._objects.graph import GRAPH_KEY, ObjectGraph

    names = [info.name for info in infos if info.name != GRAPH_KEY]
    for name in names:
        if "" in name.replace(separator, "/").split("/"):
            raise ConversionError(
                "a name has an empty part, which no object has: save it without --objects",
                key=name,
            )
    if separator == "/" and not any("/" in name for name in names):
        dotted = next((name for name in names if "." in name.strip(".")), None)
        if dotted is not None:
            console.note(
                f"{console.spell(dotted)} is the name of one object, dots and all: --separator . "
                "makes a path of it"
            )
    return ObjectGraph.of([name.replace(separator, "/") for name in names])


def _note_ports(console: Console, infos: list[TensorInfo]) -> None:
    ported = [info.name for info in infos if info.name.endswith(":0")]
    if ported:
        console.note(
            f"kept as they are: {format_count(len(ported), 'name')} with ':0' at the end, such as "
            f"{console.spell(ported[0])}; TensorFlow restores variables by names without it"
        )


def _keys(
    infos: list[TensorInfo], graph: ObjectGraph | None, separator: str
) -> Iterator[tuple[str, TensorInfo]]:
    """Give the key of each tensor, in the order of writing."""
    if graph is None:
        yield from ((info.name, info) for info in infos)
        return
    from ..._objects.graph import GRAPH_KEY

    paths = {info.name.replace(separator, "/"): info for info in infos if info.name != GRAPH_KEY}
    yield from ((k, info) for k, info in graph.arrange(paths).items() if k != GRAPH_KEY)


def _write(
    checkpoint: Checkpoint,
    writer: Writer,
    keys: Iterable[tuple[str, TensorInfo]],
    meter: Meter,
) -> None:
    for key, info in keys:
        if info.tf_dtype == "string":
            writer.add(key, checkpoint[info.name])
            meter.add(info.nbytes)
        else:
            chunks = meter.counted(checkpoint.chunks(info.name))
            writer.add_chunks(key, info.tf_dtype, info.shape, chunks)
    meter.finish()


def _write_graph(writer: Writer, graph: ObjectGraph) -> None:
    from ..._objects.graph import GRAPH_KEY

    writer.add(GRAPH_KEY, graph.encode())
