"""``tensorbundle edit``: a checkpoint with other names, fewer tensors or other dtypes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from ..grammar.assignments import read_casts, split_last
from ..grammar.help import DocumentedCommand
from ..grammar.opening import open_checkpoint
from ..grammar.options import (
    NameType,
    global_options,
    json_option,
    path_argument,
    regex_option,
    target_argument,
    writing_options,
)
from ..grammar.selection import read_patterns
from ..stores.workers import workers_of, workers_options
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count, format_size

if TYPE_CHECKING:
    from ..._edit.rewrite import Rewrite

_LISTED: Final = 40
_EXAMPLES: Final = 5


@click.command(cls=DocumentedCommand, short_help="Rename, drop, cast, strip.")
@path_argument
@target_argument
@click.option(
    "--rename",
    "renames",
    metavar="OLD=NEW",
    multiple=True,
    type=NameType(),
    help="Rename a tensor, or all below a scope; slots follow.",
)
@click.option(
    "--substitute",
    "substitutions",
    metavar="/REGEX/NEW/",
    multiple=True,
    type=NameType(),
    help="Rename all that a regular expression matches; any mark may stand for the slashes.",
)
@click.option("--strict", is_flag=True, help="Refuse tensors that no --substitute matches.")
@click.option(
    "--drop", "drops", metavar="GLOB", multiple=True, type=NameType(), help="Leave tensors out."
)
@click.option(
    "--keep", "keeps", metavar="GLOB", multiple=True, type=NameType(), help="Leave all others out."
)
@regex_option
@click.option(
    "--cast",
    "casts",
    metavar="[GLOB=]DTYPE",
    multiple=True,
    type=NameType(),
    help="Cast tensors; all floating-point ones (as --compact), if no glob says which.",
)
@click.option("--lossy", is_flag=True, help="Cast to integers or bool what does not fit exactly.")
@click.option("--saturate", is_flag=True, help="Cast to the largest number what is out of range.")
@click.option("--strip-optimizer", is_flag=True, help="Leave out what optimizers keep.")
@click.option(
    "--optimizer",
    "optimizers",
    metavar="NAME",
    multiple=True,
    help="Also what is called after this TF1 optimizer: Adam, slot_v.",
)
@click.option("--ema", is_flag=True, help="Give variables the value of their moving average.")
@click.option("--ema-name", metavar="NAME", help="What moving averages are called in this one.")
@click.option("--compact", is_flag=True, help="Copy what is kept, and share no shards.")
@writing_options
@workers_options
@json_option
@global_options
@click.pass_obj
def edit(
    console: Console,
    path: str,
    target: str,
    renames: Sequence[str],
    substitutions: Sequence[str],
    strict: bool,
    drops: Sequence[str],
    keeps: Sequence[str],
    regex: bool,
    casts: Sequence[str],
    lossy: bool,
    saturate: bool,
    strip_optimizer: bool,
    optimizers: Sequence[str],
    ema: bool,
    ema_name: str | None,
    compact: bool,
    force: bool,
    dry_run: bool,
    workers: int | None,
    dask: str | None,
    as_json: bool,
) -> None:
    r"""Write a checkpoint with other names, fewer tensors or other dtypes.

    TARGET is a prefix. Shards are shared with the source by reflinks or hard
    links, so renaming takes no time and no space at any size; --compact copies
    what is kept, and frees the space of what is left out. Object-based
    checkpoints (tf.train.Checkpoint) are named by readable paths, as
    model/layer1/kernel, and their object graph follows. What an optimizer keeps
    is told from the variables that are there, and is listed.

    Examples:
      tensorbundle edit model.ckpt-2000 slim --strip-optimizer --compact
      tensorbundle edit run/ served --ema --strip-optimizer
      tensorbundle edit old new --rename dense/kernel=dense/weights --drop 'aux/*'
      tensorbundle edit old new --rename conv1=block1 --keep 'conv1/*'
      tensorbundle edit old new --substitute '/^model\/(.*)/net\/\1/' --dry-run
      tensorbundle edit old new --cast bfloat16 --cast 'embedding/*=float16'

    JSON: renamed {old: new}, dropped, cast {key: [old, new]}, averaged
    {variable: average}, kept, linked, nbytes, files, alike, unused_nbytes.
    """
    from ..._edit.rewrite import rewrite

    if renames and substitutions:
        raise click.UsageError("--rename and --substitute exclude each other")
    checkpoint = open_checkpoint(console, path)
    with workers_of(workers, dask) as by, progress_bar(console, "writing") as progress:
        done = rewrite(
            checkpoint,
            target,
            rename=_read_renames(renames) or _read_substitutions(substitutions) or None,
            drop=read_patterns(drops, regex=regex) or None,
            keep=read_patterns(keeps, regex=regex) or None,
            cast=read_casts(casts),
            lossy=lossy,
            saturate=saturate,
            strip_optimizer=list(optimizers) or strip_optimizer,
            ema=ema_name or ema,
            strict=strict,
            compact=compact,
            overwrite=force,
            dry_run=dry_run,
            workers=by,
            progress=progress,
        )
    _write_notes(console, done)
    if as_json:
        console.line(document(_describe(done)))
    else:
        _write_text(console, done, target, dry_run)


def _read_renames(renames: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in renames:
        old, new = split_last(each, "OLD=NEW", may_be_empty=True)  # what is below a scope moves up
        if found.setdefault(old, new) != new:
            raise click.UsageError(f"two new names for {old!r}: {found[old]!r} and {new!r}")
    return found


def _read_substitutions(substitutions: Sequence[str]) -> list[tuple[re.Pattern[str], str]]:
    rules = []
    for each in substitutions:
        # As in sed: the first character is the mark, and stands for itself after a backslash.
        mark = re.escape(each[:1])
        found = re.fullmatch(
            rf"{mark}((?:\\.|(?!{mark}).)+){mark}((?:\\.|(?!{mark}).)*){mark}", each
        )
        if found is None:
            raise click.UsageError(f"expected /REGEX/NEW/, found {each!r}")
        pattern, replacement = (part.replace(f"\\{each[0]}", each[0]) for part in found.groups())
        try:
            rules.append((re.compile(pattern), replacement))
        except re.error as error:
            raise click.UsageError(f"not a regular expression: {pattern!r}: {error}") from error
    return rules


def _write_notes(console: Console, done: Rewrite) -> None:
    if done.alike:
        names = ", ".join(map(console.spell, done.alike[:_EXAMPLES]))
        more = f" and {len(done.alike) - _EXAMPLES:,} more" if len(done.alike) > _EXAMPLES else ""
        console.note(
            f"{format_count(len(done.alike), 'tensor')} that may be an optimizer's stay: "
            f"{names}{more}; --optimizer NAME or --drop GLOB leaves them out"
        )
    if done.unused_nbytes and (done.dropped or done.cast):
        console.note(
            f"{format_size(done.unused_nbytes)} of the shared shards are no longer used: "
            "--compact leaves them out"
        )


def _describe(done: Rewrite) -> dict[str, Any]:
    return {name: getattr(done, name) for name in done.__slots__}


def _write_text(console: Console, done: Rewrite, target: str, dry_run: bool) -> None:
    spell = console.spell
    lines = [f"renamed  {spell(old)} -> {spell(new)}" for old, new in done.renamed.items()]
    lines += [f"average  {spell(old)} <- {spell(new)}" for old, new in done.averaged.items()]
    lines += [f"cast     {spell(name)}: {old} -> {new}" for name, (old, new) in done.cast.items()]
    lines += [f"dropped  {spell(name)}" for name in done.dropped]
    for line in lines if dry_run else lines[:_LISTED]:
        console.say(line)
    if len(lines) > _LISTED and not dry_run:
        console.say(f"and {len(lines) - _LISTED:,} more")
    would = "would write" if dry_run else "wrote"
    linked = f"; {format_count(len(done.linked), 'shard')} shared" if done.linked else ""
    console.say(
        f"{would} {target}: {format_count(done.kept, 'tensor')}, "
        f"{format_size(done.nbytes)} anew{linked}"
    )
