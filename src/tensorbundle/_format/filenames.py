"""Names of the files that make up one checkpoint (format.md §1.1, §8.1): made and taken apart."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeAlias

from .. import _core
from ..errors import FormatError

# What every function takes that asks for a file, directory or prefix.
Path: TypeAlias = "str | os.PathLike[str] | bytes"

STATE_NAME = "checkpoint"
INDEX_SUFFIX = ".index"
META_SUFFIX = ".meta"
_V1_GLOB = "-?????-of-"
_ANY_COUNT = "?????"


def as_path(path: object) -> str:
    """Text of a path that was given as text, bytes or a path object.

    Raises:
        TypeError: It is something else; arrays in place of a path are told how they are written.
    """
    if isinstance(path, (str, bytes, os.PathLike)):
        return os.fsdecode(path)
    hint = ""
    if hasattr(path, "location"):
        hint = ", which is open already: its path is on its 'location'"
    elif isinstance(path, Mapping):
        hint = "; to write arrays, the path comes first: tensorbundle.save(path, arrays)"
    raise TypeError(f"expected a path (str, bytes or os.PathLike), not {type(path).__name__}{hint}")


def shard_path(prefix: str, shard: int, num_shards: int) -> str:
    """Name a data shard of a V2 checkpoint, as C's ``%05d`` does: at least five digits.

    Args:
        prefix: The checkpoint's prefix.
        shard: The number of the shard.
        num_shards: How many there are, by the index's header.

    Returns:
        The path of the data file.

    Raises:
        FormatError: There cannot be a shard of that number: an entry that lies names it.

    Example:
        >>> shard_path("model.ckpt", 0, 1)
        'model.ckpt.data-00000-of-00001'
    """
    if not 0 <= shard < 1 << 32:
        raise FormatError(f"the entry names a shard that cannot be: number {shard} of {num_shards}")
    return _core.shard_path(prefix, shard, num_shards)


def split_shard_path(path: str) -> tuple[str, int, int] | None:
    """The prefix, shard and number of shards in the path of a V2 data shard, or None.

    The inverse of `shard_path`.

    Example:
        >>> split_shard_path("model.ckpt.data-00001-of-00002")
        ('model.ckpt', 1, 2)
    """
    prefix, mark, numbers = path.rpartition(".data-")
    shard, of, total = numbers.partition("-of-")
    if not (mark and of and _is_number(shard) and _is_number(total)):
        return None
    return prefix, int(shard), int(total)


def split_data_path(path: str) -> str | None:
    """The prefix in the path of a V2 data shard, or None."""
    found = split_shard_path(path)
    return found[0] if found else None


def split_table_path(path: str) -> tuple[str, int, int] | None:
    """The prefix, shard and number of shards in the path of a V1 table, or None if it is no shard.

    Example:
        >>> split_table_path("model.ckpt-5-00001-of-00002")
        ('model.ckpt-5', 1, 2)
    """
    stem, of, total = path.rpartition("-of-")
    prefix, dash, shard = stem.rpartition("-")
    if not (of and dash and _is_number(shard) and _is_number(total)):
        return None
    return prefix, int(shard), int(total)


def split_table_glob(path: str) -> tuple[str, int | None] | None:
    """The prefix and number of shards in the glob that TensorFlow records for V1 shards, or None.

    The number is None where that is a glob too, as in TensorFlow's documentation.

    Example:
        >>> split_table_glob("model.ckpt-5-?????-of-00002")
        ('model.ckpt-5', 2)
        >>> split_table_glob("model.ckpt-5-?????-of-?????")
        ('model.ckpt-5', None)
    """
    prefix, mark, total = path.rpartition(_V1_GLOB)
    if mark and total == _ANY_COUNT:
        return prefix, None
    return (prefix, int(total)) if mark and _is_number(total) else None


def spelled_prefix(path: str) -> str | None:
    """The prefix of which a path names one file, going by the name alone; None for no such name.

    Example:
        >>> spelled_prefix("run/model.ckpt-5.index")
        'run/model.ckpt-5'
    """
    for suffix in (INDEX_SUFFIX, META_SUFFIX):
        if path.endswith(suffix):
            return path[: -len(suffix)]
    return split_data_path(path)


def base_name(path: str) -> str:
    """The last part of a path of either Windows or POSIX."""
    return path.replace("\\", "/").rpartition("/")[2]


def _is_number(digits: str) -> bool:
    # Bounded: the name comes from outside, and a number of a million digits is no shard.
    return 5 <= len(digits) <= 10 and digits.isascii() and digits.isdigit()
