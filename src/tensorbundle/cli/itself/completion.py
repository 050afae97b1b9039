"""``tensorbundle completion``: the script that makes a shell complete commands and names."""

from __future__ import annotations

from typing import Final

import click

from ..grammar.help import DocumentedCommand

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
