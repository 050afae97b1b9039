"""Mistaken files: pointers, links and pages in place of a file, and what gets it."""

from __future__ import annotations

import os
import shlex

from ..._locate.damage import FileKind, identify_file
from ..._locate.location import is_regular_file
from .archives import of_archive
from .symptom import Symptom, copying

_MOST_LINK = 4096


def mistaken(path: str) -> Symptom | None:
    """Tell of a file that is something else, and how the one that is meant is got."""
    if not is_regular_file(path):
        return None
    found = identify_file(path)
    if found is None:
        return None
    if found.kind is FileKind.ARCHIVE:
        return of_archive(path, found.phrase)
    command = _pointed_at(path) if found.kind is FileKind.POINTER else None
    return Symptom(f"{path!r} is {found.phrase}", "by its first bytes", path, command)


def _pointed_at(path: str) -> str | None:
    """The command that gets what a pointer points at."""
    with open(path, "rb") as file:
        head = file.read(_MOST_LINK)
    folder, base = os.path.split(path)
    inside = f"-C {shlex.quote(folder)} " if folder else ""
    if head.startswith((b"version https://git-lfs", b"version https://hawser")):
        return f"git {inside}lfs pull --include {shlex.quote(base)}"
    if b"annex/objects/" in head:
        return f"git {inside}annex get {shlex.quote(base)}"
    if head.startswith(b"outs:"):
        return f"dvc pull {shlex.quote(path)}"
    target = os.path.join(folder, os.fsdecode(head.strip()))
    if is_regular_file(target) and not os.path.samefile(target, path):
        return copying(target, path)
    return None
