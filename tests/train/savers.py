"""TensorFlow's savers and managers as a program beside ours."""

import os
from typing import Any

from tests.oracle.client import TensorFlow

PROGRAMS = "tests.train.programs"


class Savers:
    """The commands of a program of `programs.py`, as methods of the same names.

    Attributes:
        program: Programs of different names share the process, but no savers.
        clock: What TensorFlow is told the time is; None for the true one.
    """

    def __init__(self, oracle: TensorFlow, program: str = "") -> None:
        self.program = program
        self.clock: float | None = None
        self._oracle = oracle

    def running(self, program: str) -> "Savers":
        """Another program in the same process."""
        return Savers(self._oracle, program)

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            given = [
                os.fspath(each) if isinstance(each, os.PathLike) else each for each in arguments
            ]
            return self._oracle.call(
                PROGRAMS, "command", self.program, self.clock, name, *given, **options
            )

        return call
