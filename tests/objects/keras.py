"""Real TensorFlow and both Keras for tests of editing: a process, and what it has saved."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracle.client import TensorFlow

PROGRAMS = "tests.objects.keras_programs"


class Keras:
    """The commands of `keras_programs.py`, as methods of the same names."""

    def __init__(self) -> None:
        self._tensorflow = TensorFlow()

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            given = [str(each) if isinstance(each, Path) else each for each in arguments]
            return self._tensorflow.call(PROGRAMS, "command", name, *given, **options)

        return call


@functools.cache
def tensorflow() -> Keras:
    """One process for all tests; it ends with them, when its input does."""
    return Keras()


@functools.cache
def samples() -> Path:
    """A folder of checkpoints by TensorFlow 1, Keras 2, Keras 3 and a tf.Module."""
    folder = Path(tempfile.mkdtemp(prefix="tensorbundle-samples-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tensorflow().make(folder)
    return folder


def weights(name: str) -> list[np.ndarray[Any, Any]]:
    """The weights that the model of a sample had."""
    with np.load(samples() / f"{name}.npz") as archive:
        return [archive[key] for key in archive.files]


def assert_weights(found: list[Any], name: str) -> None:
    """Compare weights that TensorFlow restored with those of a sample's model."""
    expected = weights(name)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.float32(one), other, rtol=1e-6)
