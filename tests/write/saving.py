"""TensorFlow's own saving, in a process of its own, beside ours."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.places import PROJECT

WORKER = "tests.write.saving_worker"


class Oracle:
    """The orders of `saving_worker.py` as methods."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", WORKER],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __getattr__(self, order: str) -> Any:
        def call(*arguments: Any) -> Any:
            stdin, stdout = self._process.stdin, self._process.stdout
            assert stdin is not None
            assert stdout is not None
            pickle.dump((order, arguments), stdin)
            stdin.flush()
            answer, error = pickle.load(stdout)
            assert error is None, error
            return answer

        return call

    def stop(self) -> None:
        self._process.communicate()


def files(prefix: str | Path) -> dict[str, bytes]:
    """Everything whose name begins with the prefix, by the rest of the name."""
    prefix = Path(prefix)
    found = prefix.parent.glob("*")
    return {
        path.name.removeprefix(prefix.name): path.read_bytes()
        for path in found
        if path.name.startswith(prefix.name)
    }


def strings(*elements: bytes) -> np.ndarray[Any, Any]:
    array = np.empty(len(elements), object)
    array[:] = elements
    return array
