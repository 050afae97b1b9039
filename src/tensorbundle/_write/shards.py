"""Shards of other bundles and new ones written as a bundle, the index last.

They appear whole or not at all, as `commit` has it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .. import _core
from .._format.filenames import INDEX_SUFFIX, shard_path
from .._locate.location import shards_at
from .commit import PendingFiles, refuse_existing
from .durable import copy_file

if TYPE_CHECKING:
    from typing_extensions import Self

_FICLONE: Final = 0x40049409


class BundleFiles:
    """A context in which shards are collected; `commit` puts them in place.

    Attributes:
        writer: Takes what is written anew, and the entries of shards that are linked.
    """

    def __init__(self, prefix: str, *, overwrite: bool) -> None:
        """Prepare to write.

        Raises:
            FileExistsError: There is a bundle, and it is not to be replaced.
        """
        refuse_existing(prefix, overwrite=overwrite)
        self.prefix = prefix
        self._earlier = _files_of(prefix)
        self._pending = PendingFiles(prefix, durable=True)
        self._linked: list[str] = []
        self._committed = False
        self.writer = _core.BundleWriter(
            self._pending.stem,
            self._pending.suffix,
            alignment=1,
            max_shard_bytes=0,
            threads=0,
            durable=True,
        )

    def link(self, path: str) -> None:
        """Take over a shard as it is: as a reflink or hard link, or a copy across file systems."""
        place = self.writer.take_shard()
        clone(os.path.realpath(path), place)
        self._linked.append(place)

    def commit(self, *, big_endian: bool = False) -> tuple[str, ...]:
        """Put the bundle in place; one that was there before is gone.

        Returns:
            Its files, the index last.
        """
        count = self.writer.finish(big_endian=big_endian)
        self._committed = True  # or undone: it tidies up after itself
        self._pending.commit(count)
        index = self.prefix + INDEX_SUFFIX
        files = (*(shard_path(self.prefix, number, count) for number in range(count)), index)
        # Renaming does nothing when both names are of one file already: then the first is left.
        for path in (*self._linked, *set(self._earlier).difference(files)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        return files

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._committed:
            self._pending.discard()
        if error is not None:
            self._pending.rename_in(error)


def add_range(
    out: _core.BundleWriter,
    key: bytes,
    data_type: int,
    shape: tuple[int, ...],
    chunks: Iterable[memoryview],
    crc32c: int | None = None,
) -> int:
    """Write a tensor or slice that comes in pieces to the current shard.

    Args:
        out: What writes.
        key: Its raw key.
        data_type: Its DataType number.
        shape: Its shape.
        chunks: Its bytes as they are stored.
        crc32c: The checksum of its entry, where the bytes are taken as they are.

    Returns:
        The checksum of the bytes.
    """
    out.begin(key, data_type, shape)
    for chunk in chunks:
        out.append(chunk)
    return out.end(crc32c)


def clone(source: str, target: str) -> None:
    """Make a file of the same content, without copying bytes where the file system can."""
    with open(source, "rb") as old, open(target, "xb") as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            pass
        else:
            return
    os.unlink(target)
    try:
        os.link(source, target)
    except OSError:
        copy_file(source, target)


def _files_of(prefix: str) -> tuple[str, ...]:
    """The files of the bundle at a prefix that are there, by its index; none without one."""
    index = prefix + INDEX_SUFFIX
    if not os.path.lexists(index):
        return ()
    files = [index]
    with contextlib.suppress(Exception):  # one that cannot be read has no shards that we know
        count = _core.Index(_core.File(index)).num_shards
        files += [shard_path(prefix, n, count) for n in shards_at(prefix, count)]
    return tuple(files)


def raw_chunks(array: np.ndarray[Any, Any]) -> list[memoryview]:
    """An array's bytes as they are stored: little-endian, in C order, in one piece."""
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    flat = np.ascontiguousarray(array).reshape(-1)
    return [flat.view(np.uint8).data] if flat.size else []
