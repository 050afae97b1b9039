"""Real TensorFlow for tests: a process of its own, so that this one never imports it."""

import os
import pickle
import subprocess
import sys
from typing import Any

from tests.places import PROJECT

WORKER = "tests.oracle.worker"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


class TensorFlowError(Exception):
    """What TensorFlow raised: its class and message.

    Attributes:
        where: The traceback of the other process.
    """

    def __init__(self, told: str, where: str = "") -> None:
        super().__init__(told)
        self.where = where


class _Plain(pickle.Unpickler):
    """Reads answers, which hold nothing that would bring TensorFlow into this process."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] in ("tensorflow", "keras", "tf_keras"):
            raise pickle.UnpicklingError(f"an answer holds a {module}.{name}: expected plain data")
        return super().find_class(module, name)


class Module:
    """The functions of a module of the tests, run in a process of TensorFlow."""

    def __init__(self, tensorflow: "TensorFlow", name: str) -> None:
        self._tensorflow = tensorflow
        self._name = name

    def __getattr__(self, function: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            return self._tensorflow.call(self._name, function, *arguments, **options)

        return call


class TensorFlow:
    """A process that calls functions of modules of the tests.

    What they leave behind (sessions, switches of TensorFlow's behaviour) stays until `stop`: those
    that change how TensorFlow behaves get a process of their own, by `in_tensorflow`.

    Args:
        environment: Variables of its environment, beside those of this process.
    """

    def __init__(self, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", WORKER],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **QUIET, **environment},
        )

    def call(self, module: str, function: str, /, *arguments: Any, **options: Any) -> Any:
        """Call a function there; arguments and result are plain data, paths and arrays.

        Raises:
            TensorFlowError: It raised.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        pickle.dump((module, function, arguments, options), stdin)
        stdin.flush()
        result, told = _Plain(stdout).load()
        if told is not None:
            raise TensorFlowError(*told)
        return result

    def module(self, name: str) -> Module:
        """The functions of a module, as methods of the same names."""
        return Module(self, name)

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()

    def __enter__(self) -> "TensorFlow":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def in_tensorflow(
    module: str, function: str, *arguments: Any, environment: dict[str, str] | None = None
) -> Any:
    """Call one function in a process of its own.

    Raises:
        TensorFlowError: It raised.
    """
    with TensorFlow(**(environment or {})) as tensorflow:
        return tensorflow.call(module, function, *arguments)
