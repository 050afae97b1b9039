"""Shards of other bundles and new ones written as a bundle, the index last.

They appear whole or not at all, as `commit` has it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from .. import _core
from .._format.filenames import INDEX_SUFFIX, shard_path
from .._locate.location import shards_at
from .._source.address import Address
from .._source.connect import connect
from .._source.copies import fetch_file
from .commit import PendingFiles, refuse_existing
from .durable import copy_file, flush_path

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._far.publish import Outgoing
    from .._parallel.runners import Workers
    from .._source.copies import Tick
    from .._source.store import Meta

# A data shard in a store: where it is, and what it was found as.
FarShard: TypeAlias = "tuple[Address, Meta]"

_FICLONE: Final = 0x40049409


class BundleFiles:
    """A context in which shards are collected; `commit` puts them in place.

    Attributes:
        writer: Takes what is written anew, and the entries of shards that are linked.
    """

    def __init__(self, prefix: str | Address, *, overwrite: bool) -> None:
        """Prepare to write.

        Args:
            prefix: Where the bundle is to be; at an address it is put whole by `commit`.
            overwrite: Whether one that is there is replaced.

        Raises:
            FileExistsError: There is a bundle, and it is not to be replaced.
        """
        self._outgoing: Outgoing | None = None
        if isinstance(prefix, Address):
            from .._far.publish import Outgoing

            self._outgoing = Outgoing(prefix, overwrite=overwrite)
            prefix = self._outgoing.prefix
        refuse_existing(prefix, overwrite=overwrite)
        self.prefix = prefix
        self._earlier = _files_of(prefix)
        self._far: dict[int, tuple[Address, Meta]] = {}
        durable = self._outgoing is None  # not a copy that is gone when it has been put there
        self._pending = PendingFiles(prefix, durable=durable)
        self._linked: list[str] = []
        self._committed = False
        self.writer = _core.BundleWriter(
            self._pending.stem,
            self._pending.suffix,
            alignment=1,
            max_shard_bytes=0,
            threads=0,
            durable=durable,
        )

    def link(self, shard: str | FarShard) -> bool:
        """Take over a shard as it is: as a reflink or hard link, or a copy across file systems.

        One that lies far away is copied when all is put in place, or comes here.

        Returns:
            Whether nothing is left to be done: bytes that go far away go when all do.
        """
        place = self.writer.take_shard()
        if isinstance(shard, str):
            clone(os.path.realpath(shard), place)
        elif self._outgoing is not None:
            number = place.removeprefix(f"{self._pending.stem}.data-")
            self._far[int(number.removesuffix(self._pending.suffix))] = shard
            open(place, "xb").close()
        else:
            address, meta = shard
            fetch_file(connect(address), address.key, place, meta)
            flush_path(place)
        self._linked.append(place)
        return self._outgoing is None

    def commit(
        self, *, big_endian: bool = False, workers: Workers = None, tick: Tick | None = None
    ) -> tuple[str, ...]:
        """Put the bundle in place; one that was there before is gone.

        Args:
            big_endian: The order of the bytes in shards that were taken over.
            workers: Who copies shards that lie far away.
            tick: Told of the bytes that have gone far away.

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
        if self._outgoing is None:
            return files
        from .._far.publish import CopiedShards

        return tuple(self._outgoing.publish(CopiedShards(self._far, workers), tick))

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
            if self._outgoing is not None:
                self._outgoing.discard()
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
