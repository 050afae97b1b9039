"""``tensorbundle run``: what a graph computes, without TensorFlow."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from ..._write.durable import replace_file
from ...errors import ConversionError
from ..grammar.assignments import read_assignments
from ..grammar.help import DocumentedCommand
from ..grammar.options import NameType, global_options, json_option
from ..terminal.console import Console
from ..terminal.documents import dumps
from ..terminal.spelling import unspell
from ..terminal.values import format_values, jsonable

_WIDTH = 100


@click.command(cls=DocumentedCommand, short_help="Run a graph on given inputs.")
@click.argument("model", type=click.Path())
@click.option(
    "--feed",
    "feeds",
    metavar="NAME=VALUE",
    multiple=True,
    help="The value of an input: x:0=x.npy, x=4.5, x=[[1,2]]; may be given several times.",
)
@click.option(
    "--fetch",
    "fetches",
    metavar="NAME",
    multiple=True,
    required=True,
    type=NameType(),
    help="A tensor to compute; may be given several times.",
)
@click.option("--save", metavar="FILE", type=click.Path(), help="Write results to a .npy or .npz.")
@json_option
@global_options
@click.pass_obj
def run(
    console: Console,
    model: str,
    feeds: Sequence[str],
    fetches: Sequence[str],
    save: str | None,
    as_json: bool,
) -> None:
    """Run a frozen graph, or a graph with its checkpoint, on OpenVINO.

    MODEL is what `tensorbundle freeze` wrote, or anything that it reads. Values
    are files of numpy's, or written out as JSON. In full float32 precision.

    Examples:
      tensorbundle run frozen.pb --feed x:0=x.npy --fetch softmax:0
      tensorbundle run model.ckpt-2000 --feed w1=4 --feed w2=8 --fetch product
      tensorbundle run frozen.pb --feed x=x.npy --fetch logits --save logits.npy

    JSON: results by the names asked for, also beside --save.
    """
    names = [unspell(each) for each in fetches]
    if save is not None and not save.endswith((".npy", ".npz")):
        raise click.UsageError("--save takes a .npy or a .npz")
    if save is not None and save.endswith(".npy") and len(names) > 1:
        raise click.UsageError("a .npy holds one result: --save a .npz")
    values = read_assignments(feeds, "--feed")

    from ..._runner.runner import run as run_model

    results = run_model(model, values, names)
    arrays: dict[str, Any] = {
        name: np.asarray(array) for name, array in zip(names, results, strict=True)
    }
    if save is not None:
        replace_file(save, _as_file(save, arrays))
    if as_json:
        console.line(dumps({name: jsonable(array) for name, array in arrays.items()}))
    elif save is not None:
        console.line(f"wrote {save}")
    else:
        _write(console, arrays)


def _as_file(path: str, arrays: dict[str, Any]) -> bytes:
    plain = {name: _plain(name, array) for name, array in arrays.items()}
    file = io.BytesIO()
    if path.endswith(".npy"):
        np.save(file, next(iter(plain.values())), allow_pickle=False)
        return file.getvalue()
    # Not by np.savez, which takes some names for its own options.
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in plain.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()


def _plain(name: str, array: Any) -> Any:
    """An array as numpy's files hold it: strings in one width."""
    if array.dtype.kind != "O":
        return array
    if any(each.endswith(b"\0") for each in array.flat):
        raise ConversionError(
            f"cannot save {name!r}: a string ends in NUL, which numpy's strings lose"
        )
    return array.astype("S")


def _write(console: Console, arrays: dict[str, Any]) -> None:
    for name, array in arrays.items():
        shape = ",".join(map(str, array.shape))
        console.line(console.style(f"{console.spell(name)}  {array.dtype} [{shape}]", bold=True))
        shown = format_values(
            array,
            shortened=array.size > 1000,
            width=console.width or _WIDTH,
            encoding=console.encoding,
            full=False,
        )
        console.line(shown)
