"""Models: files of a SavedModel that are pointers, or lie a folder too high."""

from __future__ import annotations

import os
import shlex

from ..._format.filenames import split_data_path
from ..._locate.location import SAVED_MODELS, VARIABLES, is_regular_file
from .mistaken import mistaken


def of_model(kind: str, path: str | None) -> str | None:
    """Give the command that mends a fault of a graph, if there is one.

    Args:
        kind: Of the fault.
        path: The file with the fault.
    """
    if path is None or not is_regular_file(path):
        return None
    if kind == "variable" and os.path.basename(path) in SAVED_MODELS:
        return _bring_in(os.path.dirname(path))
    symptom = mistaken(path)
    return None if symptom is None else symptom.command


def _bring_in(directory: str) -> str | None:
    """The command that moves the values from beside the graph to where they belong."""
    folder = os.path.join(directory, VARIABLES)
    names = sorted(os.listdir(directory or os.curdir))
    files = [
        os.path.join(directory, name)
        for name in names
        if name == f"{VARIABLES}.index" or split_data_path(name) == VARIABLES
    ]
    if os.path.exists(folder) or len(files) < 2:
        return None
    moved = " ".join(map(shlex.quote, files))
    return f"mkdir {shlex.quote(folder)} && mv -- {moved} {shlex.quote(folder)}"
