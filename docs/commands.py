"""Reference of the command, made from the commands themselves: a page of the site, a manual page.

``python -m docs.commands`` writes the manual page, ``docs/tensorbundle.1``, which is in the wheel.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from tensorbundle.cli import program

MANUAL = Path(__file__).with_name("tensorbundle.1")


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Each command with its name and the context that its help is made in."""
    parent = click.Context(program, info_name="tensorbundle", **program.context_settings)
    for name in program.list_commands(parent):
        command = program.commands[name]
        if not command.hidden:
            yield name, command, click.Context(command, info_name=name, parent=parent)


def usage(command: click.Command, context: click.Context) -> str:
    """``tensorbundle ls [OPTIONS] PATH [PATTERN]...``."""
    return " ".join([context.command_path, *command.collect_usage_pieces(context)])


def options(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    """Each option as it is written, and what it does."""
    params = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    records = (each.get_help_record(context) for each in params)
    return [record for record in records if record is not None]


def prose(command: click.Command) -> str:
    """What the command's help says before its options."""
    return inspect.cleandoc(command.help or "")


# --- a page of the site ---------------------------------------------------------------------------


def page() -> str:
    """The reference in Markdown."""
    lines = ["# Commands", "", *_fenced(prose(program)), ""]
    for name, command, context in commands():
        summary, _, rest = prose(command).partition("\n\n")
        lines += [f"## `{name}`", "", *_fenced(usage(command, context), "console"), ""]
        lines += [_escaped(" ".join(summary.split())), ""]
        if rest:
            lines += [*_fenced(rest), ""]
        lines += ["| option | |", "|---|---|"]
        lines += [f"| `{_cell(name)}` | {_cell(_escaped(text))} |" for name, text in
                  options(command, context)]  # fmt: skip
        lines.append("")
    return "\n".join(lines)


def _fenced(text: str, language: str = "text") -> list[str]:
    return [f"```{language}", text, "```"]


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "*_<>[]" else char for char in text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


# --- a manual page --------------------------------------------------------------------------------


def manual() -> str:
    """The reference as a manual page."""
    summary = prose(program).partition("\n")[0].rstrip(".")
    lines = [
        '.TH TENSORBUNDLE 1 "" tensorbundle "User Commands"',
        ".SH NAME",
        "tensorbundle \\- " + _roff(summary[0].lower() + summary[1:]),
        ".SH SYNOPSIS",
        ".B tensorbundle",
        "COMMAND [OPTIONS] PATH...",
        ".SH DESCRIPTION",
        *_as_it_is(prose(program)),
        ".SH COMMANDS",
    ]
    for name, command, context in commands():
        lines += [f".SS {name}", f".B {_roff(usage(command, context))}", ".PP"]
        lines += _as_it_is(prose(command))
        for option, text in options(command, context):
            lines += [".TP", f".B {_roff(option)}", _roff(text)]
    return "\n".join(lines) + "\n"


def _as_it_is(text: str) -> list[str]:
    return [".nf", *map(_roff, text.splitlines()), ".fi"]


def _roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in (".", "'") else text


if __name__ == "__main__":
    MANUAL.write_text(manual(), "utf-8")
