"""``tensorbundle report``: one page about a checkpoint or a model, or about two compared."""

from __future__ import annotations

import dataclasses
import os

import click

from ..._printable import printable
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options, json_option
from ..terminal.console import Console
from ..terminal.documents import document
from ..terminal.progress import progress_bar
from ..terminal.sizes import format_count, format_size


@click.command(cls=DocumentedCommand, short_help="Make one page about a checkpoint or a model.")
@click.argument("path", type=click.Path())
@click.argument("other", type=click.Path(), required=False)
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    default="report.html",
    show_default=True,
    type=click.Path(),
    help="The file to write.",
)
@click.option("--graph", type=click.Path(), help="The graph, if it lies elsewhere.")
@click.option("--no-values", is_flag=True, help="Read no tensor: no statistics, no histograms.")
@click.option("--no-verify", is_flag=True, help="Check no checksums.")
@click.option("-f", "--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
@global_options
@click.pass_obj
def report(
    console: Console,
    path: str,
    other: str | None,
    target: str,
    graph: str | None,
    no_values: bool,
    no_verify: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Make one page to look at: a checkpoint, a model, or two checkpoints compared.

    The page is one file that needs no network: sizes as a map, a table of all
    tensors with statistics and histograms, the object tree, what verification
    found, and the graph scope by scope. With OTHER, what is added, removed,
    renamed and changed between the two.

    Examples:
      tensorbundle report model.ckpt-2000
      tensorbundle report saved_model/ -o model.html
      tensorbundle report model.ckpt-1000 model.ckpt-2000 -o compared.html
      tensorbundle report frozen.pb --no-values

    JSON: path, nbytes, tensors, faults, different.
    """
    from ..._report.page import report as make

    with progress_bar(console, "reading") as progress:
        page = make(
            path,
            other,
            path=target,
            graph=graph,
            values=not no_values,
            verify=not no_verify,
            overwrite=force,
            progress=progress,
        )
    if as_json:
        console.line(document(dataclasses.asdict(page)))
        return
    found = [format_count(page.tensors, "tensor")]
    if page.faults is not None:
        found.append(format_count(page.faults, "fault"))
    if page.different is not None:
        found.append("different" if page.different else "the same")
    size = format_size(os.path.getsize(page.path))
    console.say(f"{printable(page.path)}  {size}: {', '.join(found)}")
