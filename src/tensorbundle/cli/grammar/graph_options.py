"""Options of the commands that make a graph of a graph, and the request that they amount to."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from ..terminal.spelling import unspell
from .assignments import read_assignments
from .options import NameType

if TYPE_CHECKING:
    from ..._freeze.wanted.request import Request
    from ..._graph.graph import Graph

F = TypeVar("F", bound=Callable[..., Any])

_SHAPE_WORDS: Final = ("?", "None", "-1")


def _with(*options: Callable[[F], F]) -> Callable[[F], F]:
    def wrap(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return wrap


def _named_target(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    """Refuse a command without a file to write; many programs take that by ``-o``."""
    del ctx, param
    if value is None:
        raise click.UsageError(
            "missing argument 'TARGET': the file to write is the second argument, and -o names an "
            "output of the graph"
        )
    return value


graph_options = _with(
    click.argument("path", type=click.Path()),
    click.argument(
        "target", metavar="TARGET", type=click.Path(), required=False, callback=_named_target
    ),
    click.option(
        "-o",
        "--output",
        "outputs",
        metavar="[KEY=]NAME",
        multiple=True,
        type=NameType(),
        help="A node or tensor of the graph to keep; several: -o a -o b, or -o a,b. "
        "(The file to write is the second argument.)",
    ),
    click.option("--signature", metavar="KEY", help="Keep what this signature gives."),
    click.option(
        "--tags", metavar="TAGS", help="Which graph of a SavedModel: serve,gpu; '' for no tags."
    ),
    click.option(
        "-i",
        "--input",
        "inputs",
        metavar="NAME[=SHAPE]",
        multiple=True,
        type=NameType(),
        help="Feed this tensor: a placeholder takes its place. SHAPE, as in x=?,28,28, is what "
        "it is to be.",
    ),
    click.option(
        "--bind",
        metavar="NAME=VALUE",
        multiple=True,
        help="Make a placeholder a constant: keep_prob=1.0, or x=x.npy.",
    ),
    click.option("--op-list", metavar="FILE", type=click.Path(), help="An OpList of custom ops."),
)
"""Accept the graph, the target, what says which part of the graph is meant, and its inputs."""

checkpoint_option = click.option(
    "--checkpoint",
    metavar="PATH",
    type=click.Path(),
    help="The values, if they do not lie beside the graph.",
)
"""Accept the checkpoint with the values, where it does not lie beside the graph."""

value_options = _with(
    checkpoint_option,
    click.option(
        "--inference",
        is_flag=True,
        help="Turn a graph for training to inference: batch normalization takes its moving "
        "averages, dropout is left out.",
    ),
    click.option(
        "--use-stored",
        is_flag=True,
        help="Take stored values where outputs need ones that are written at run time.",
    ),
    click.option("--ema", is_flag=True, help="Take moving averages where the checkpoint has them."),
    click.option(
        "--keys",
        metavar="FILE",
        type=click.File("rb"),
        help="JSON: checkpoint keys by variable, for those that are stored under other names.",
    ),
    click.option(
        "--missing",
        type=click.Choice(["error", "initial"]),
        default="error",
        help="Take initial values of variables that were never saved, or refuse (the default).",
    ),
    click.option("--no-tables", is_flag=True, help="Leave lookup tables without initialisers."),
    click.option(
        "--follow-links",
        is_flag=True,
        help="Read vocabularies from outside the model too, where it says or links lead.",
    ),
    click.option("--keep-devices", is_flag=True, help="Keep the devices that nodes ask for."),
)
"""Accept where values come from, and what is done to a graph for the sake of them."""

format_option = click.option(
    "--format",
    type=click.Choice(["pb", "pbtxt"]),
    help="What to write; by default what TARGET ends in says.",
)
"""Accept ``--format``."""

dry_run_option = click.option(
    "-n", "--dry-run", is_flag=True, help="Only say what would be written; values are not read."
)
"""Accept ``--dry-run``."""

force_option = click.option("-f", "--force", is_flag=True, help="Replace what is at TARGET.")
"""Accept ``--force``."""


def load(path: str, tags: str | None) -> Graph:
    """Load the graph that a command works on."""
    from ..._graph.graph import load_graph

    return load_graph(path, tags=read_tags(tags))


def read_tags(tags: str | None) -> list[str] | None:
    """The set of tags in ``a,b``; none in an empty text."""
    return None if tags is None else [each for each in tags.split(",") if each]


def request_of(graph: Graph, options: Mapping[str, Any], **more: Any) -> Request:
    """What the options of a command ask for.

    Args:
        graph: The graph, which says what is a name.
        options: The options that `graph_options` and `value_options` accept, and others that are
            called as what they ask for.
        more: What the command itself decides.

    Raises:
        click.UsageError: A value or a file of keys cannot be read.
    """
    from ..._freeze.wanted.request import Request

    known = {each.name for each in dataclasses.fields(Request)}
    wanted = {key: value for key, value in options.items() if key in known}
    wanted["outputs"] = chosen_outputs(graph, options["outputs"])
    wanted["inputs"] = _chosen_inputs(graph, options["inputs"])
    wanted["bind"] = read_assignments(options["bind"], "--bind") or None
    if "keys" in options:
        wanted["keys"] = _read_keys(options["keys"])
        wanted["tables"] = not options["no_tables"]
        wanted["training"] = False if options["inference"] else None
        wanted["clear_devices"] = not options["keep_devices"]
    for name in ("allow", "deny"):
        if name in wanted:
            wanted[name] = list(wanted[name]) or None
    return Request(**{**wanted, **more})


def chosen_outputs(graph: Graph, outputs: Sequence[str]) -> list[str] | dict[str, str] | str | None:
    """What the library takes: None where nothing was asked for, and ``"auto"`` alone as a word."""
    if not outputs:
        return None
    if list(outputs) == ["auto"]:
        return "auto"
    named = [_divided(graph, each) for each in outputs]
    if not any(key for key, _ in named):
        return [name for _, name in named]
    return {key or name: name for key, name in named}


def _divided(graph: Graph, text: str) -> tuple[str, str]:
    """Key and name in ``KEY=NAME``; a name that has the sign is itself one."""
    key, equals, name = text.partition("=")
    if not equals or text in graph.nodes:
        return "", unspell(text)
    return unspell(key), unspell(name)


def _chosen_inputs(graph: Graph, texts: Sequence[str]) -> dict[str, Any] | None:
    """The tensors to be fed, each with the shape that it is to have."""
    from ..._freeze.wanted.places import split_names

    found: dict[str, Any] = {}
    for text in texts:
        name, equals, dims = text.partition("=")
        if equals and text not in graph.nodes:
            found[unspell(name)] = _read_shape(dims, text)
        else:
            found.update(dict.fromkeys(split_names(graph, unspell(text)), ""))
    return found or None


def _read_shape(dims: str, text: str) -> list[int | None] | None:
    if dims == "...":
        return None
    parts = [each.strip() for each in dims.strip("[]()").split(",") if each.strip()]
    shape: list[int | None] = []
    for part in parts:
        if part in _SHAPE_WORDS:
            shape.append(None)
        elif part.isascii() and part.isdigit():
            shape.append(int(part))
        else:
            raise click.UsageError(f"--input takes NAME=SHAPE, such as x=?,28,28, not {text!r}")
    return shape


def _read_keys(file: Any) -> dict[str, str] | None:
    if file is None:
        return None
    try:
        keys = json.load(file)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--keys: {file.name!r} is not JSON: {error}") from error
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise click.UsageError(f"--keys: {file.name!r} is not an object of variables and keys")
    return keys
