"""Shards being written: made of other bundles' or of new bytes, the index last.

They appear whole or not at all, as `commit` has it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .. import _core
from .._format import dtypes
from .._format.filenames import INDEX_SUFFIX, shard_path
from .._format.wire import encode_varint
from .._locate.location import shards_at
from .commit import PendingFiles, refuse_existing
from .durable import flush_path

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Entry

_FICLONE: Final = 0x40049409


class BundleFiles:
    """A context in which shards are collected; `commit` puts them in place."""

    def __init__(self, prefix: str, *, overwrite: bool) -> None:
        """Prepare to write.

        Raises:
            FileExistsError: There is a bundle, and it is not to be replaced.
        """
        refuse_existing(prefix, overwrite=overwrite)
        self.prefix = prefix
        self._earlier = _files_of(prefix)
        self._pending = PendingFiles(prefix, durable=True)
        self._shards: list[str] = []
        self._open: list[DataFile] = []
        self._committed = False

    def link(self, path: str) -> int:
        """Take over a shard as it is: as a reflink or hard link, or a copy across file systems.

        Returns:
            Its number in the new bundle.
        """
        clone(os.path.realpath(path), self._new_path())
        return len(self._shards) - 1

    def create(self) -> DataFile:
        """Begin a new shard; its number is on it."""
        self._open.append(DataFile(self._new_path(), len(self._shards) - 1))
        return self._open[-1]

    def _new_path(self) -> str:
        shard = f"{self._pending.stem}.data-{len(self._shards):05d}{self._pending.suffix}"
        self._shards.append(shard)
        return shard

    def commit(
        self, entries: Sequence[tuple[bytes, Entry]], *, big_endian: bool = False
    ) -> tuple[str, ...]:
        """Put the bundle in place; one that was there before is gone.

        Returns:
            Its files, the index last.
        """
        if not self._shards:
            self.create()
        for file in self._open:
            file.finish()
        count = len(self._shards)
        index = self.prefix + INDEX_SUFFIX
        temporary = self._pending.stem + INDEX_SUFFIX + self._pending.suffix
        _core.write_index(temporary, list(entries), count, big_endian=big_endian)
        self._committed = True  # or undone: it tidies up after itself
        self._pending.commit(count)
        files = (*(shard_path(self.prefix, number, count) for number in range(count)), index)
        # Renaming does nothing when both names are of one file already: then the first is left.
        for path in (*self._shards, *set(self._earlier).difference(files)):
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
        for file in self._open:
            file.close()
        if not self._committed:
            self._pending.discard()
        if error is not None:
            self._pending.rename_in(error)


class DataFile:
    """A new data shard: tensors one after the other, their checksums taken as they pass."""

    def __init__(self, path: str, shard: int) -> None:
        self.shard = shard
        self.size = 0
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115 - closed by `finish`

    def add(
        self,
        data_type: int,
        shape: tuple[int, ...],
        chunks: Iterable[Any],
        crc32c: int | None = None,
    ) -> Entry:
        """Append a tensor.

        Args:
            data_type: Its DataType number.
            shape: Its shape.
            chunks: Its bytes as they are stored, in pieces.
            crc32c: The checksum of the entry, where it is not that of the bytes (strings).

        Returns:
            Its entry.
        """
        offset, computed = self.size, 0
        for chunk in chunks:
            view = memoryview(chunk).cast("B")
            computed = _core.crc32c(view, computed)
            while len(view):
                view = view[self._write(view) :]
            self.size += len(memoryview(chunk).cast("B"))
        checksum = computed if crc32c is None else crc32c
        return (data_type, shape, self.size - offset, self.shard, offset, checksum, ())

    def _write(self, view: memoryview) -> int:
        try:
            return self._file.write(view)
        except OSError as error:
            error.filename = self._file.name
            raise

    def add_string(self, text: bytes) -> Entry:
        """Append a scalar of one string."""
        return self.add_strings(np.array(text, dtype=object))

    def add_strings(self, array: np.ndarray[Any, Any]) -> Entry:
        """Append a tensor of strings (format.md §5.4)."""
        texts = array.reshape(-1).tolist()
        fixed = b"".join(len(t).to_bytes(4 if len(t) >> 32 == 0 else 8, "little") for t in texts)
        stored = _masked(_core.crc32c(fixed)).to_bytes(4, "little")
        crc32c = _core.crc32c(stored, _core.crc32c(fixed))
        for text in texts:
            crc32c = _core.crc32c(text, crc32c)
        head = b"".join(encode_varint(len(text)) for text in texts) + stored
        return self.add(dtypes.STRING, array.shape, [head, *texts], crc32c)

    def finish(self) -> None:
        """Have everything on the disk."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()

    def close(self) -> None:
        """Close the file as it is."""
        self._file.close()


def _masked(crc32c: int) -> int:
    return (((crc32c >> 15) | (crc32c << 17)) + 0xA282EAD8) & 0xFFFFFFFF


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
        shutil.copyfile(source, target)
        flush_path(target)


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
