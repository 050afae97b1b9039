"""Real TensorFlow for tests: a process of its own, so that this one never imports it."""

import json
import subprocess
import sys
from typing import Any

from tests.places import PROJECT

WORKER = "tests.oracle.worker"


class TensorFlowError(Exception):
    """What TensorFlow raised: its class and message."""


class TensorFlow:
    """The commands of `worker.py`, as methods of the same names.

    Attributes:
        program: Programs of different names share the process, but no savers.
        clock: What TensorFlow is told the time is; None for the true one.
    """

    def __init__(self, process: "subprocess.Popen[str]", program: str = "") -> None:
        self.program = program
        self.clock: float | None = None
        self._process = process

    @classmethod
    def start(cls) -> "TensorFlow":
        """Start the process."""
        return cls(
            subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", WORKER],
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        )

    def running(self, program: str) -> "TensorFlow":
        """Another program in the same process."""
        return TensorFlow(self._process, program)

    def __getattr__(self, command: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            order = [self.program, self.clock, command, arguments, options]
            print(json.dumps(order, default=str), file=self._process.stdin, flush=True)
            answer = json.loads(self._process.stdout.readline())
            if "error" in answer:
                raise TensorFlowError(answer["error"])
            return answer["result"]

        return call

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()
