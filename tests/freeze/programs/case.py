"""One case of the matrix: a program, how it is frozen, and what is expected of that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One program; checks are the letters of columns of freeze.md §11.

    Attributes:
        build: Module and function that build it, and the function's arguments.
        signature: Of a SavedModel; None for a graph of version 1.
        model: The file that is frozen, by its path in the case's folder.
        options: Of `freeze`.
        error: What it says in place of freezing.
        warnings: What each of its warnings says.
        mapping: Key of a variable, and how it was found.
    """

    name: str
    row: int
    build: str
    checks: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    signature: str | None = None
    model: str = "model.ckpt.meta"
    ckpt: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    warnings: tuple[str, ...] = ()
    mapping: Mapping[str, tuple[str, str]] = field(default_factory=dict)
