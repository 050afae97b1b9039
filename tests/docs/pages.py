"""Pages of the documentation, run from top to end: code, sessions, commands and their output."""

import doctest
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from tensorbundle.cli import program
from tests.golden.cases import DATA
from tests.places import PROJECT

DOCS = PROJECT / "docs"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
_BLOCK = re.compile(r"^```(python|pycon|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NEEDS = re.compile(r"^<!-- needs: (.*) -->$", re.MULTILINE)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


class Block(NamedTuple):
    """A block of a page.

    Attributes:
        line: Where it begins.
        language: ``python``, ``pycon`` or ``console``.
        text: It.
    """

    line: int
    language: str
    text: str


class Page:
    """A page that can be run in the current folder."""

    def __init__(self, path: Path) -> None:
        self.name = str(path.relative_to(DOCS))
        self._text = path.read_text("utf-8")

    @property
    def needs(self) -> set[str]:
        """What it says that it needs: ``run``, a trained program; else packages."""
        found = _NEEDS.search(self._text)
        return set(found[1].split()) if found else set()

    @property
    def blocks(self) -> list[Block]:
        """All that is run of it."""
        return [
            Block(self._text.count("\n", 0, each.start()) + 2, each[1], each[2])
            for each in _BLOCK.finditer(self._text)
        ]

    def run(self) -> None:
        """Run it; AssertionError says where what came out is not what is shown."""
        if "run" in self.needs:
            shutil.copytree(DATA / "demo", "run")
        names: dict[str, Any] = {"__name__": "page"}
        for block in self.blocks:
            if block.language == "python":
                lines = "\n" * (block.line - 1)
                exec(compile(lines + block.text, self.name, "exec"), names)
            elif block.language == "pycon":
                self._run_session(block, names)
            else:
                self._run_commands(block)

    def _run_session(self, block: Block, names: dict[str, Any]) -> None:
        test = doctest.DocTestParser().get_doctest(
            block.text, {}, self.name, str(DOCS / self.name), block.line - 1
        )
        test.globs = names
        output: list[str] = []
        runner = doctest.DocTestRunner(optionflags=FLAGS)
        result = runner.run(test, out=output.append, clear_globs=False)
        assert result.attempted
        assert not result.failed, "".join(output)

    def _run_commands(self, block: Block) -> None:
        commands = _COMMAND.findall(block.text)
        assert commands, f"{self.name}:{block.line}: no command in {block.text!r}"
        for command, shown in commands:
            name, *arguments = shlex.split(command)
            assert name == "tensorbundle", command
            spread = [path for each in arguments for path in _spread(each)]
            result = CliRunner().invoke(program, spread, env={"COLUMNS": "200"})
            where = f"{self.name}:{block.line}: {command}\n"
            assert result.exit_code == (1 if _says_failed(arguments) else 0) or "error:" in shown, (
                where + result.output
            )
            checker = doctest.OutputChecker()
            wanted = shown.replace("<BLANKLINE>", "")
            assert checker.check_output(wanted, result.output, doctest.ELLIPSIS), (
                f"{where}expected:\n{wanted}found:\n{result.output}"
            )


def _spread(argument: str) -> list[str]:
    """What a shell makes of an argument that was not in quotes."""
    found = sorted(map(str, Path().glob(argument))) if argument.endswith("*.index") else []
    return [each for each in found if os.path.exists(each)] or [argument]


def _says_failed(arguments: list[str]) -> bool:
    return arguments[0] in ("verify", "doctor") and arguments[-1] == "run/model.ckpt-7"


PAGES = {page.name: page for path in sorted(DOCS.rglob("*.md")) for page in [Page(path)]}
