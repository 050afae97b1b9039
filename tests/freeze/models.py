"""The programs of `programs/`, built by real TensorFlow in a process of its own."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.arrays import read_arrays
from tests.freeze.programs.case import Case
from tests.freeze.programs.matrix import CASES
from tests.oracle import client

PROGRAMS = "tests.freeze.programs"
CASE_OF = {case.name: case for case in CASES}


def in_tensorflow(module: str, function: str, *arguments: Any) -> None:
    """Call a function of a module of `programs/` in a process of its own.

    Raises:
        TensorFlowError: It raised.
    """
    client.in_tensorflow(f"{PROGRAMS}.{module}", function, *arguments)


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
