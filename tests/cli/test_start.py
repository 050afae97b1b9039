"""Starting: a command loads what it needs, and nothing of the others."""

import subprocess
import sys

import pytest

import tensorbundle.cli as cli
from tests.golden.cases import DATA

HEAVY = ("importlib.metadata", "email", "socket", "secrets", "hashlib", "zipfile", "rich", "pickle")


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a process has when it has run a command."""
    code = (
        "import numpy, sys; before = set(sys.modules)\n"
        "from tensorbundle.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "sys.stderr.write(' '.join(set(sys.modules) - before))"
    )
    command = [sys.executable, "-c", code, *arguments]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stderr.split())


@pytest.mark.parametrize(
    ("arguments", "room"),
    [(["--version"], None), (["ls", str(DATA / "demo" / "model.ckpt-2000")], "checkpoints.ls")],
)
def test_a_command_loads_no_other_and_nothing_slow(arguments: list[str], room: str | None) -> None:
    loaded = loaded_by(*arguments)
    rooms = {f"tensorbundle.cli.{module}" for module, _ in cli._COMMANDS.values()}
    assert loaded & rooms == ({f"tensorbundle.cli.{room}"} if room else set())
    assert {name for name in HEAVY if name in loaded} == set()


def test_the_package_itself_loads_nothing_until_it_is_used() -> None:
    code = "import sys, tensorbundle; print('numpy' in sys.modules); tensorbundle.open"
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout == "False\n"


def test_every_command_has_the_name_of_its_entry() -> None:
    assert {name: each.name for name, each in cli.program.commands.items()} == {
        name: name for name in cli._COMMANDS
    }
