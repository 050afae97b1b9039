"""``tensorbundle scan``: what graphs would do beside computing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import click

from ..._printable import printable
from ..grammar.failures import CHECK_FAILED
from ..grammar.help import DocumentedCommand
from ..grammar.options import global_options
from ..terminal.console import Console
from ..terminal.documents import document, dumps
from ..terminal.sizes import format_count

if TYPE_CHECKING:
    from ..._scan.graphs import Finding

_STYLES: Final[dict[str, dict[str, Any]]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow"},
    "note": {"fg": "cyan"},
}


@click.command(cls=DocumentedCommand, short_help="What graphs would do beside computing.")
@click.argument("path", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Write SARIF 2.1.0.")
@global_options
@click.pass_obj
@click.pass_context
def scan(ctx: click.Context, console: Console, path: str, as_json: bool, as_sarif: bool) -> None:
    """Find operations that reach files, Python, native code or the network.

    PATH is a SavedModel, .meta, .pb or .pbtxt, or a directory, of which all
    graphs below are scanned: functions and nested graphs too. Nothing is run.
    The part by which a model saves and restores itself is passed. The exit code
    is 0 if there are at most notes, 1 if there are findings, 2 without a graph.

    Examples:
      tensorbundle scan downloads/model
      tensorbundle scan models/ --sarif > models.sarif

    JSON: path, files, ok, findings [{path, kind, level, op, node, message}].
    """
    from ..._scan.scan import scan as scan_graphs

    done = scan_graphs(path)
    if as_sarif:
        import importlib.metadata

        from ..._scan.sarif import sarif_of

        console.line(dumps(sarif_of(done, importlib.metadata.version("tensorbundle"))))
    elif as_json:
        console.line(document(dataclasses.asdict(done) | {"ok": done.ok}))
    else:
        for finding in done.findings:
            _write(console, finding)
        serious = sum(finding.level != "note" for finding in done.findings)
        verdict = console.style(
            "nothing found" if done.ok else format_count(serious, "finding"),
            bold=True,
            fg="green" if done.ok else "red",
        )
        console.say(f"{verdict} in {format_count(len(done.files), 'graph')}")
    ctx.exit(0 if done.ok else CHECK_FAILED)


def _write(console: Console, finding: Finding) -> None:
    level = console.style(finding.level, **_STYLES[finding.level])
    console.say(f"{level}: {finding.kind}: {printable(finding.path)}")
    place = f"{printable(finding.node)}: " if finding.node else ""
    console.say(f"  {place}{printable(finding.message)}")
