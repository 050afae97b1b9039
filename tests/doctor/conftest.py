"""Models that real TensorFlow makes for the tests of this folder, once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import PROJECT


class MadeModels:
    """A folder of models, and what a scan must find in each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-W", "ignore", "-m", "tests.doctor.hostile_models", str(folder)]
        subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
        self.cases: dict[str, list[str]] = json.loads((folder / "cases.json").read_text())


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeModels:
    """Models made by real TensorFlow; see `hostile_models`."""
    return MadeModels(tmp_path_factory.mktemp("made"))
