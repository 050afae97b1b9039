"""``tensorbundle run``: what a graph computes, without TensorFlow."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from ..._write.durable import make_directory, replace_file
from ..._write.staging import TargetExistsError
from ...errors import ConversionError
from ..grammar.assignments import read_assignments
from ..grammar.graph_options import checkpoint_option, chosen_outputs, load
from ..grammar.help import DocumentedCommand
from ..grammar.options import NameType, global_options, json_option
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.values import format_values, jsonable

_WIDTH = 100


@click.command(cls=DocumentedCommand, short_help="Run a graph on given inputs.")
@click.argument("model", type=click.Path())
@click.option(
    "--feed",
    "feeds",
    metavar="NAME=VALUE",
    multiple=True,
    help="The value of an input, by name or key: x=x.npy, x=4.5, x=[[1,2]], x=x.json, "
    "x=all.npz[KEY]; one option each. all.npz alone: every array in it, by its name.",
)
@click.option(
    "-o",
    "--output",
    "--fetch",
    "fetches",
    metavar="[KEY=]NAME",
    multiple=True,
    type=NameType(),
    help="A tensor to compute, one option each; 'auto' takes the likeliest output. By default "
    "the outputs of the signature, or the ends of a frozen graph.",
)
@checkpoint_option
@click.option("--signature", metavar="KEY", help="The signature whose keys are meant.")
@click.option(
    "--tags", metavar="TAGS", help="Which graph of a SavedModel: serve,gpu; '' for no tags."
)
@click.option("--save", metavar="FILE", type=click.Path(), help="Write results to a .npy or .npz.")
@click.option("-f", "--force", is_flag=True, help="Replace what is at the place of --save.")
@json_option
@global_options
@click.pass_obj
def run(
    console: Console,
    model: str,
    feeds: Sequence[str],
    fetches: Sequence[str],
    checkpoint: str | None,
    signature: str | None,
    tags: str | None,
    save: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Run a frozen graph, or a graph with its checkpoint, on OpenVINO.

    MODEL is what `tensorbundle freeze` wrote, or anything that it reads. Values
    are files of numpy's, or written out as JSON. In full float32 precision.

    Examples:
      tensorbundle run frozen.pb --feed x:0=x.npy --fetch softmax:0
      tensorbundle run model.ckpt-2000 --feed w1=4 --feed w2=8 --fetch product
      tensorbundle run frozen.pb --feed x=x.npy --fetch logits --save logits.npy
      tensorbundle run saved_model/ --feed features=x.npy

    JSON: results {name: values}, also beside --save.
    """
    if save is not None and not save.endswith((".npy", ".npz")):
        raise click.UsageError("--save takes a .npy or a .npz")
    if save is not None and save.endswith(".npy") and len(fetches) > 1:
        raise click.UsageError("a .npy holds one result: --save a .npz")
    if save is not None and not force and os.path.lexists(save):
        raise TargetExistsError(save)
    values = read_assignments(feeds, "--feed")

    from ..._runner.runner import Runner

    graph = load(model, tags)
    wanted = chosen_outputs(graph, fetches)
    if isinstance(wanted, list):
        wanted = {name: name for name in wanted}
    arrays = Runner(graph, ckpt=checkpoint, signature=signature).run(values, wanted)
    if save is not None:
        if save.endswith(".npy") and len(arrays) > 1:
            raise click.UsageError(
                f"a .npy holds one result, here are {len(arrays)}: --save a .npz"
            )
        make_directory(os.path.dirname(save), durable=False)
        replace_file(save, _as_file(save, arrays))
    if as_json:
        results = {name: jsonable(array) for name, array in arrays.items()}
        console.line(document({"results": results}))
    elif save is not None:
        console.say(f"wrote {save}")
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
