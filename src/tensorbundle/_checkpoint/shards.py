"""Data shards of a V2 bundle, opened when they are first needed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .. import _core
from .._format.filenames import shard_path
from .._locate.damage import describe_shard
from ..errors import ChecksumError, FormatError, MissingFileError, TensorBundleError

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo


class DataShards:
    """Shards by number; each is opened once and mapped once, whatever the number of its tensors.

    The number of shards comes from the index header and may be any; only what is asked for is
    opened, and the directory is never listed.
    """

    def __init__(self, prefix: str, num_shards: int, *, writable: bool) -> None:
        self._prefix = prefix
        self._num_shards = num_shards
        self._writable = writable
        self._files: dict[int, _core.File] = {}
        self._maps: dict[int, _core.MappedFile] = {}

    def path(self, shard: int) -> str:
        """The path of a shard, whether it exists or not."""
        return shard_path(self._prefix, shard, self._num_shards)

    def file(self, shard: int) -> _core.File:
        """Open a shard.

        Raises:
            FormatError: The index names a shard that its header does not have.
            MissingFileError: The file is not there.
        """
        found = self._files.get(shard)
        if found is not None:
            return found
        if not 0 <= shard < max(self._num_shards, 1):
            raise FormatError(
                f"the entry names a shard that cannot be: number {shard} of {self._num_shards}"
            )
        path = self.path(shard)
        try:
            # setdefault: when two threads open it at once, all users share one.
            return self._files.setdefault(shard, _core.File(path))
        except MissingFileError:
            raise MissingFileError(
                f"data shard {os.path.basename(path)!r} is missing: "
                f"the index is here, the tensors' bytes are not",
                path=path,
            ) from None

    def map(self, shard: int) -> _core.MappedFile:
        """Map a shard; raises as `file` does."""
        found = self._maps.get(shard)
        if found is None:
            mapped = _core.MappedFile(self.file(shard), writable=self._writable)
            found = self._maps.setdefault(shard, mapped)
        return found

    def present(self, shards: Iterable[int]) -> dict[int, _core.File | None]:
        """Open many shards; None for each that cannot be opened, nothing for what cannot be one."""
        opened: dict[int, _core.File | None] = {}
        for shard in shards:
            if shard < 0:
                continue
            try:
                opened[shard] = self.file(shard)
            except (TensorBundleError, OSError):
                opened[shard] = None
        return opened


def explain(error: TensorBundleError, path: str) -> TensorBundleError:
    """Add to an error about a file what that file really is, where it is not what it should be."""
    found = describe_shard(path)
    return error if found is None else error.add_cause(f"the file is {found}")


def checksum_error(info: TensorInfo, computed: int, path: str) -> ChecksumError:
    """The error for a tensor whose bytes are not those that were written."""
    return ChecksumError(
        f"checksum mismatch: stored 0x{info.crc32c or 0:08x}, computed 0x{computed:08x}",
        path=path,
        key=info.name,
        offset=info.offset,
        nbytes=info.nbytes,
    )
