"""The programs of `programs/`, built by real TensorFlow in a process of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.arrays import read_arrays
from tests.freeze.programs.case import Case
from tests.freeze.programs.matrix import CASES
from tests.places import PROJECT

PROGRAMS = "tests.freeze.programs"
CASE_OF = {case.name: case for case in CASES}


def in_tensorflow(module: str, *arguments: str | Path, timeout_s: float = 300) -> None:
    """Run a worker of `programs/` to its end; its last words are raised where it does not end well.

    Raises:
        AssertionError: It did not end well.
    """
    result = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            f"tests.freeze.programs.{module}",
            *map(str, arguments),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert result.returncode == 0, result.stderr[-3000:]


@dataclass(frozen=True)
class Model:
    """What was built for one case."""

    case: Case
    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / self.case.model

    @property
    def ckpt(self) -> Path | None:
        return self.folder / self.case.ckpt if self.case.ckpt else None

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.folder / "built.json").read_text())
        assert "error" not in facts, facts["error"]
        return facts

    @property
    def outputs(self) -> list[str]:
        """The tensors whose values are expected; of a SavedModel the signature's keys."""
        outputs: list[str] = self.facts["outputs"]
        return outputs

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """`feeds`, what is `expected` of them, and `theirs`: what TensorFlow's frozen graph gave.

        Raises:
            FileNotFoundError: TensorFlow's freezer failed.
        """
        return read_arrays(self.folder / f"{name}.npz")


class Models(dict[str, Model]):
    """Every case by its name."""

    @classmethod
    def build(cls, folder: Path) -> "Models":
        in_tensorflow("worker", "build", folder)
        return cls({name: Model(case, folder / name) for name, case in CASE_OF.items()})
