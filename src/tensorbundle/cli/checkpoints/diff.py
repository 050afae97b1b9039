"""``tensorbundle diff``: two checkpoints compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from ..grammar.failures import CHECK_FAILED
from ..grammar.help import DocumentedCommand
from ..grammar.opening import open_checkpoint
from ..grammar.options import global_options, json_option
from ..grammar.selection import Selection, namer, names_option, paths_option, selects_tensors
from ..stores.workers import workers_of, workers_options
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count

if TYPE_CHECKING:
    from ..._edit.diff import Diff
    from ..._edit.shared.comparison import TensorDifference


class _Tolerance(click.FloatRange):
    """A number, not negative; NaN is none, though no comparison says so."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found: float = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is no number", param, ctx)
        return found


_TOLERANCE: Final = _Tolerance(min=0)


@click.command(cls=DocumentedCommand, short_help="Compare two checkpoints.")
@click.argument("path_a", metavar="A", type=click.Path())
@click.argument("path_b", metavar="B", type=click.Path())
@selects_tensors
@names_option
@paths_option
@click.option("--rtol", type=_TOLERANCE, default=0.0, help="Tolerance in proportion to B's value.")
@click.option("--atol", type=_TOLERANCE, default=0.0, help="Tolerance as it is.")
@click.option("--ignore-dtype", is_flag=True, help="Compare numbers of two dtypes by value.")
@click.option("--exact", is_flag=True, help="Read all values, whatever the checksums say.")
@workers_options
@json_option
@global_options
@click.pass_obj
@click.pass_context
def diff(
    ctx: click.Context,
    console: Console,
    path_a: str,
    path_b: str,
    selection: Selection,
    paths: bool,
    rtol: float,
    atol: float,
    ignore_dtype: bool,
    exact: bool,
    workers: int | None,
    dask: str | None,
    as_json: bool,
) -> None:
    """Compare two checkpoints: names, dtypes, shapes and values.

    One of them may be a frozen graph: was it made from that checkpoint? Then the
    tensors that both have are compared, and the others only counted.

    Tensors that one has under another name are found by their content. Tensors
    with equal checksums are taken to be equal, without reading their data, and
    counted as such; --exact reads them. Numbers are close as numpy.isclose has
    it, and NaN equals NaN. The exit code is 0 if there is no difference, 1 if
    there is one.

    Examples:
      tensorbundle diff model.ckpt-2000 model.ckpt-3000
      tensorbundle diff old/ new/ 'encoder/*' --rtol 1e-5 --exclude '*/Adam*'
      tensorbundle diff model half --ignore-dtype --rtol 1e-2
      tensorbundle diff frozen.pb model.ckpt-2000

    JSON: same, frozen, equal, by_checksum, incomplete, only_a, only_b, renamed
    {a: b}, changed [{name, kind, a, b, values {count, size, max_abs, max_rel,
    norm_a, norm_b, norm_difference}}].
    """
    from ..._edit.diff import diff as compare

    a, b = open_checkpoint(console, path_a), open_checkpoint(console, path_b)
    with workers_of(workers, dask) as by, progress_bar(console, "comparing") as progress:
        found = compare(
            a,
            b,
            names=selection.names,
            exclude=selection.exclude,
            rtol=rtol,
            atol=atol,
            ignore_dtype=ignore_dtype,
            exact=exact,
            workers=by,
            progress=progress,
        )
    if selection and found.same and not found.equal:
        raise selection.nothing_matches()
    if as_json:
        console.line(document(_describe(found)))
    else:
        _write_text(console, found, namer(paths, a, b))
    ctx.exit(0 if found.same else CHECK_FAILED)


def _describe(found: Diff) -> dict[str, Any]:
    return {
        "same": found.same,
        "frozen": found.frozen,
        "equal": found.equal,
        "by_checksum": found.by_checksum,
        "incomplete": found.incomplete,
        "only_a": found.only_a,
        "only_b": found.only_b,
        "renamed": found.renamed,
        "changed": [_describe_tensor(each) for each in found.changed],
    }


def _describe_tensor(each: TensorDifference) -> dict[str, Any]:
    values = each.values and {
        # JSON has no NaN and no infinity.
        name: value if value is None or math.isfinite(value) else str(value)
        for name in each.values.__slots__
        for value in (getattr(each.values, name),)
    }
    return {"name": each.name, "kind": each.kind, "a": each.a, "b": each.b, "values": values}


def _write_text(console: Console, found: Diff, shown: Callable[[str], str]) -> None:
    def spell(name: str) -> str:
        return console.spell(shown(name))

    if not found.frozen:
        for name in found.only_a:
            console.say(console.style(f"- {spell(name)}", fg="red"))
        for name in found.only_b:
            console.say(console.style(f"+ {spell(name)}", fg="green"))
    for old, new in found.renamed.items():
        console.say(f"> {spell(old)} -> {spell(new)}")
    for each in found.changed:
        console.say(f"! {spell(each.name)}  {_say(each)}")
    for name in found.incomplete:
        console.say(f"? {spell(name)}  lacks some of its parts")
    changed = ", ".join(
        f"{count:,} {what}"
        for count, what in (
            (len(found.changed), "changed"),
            (len(found.renamed), "renamed"),
            (len(found.only_a), "only in A"),
            (len(found.only_b), "only in B"),
            (len(found.incomplete), "incomplete"),
        )
        if count
    )
    equal = format_count(found.equal, "tensor") + " equal"
    if found.by_checksum:
        what = "" if found.by_checksum == found.equal else f"{found.by_checksum:,} "
        equal += f" ({what}by checksum, data not read)"
    console.say(console.style(f"{changed}, {equal}" if changed else equal, bold=True))


def _say(each: TensorDifference) -> str:
    values = each.values
    shown = each.a if each.a == each.b else f"{each.a} -> {each.b}"
    if values is None:
        return shown
    said = f"{shown}  {values.count:,} of {values.size:,} differ"
    if values.max_abs is None or values.norm_a is None or values.norm_difference is None:
        return said
    said += f", by at most {values.max_abs:.3g}"
    if values.norm_a:
        said += f"; |b-a|/|a| = {values.norm_difference / values.norm_a:.3g}"
    return said
