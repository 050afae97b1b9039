"""Shells: ``tensorbundle completion bash|zsh|fish``, ``tensorbundle help``, completed names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from .help import DocumentedCommand

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_MOST: Final = 200  # names; of more, scopes are offered until one is chosen
_VARIABLE: Final = "_TENSORBUNDLE_COMPLETE"  # what click looks for in the environment


@click.command(cls=DocumentedCommand, short_help="Print the script that completes commands.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options, paths and tensor names.

    bash: put this into ~/.bashrc (bash 4.4 or newer)
      eval "$(tensorbundle completion bash)"
    zsh: put this into ~/.zshrc, after compinit
      eval "$(tensorbundle completion zsh)"
    fish: once
      tensorbundle completion fish > ~/.config/fish/completions/tensorbundle.fish
    """
    from click.shell_completion import get_completion_class

    program = ctx.find_root()
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"nothing is known of {shell}")
    complete = kind(program.command, {}, str(program.info_name), _VARIABLE)
    # Not its source(), which asks for a bash to tell its version.
    click.echo(complete.source_template % complete.source_vars())


@click.command("help", short_help="Show the help of a command.")
@click.argument("name", metavar="[COMMAND]", required=False)
@click.pass_context
def help_command(ctx: click.Context, name: str | None) -> None:
    """Show the help of a command, or of them all."""
    parent = ctx.find_root()
    if name is None:
        click.echo(parent.get_help())
        return
    group = parent.command
    command = group.get_command(parent, name) if isinstance(group, click.Group) else None
    if command is None:
        raise click.UsageError(f"no such command {name!r}", ctx=parent)
    with click.Context(command, info_name=name, parent=parent) as inner:
        click.echo(command.get_help(inner))


def complete_names(params: dict[str, Any], typed: str) -> list[CompletionItem]:
    """Names of tensors that begin as typed, in the checkpoint that the command line names.

    Nothing is told where there is none: completing is no place for errors.
    """
    from click.shell_completion import CompletionItem

    path = params.get("path") or params.get("path_a")
    if not path:
        return []
    from ..._checkpoint.opening import open as open_path
    from ...errors import TensorBundleError
    from ..terminal.spelling import spell

    try:
        with open_path(path) as checkpoint:
            names = [spell(name) for name in checkpoint]
    except (TensorBundleError, OSError):
        return []
    return [CompletionItem(name) for name in offered(names, typed)]


def offered(names: Iterable[str], typed: str) -> list[str]:
    """Names that begin as typed; of very many, how far each goes to its next slash."""
    found = [name for name in names if name.startswith(typed)]
    if len(found) <= _MOST:
        return found
    ends = (name.find("/", len(typed)) + 1 for name in found)
    scopes = dict.fromkeys(name[: end or len(name)] for name, end in zip(found, ends, strict=True))
    return [*scopes][:_MOST]
