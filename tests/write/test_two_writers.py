"""Two writers in one place: one of the two results, whole, and an error or a wait for the other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAVES = int(os.environ.get("SAVES", "60"))


@pytest.mark.parametrize("what", ["prefix", "managers"])
def test_two_writers_in_one_place_leave_whole_checkpoints(tmp_path: Path, what: str) -> None:
    script = Path(__file__).with_name("two_writers.py")
    command = [sys.executable, script, what, tmp_path, str(SAVES)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{2 * SAVES} saves, ")
    print(result.stdout, end="")
