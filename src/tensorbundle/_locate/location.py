"""Locations: the bundle, the table, or the set of tables of exactly one prefix.

Nothing is opened to find a V2 checkpoint, and its data shards are never listed; V1 files are known
by the magic at their end. A file that exists under the literal name wins over a pattern.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from .._format.filenames import (
    INDEX_SUFFIX,
    META_SUFFIX,
    split_data_path,
    split_shard_path,
    split_table_glob,
    split_table_path,
)
from ..errors import FormatError, MissingFileError
from .damage import FileKind, describe_mistaken, identify_file, is_table

SAVED_MODELS: Final = ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")
VARIABLES: Final = "variables"
_ABSENT: Final = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,  # a name with its suffix may be longer than the file system allows
    errno.ELOOP,
    errno.EINVAL,  # names that Windows cannot hold
)


Kind: TypeAlias = Literal[
    "v2", "v1", "graph", "npz", "npy", "safetensors", "hdf5", "torch", "arrays"
]


@dataclass(frozen=True, slots=True)
class Location:
    """Place of a checkpoint: what a path turned out to mean.

    Attributes:
        requested: The path as it was given.
        kind: ``"v2"`` (index and data shards), ``"v1"`` (tables), ``"graph"`` (a frozen graph), or
            a format of other programs: ``"npz"``, ``"npy"``, ``"safetensors"``, ``"hdf5"``,
            ``"torch"``; or
            ``"arrays"``, which lie in no file.
        prefix: The prefix; for V1 the file, the common start of the shards, or the glob; the file
            of a graph.
        index: The index file of a V2 checkpoint.
        files: The table files of a V1 checkpoint, sorted; the file of a graph or of tensors.
        meta: The graph saved beside the checkpoint, if there is one.
        state: The state file that named the checkpoint, if one did.
        saved_model: The SavedModel directory that the checkpoint belongs to, if any.
        notes: Sentences about choices that were made, for the user to read.
    """

    requested: str
    kind: Kind
    prefix: str
    index: str | None = None
    files: tuple[str, ...] = ()
    meta: str | None = None
    state: str | None = None
    saved_model: str | None = None
    notes: tuple[str, ...] = ()

    def absolute(self) -> Location:
        """Make the same of paths that hold in every folder: for processes that run in another."""
        return replace(
            self,
            prefix=_whole(self.prefix),
            index=self.index and _whole(self.index),
            files=tuple(map(_whole, self.files)),
            meta=self.meta and _whole(self.meta),
            state=self.state and _whole(self.state),
            saved_model=self.saved_model and _whole(self.saved_model),
        )


def _whole(path: str) -> str:
    # A prefix may end in a slash, which abspath would cut off: "dir/" is the name of no file in it.
    is_local = "://" not in path
    return os.path.join(os.getcwd(), path) if is_local else path


def bundle_at(
    requested: str, prefix: str, notes: tuple[str, ...], state: str | None = None
) -> Location | None:
    """The V2 checkpoint with exactly this prefix."""
    index = prefix + INDEX_SUFFIX
    if not is_regular_file(index):
        return None
    mode = file_mode(prefix)
    if stat.S_ISREG(mode) and prefix != state and is_table(prefix):
        notes += (f"both formats lie under the prefix {prefix!r}: V2 was taken",)
    elif stat.S_ISDIR(mode) and requested == prefix:
        notes += (_directory_note(prefix, index),)
    return Location(
        requested=requested,
        kind="v2",
        prefix=prefix,
        index=index,
        meta=find_meta(prefix),
        state=state,
        saved_model=saved_model_around(prefix),
        notes=notes,
    )


def _directory_note(prefix: str, index: str) -> str:
    name = prefix.rstrip(os.sep + (os.altsep or ""))
    if name == prefix:
        other = f"write {os.path.join(prefix, '')!r} for what the directory holds"
    else:
        other = f"write {name!r} for the checkpoint that the directory's state file names"
    return f"{prefix!r} is also a directory: the checkpoint {index!r} was taken; {other}"


def _tables(
    requested: str, prefix: str, files: list[str], notes: tuple[str, ...], state: str | None
) -> Location:
    """The V1 checkpoint made of these files."""
    for file in files:
        if not is_table(file):
            raise FormatError(f"not a checkpoint: {file!r} is {describe_mistaken(file)}", path=file)
    shard, pattern = split_table_path(prefix), split_table_glob(prefix)
    stem = shard[0] if shard else pattern[0] if pattern else prefix
    return Location(
        requested=requested,
        kind="v1",
        prefix=prefix,
        files=tuple(files),
        meta=find_meta(stem),
        state=state,
        notes=notes,
    )


def checkpoint_at(
    requested: str, prefix: str, notes: tuple[str, ...] = (), state: str | None = None
) -> Location | None:
    """The checkpoint of either format at a prefix."""
    if found := bundle_at(requested, prefix, notes, state):
        return found
    if prefix == state:
        return None
    if is_regular_file(prefix):
        if split_data_path(prefix):
            notes += (f"{prefix!r} is a whole V1 checkpoint, whatever its name says",)
        elif shard := split_table_path(prefix):
            notes += (f"only shard {shard[1]} of {shard[2]} was taken: write {shard[0]!r} for all",)
        return _tables(requested, prefix, [prefix], notes, state)
    stem, total = split_table_glob(prefix) or (prefix, None)
    if files := _table_shards(stem, total):
        return _tables(requested, prefix, files, notes, state)
    if files := _matches(prefix):
        return _tables(requested, prefix, files, notes, state)
    return _named_as_data(requested, prefix, notes, state)


def _named_as_data(
    requested: str, prefix: str, notes: tuple[str, ...], state: str | None
) -> Location | None:
    """The V1 checkpoint whose files are called as the data shards of a V2 one."""
    try:
        files = _table_shards(f"{prefix}.data", None, named_as_data=True)
    except MissingFileError:
        return None
    if not files or not all(is_table(file) for file in files):
        return None
    notes += (f"{files[0]!r} is a V1 checkpoint, whatever its name says",)
    found = _tables(requested, files[0], files, notes, state)
    return replace(found, meta=find_meta(prefix))


def graph_at(requested: str) -> Location | None:
    """The frozen graph or Magenta bundle that a file may be, told by what it holds."""
    found = identify_file(requested)
    if found is not None and found.kind is FileKind.BUNDLE:
        return Location(requested, "v1", requested, files=(requested,), meta=requested)
    if found is None or found.kind not in (FileKind.GRAPH, FileKind.GRAPH_TEXT):
        return None
    return Location(requested=requested, kind="graph", prefix=requested, files=(requested,))


def is_text_graph(path: str) -> bool:
    """Whether the file of a graph is text."""
    found = identify_file(path)
    return found is not None and found.kind is FileKind.GRAPH_TEXT


def _table_shards(stem: str, total: int | None, *, named_as_data: bool = False) -> list[str]:
    """All V1 shards of one checkpoint; TensorFlow does not notice when one is gone, we do."""
    directory, base = os.path.split(stem)
    try:
        names = os.listdir(directory or os.curdir)
    except (OSError, ValueError):
        return []
    sets: dict[int, dict[int, str]] = {}
    for name in names:
        shard = split_table_path(name)
        if (
            shard is None
            or shard[0] != base
            or (split_data_path(name) is not None) != named_as_data
        ):
            continue  # a V2 data shard looks like a V1 shard of "base.data"
        if shard[1] < shard[2] and total in (None, shard[2]):
            sets.setdefault(shard[2], {})[shard[1]] = os.path.join(directory, name)
    if len(sets) > 1:
        patterns = ", ".join(repr(f"{stem}-?????-of-{count:05d}") for count in sorted(sets))
        raise MissingFileError(f"several sets of shards at {stem!r}: name one of {patterns}")
    for count, shards in sets.items():
        if len(shards) != count:
            gone = next(number for number in range(count + 1) if number not in shards)
            raise MissingFileError(
                f"shard {gone:05d} of the V1 checkpoint {stem!r} is missing: "
                f"{len(shards)} of {count} are there",
                path=f"{stem}-{gone:05d}-of-{count:05d}",
            )
        return [shards[number] for number in sorted(shards)]
    return []


def shards_at(prefix: str, count: int) -> list[int]:
    """The numbers of the data shards of a V2 checkpoint that are there, in order.

    Args:
        prefix: Its prefix.
        count: How many its index says there are, of which any number may be there.
    """
    directory, base = os.path.split(prefix)
    try:
        names = os.listdir(directory or os.curdir)
    except OSError:
        return []
    found = (split_shard_path(name) for name in names if name.startswith(base))
    return sorted(each[1] for each in found if each and (each[0], each[2]) == (base, count))


def file_mode(path: str) -> int:
    """The mode of what a path leads to, or 0 when it leads to nothing."""
    try:
        return os.stat(path).st_mode
    except ValueError:  # a null character, which no file name holds
        return 0
    except OSError as error:
        if error.errno in _ABSENT:
            return 0
        raise


def is_regular_file(path: str) -> bool:
    """Whether a path leads to a regular file."""
    return stat.S_ISREG(file_mode(path))


def _matches(pattern: str) -> list[str]:
    """The regular files that match a glob; none for a plain name."""
    if "\0" in pattern or not any(mark in pattern for mark in "*?["):
        return []
    import glob

    return sorted(file for file in glob.glob(pattern) if is_regular_file(file))


def find_meta(prefix: str) -> str | None:
    """The graph saved beside a checkpoint, if there is one."""
    meta = prefix + META_SUFFIX
    return meta if is_regular_file(meta) else None


def is_saved_model(directory: str) -> bool:
    """Whether a directory holds the graph of a SavedModel."""
    return any(is_regular_file(os.path.join(directory, name)) for name in SAVED_MODELS)


def saved_model_around(prefix: str) -> str | None:
    """The SavedModel whose variables lie, or would lie, at a prefix."""
    directory, base = os.path.split(prefix)
    if base != VARIABLES or os.path.basename(directory) != VARIABLES:
        return None
    model = os.path.dirname(directory) or os.curdir
    return model if is_saved_model(model) else None
