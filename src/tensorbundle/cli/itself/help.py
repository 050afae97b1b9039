"""``tensorbundle help``: the help of a command, or of them all."""

from __future__ import annotations

import click


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
