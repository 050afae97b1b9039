"""``tensorbundle graph``: what a graph is made of, and where its inputs and outputs are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ..grammar.graph_options import read_tags
from ..grammar.help import DocumentedCommand
from ..grammar.options import NameType, global_options, json_option
from ..terminal.console import Console
from ..terminal.documents import document, document_head, dumps
from ..terminal.spelling import unspell
from .documents import describe_graph, dot_lines
from .views import (
    find_node,
    write_candidates,
    write_node,
    write_ops,
    write_signatures,
    write_summary,
    write_tree,
    write_variables,
)

if TYPE_CHECKING:
    from ..._graphdef.nodes import Node


@click.command(cls=DocumentedCommand, short_help="Show a graph, its inputs and its outputs.")
@click.argument("path", type=click.Path())
@click.option("--outputs", is_flag=True, help="Rank what may be the outputs, and the inputs.")
@click.option("--variables", is_flag=True, help="List variables with their keys.")
@click.option("--signatures", is_flag=True, help="Show the signatures of a SavedModel.")
@click.option("--ops", is_flag=True, help="Count the nodes of each operation.")
@click.option("--tree", is_flag=True, help="Show the nodes as a tree of scopes.")
@click.option("--node", "names", metavar="NAME", multiple=True, type=NameType(), help="One node.")
@click.option("--dot", is_flag=True, help="Write the graph in Graphviz's language.")
@click.option("--tags", metavar="TAGS", help="Which graph of a SavedModel: serve, or serve,gpu.")
@click.option("--checkpoint", metavar="PATH", type=click.Path(), help="Where its values are.")
@json_option
@global_options
@click.pass_obj
def graph(
    console: Console,
    path: str,
    outputs: bool,
    variables: bool,
    signatures: bool,
    ops: bool,
    tree: bool,
    names: Sequence[str],
    dot: bool,
    tags: str | None,
    checkpoint: str | None,
    as_json: bool,
) -> None:
    """Show a graph: a .meta, a .pb or .pbtxt, or a SavedModel.

    PATH may also be a checkpoint, which means the graph beside it. Without an
    option there is a summary. Outputs are a SavedModel's signatures, or else
    ranked guesses with the reason for each.

    Examples:
      tensorbundle graph model.ckpt-2000.meta
      tensorbundle graph model.ckpt-2000 --outputs
      tensorbundle graph saved_model/ --signatures --variables
      tensorbundle graph frozen.pb --node dense/MatMul
      tensorbundle graph frozen.pb --dot | dot -Tsvg > graph.svg

    JSON: path, kind, tensorflow_version, tags, tag_sets, versions, nodes [{name,
    op, inputs, device}], one a line, ops, functions, variables, signatures,
    savers, collections, tables, assets, devices, inputs, outputs; of these only
    what is asked for, if something is.
    """
    from ..._checkpoint.opening import open as open_path
    from ..._graph.graph import load_graph

    flags = {
        "--outputs": outputs,
        "--variables": variables,
        "--signatures": signatures,
        "--ops": ops,
        "--tree": tree,
        "--node": names,
    }
    asked = [flag for flag, is_asked in flags.items() if is_asked]
    _check(asked, as_json, dot)
    loaded = load_graph(path, tags=read_tags(tags))
    ckpt = None if checkpoint is None else open_path(checkpoint)
    if as_json:
        record = describe_graph(loaded, ckpt, asked)
        if names:
            found = [find_node(console, loaded, unspell(name))[0] for name in names]
            _write_nodes(console, record, found)
        elif asked:
            console.line(document(record))
        else:
            _write_nodes(console, record, loaded.nodes.values())
        return
    if dot:
        for line in dot_lines(loaded):
            console.line(line)
        return
    views: list[tuple[bool, Callable[[], None]]] = [
        (outputs, partial(write_candidates, console, loaded, ckpt)),
        (variables, partial(write_variables, console, loaded, ckpt)),
        (signatures, partial(write_signatures, console, loaded)),
        (ops, partial(write_ops, console, loaded)),
        (tree, partial(write_tree, console, loaded)),
        *((True, partial(write_node, console, loaded, unspell(name))) for name in names),
    ]
    if not any(wanted for wanted, _ in views):
        views = [(True, partial(write_summary, console, loaded, ckpt))]
    for number, write in enumerate(write for wanted, write in views if wanted):
        if number:
            console.line()
        write()


def _check(asked: Sequence[str], as_json: bool, dot: bool) -> None:
    """Raise click.UsageError for what cannot be shown together."""
    others = [*asked, *(["--json"] if as_json else [])]
    if dot and others:
        raise click.UsageError(f"{others[0]} and --dot exclude each other")
    if as_json and "--tree" in asked:
        raise click.UsageError("--tree and --json exclude each other")


def _write_nodes(console: Console, record: dict[str, Any], nodes: Collection[Node]) -> None:
    # By hand around the nodes: a million of them are written one by one.
    console.line(document_head(record, "nodes"))
    last = len(nodes)
    for number, node in enumerate(nodes, 1):
        record = {
            "name": node.name,
            "op": node.op,
            "inputs": list(node.inputs),
            "device": node.device,
        }
        sys.stdout.write(dumps(record) + (",\n" if number < last else "\n"))
    console.line("]}")
