"""``tensorbundle verify``: every checksum, every claim of the index, and the graph beside it."""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from ..._format.wording import in_command
from ..._printable import printable
from ...errors import ChecksumError, MissingFileError, TensorBundleError
from ..grammar.failures import CHECK_FAILED, describe, exit_code_of
from ..grammar.help import DocumentedCommand
from ..grammar.opening import open_checkpoint
from ..grammar.options import global_options, json_option, threads_option
from ..stores.workers import workers_of, workers_options
from ..terminal.console import Console
from ..terminal.documents import describe_location, document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count, format_size

if TYPE_CHECKING:
    from ..._checkpoint.report import Fault, Report

_GRAPH_FILES: Final = (".pb", ".pbtxt", ".meta", ".cpb")
_OF_GRAPHS: Final = ("graph", "variable", "asset", "fingerprint", "objects")


@click.command(cls=DocumentedCommand, short_help="Check every byte.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())
@click.option("--finite", is_flag=True, help="Also list tensors with NaN or infinite elements.")
@threads_option
@workers_options
@json_option
@global_options
@click.pass_obj
@click.pass_context
def verify(
    ctx: click.Context,
    console: Console,
    paths: Sequence[str],
    finite: bool,
    threads: int,
    workers: int | None,
    dask: str | None,
    as_json: bool,
) -> None:
    """Check every byte: each tensor, slice, string and block of the index.

    The graph is checked too, a SavedModel's or the .meta: that it is whole, that
    each variable that it restores is there and fits, assets, fingerprint and
    objects. What was not looked at is told.

    Each fault is listed with the tensor, the shard, the bytes and what probably
    happened. Of several PATHs, such as run/*, each checkpoint is checked once.
    The exit code is 0 if there is no fault, 1 if there is one, 2 if a checkpoint
    cannot be opened.

    Examples:
      tensorbundle verify model.ckpt-2000
      tensorbundle verify run/*.index
      tensorbundle verify run/ --json | jq .faults[].name
      tensorbundle verify s3://bucket/run --dask tcp://scheduler:8786

    JSON: location, notes, ok, checked, nbytes, elapsed_s, unchecked, faults
    [{name, shard, offset, nbytes, kind, message, path, cause}]; of several PATHs,
    one a line.
    """
    from ..._locate.listing import checkpoints_among

    meant = checkpoints_among(paths)
    by = ctx.with_resource(workers_of(workers, dask))
    if len(meant) == 1:
        ctx.exit(0 if _verify(console, meant[0], finite, threads, by, as_json) else CHECK_FAILED)
    codes = [0]
    for path in meant:
        if not as_json:
            console.say(console.style(f"{path}:", bold=True))
        try:
            sound = _verify(console, path, finite, threads, by, as_json)
            codes.append(0 if sound else CHECK_FAILED)
        except (TensorBundleError, OSError) as error:
            console.error(describe(error))
            codes.append(exit_code_of(error))
    ctx.exit(max(codes))


def _verify(
    console: Console, path: str, finite: bool, threads: int, workers: Any, as_json: bool
) -> bool:
    """Check one checkpoint and tell; whether it is sound."""
    from ..._doctor.verify import verify_opened
    from ..._locate.location import is_saved_model

    start = time.perf_counter()
    checkpoint = None
    try:
        checkpoint = open_checkpoint(console, path)
    except MissingFileError:
        if not is_saved_model(path):
            raise
    except ChecksumError as error:
        if console.debug:
            raise
        _report_damaged_index(console, error, as_json)
        return False
    with progress_bar(console, "verifying") as progress:
        report = verify_opened(
            path,
            checkpoint,
            finite=finite,
            threads=threads,
            progress=progress,
            workers=workers,
        )
    elapsed_s = time.perf_counter() - start
    if as_json:
        location: dict[str, Any] = {"location": None, "notes": []}
        if checkpoint is not None:
            location = describe_location(checkpoint.location)
        record = {
            **location,
            "ok": report.ok,
            "checked": report.checked,
            "nbytes": report.nbytes,
            "elapsed_s": round(elapsed_s, 6),
            "unchecked": report.unchecked,
            "faults": [dataclasses.asdict(fault) for fault in report.faults],
        }
        record["notes"] += report.notes
        console.line(document(record))
    else:
        for note in report.notes:
            console.note(note)
        _write_faults(console, report.faults)
        if report.unchecked:
            console.say("not looked at: " + "; ".join(map(in_command, report.unchecked)))
        console.say(_summarise(console, report, elapsed_s))
    return report.ok


def _write_faults(console: Console, faults: Sequence[Fault]) -> None:
    # Faults of one file often have one cause: it is told once, after them.
    for cause, together in itertools.groupby(faults, key=lambda fault: fault.cause):
        for fault in together:
            _write_fault(console, fault)
        if cause:
            console.say(f"{console.style('probably:', bold=True)} {printable(cause)}")


def _write_fault(console: Console, fault: Fault) -> None:
    if fault.name is not None:
        subject = console.spell(fault.name)
    else:
        subject = "the index" if fault.shard is None else "the whole shard"
        if fault.kind in _OF_GRAPHS:
            subject = "the graph"
        elif fault.path is not None and fault.path.endswith(_GRAPH_FILES):
            subject = console.spell(os.path.basename(fault.path))
    kind = console.style(fault.kind, fg="red", bold=True)
    console.say(f"{kind}: {console.style(subject, bold=True)}{_describe_range(fault)}")
    console.say(f"  {printable(fault.message)}")


def _describe_range(fault: Fault) -> str:
    place = [] if fault.shard is None else [f"shard {fault.shard}"]
    if fault.offset is not None and fault.nbytes is not None:
        place.append(f"bytes {fault.offset}-{fault.offset + fault.nbytes}")
    elif fault.offset is not None:
        place.append(f"byte {fault.offset}")
    return f" ({', '.join(place)})" if place else ""


def _summarise(console: Console, report: Report, elapsed_s: float) -> str:
    verdict = "ok" if report.ok else format_count(len(report.faults), "fault")
    style: dict[str, Any] = {"fg": "green"} if report.ok else {"fg": "red"}
    # A slice is stored as a tensor of its own, and counts as one.
    work = f"{format_count(report.checked, 'stored tensor')}, {format_size(report.nbytes)} checked"
    rate = f" ({format_size(report.nbytes / elapsed_s)}/s)" if report.nbytes else ""
    return f"{console.style(verdict, bold=True, **style)}: {work} in {_seconds(elapsed_s)}{rate}"


def _seconds(elapsed_s: float) -> str:
    return f"{elapsed_s:.1f} s" if elapsed_s >= 1 else f"{elapsed_s * 1000:.0f} ms"


def _report_damaged_index(console: Console, error: ChecksumError, as_json: bool) -> None:
    # The index is damaged so early that there is no checkpoint to ask: still a fault, not misuse.
    fault = {
        "name": error.key,
        "shard": None,
        "offset": error.offset,
        "nbytes": None,
        "kind": "checksum",
        "message": str(error),
        "path": error.path,
        "cause": None,
    }
    if as_json:
        nothing: dict[str, Any] = {
            "location": None,
            "notes": [],
            "ok": False,
            "checked": 0,
            "nbytes": 0,
        }
        console.line(document(nothing | {"elapsed_s": 0.0, "faults": [fault]}))
        return
    console.say(f"{console.style('checksum', fg='red', bold=True)}: the index")
    console.say(f"  {error}")
    console.say(f"{console.style('1 fault', fg='red', bold=True)}: the index cannot be read")
