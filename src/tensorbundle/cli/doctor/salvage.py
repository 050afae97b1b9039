"""``tensorbundle salvage``: from a damaged checkpoint a good one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from ..._printable import printable
from ..grammar.failures import CHECK_FAILED
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options, json_option, writing_options
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count

if TYPE_CHECKING:
    from ..._doctor.mending.outcome import Salvage
    from ..._doctor.mending.tables import Mending

_NOTABLE_DOUBT = 0.001


@click.command(cls=DocumentedCommand, short_help="Save what can be trusted of a damaged one.")
@click.argument("src", metavar="SRC", type=click.Path())
@click.argument("dst", metavar="[DST]", type=click.Path(), required=False)
@click.option("--like", type=click.Path(), help="A save of the same program, for its layout.")
@click.option("--unproved", is_flag=True, help="Save also what no checksum proves.")
@click.option(
    "--max-doubt",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="Mend nothing that other damage would look like with a likelihood over P "
    "(1; with --in-place 0.01).",
)
@click.option("--in-place", is_flag=True, help="Flip bits back in the files of SRC themselves.")
@writing_options
@json_option
@global_options
@click.pass_obj
@click.pass_context
def salvage(
    ctx: click.Context,
    console: Console,
    src: str,
    dst: str | None,
    like: str | None,
    unproved: bool,
    max_doubt: float | None,
    in_place: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write what can be trusted of the checkpoint SRC as a good one, DST.

    Flipped bits are put right where the checksums tell which they are, in
    tensors, strings, the index and V1 files; each is told, with the likelihood
    that other damage would look so, which is notable in large tensors. Without
    DST, or with --dry-run, nothing is written. The exit code is 0 if all tensors
    were saved, 1 if some are lost or doubtful, 2 if there is nothing to read.

    Examples:
      tensorbundle salvage model.ckpt-2000 saved/model.ckpt-2000
      tensorbundle salvage model.ckpt-2000 --in-place
      tensorbundle salvage run/model.ckpt-7 saved/m --like run/model.ckpt-6

    JSON: src, dst, kept, mended [{path, offset, bits, what, name, doubt}], proved,
    unproved [{name, why}], lost [{name, why}], ranges, notes, ok.
    """
    from ..._doctor.salvage import salvage as save_what_can_be

    if in_place and dst is not None:
        raise click.UsageError("--in-place mends SRC itself: it goes without DST")
    with progress_bar(console, "salvaging") as progress:
        done = save_what_can_be(
            src,
            None if dry_run else dst,
            like=like,
            unproved=unproved,
            max_doubt=max_doubt,
            in_place=in_place and not dry_run,
            overwrite=force,
            progress=progress,
        )
    if as_json:
        record = dataclasses.asdict(done)
        record["mended"] = [each._asdict() for each in done.mended]
        console.line(document(record | {"ok": done.ok}))
    else:
        _tell(console, done, in_place and not dry_run)
    ctx.exit(0 if done.ok else CHECK_FAILED)


def _tell(console: Console, done: Salvage, in_place: bool) -> None:
    for note in done.notes:
        console.note(note)
    for mending in done.mended:
        console.say(f"{console.style('mended', fg='green')}: {_describe(console, mending)}")
    for name in done.proved:
        console.say(f"{console.style('proved', fg='green')}: {console.spell(name)}")
    for label, each in [("unproved", e) for e in done.unproved] + [("lost", e) for e in done.lost]:
        console.say(
            f"{console.style(label, fg='red')}: {console.spell(each.name)}: {printable(each.why)}"
        )
    for offset, nbytes, why in done.ranges:
        place = f"bytes {offset}-{offset + nbytes}"
        console.say(f"{console.style('lost', fg='red')}: {place}: {why}")
    saved = format_count(len(done.kept), "tensor")
    where = f"saved as {printable(done.dst)}" if done.dst else "can be saved"
    if not done.kept and not done.ok:
        where = "can be saved: nothing was written"
    bits = format_count(sum(len(each.bits) for each in done.mended), "bit")
    if in_place and done.mended:
        where = f"are sound: {bits} flipped back in place"
    elif done.mended:
        where += f", {bits} mended"
    console.say(f"{saved} {where}")


def _describe(console: Console, mending: Mending) -> str:
    bits = ", ".join(f"bit {bit & 7} of byte {bit >> 3}" for bit in mending.bits)
    what = mending.what if mending.name is None else f"{mending.what} of {mending.name}"
    text = f"{console.spell(what)} ({printable(mending.path)}, {bits})"
    if mending.doubt > _NOTABLE_DOUBT:
        text += f"; other damage looks so with a likelihood of {mending.doubt:.2g}"
    return text
