"""Options of the commands that make a graph of a graph."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...errors import ConversionError
from ..terminal.spelling import unspell
from .options import NameType

if TYPE_CHECKING:
    from ..._graph.graph import Graph

F = TypeVar("F", bound=Callable[..., Any])


def graph_options(command: F) -> F:
    """Accept the graph, the target, and what says which part of the graph is meant."""
    options = (
        click.argument("path", type=click.Path()),
        click.argument("target", type=click.Path()),
        click.option(
            "-o",
            "--output",
            "outputs",
            metavar="NAME",
            multiple=True,
            type=NameType(),
            help="A node or tensor to keep; may be given several times.",
        ),
        click.option("--signature", metavar="KEY", help="Keep what this signature gives."),
        click.option("--tags", metavar="TAGS", help="Which graph of a SavedModel: serve,gpu."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def checkpoint_option(command: F) -> F:
    """Accept the checkpoint with the values, where it does not lie beside the graph."""
    return click.option(
        "--checkpoint",
        metavar="PATH",
        type=click.Path(),
        help="The values, if they do not lie beside the graph.",
    )(command)


def force_option(command: F) -> F:
    """Accept ``--force``."""
    return click.option("--force", is_flag=True, help="Replace what is at TARGET.")(command)


def load(path: str, tags: str | None) -> Graph:
    """Load the graph that a command works on."""
    from ..._graph.graph import load_graph

    return load_graph(path, tags=tags.split(",") if tags is not None else None)


def chosen_outputs(outputs: Sequence[str]) -> list[str] | str | None:
    """What the library takes: None where nothing was asked for, and ``"auto"`` alone as a word."""
    if not outputs:
        return None
    return "auto" if list(outputs) == ["auto"] else [unspell(each) for each in outputs]


@contextlib.contextmanager
def own_words() -> Iterator[None]:
    """Have errors speak of the options of this program, not of a function's arguments."""
    try:
        yield
    except ConversionError as error:
        from ..._freeze.wanted.choice import NoOutputsError

        if not isinstance(error, NoOutputsError):
            raise
        message = error.worded(error.candidates, "--output NAME", "--output auto")
        raise ConversionError(message, path=error.path) from error
