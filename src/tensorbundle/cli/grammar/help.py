"""Help that is shown as it is written: a command's docstring, lines and all."""

from __future__ import annotations

import inspect

import click


class DocumentedCommand(click.Command):
    """A command whose docstring is its help; click would wrap its examples into prose."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the docstring, indented."""
        formatter.write_paragraph()
        for line in inspect.cleandoc(self.help or "").splitlines():
            formatter.write(f"  {line}".rstrip() + "\n")
