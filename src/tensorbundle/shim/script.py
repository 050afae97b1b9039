"""Running a program with the stand-in in TensorFlow's place, as Python runs programs."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType

from ..errors import UnsupportedError
from .install import active

_OURS = (os.path.dirname(__file__), runpy.__file__)
_FAILED = 1


def run_script(
    script: str,
    arguments: Sequence[str] = (),
    *,
    as_module: bool = False,
    even_if_installed: bool = False,
) -> int:
    """Run a program to its end.

    Args:
        script: Its file; with ``as_module``, the name of a module, as ``python -m`` takes it.
        arguments: Its arguments.
        as_module: Whether it is a module.
        even_if_installed: As of `tensorbundle.shim.install`.

    Returns:
        Its exit code. What it raises is printed on stderr, as Python would.

    Raises:
        FileNotFoundError: There is no such file.
        UnsupportedError: As `tensorbundle.shim.install`.
    """
    if not as_module and not os.path.exists(script):
        raise FileNotFoundError(2, "no such script", script)
    with active(even_if_installed=even_if_installed):
        return _run(script, arguments, as_module=as_module)


def _run(script: str, arguments: Sequence[str], *, as_module: bool) -> int:
    before = sys.argv, sys.path[0]
    sys.argv = [script, *arguments]
    # As Python does: the folder of a script, or the one that a module is started in.
    sys.path[0] = os.getcwd() if as_module else os.path.dirname(os.path.abspath(script))
    try:
        if as_module:
            runpy.run_module(script, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        return _exit_code(end)
    except Exception as error:
        traceback.print_exception(type(error), error, _without_us(error.__traceback__))
        return _FAILED
    finally:
        sys.argv, sys.path[0] = before
    return 0


def _exit_code(end: SystemExit) -> int:
    """The exit code of a program that ended itself; what is no number is its last word."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    print(end.code, file=sys.stderr)
    return _FAILED


def _without_us(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from the program on."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(("<frozen", *_OURS)):
        trace = trace.tb_next
    return trace


def main(arguments: Sequence[str]) -> int:
    """Run the command line ``[--even-if-installed] [-m] SCRIPT ARGUMENTS…``; give its exit code."""
    left = list(arguments)
    options = {"--even-if-installed": False, "-m": False}
    while left and left[0] in options:
        options[left.pop(0)] = True
    if not left:
        print(f"usage: python -m {__package__} [{'] ['.join(options)}] SCRIPT …", file=sys.stderr)
        return 2
    try:
        return run_script(
            left[0],
            left[1:],
            as_module=options["-m"],
            even_if_installed=options["--even-if-installed"],
        )
    except (OSError, UnsupportedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
