"""Symptom: one thing that is wrong, how that is known, what mends it."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that is wrong.

    Attributes:
        what: What is wrong.
        evidence: How that is known.
        path: The file concerned.
        command: What mends it, to be given to a shell; None where nothing here can.
    """

    what: str
    evidence: str
    path: str | None = None
    command: str | None = None


def copying(source: str, target: str) -> str:
    """Give the command that puts a copy of a file in another's place, a dead link's too."""
    command = f"cp -- {shlex.quote(source)} {shlex.quote(target)}"
    if os.path.islink(target):
        command = f"rm -- {shlex.quote(target)} && {command}"
    return command
