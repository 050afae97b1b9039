"""Help that is shown as it is written: a command's docstring, lines and all."""

from __future__ import annotations

import inspect

import click


class StoreOption(click.Option):
    """An option of stores, which every command has: a group of its own at the end of the help."""

    @property
    def line(self) -> tuple[str, str]:
        """How it is written, and what it is for."""
        metavar = "" if self.is_flag else f" {self.metavar}"
        return f"{self.opts[0]}{metavar}", self.help or ""


class DocumentedCommand(click.Command):
    """A command whose docstring is its help; click would wrap its examples into prose."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the docstring, indented."""
        formatter.write_paragraph()
        for line in inspect.cleandoc(self.help or "").splitlines():
            formatter.write(f"  {line}".rstrip() + "\n")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then those of stores."""
        super().format_options(ctx, formatter)
        lines = [each.line for each in self.params[::-1] if isinstance(each, StoreOption)]
        if lines:
            with formatter.section("Options for addresses (s3://, gs://, az://, https://)"):
                formatter.write_dl(lines)
