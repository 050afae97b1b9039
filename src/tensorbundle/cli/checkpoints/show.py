"""``tensorbundle show``: one tensor or a few, with statistics and values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
import numpy as np

from ..._report.statistics import BLOCK_ELEMENTS, Array, Statistics
from ...errors import TensorBundleError
from ..grammar.failures import describe, exit_code_of
from ..grammar.help import DocumentedCommand
from ..grammar.opening import open_checkpoint
from ..grammar.options import global_options, json_option, path_argument
from ..grammar.parts import Part, parts_of, read_part
from ..grammar.selection import Selection, namer, paths_option, takes_names
from ..terminal.console import Console
from ..terminal.corners import Corners
from ..terminal.documents import describe_location, describe_tensor, document_head, dumps
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count, format_size
from ..terminal.values import format_values, jsonable, lengths_of
from .ls import format_shape

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint
    from ..._format.tensor_info import TensorInfo

_PIPED_WIDTH: Final = 100  # of a line of values when there is no terminal to ask


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one pass over a tensor found; ``values`` are all of them, or the corners."""

    values: Array
    shortened: bool
    shape: tuple[int, ...]
    size: int
    statistics: Statistics | None
    lengths: tuple[int, int, int] | None = None


@click.command(cls=DocumentedCommand, short_help="Show values and statistics of tensors.")
@path_argument
@takes_names
@click.option("--full", is_flag=True, help="Print every value, however many there are.")
@click.option("--stats/--no-stats", default=True, help="Whether to compute statistics.")
@click.option(
    "--precision",
    type=click.IntRange(min=0),
    metavar="N",
    help="Digits after the point of the values printed.",
)
@paths_option
@json_option
@global_options
@click.pass_obj
@click.pass_context
def show(
    ctx: click.Context,
    console: Console,
    path: str,
    selection: Selection,
    full: bool,
    stats: bool,
    precision: int | None,
    paths: bool,
    as_json: bool,
) -> None:
    """Show tensors: dtype, shape, place, statistics and values.

    NAMEs are tensor names or globs, shown in the order they are given. Checksums
    are verified. NAME[0:3,-1] is a part, as numpy has it; of that the bytes alone
    are read, and no checksum is. Values are printed the way numpy prints them,
    large arrays by their corners. Statistics are of the finite values, of complex
    numbers of their magnitudes, in float64.

    Examples:
      tensorbundle show model.ckpt-2000 dense/kernel
      tensorbundle show run/ '*/bias' --no-stats --precision 3
      tensorbundle show run/ 'embedding[0:3]' 'conv/kernel[..., 0]'
      tensorbundle show run/ global_step --full --json | jq .tensors[0].values

    JSON: location, notes, tensors [{name, dtype, shape, nbytes, shard, offset,
    crc32c, slices, complete, part, error, stats, values}]. stats: {count, finite,
    zeros, nan, inf, min, max, mean, std}; of bool {count, true, false}; of
    strings {count, min_length, max_length, total_length}. values: nested lists,
    with --full only; NaN and infinities as "nan", "inf", "-inf", complex numbers
    as [real, imaginary], strings that are not UTF-8 as {"hex": "..."}.
    """
    checkpoint = open_checkpoint(console, path)
    parts = parts_of(checkpoint, selection)
    view = _View(full, stats, precision, namer(paths, checkpoint))
    code = 0
    if as_json:
        console.line(document_head(describe_location(checkpoint.location), "tensors"))
    for number, part in enumerate(parts, 1):
        info = checkpoint.info(part.key)
        reading, error = _try_to_read(console, checkpoint, info, part, view)
        gap = not info.complete and not part.is_named
        if error is not None and not gap:
            code = max(code, exit_code_of(error))
        if as_json:
            record = _describe_json(info, part, reading, error, view)
            console.line(dumps(record) + ("," if number < len(parts) else ""))
            continue
        _write_text(console, info, part, reading, view)
        if gap:
            console.note(f"no values: {info.obstacle}")
        elif error is not None:
            console.error(describe(error))
        if number < len(parts):
            console.line()
    if as_json:
        console.line("]}")
    ctx.exit(code)


class _View(NamedTuple):
    """How tensors are shown."""

    full: bool
    stats: bool
    precision: int | None
    shown: Callable[[str], str]


def _try_to_read(
    console: Console, checkpoint: Checkpoint, info: TensorInfo, part: Part, view: _View
) -> tuple[_Reading | None, TensorBundleError | None]:
    # One damaged tensor does not hide the others.
    try:
        if part.text:
            return _read_array(read_part(checkpoint, part), view), None
        return _read(console, checkpoint, info, view), None
    except TensorBundleError as error:
        if console.debug:
            raise
        return None, error


def _read_array(array: Array, view: _View) -> _Reading:
    flat = array.reshape(-1)
    corners = Corners(array.shape, array.dtype, full=view.full)
    corners.add(flat)
    statistics, lengths = None, None
    if view.stats and array.dtype.kind == "O":
        lengths = lengths_of(flat)
    elif view.stats:
        statistics = Statistics()
        statistics.add(flat)
    return _Reading(
        corners.array(), corners.shortened, array.shape, array.size, statistics, lengths
    )


def _read(console: Console, checkpoint: Checkpoint, info: TensorInfo, view: _View) -> _Reading:
    if info.dtype is None or info.dtype.kind == "O":
        return _read_array(checkpoint[info.name], view)  # or the reason why there is no such array
    pieces = _pieces(checkpoint, info, info.dtype)
    # What cannot be read says so now, before memory is set aside for what it claims to be.
    first = list(itertools.islice(pieces, 1))
    corners = Corners(info.shape, info.dtype, full=view.full)
    statistics = Statistics() if view.stats else None
    with progress_bar(console, "reading") as progress:
        for elements in itertools.chain(first, pieces):
            corners.add(elements)
            if statistics is not None:
                statistics.add(elements)
            if progress is not None:
                progress(corners.seen * info.dtype.itemsize, info.nbytes)
    return _Reading(corners.array(), corners.shortened, info.shape, info.size, statistics)


def _pieces(checkpoint: Checkpoint, info: TensorInfo, dtype: np.dtype[Any]) -> Iterator[Array]:
    stored = dtype.newbyteorder("<") if dtype.isbuiltin == 1 else dtype
    for piece in checkpoint.chunks(info.name, nbytes=4 * BLOCK_ELEMENTS * dtype.itemsize):
        yield np.frombuffer(piece, stored)


# --- text ---------------------------------------------------------------------------------------


def _write_text(
    console: Console, info: TensorInfo, part: Part, reading: _Reading | None, view: _View
) -> None:
    name = console.spell(view.shown(info.name)) + (f"[{part.text}]" if part.text else "")
    console.line(console.style(name, bold=True))
    facts = [
        ("dtype", info.tf_dtype),
        ("shape", f"{format_shape(info.shape)}, {format_count(info.size, 'element')}"),
        ("stored", _describe_place(info)),
    ]
    if part.text and reading is not None:
        facts.append(
            ("part", f"{format_shape(reading.shape)}, {format_count(reading.size, 'element')}")
        )
    if reading is not None:
        facts += _describe_statistics(info, reading)
    for label, text in facts:
        console.line(f"  {console.style(f'{label:10}', dim=True)}  {text}")
    if reading is not None:
        text = format_values(
            reading.values,
            shortened=reading.shortened,
            width=console.width or _PIPED_WIDTH,
            encoding=console.encoding,
            full=view.full,
            precision=view.precision,
        )
        console.line(text)


def _describe_place(info: TensorInfo) -> str:
    text = format_size(info.nbytes)
    if info.nbytes >= 1000:
        text += f" ({info.nbytes:,} bytes)"
    if info.slices:
        text += f" in {format_count(len(info.slices), 'slice')}"
        return text if info.complete else f"{text}, incomplete"
    if info.shard is not None and info.offset is not None:
        text += f", shard {info.shard}, bytes {info.offset}-{info.offset + info.nbytes}"
    if info.crc32c is not None:
        text += f", crc32c 0x{info.crc32c:08x}"
    return text


def _describe_statistics(info: TensorInfo, reading: _Reading) -> list[tuple[str, str]]:
    if reading.size <= 1:  # the value says it all
        return []
    if reading.lengths is not None:
        least, greatest, total = reading.lengths
        return [("lengths", f"{least:,} to {greatest:,} bytes, {total:,} in all")]
    found = reading.statistics
    if found is None:
        return []
    if info.tf_dtype == "bool":
        true = found.count - found.zeros
        return [("true", f"{true:,} of {found.count:,} ({true / found.count:.1%})")]
    facts = []
    if found.finite:
        label = "magnitudes" if info.tf_dtype.startswith("complex") else "values"
        text = (
            f"min {_native(info, found.min)}, max {_native(info, found.max)}, "
            f"mean {found.mean:.6g}, std {found.std:.6g}"
        )
        if found.finite < found.count:
            text += f" (of the {found.finite:,} finite ones)"
        facts.append((label, text))
    counts = format_count(found.zeros, "zero")
    if info.dtype is not None and info.dtype.kind not in "iu" and "int" not in info.dtype.name:
        counts += f", {found.nan:,} NaN, {found.inf:,} Inf"
    return [*facts, ("counts", counts)]


def _native(info: TensorInfo, value: int | float | None) -> str:
    # As short as the tensor's own type needs: 0.1, not the float32's 0.10000000149011612.
    if isinstance(value, int):
        return f"{value}"
    dtype = info.array_dtype()
    return f"{value:.6g}" if dtype.kind == "c" else str(dtype.type(value))


# --- JSON ---------------------------------------------------------------------------------------


def _describe_json(
    info: TensorInfo,
    part: Part,
    reading: _Reading | None,
    error: TensorBundleError | None,
    view: _View,
) -> dict[str, Any]:
    return {
        **describe_tensor(info),
        "name": view.shown(info.name),
        "part": part.text or None,
        "error": None if error is None else describe(error),
        "stats": None if reading is None else _statistics_record(info, reading),
        "values": jsonable(reading.values) if reading is not None and view.full else None,
    }


def _statistics_record(info: TensorInfo, reading: _Reading) -> dict[str, Any] | None:
    if reading.lengths is not None:
        least, greatest, total = reading.lengths
        return {
            "count": reading.size,
            "min_length": least,
            "max_length": greatest,
            "total_length": total,
        }
    found = reading.statistics
    if found is None:
        return None
    if info.tf_dtype == "bool":
        return {"count": found.count, "true": found.count - found.zeros, "false": found.zeros}
    return {
        "count": found.count,
        "finite": found.finite,
        "zeros": found.zeros,
        "nan": found.nan,
        "inf": found.inf,
        "min": found.min,
        "max": found.max,
        # Sums of finite numbers may overflow.
        "mean": _finite(found.mean),
        "std": _finite(found.std),
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
