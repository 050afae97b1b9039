"""Exchanged files: shards, or index and shard, each under the other's name."""

from __future__ import annotations

import shlex

from ..._locate.damage import is_table
from .around import holds, ranges_by
from .symptom import Symptom


def exchanged_index(index: str, shards: dict[int, str]) -> Symptom | None:
    """Tell of an index and a shard that have each other's name."""
    for number, shard in shards.items():
        if is_table(shard) and (ranges := ranges_by(shard, number)) and holds(index, ranges):
            return Symptom(
                "index and shard have each other's name",
                f"{shard!r} is a table, and {index!r} has the tensors that it names",
                index,
                _turning({index: shard, shard: index}),
            )
    return None


def exchanged_shards(places: dict[str, str]) -> Symptom | None:
    """Tell of shards that have each other's names.

    Args:
        places: Shards whose tensors are in another's file, each with that file.
    """
    if not places or set(places) != set(places.values()):
        return None
    return Symptom(
        f"{len(places)} shards have each other's names",
        "; ".join(f"{file!r} has the tensors of {path!r}" for path, file in sorted(places.items())),
        min(places),
        _turning(places),
    )


def _turning(places: dict[str, str]) -> str:
    """The command that gives each file the right name: all aside first, so that none is lost."""
    aside = [f"mv -- {shlex.quote(path)} {shlex.quote(path + '.moved')}" for path in sorted(places)]
    back = [
        f"mv -- {shlex.quote(file + '.moved')} {shlex.quote(path)}"
        for path, file in sorted(places.items())
    ]
    return " && ".join([*aside, *back])
