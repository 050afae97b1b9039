"""Failures of the command: exit codes, and every error as one line on stderr.

0    fine
1    the check failed: a checksum, a fault, a difference
2    wrong use, or input that cannot be read
129  hung up (SIGHUP): undone like an interruption
130  interrupted
141  whoever read the output closed it (as ``head`` does)
143  terminated (SIGTERM): undone like an interruption
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from types import FrameType, MappingProxyType
from typing import Any, Final, NoReturn

import click

from ..._format.wording import in_command
from ...errors import ChecksumError, CompatibilityWarning, LeftOutWarning, TensorBundleError
from ..terminal.console import PROGRAM, Console
from .help import DocumentedCommand

CHECK_FAILED: Final = 1
UNREADABLE: Final = 2
_PIPE_CLOSED: Final = 141
_SIGNALLED: Final = 128
_NO_ROOMS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({})
_COMMANDS_IN: Final = "tensorbundle.cli"
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def exit_code_of(error: Exception) -> int:
    """The exit code that an error of the library or the system ends in."""
    return CHECK_FAILED if isinstance(error, ChecksumError) else UNREADABLE


class _Stopped(BaseException):
    """A signal that ends the program, on its way through everything that tidies up after itself."""


@contextlib.contextmanager
def _unwinding() -> Iterator[list[int]]:
    """Have the signals that end programs raise, so that files in the making are removed.

    Yields where the number of the one that came is noted: an exception may arrive as another,
    as when an archive that is closed on the way complains of the member it was in.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        for each in _ENDING:  # once is enough: what unwinds is not to be cut short
            signal.signal(each, signal.SIG_IGN)
        # Nor to be commented on: what is collected half made has nothing to say to who ended it.
        sys.unraisablehook = lambda unraisable: None
        received.append(number)
        raise _Stopped

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {each: signal.getsignal(each) for each in _ENDING}
    for each, handler in before.items():
        if handler in (signal.SIG_DFL, signal.default_int_handler):  # nohup's ignored ones stay so
            signal.signal(each, stop)
    try:
        yield received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _Rooms(MutableMapping[str, click.Command]):
    """Commands by name, each loaded from its room when it is asked for."""

    def __init__(self, rooms: Mapping[str, tuple[str, str]]) -> None:
        self._rooms = dict(rooms)
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module, attribute = self._rooms[name]
            room = importlib.import_module(f"{_COMMANDS_IN}.{module}")
            self._loaded[name] = getattr(room, attribute)
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._rooms.setdefault(name, ("", ""))
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._rooms[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rooms)

    def __len__(self) -> int:
        return len(self._rooms)


class Program(DocumentedCommand, click.Group):
    """A group of commands, in the order of their table, whose errors are one line each."""

    def __init__(
        self, *args: Any, rooms: Mapping[str, tuple[str, str]] = _NO_ROOMS, **extra: Any
    ) -> None:
        super().__init__(*args, **extra)
        self.commands = _Rooms(rooms)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, not sorted."""
        return list(self.commands)

    def main(  # type: ignore[override]  # always ends the process, as the standalone mode does
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command line and exit."""
        console = Console()
        received: list[int] = []
        try:
            with _unwinding() as received:
                code = super().main(
                    args, prog_name or PROGRAM, standalone_mode=False, obj=console, **extra
                )
        except BaseException as error:
            if received:
                code = _SIGNALLED + received[0]
            elif isinstance(error, click.Abort):  # a question left unanswered
                code = _SIGNALLED + signal.SIGINT
            elif isinstance(error, click.ClickException):
                console.error(_describe_misuse(error))
                code = UNREADABLE
            elif isinstance(error, (TensorBundleError, OSError, MemoryError)):
                if console.debug:
                    traceback.print_exc()
                console.error(describe(error))
                code = exit_code_of(error)
            else:
                raise
        sys.exit(code)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a closed pipe ends it quietly, and warnings are notes."""
        try:
            with _warnings_as_notes(ctx.obj):
                result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is still buffered has no reader; Python would complain of it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(_PIPE_CLOSED)
        return result


@contextmanager
def _warnings_as_notes(console: Console) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as found:
        for kind in (CompatibilityWarning, LeftOutWarning):
            warnings.simplefilter("always", kind)
        try:
            yield
        finally:
            for each in found:
                if isinstance(each.message, (CompatibilityWarning, LeftOutWarning)):
                    console.note(in_command(each.message.args[0]))
                else:
                    sys.stderr.write(
                        warnings.formatwarning(
                            each.message, each.category, each.filename, each.lineno
                        )
                    )


def describe(error: Exception) -> str:
    """One line for an error."""
    if isinstance(error, OSError) and not isinstance(error, TensorBundleError) and error.strerror:
        where = f": {error.filename}" if error.filename is not None else ""
        return f"{error.strerror[0].lower()}{error.strerror[1:]}{where}"
    if isinstance(error, TensorBundleError):
        error.message = in_command(error.message)
    if isinstance(error, MemoryError):
        return "out of memory"
    from ..._write.staging import TargetExistsError  # which most commands never raise

    if isinstance(error, TargetExistsError):
        return in_command(error.message)
    return str(error) or type(error).__name__


def _describe_misuse(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    message = message[:1].lower() + message[1:]
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return message
    hint = f"see '{context.command_path} --help'"
    if isinstance(error, click.NoSuchOption) and not error.option_name.startswith("--"):
        hint = f"a path that begins with '-' goes after '--'; {hint}"
    return f"{message} ({hint})"
