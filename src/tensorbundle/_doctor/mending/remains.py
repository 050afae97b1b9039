"""Remains of a checkpoint: which of its files are there, and what else may know of it."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from ..._format.filenames import INDEX_SUFFIX, META_SUFFIX, split_data_path
from ..._locate.checkpoints import locate
from ..._locate.location import find_meta, is_regular_file
from ..._locate.neighbours import checkpoints_in
from ...errors import FormatError, TensorBundleError
from .layouts import names_saved_by

_MOST_SIBLINGS = 10


@dataclass(frozen=True)
class Remains:
    """The files of a damaged checkpoint.

    Attributes:
        prefix: Its prefix.
        index: The index of a V2 checkpoint; None if it is gone.
        shards: The data shards that are there, by number.
        num_shards: How many there are by their names.
        tables: The files of a V1 checkpoint; then there is nothing else.
    """

    prefix: str
    index: str | None
    shards: dict[int, str]
    num_shards: int
    tables: tuple[str, ...] = ()

    @property
    def meta(self) -> str | None:
        """The graph beside it."""
        return find_meta(self.prefix)

    @cached_property
    def siblings(self) -> tuple[str, ...]:
        """Prefixes of other checkpoints in the directory, the newest first."""
        directory, base = os.path.split(self.prefix)
        names = [name for name in checkpoints_in(directory) if name != base]
        return tuple(os.path.join(directory, name) for name in names[:_MOST_SIBLINGS])

    @cached_property
    def known_names(self) -> frozenset[str]:
        """Names of tensors that the graph or siblings know."""
        from ..._checkpoint.opening import open as open_checkpoint

        names = set(names_saved_by(self.meta)) if self.meta else set()
        for sibling in self.siblings:
            try:
                names.update(open_checkpoint(sibling))
            except TensorBundleError:
                continue
        return frozenset(names)


def remains_at(path: str) -> Remains:
    """Find what is left of the checkpoint that a path means.

    Raises:
        MissingFileError: Nothing is; the message says what is there.
        FormatError: It is something else.
    """
    try:
        location = locate(path)
    except TensorBundleError as error:
        found = _leftovers(path)
        if found is None:
            raise
        if found.index is None and not found.shards and not found.tables:
            raise error from None
        return found
    if location.kind == "graph":
        raise FormatError(
            f"not a checkpoint: {path!r} is a graph, whose constants have no checksums", path=path
        )
    if location.kind == "v1":
        return Remains(location.prefix, None, {}, 0, location.files)
    return _bundle(location.prefix)


def _bundle(prefix: str) -> Remains:
    directory, base = os.path.split(prefix)
    try:
        names = os.listdir(directory or os.curdir)
    except OSError:
        names = []
    sets: dict[int, dict[int, str]] = {}
    for name in names:
        if split_data_path(name) != base:
            continue
        numbers = name.rpartition(".data-")[2].split("-of-")
        shard, count = map(int, numbers)
        path = os.path.join(directory, name)
        if shard < count and is_regular_file(path):
            sets.setdefault(count, {})[shard] = path
    index = prefix + INDEX_SUFFIX
    has_index = is_regular_file(index)
    total = _stated_shards(index) if has_index else None
    if total is None and sets:  # the set that is complete, or the largest
        total = max(sets, key=lambda n: (len(sets[n]) == n, len(sets[n])))
    return Remains(prefix, index if has_index else None, sets.get(total or 0, {}), total or 1)


def _stated_shards(index: str) -> int | None:
    """The number of shards by the index, if it can say so."""
    from ... import _core

    try:
        return _core.Index(_core.File(index)).num_shards
    except TensorBundleError:
        return None


def _leftovers(path: str) -> Remains | None:
    """A checkpoint that cannot be opened as such: no index, or one that is no table any more."""
    if os.path.isdir(path):
        names = sorted(os.listdir(path))
        bases = Counter(base for name in names if (base := split_data_path(name)) is not None)
        return _bundle(os.path.join(path, next(iter(bases)))) if len(bases) == 1 else None
    for suffix in (INDEX_SUFFIX, META_SUFFIX):
        if path.endswith(suffix):
            return _bundle(path[: -len(suffix)])
    if (prefix := split_data_path(path)) is not None:
        return _bundle(prefix)
    if is_regular_file(path):
        return Remains(path, None, {}, 0, (path,))
    return _bundle(path)
