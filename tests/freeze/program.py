"""The command line, called in this process: what it printed and how it ended."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tensorbundle.cli import program


def run(*arguments: str | Path, code: int = 0) -> Result:
    """Run a command line that must end with an exit code, by `SystemExit` and nothing else."""
    result = CliRunner().invoke(program, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def document(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
    """Run a command with `--json` and read what it wrote."""
    read: dict[str, Any] = json.loads(run(*arguments, "--json", code=code).stdout)
    return read
