"""Unfinished saves: parts that were never merged."""

from __future__ import annotations

import os
import re
import shlex
from typing import Final

from ..._format.filenames import INDEX_SUFFIX
from ..._look.amounts import format_count
from .symptom import Symptom

_PART: Final = re.compile(r"part-(\d+)-of-(\d+)\Z")
_FOLDER: Final = "_temp"


def unfinished(prefix: str) -> Symptom | None:
    """Tell of a save that was killed before its parts were merged.

    Args:
        prefix: Where the checkpoint should be; there is no index of it.
    """
    parts = _parts(prefix)
    if not parts:
        return None
    names = [_PART.search(part) for part in parts]
    count = max((int(name[2]) for name in names if name), default=len(parts))
    where = os.path.dirname(parts[0])
    target = prefix if len(parts) == count else prefix + "-salvaged"
    what = "a save was not finished: its parts were never merged"
    evidence = f"{format_count(len(parts), 'part')} in {where!r}"
    if len(parts) < count:
        what = "a save was not finished: some of its parts were never written"
        evidence = f"of {count} parts {len(parts)} are in {where!r}: the others' tensors are lost"
    command = f"tensorbundle merge {' '.join(map(shlex.quote, [*parts, target]))}"
    return Symptom(what, evidence, parts[0] + INDEX_SUFFIX, command)


def _parts(prefix: str) -> list[str]:
    """The prefixes of the parts in the folder that has the most of them.

    `tf.train.Checkpoint` calls it ``…_temp``; a Saver puts a random word behind that.
    """
    directory, base = os.path.split(prefix)
    try:
        names = sorted(os.listdir(directory or os.curdir))
    except OSError:
        return []
    found: list[str] = []
    for name in names:
        if name != base + _FOLDER and not name.startswith(f"{base}{_FOLDER}_"):
            continue
        folder = os.path.join(directory, name)
        parts = [
            os.path.join(folder, each[: -len(INDEX_SUFFIX)])
            for each in (sorted(os.listdir(folder)) if os.path.isdir(folder) else [])
            if each.endswith(INDEX_SUFFIX)
        ]
        found = max(found, parts, key=len)
    return found
