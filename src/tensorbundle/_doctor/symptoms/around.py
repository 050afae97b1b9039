"""Files around a checkpoint: where one that is missing may be."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ... import _core
from ..._checkpoint.bundle import Bundle
from ..._checkpoint.opening import open as open_checkpoint
from ..._format.filenames import INDEX_SUFFIX, split_data_path
from ..._locate.damage import is_table
from ..._locate.location import is_regular_file
from ...errors import TensorBundleError
from ..mangled import proves

if TYPE_CHECKING:
    from ..._format.tensor_info import TensorInfo

_MOST_FILES: Final = 200  # whose content is compared


def files_around(path: str) -> Iterator[str]:
    """Other regular files in a file's directory, in those in it, and in the one around it.

    Args:
        path: The file; it need not be there.

    Returns:
        The nearest first, two hundred at most.
    """
    directory, base = os.path.split(path)
    here = directory or os.curdir
    places = [here]
    try:
        places += sorted(each.path for each in os.scandir(here) if each.is_dir())
    except OSError:
        return
    places.append(os.path.join(here, os.pardir))
    left = _MOST_FILES
    for place in places:
        try:
            names = sorted(os.listdir(place))
        except OSError:
            continue
        for name in names:
            other = os.path.normpath(os.path.join(place, name))
            if left and (place != here or name != base) and is_regular_file(other):
                left -= 1
                yield other


def ranges_in(ckpt: Bundle, number: int) -> list[TensorInfo]:
    """What an index has in one of its shards, slices each by itself."""
    found: list[TensorInfo] = []
    for info in ckpt.iter_infos():
        try:
            found += [part for _, part in ckpt.stored(info) if part.shard == number]
        except TensorBundleError:
            continue
    return found


def ranges_by(index: str, number: int) -> list[TensorInfo]:
    """What an index, under whatever name, has in a shard; nothing if it is none that opens."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "other")
        os.symlink(os.path.abspath(index), prefix + INDEX_SUFFIX)
        try:
            ckpt = open_checkpoint(prefix)
            return ranges_in(ckpt, number) if isinstance(ckpt, Bundle) else []
        except TensorBundleError:
            return []


def holds(path: str, ranges: list[TensorInfo]) -> bool:
    """Whether a file has the bytes that an index has the checksums of."""
    try:
        return proves(_core.File(path), ranges)
    except (TensorBundleError, OSError):
        return False


def shard_around(path: str, ranges: list[TensorInfo]) -> str | None:
    """The file that a shard is, under another name or elsewhere."""
    size = max((info.offset or 0) + info.nbytes for info in ranges)
    for candidate in files_around(path):
        if os.path.getsize(candidate) == size and holds(candidate, ranges):
            return candidate
    return None


def index_around(index: str, shards: dict[int, str]) -> str | None:
    """An index, under another name or elsewhere, whose tensors are those of the shards."""
    if not shards:
        return None
    number, shard = min(shards.items())
    for candidate in files_around(index):
        if candidate in shards.values() or split_data_path(candidate) or not is_table(candidate):
            continue
        if (ranges := ranges_by(candidate, number)) and holds(shard, ranges):
            return candidate
    return None
