"""``tensorbundle crosscheck``: every tensor against TensorFlow's own restore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from ..grammar.failures import CHECK_FAILED
from ..grammar.help import DocumentedCommand
from ..grammar.opening import read_patterns
from ..grammar.options import NameType, global_options, json_option, path_argument, regex_option
from ..terminal.console import Console
from ..terminal.documents import dumps
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
@click.option(
    "--names",
    "patterns",
    metavar="GLOB",
    multiple=True,
    type=NameType(),
    help="Only these tensors; may be given several times.",
)
@regex_option
@json_option
@global_options
@click.pass_obj
@click.pass_context
def crosscheck(
    ctx: click.Context,
    console: Console,
    path: str,
    patterns: Sequence[str],
    regex: bool,
    as_json: bool,
) -> None:
    """Compare every tensor, bit for bit, with what TensorFlow restores.

    TensorFlow runs in a process of its own and must be installed:
    pip install 'tensorbundle[tensorflow]'. The exit code is 1 if anything
    differs.

    Examples:
      tensorbundle crosscheck model.ckpt-2000
      tensorbundle crosscheck run/ --json > certificate.json

    JSON: ok, counts, path, prefix, format, files, tensorbundle, tensorflow,
    python, platform, date, notes, tensors [{name, status, how, detail, sha256,
    dtype, shape, difference}].
    """
    from ..._crosscheck.crosscheck import crosscheck as compare

    names = read_patterns(patterns, regex=regex) if patterns else None
    with progress_bar(console, "comparing") as progress:
        result = compare(path, names=names, progress=progress)
    if as_json:
        console.line(dumps(result.certificate()))
    else:
        _write_text(console, result)
    ctx.exit(0 if result.ok else CHECK_FAILED)


def _write_text(console: Console, result: Crosscheck) -> None:
    for note in result.notes:
        console.note(note)
    for comparison in result.comparisons:
        if comparison.status != "equal":
            _write_comparison(console, comparison)
    counts = result.counts
    listed = ", ".join(f"{counts[s]:,} {s}" for s in _STATUS_NOUNS if s in counts) or "no tensors"
    if "equal" in counts:
        listed = listed.replace("equal", "bit for bit equal", 1)
    verdict = console.style("ok", fg="green", bold=True)
    if not result.ok:
        verdict = console.style("failed", fg="red", bold=True)
    console.line(
        f"{verdict}: {format_count(len(result.comparisons), 'tensor')} against "
        f"tensorflow {result.tensorflow_version}: {listed}"
    )


def _write_comparison(console: Console, comparison: Comparison) -> None:
    color = "yellow" if comparison.ok else "red"
    status = console.style(comparison.status, fg=color, bold=True)
    detail = f": {comparison.detail}" if comparison.detail else ""
    console.line(f"{status}: {console.style(console.spell(comparison.name), bold=True)}{detail}")
