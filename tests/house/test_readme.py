"""The README is run: what it shows is what comes out."""

import doctest
import os
import re
import shlex
import subprocess
import sys

import pytest

from tests.places import PROJECT

README = (PROJECT / "README.md").read_text("utf-8")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Each command of the console blocks with the output that is shown for it."""
    shown = "".join(blocks("console"))
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", shown, re.MULTILINE)


def test_python_session_shows_what_is_printed(monkeypatch):
    monkeypatch.chdir(PROJECT)
    [session] = blocks("pycon")
    test = doctest.DocTestParser().get_doctest(session, {}, "README", "README.md", 0)
    output: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=output.append)
    assert result.attempted > 5
    assert result.failed == 0, "".join(output)


@pytest.mark.parametrize(("command", "shown"), commands(), ids=lambda text: text[:40])
def test_command_prints_what_is_shown(command, shown):
    program, *arguments = shlex.split(command)
    assert program == "tensorbundle"
    (PROJECT / "build").mkdir(exist_ok=True)
    ran = subprocess.run(
        [sys.executable, "-m", "tensorbundle", *arguments],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )
    assert doctest.OutputChecker().check_output(shown, ran.stdout, doctest.ELLIPSIS), ran


def test_every_file_that_is_named_exists():
    for path in re.findall(r"\]\(([^#)][^)]*)\)", README):
        assert (PROJECT / path).exists(), path
