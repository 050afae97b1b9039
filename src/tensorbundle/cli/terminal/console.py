"""Console: results on stdout, remarks on stderr, colour on terminals.

Nothing else in the package writes. Text goes through the streams' own buffers, so a million lines
cost what their bytes cost.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import click

from ..._format.names import as_bytes
from ..._format.wording import in_command
from ..._printable import printable
from .spelling import spell

PROGRAM = "tensorbundle"


@dataclass
class Console:
    """The terminal, pipe or file that a command writes to.

    Attributes:
        color: What ``--color`` asked for.
        debug: Whether errors show their traceback.
        quiet: Whether only what was asked for is written: no notes, no progress, and no words of
            what was done or found where the exit code says it.
    """

    color: Literal["auto", "always", "never"] = "auto"
    debug: bool = False
    quiet: bool = False

    @functools.cached_property
    def on_terminal(self) -> bool:
        """Whether somebody watches stdout."""
        return sys.stdout.isatty()

    @functools.cached_property
    def watched(self) -> bool:
        """Whether a progress bar has a place: somebody watches, and nothing is redirected."""
        return (
            not self.quiet
            and self.on_terminal
            and sys.stderr.isatty()
            and os.environ.get("TERM") != "dumb"
        )

    @functools.cached_property
    def width(self) -> int | None:
        """Columns of the terminal; None when the output is not one, and lines may be long."""
        return shutil.get_terminal_size().columns if self.on_terminal else None

    @functools.cached_property
    def encoding(self) -> str:
        """The encoding of stdout."""
        return sys.stdout.encoding or "ascii"

    @functools.cached_property
    def draws_lines(self) -> bool:
        """Whether tree lines may be drawn."""
        return self.on_terminal and self.encoding.lower().startswith("utf")

    @functools.cached_property
    def is_colored(self) -> bool:
        """Whether stdout takes colour."""
        return self.has_color(sys.stdout)

    def has_color(self, stream: TextIO) -> bool:
        """Whether a stream takes colour: terminals do, unless NO_COLOR or TERM=dumb says no."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return False
        return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()

    def style(self, text: str, **style: Any) -> str:
        """Colour text for stdout; plain where there is no colour."""
        return click.style(text, **style) if self.is_colored else text

    def spell(self, name: str) -> str:
        """A tensor's name in what stdout can show."""
        return spell(name, self.encoding)

    def line(self, text: str = "") -> None:
        """Write one line of the result."""
        sys.stdout.write(_encodable(text, sys.stdout) + "\n")

    def name(self, name: str, *, null: bool = False) -> None:
        """Write a name by itself: spelled on a line, or its bytes and a NUL."""
        if not null:
            self.line(self.spell(name))
            return
        sys.stdout.flush()
        sys.stdout.buffer.write(as_bytes(name) + b"\0")

    def say(self, text: str = "") -> None:
        """Write one line of what was done or found, which ``--quiet`` leaves to the exit code."""
        if not self.quiet:
            self.line(text)

    def remark(self, label: str, text: str, **style: Any) -> None:
        """Write one line on stderr: ``tensorbundle: label: text``."""
        sys.stdout.flush()  # so that both streams keep their order on one terminal
        head = f"{label}:"
        if style and self.has_color(sys.stderr):
            head = click.style(head, **style)
        text = printable(" ".join(in_command(text).split("\n")))
        sys.stderr.write(f"{PROGRAM}: {head} {_encodable(text, sys.stderr)}\n")

    def note(self, text: str) -> None:
        """Tell of a choice that was made for the user."""
        if not self.quiet:
            self.remark("note", text, fg="cyan")

    def error(self, text: str) -> None:
        """Tell why something was not done."""
        self.remark("error", text, fg="red", bold=True)


def _encodable(text: str, stream: TextIO) -> str:
    """Text without what a stream would refuse (paths and messages hold any file name)."""
    if text.isascii():
        return text
    encoding = stream.encoding or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)
