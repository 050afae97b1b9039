"""``tensorbundle crosscheck``: every tensor against TensorFlow's own restore."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import click

from ..grammar.failures import CHECK_FAILED
from ..grammar.help import DocumentedCommand
from ..grammar.opening import open_checkpoint
from ..grammar.options import global_options, json_option, path_argument
from ..grammar.selection import Selection, namer, names_option, paths_option, selects_tensors
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count

if TYPE_CHECKING:
    from ..._crosscheck.crosscheck import Comparison, Crosscheck

_STATUS_NOUNS: Final = (
    "equal",
    "different",
    "only here",
    "only there",
    "tensorflow cannot",
    "we cannot",
    "neither can",
)


@click.command(cls=DocumentedCommand, short_help="Compare with what TensorFlow reads.")
@path_argument
@selects_tensors
@names_option
@paths_option
@json_option
@global_options
@click.pass_obj
@click.pass_context
def crosscheck(
    ctx: click.Context,
    console: Console,
    path: str,
    selection: Selection,
    paths: bool,
    as_json: bool,
) -> None:
    """Compare every tensor, bit for bit, with what TensorFlow restores.

    TensorFlow runs in a process of its own and must be installed:
    pip install tensorflow. The exit code is 1 if anything
    differs. PATTERNs choose tensors, as for `ls`.

    Examples:
      tensorbundle crosscheck model.ckpt-2000
      tensorbundle crosscheck run/ 'encoder/*' --exclude '*/Adam*'
      tensorbundle crosscheck run/ --json > certificate.json

    JSON: ok, counts, path, prefix, format, files, tensorbundle, tensorflow,
    python, platform, date, notes, tensors [{name, status, how, detail, sha256,
    dtype, shape, difference}].
    """
    from ..._crosscheck.crosscheck import crosscheck as compare

    checkpoint = open_checkpoint(console, path)
    if selection:
        selection.of(checkpoint)  # each pattern must match something
    with progress_bar(console, "comparing") as progress:
        result = compare(
            checkpoint, names=selection.names, exclude=selection.exclude, progress=progress
        )
    if as_json:
        console.line(document(result.certificate()))
    else:
        _write_text(console, result, namer(paths, checkpoint))
    ctx.exit(0 if result.ok else CHECK_FAILED)


def _write_text(console: Console, result: Crosscheck, shown: Callable[[str], str]) -> None:
    for note in result.notes:
        if note not in result.location.notes:  # told when it was opened
            console.note(note)
    for comparison in result.comparisons:
        if comparison.status != "equal":
            _write_comparison(console, comparison, shown(comparison.name))
    counts = result.counts
    listed = ", ".join(f"{counts[s]:,} {s}" for s in _STATUS_NOUNS if s in counts) or "no tensors"
    if "equal" in counts:
        listed = listed.replace("equal", "bit for bit equal", 1)
    verdict = console.style("ok", fg="green", bold=True)
    if not result.ok:
        verdict = console.style("failed", fg="red", bold=True)
    console.say(
        f"{verdict}: {format_count(len(result.comparisons), 'tensor')} against "
        f"tensorflow {result.tensorflow_version}: {listed}"
    )


def _write_comparison(console: Console, comparison: Comparison, name: str) -> None:
    color = "yellow" if comparison.ok else "red"
    status = console.style(comparison.status, fg=color, bold=True)
    detail = f": {comparison.detail}" if comparison.detail else ""
    console.say(f"{status}: {console.style(console.spell(name), bold=True)}{detail}")
