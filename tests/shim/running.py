"""Programs run by real TensorFlow, in its own process: what they print, and how they end."""

import contextlib
import io
import os
import runpy
import sys
from pathlib import Path

from tests.places import PROJECT

PROGRAMS = Path(__file__).parent / "programs"


def run(script: str, arguments: list[str], folder: str) -> tuple[int, str]:
    """Run a program as Python would.

    Returns:
        Its exit code and what it printed on stdout.
    """
    before = sys.argv
    printed = io.StringIO()
    sys.argv = [script, *arguments]
    os.chdir(folder)
    code = 0
    if "tensorflow" in sys.modules:  # a program before this one may have filled the default graph
        sys.modules["tensorflow"].compat.v1.reset_default_graph()
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
        os.chdir(PROJECT)  # the directory of before may be gone
    return code, printed.getvalue()
