"""``tensorbundle convert``: a checkpoint under another library's names, by rules."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..grammar.assignments import read_casts
from ..grammar.failures import UNREADABLE
from ..grammar.help import DocumentedCommand
from ..grammar.opening import open_checkpoint
from ..grammar.options import (
    cast_option,
    dry_run_option,
    global_options,
    json_option,
    path_argument,
    shard_option,
)
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count, format_size
from ..terminal.tables import Column, table_lines

if TYPE_CHECKING:
    from ..._convert.convert import Conversion
    from ..._convert.plan import Plan


def _list_rules(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if not value or ctx.resilient_parsing:
        return
    from ..._convert.reading import bundled, load

    console = ctx.find_object(Console)
    assert console is not None
    columns: list[Column[str]] = [
        Column("rules", str),
        Column("for", lambda name: load(name).about),
    ]
    for line in table_lines(console, columns, bundled()):
        console.line(line)
    ctx.exit()


@click.command(cls=DocumentedCommand, short_help="Convert for another library, by rules.")
@path_argument
@click.argument("target", type=click.Path())
@click.option("--rules", metavar="NAME|FILE", required=True, help="Rules: bert, … or a TOML file.")
@click.option(
    "--list-rules",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_list_rules,
    help="List the rules that there are.",
)
@click.option("--inverse", is_flag=True, help="Turn the rules round: back to TensorFlow's names.")
@click.option("--scope", metavar="NAME/", help="What TensorFlow's names begin with: model/.")
@click.option("--hub", "config", metavar="CONFIG", help="Make a hub folder with this config.json.")
@click.option(
    "--format",
    type=click.Choice(["checkpoint", "npz", "safetensors", "npy", "h5", "hub"]),
    help="The format, whatever the suffix of TARGET.",
)
@click.option("--like", metavar="FILE", help="A file of the tensors that have to come out.")
@cast_option
@shard_option
@click.option("--strict", is_flag=True, help="Fail if a tensor has to be left out.")
@click.option("-f", "--force", is_flag=True, help="Replace what lies at TARGET.")
@dry_run_option
@json_option
@global_options
@click.pass_obj
@click.pass_context
def convert(
    ctx: click.Context,
    console: Console,
    /,
    path: str,
    target: str,
    rules: str,
    config: str | None,
    format: str | None,
    casts: Sequence[str],
    as_json: bool,
    dry_run: bool,
    force: bool,
    **options: Any,
) -> None:
    """Convert a checkpoint to another library's names and layout, and back.

    Rules say what each tensor is called on the other side, and whether it is
    transposed. All is checked first: each name has one place there, and leads
    back. The suffix of TARGET decides its format, as for `export`; without one
    it is a checkpoint's prefix. --hub makes a folder for from_pretrained.

    Examples:
      tensorbundle convert --list-rules
      tensorbundle convert bert_model.ckpt bert.safetensors --rules bert
      tensorbundle convert bert_model.ckpt bert/ --rules bert --hub config.json
      tensorbundle convert model.safetensors model.ckpt --rules bert --inverse
      tensorbundle convert run/ out.npz --rules mine.toml --dry-run

    JSON: files, tensors, nbytes, left_out (name, reason), problems, ignored,
    averaged {name: average}, tied {name: of}, rows (sources, targets, shapes,
    do).
    """
    from ..._convert.convert import convert as convert_to

    checkpoint = open_checkpoint(console, path)
    with progress_bar(console, "converting") as progress:
        done = convert_to(
            checkpoint,
            target,
            rules=rules,
            format="hub" if config is not None else format,
            config=config,
            cast=read_casts(casts),
            overwrite=force,
            dry_run=dry_run,
            progress=progress,
            **options,
        )
    if as_json:
        console.line(document(_record(done)))
    else:
        _write_text(console, done, target, dry_run)
    if done.plan.problems:
        ctx.exit(UNREADABLE)


def _write_text(console: Console, done: Conversion, target: str, dry_run: bool) -> None:
    spell = console.spell
    if dry_run:
        columns: list[Column[tuple[str, str, str, str]]] = [
            Column("from", lambda row: row[0]),
            Column("to", lambda row: row[1]),
            Column("shape", lambda row: row[2]),
            Column("do", lambda row: row[3]),
        ]
        for line in table_lines(console, columns, list(_rows(console, done.plan))):
            console.say(line)
    for problem in done.plan.problems:
        console.note(problem)
    for name, average in done.plan.averaged.items() if dry_run else ():
        console.note(f"{spell(name)} has the values of {spell(average)}")
    for name, reason in done.left_out:
        console.note(f"left out {spell(name)}: {reason}")
    if done.plan.ignored:
        console.note(f"ignored, as the rules say: {format_count(len(done.plan.ignored), 'tensor')}")
    if done.plan.problems:
        return
    would = "would write" if dry_run else "wrote"
    count = format_count(done.written, "tensor")
    console.say(f"{would} {target}: {count}, {format_size(done.nbytes)}")
    for file in done.files:
        console.say(f"  {file}  {format_size(os.path.getsize(file))}")


def _rows(console: Console, plan: Plan) -> Iterator[tuple[str, str, str, str]]:
    """What becomes of what, a line each."""
    spell = console.spell
    for row in plan.rows:
        done = " ".join(each.word for each in row.rule.operations)
        sources = " + ".join(map(spell, row.sources))
        for target, shape in zip(row.targets, row.shapes, strict=True):
            yield sources, spell(target), str(list(shape)), done
    for name, of in plan.tied.items():
        yield "", spell(name), "", f"is {spell(of)}"
    for name, constant in plan.constants.items():
        yield "", spell(name), "[]", f"is {constant.value}"
    for name in plan.ignored:
        yield spell(name), "", "", "ignored"


def _record(done: Conversion) -> dict[str, Any]:
    plan = done.plan
    return {
        "files": list(done.files),
        "tensors": done.written,
        "nbytes": done.nbytes,
        "left_out": [{"name": name, "reason": reason} for name, reason in done.left_out],
        "problems": list(map(str, plan.problems)),
        "ignored": list(plan.ignored),
        "averaged": dict(plan.averaged),
        "tied": dict(plan.tied),
        "rows": [
            {
                "sources": list(row.sources),
                "targets": list(row.targets),
                "shapes": [list(shape) for shape in row.shapes],
                "do": [each.word for each in row.rule.operations],
            }
            for row in plan.rows
        ],
    }
