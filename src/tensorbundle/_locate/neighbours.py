"""Neighbours of a path without a checkpoint: the second half of a helpful error.

Only looked at when something is missing, so it may list directories, which reading never does.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Final

from .._format.filenames import (
    INDEX_SUFFIX,
    META_SUFFIX,
    split_data_path,
    split_shard_path,
    split_table_path,
)
from .damage import is_table

_LISTED: Final = 10
_TABLES_TRIED: Final = 1000  # files whose end is read when a directory holds no index
_COMPARED: Final = 1000  # names that are compared for likeness, which is slow
_COPY_MARK: Final = re.compile(r" ?\(\d+\)| - Copy|-copy|_copy| copy")
# Shards whose names lost a dot or more on their way: `m_data-00000-of-00001`, `m.data`.
_SHARD_LIKE: Final = re.compile(
    r"[._-]data(?:[._-](\d{5})[._-]of[._-](\d{5}))?(?:\.\w{1,5})?$", re.I
)
_APPLE_DOUBLE: Final = "._"
_ARCHIVES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")


def checkpoints_in(directory: str) -> list[str]:
    """Base names of the checkpoints in a directory, newest first.

    Args:
        directory: An existing directory; the empty string is the current one.

    Returns:
        The V2 checkpoints; when there are none, the V1 ones, shards of one counted once.

    Raises:
        OSError: The directory cannot be listed.
    """
    with os.scandir(directory or os.curdir) as found:
        names = [entry.name for entry in found if not entry.name.startswith(_APPLE_DOUBLE)]
    times: dict[str, float] = {}
    for name in names:
        if name.endswith(INDEX_SUFFIX) and (changed := _changed(directory, name)) is not None:
            times[name.removesuffix(INDEX_SUFFIX)] = changed
    if not times:
        for name in names[:_TABLES_TRIED]:
            changed = _changed(directory, name)
            if changed is not None and _is_readable_table(os.path.join(directory, name)):
                shard = split_table_path(name)
                times[split_data_path(name) or (shard[0] if shard else name)] = changed
    return sorted(times, key=lambda name: (-times[name], name))


def stand_ins(path: str) -> list[str]:
    """Names beside a missing data shard that may be that very file, the likeliest first.

    Args:
        path: The shard's path; it is not there.

    Returns:
        Copies and unfinished downloads (``… (1)``, ``….part``), shards of another count under the
        same prefix, and shards of this number under prefixes without an index.
    """
    directory, base = os.path.split(path)
    shard = split_shard_path(base)
    try:
        names = sorted(os.listdir(directory or os.curdir))
    except OSError:
        return []
    if shard is None:
        return []
    copies, counts, others = [], [], []
    for name in names:
        found = split_shard_path(name)
        if found is None and (_is_copy_of(name, base) or _is_spelled_like(name, base)):
            copies.append(name)
        elif found is not None and found[0] == shard[0] and found[2] != shard[2]:
            counts.append(name)
        elif found is not None and found[1:] == shard[1:] and found[0] + INDEX_SUFFIX not in names:
            others.append(name)
    return copies + counts + others


def _is_spelled_like(name: str, base: str) -> bool:
    """Whether a shard's name lost or changed what separates its parts."""
    found = _SHARD_LIKE.search(name)
    if found is None:
        return False
    number, count = found[1] or "00000", found[2] or "00001"
    return f"{name[: found.start()]}.data-{number}-of-{count}".lower() == base.lower()


def copies_of(path: str) -> list[str]:
    """Names beside a missing file that are its name with what browsers and editors put into it."""
    directory, base = os.path.split(path)
    try:
        names = sorted(os.listdir(directory or os.curdir))
    except OSError:
        return []
    return [name for name in names if _is_copy_of(name, base)]


def _is_copy_of(name: str, base: str) -> bool:
    """Whether a name is another with what browsers and editors put into or behind it."""
    plain = _COPY_MARK.sub("", name)
    return plain.lower() == base.lower() or (name.startswith(base) and ".tempstate" not in name)


def _changed(directory: str, name: str) -> float | None:
    """When a regular file was changed; None for anything else, such as a link to itself."""
    try:
        found = os.stat(os.path.join(directory, name))
    except OSError:
        return None
    return found.st_mtime if stat.S_ISREG(found.st_mode) else None


def list_names(names: list[str]) -> str:
    """Up to ten names for a message, quoted, with the count of the rest."""
    rest = len(names) - _LISTED
    return ", ".join(map(repr, names[:_LISTED])) + (f" and {rest} more" if rest > 0 else "")


def describe_absence(prefix: str) -> str:
    """Say what was looked for at a prefix, and what is there instead.

    Args:
        prefix: A path at which there is neither a V2 nor a V1 checkpoint.

    Returns:
        A sentence for an error message.

    Example:
        >>> describe_absence("no/such/model.ckpt")
        "no checkpoint at 'no/such/model.ckpt': the directory 'no/such' does not exist"
    """
    directory, base = os.path.split(prefix)
    start = f"no checkpoint at {prefix!r}: "
    if "://" in prefix:
        return start + "it is a remote address, and only local files are read: copy it here first"
    plain = prefix.rstrip(os.sep)
    if not base and os.path.isfile(plain + INDEX_SUFFIX):
        return start + f"{plain!r} is one, without a slash at its end"
    if not os.path.isdir(directory or os.curdir):
        problem = "is not a directory" if os.path.lexists(directory) else "does not exist"
        return start + f"the directory {directory!r} {problem}"
    wanted = f"neither {base + INDEX_SUFFIX!r} (V2) nor a table {base!r} (V1) exists"
    return start + "; ".join([wanted, *findings(directory, base)])


def findings(directory: str, base: str) -> list[str]:
    """Say what is in a directory of a missing checkpoint, or else in its place.

    Args:
        directory: An existing directory; the empty string is the current one.
        base: The base name of the checkpoint.

    Returns:
        Phrases for an error message; at least one.

    Raises:
        OSError: The directory cannot be listed.
    """
    names = sorted(os.listdir(directory or os.curdir))
    return _leftovers(directory, base, names) + _others(directory, base, names)


def describe_directory(directory: str) -> str:
    """Say what is in a directory that holds no checkpoint.

    Args:
        directory: An existing directory.

    Returns:
        A sentence for an error message.

    Raises:
        OSError: The directory cannot be listed.
    """
    names = sorted(os.listdir(directory or os.curdir))
    start = f"no checkpoint in the directory {directory!r}: "
    if not names:
        return start + "it is empty"
    start += "neither a state file 'checkpoint', nor an '.index' file, nor a SavedModel is there"
    bases = {base for name in names if (base := split_data_path(name)) is not None}
    if lost := sorted(bases):
        return f"{start}; data shards without an index: {list_names(lost)}"
    if metas := [name for name in names if name.endswith(META_SUFFIX)]:
        return f"{start}; only graphs, not their values: {list_names(metas)}"
    if inside := [name for name in names if _holds_checkpoint(os.path.join(directory, name))]:
        return f"{start}; subdirectories that hold one: {list_names(inside)}"
    return f"{start}; it holds {list_names(names)}"


def _leftovers(directory: str, base: str, names: list[str]) -> list[str]:
    """Parts and remains of the very checkpoint that is missing."""
    found = []
    index = base + INDEX_SUFFIX
    for name in (index, base):
        path = os.path.join(directory, name)
        if name in names and os.path.islink(path) and not os.path.exists(path):
            target = os.readlink(path)
            found.append(f"{name!r} is a symbolic link to {target!r}, which does not exist")
    shards = [name for name in names if split_data_path(name) == base]
    if shards and index not in names:
        found.append(
            f"data shards ({list_names(shards)}) but no {index!r} are there: "
            "the index was lost or never uploaded"
        )
        if copies := [name for name in names if _is_copy_of(name, index)]:
            found.append(f"beside them lies {list_names(copies)}, which may be it: rename it")
    if base + META_SUFFIX in names and not shards:
        found.append(f"only the graph ({base + META_SUFFIX!r}) is there, not its values")
    if unfinished := [
        name
        for name in names
        if name == base + "_temp" or (name.startswith(base + ".") and ".tempstate" in name)
    ]:
        found.append(f"an unfinished save left {list_names(unfinished)}")
    if archives := [
        name for name in names if name.startswith(base) and name.endswith(_ARCHIVES) and base
    ]:
        found.append(f"unpack {list_names(archives)} first")
    return found


def _others(directory: str, base: str, names: list[str]) -> list[str]:
    """What else could have been meant, the most similar names first."""
    import difflib

    there = [name for name in checkpoints_in(directory) if name != base]
    if there:
        near = difflib.get_close_matches(base, there[:_COMPARED], n=3)
        rest = [name for name in there if name not in near]
        return [f"checkpoints there: {list_names(near + rest)}"]
    if metas := [
        name for name in names if name.endswith(META_SUFFIX) and name != base + META_SUFFIX
    ]:
        return [f"only graphs of others are there: {list_names(metas)}"]
    if near := difflib.get_close_matches(base, names[:_COMPARED], n=3):
        return [f"similar names there: {list_names(near)}"]
    return ["no other checkpoint is there"]


def _is_readable_table(path: str) -> bool:
    try:
        return is_table(path)
    except OSError:  # a neighbour that is not ours to read
        return False


def _holds_checkpoint(directory: str) -> bool:
    try:
        names = os.listdir(directory)
    except OSError:  # a file, or a directory that is not ours to read
        return False
    return any(
        name.endswith(INDEX_SUFFIX) or name in ("checkpoint", "saved_model.pb") for name in names
    )
