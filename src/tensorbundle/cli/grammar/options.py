"""Options that several commands share, each told once."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..._format.filenames import spelled_prefix
from ..._format.names import as_text
from ..._locate.location import VARIABLES
from ..._source.address import is_far
from ..stores.far_options import far_options
from ..terminal.console import Console
from ..terminal.sizes import SizeType

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


def _set_on_console(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    # The default of a subcommand must not undo what was said before it.
    if (
        param.name
        and ctx.get_parameter_source(param.name) is not click.core.ParameterSource.DEFAULT
    ):
        setattr(ctx.find_object(Console), param.name, value)


def global_options(command: F) -> F:
    """Accept ``--quiet``, ``--color`` and ``--debug``, before the command's name and after it."""
    shared = functools.partial(
        click.option, expose_value=False, callback=_set_on_console, is_eager=True
    )
    command = shared(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        help="Colour: on terminals (auto, the default; NO_COLOR turns it off), always, never.",
    )(command)
    command = shared("--debug", is_flag=True, help="Show the traceback of an error.")(command)
    command = shared(
        "-q", "--quiet", is_flag=True, help="Only errors, the exit code, and what was asked for."
    )(command)
    return far_options(command)


def path_argument(command: F) -> F:
    """Take the checkpoint's path, in any spelling."""
    return click.argument("path", type=click.Path())(command)


def json_option(command: F) -> F:
    """Accept ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON.")(command)


def regex_option(command: F) -> F:
    """Accept ``--regex``."""
    return click.option(
        "--regex",
        is_flag=True,
        help="Read the patterns as regular expressions that match anywhere.",
    )(command)


def threads_option(command: F) -> F:
    """Accept ``--threads``."""
    return click.option(
        "--threads",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="Threads to use; 0, the default, is as many as useful.",
    )(command)


def cast_option(command: F) -> F:
    """Accept ``--cast``, any number of times; `read_casts` reads them."""
    return click.option(
        "--cast",
        "casts",
        metavar="[GLOB=]DTYPE",
        multiple=True,
        type=NameType(),
        help="Cast tensors; all floating-point ones, if no glob says which.",
    )(command)


def shard_option(command: F) -> F:
    """Accept ``--max-shard-bytes``, of commands that write `.safetensors`."""
    return click.option(
        "--max-shard-bytes",
        metavar="SIZE",
        type=SizeType(),
        help="Split safetensors into files of at most this size, such as 5GB or 500MiB; a larger "
        "tensor has one of its own.",
    )(command)


def dry_run_option(command: F) -> F:
    """Accept ``--dry-run``."""
    return click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")(
        command
    )


def writing_options(command: F) -> F:
    """Accept ``--force`` and ``--dry-run``, of commands that write a checkpoint."""
    force = click.option(
        "-f", "--force", is_flag=True, help="Replace a checkpoint that is at TARGET."
    )
    return force(dry_run_option(command))


class PrefixType(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # as below
    """The prefix of a checkpoint to be written: neither a directory nor one of its files."""

    name = "prefix"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what would be written beside, or under other names, than was meant."""
        path: str = os.fspath(value)
        if not path:
            self.fail("it is empty: give a prefix, such as 'model.ckpt'", param, ctx)
        if is_far(path) and not path.endswith("/") and spelled_prefix(path) is None:
            return path
        if os.path.isdir(path) or path.endswith(os.sep):
            inside = os.path.join(path, "model.ckpt")
            if os.path.isdir(os.path.join(path, VARIABLES)):
                inside = os.path.join(path, VARIABLES, VARIABLES)
            self.fail(f"{path!r} is a directory: give a prefix, such as {inside!r}", param, ctx)
        if (prefix := spelled_prefix(path)) is not None:
            self.fail(f"{path!r} names one file of a checkpoint: give {prefix!r}", param, ctx)
        return path


def target_argument(command: F) -> F:
    """Take the prefix of the checkpoint that is written."""
    return click.argument("target", type=PrefixType())(command)


class NameType(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.2
    """A tensor's name or pattern as typed: its bytes, whatever the locale calls them."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Decode the argument's bytes as names are decoded."""
        return as_text(os.fsencode(value))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names of tensors, where shells ask."""
        from .completion import complete_names

        return complete_names(ctx.params, incomplete)
