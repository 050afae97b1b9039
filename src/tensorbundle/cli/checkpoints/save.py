"""``tensorbundle save``: a checkpoint made of arrays in other files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ...errors import FormatError, UnsupportedError
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options, json_option, path_argument, writing_options
from ..terminal.console import Console
from ..terminal.documents import dumps
from ..terminal.sizes import SizeType, format_count, format_size

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command(
    cls=DocumentedCommand, short_help="Make a checkpoint of a .npz or .safetensors file."
)
@path_argument
@click.argument("target", type=click.Path())
@click.option(
    "--objects",
    is_flag=True,
    help="Add the objects that the names are paths of, for tf.train.Checkpoint.",
)
@click.option(
    "--max-shard-bytes",
    metavar="SIZE",
    type=SizeType(),
    help="Split the data into shards of at most this size, such as 5GB or 500MiB.",
)
@writing_options
@json_option
@global_options
@click.pass_obj
def save(
    console: Console,
    path: str,
    target: str,
    objects: bool,
    max_shard_bytes: int | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Save the arrays of a .npz or .safetensors file as a checkpoint.

    TARGET is a prefix. TensorFlow restores the result by name (tf.train.Saver),
    or, with --objects, into objects that have these paths.

    Examples:
      tensorbundle save weights.npz model.ckpt-1
      tensorbundle save model.safetensors converted --max-shard-bytes 2GB
      tensorbundle save weights.npz ckpt-1 --objects

    JSON: prefix, tensors, nbytes.
    """
    from ..._objects.graph import ObjectGraph
    from ..._write.commit import refuse_existing
    from ..._write.writer import save as save_to

    refuse_existing(target, overwrite=force)
    with _arrays(path) as arrays:
        names = list(arrays)
        nbytes = sum(each.nbytes for each in arrays.values())
        if not dry_run:
            graph = ObjectGraph.of(names) if objects else None
            tensors = arrays if graph is None else graph.arrange(arrays)
            save_to(target, tensors, max_shard_bytes=max_shard_bytes, overwrite=force)
    if as_json:
        console.line(dumps({"prefix": target, "tensors": len(names), "nbytes": nbytes}))
        return
    would = "would write" if dry_run else "wrote"
    console.line(f"{would} {target}: {format_count(len(names), 'tensor')}, {format_size(nbytes)}")


@contextmanager
def _arrays(path: str) -> Iterator[Mapping[str, np.ndarray[Any, Any]]]:
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as archive:
                yield {name: archive[name] for name in archive.files}
        except ValueError as error:
            raise FormatError(f"not a .npz file of arrays: {path!r}: {error}", path=path) from error
    elif suffix == ".safetensors":
        yield _safetensors(path)
    else:
        raise UnsupportedError(f"cannot read {path!r}: expected a name in .npz or .safetensors")


def _safetensors(path: str) -> dict[str, np.ndarray[Any, Any]]:
    try:
        import safetensors.numpy
    except ImportError:
        raise UnsupportedError(
            "reading .safetensors needs a library: pip install 'tensorbundle[safetensors]'"
        ) from None
    import ml_dtypes  # noqa: F401 - gives numpy the names of bfloat16 and float8

    try:
        loaded: dict[str, np.ndarray[Any, Any]] = safetensors.numpy.load_file(path)
    except safetensors.SafetensorError as error:
        raise FormatError(f"not a .safetensors file: {path!r}: {error}", path=path) from error
    return loaded
