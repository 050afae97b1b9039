"""Data shards of a far bundle: found when they are first needed, and given to the core."""

from __future__ import annotations

import errno
import importlib
import threading
from collections.abc import Iterable
from typing import Final

from ... import _core
from ..._format.filenames import shard_path
from ..._source.address import Address
from ..._source.client import Client
from ..._source.far_file import FarFile
from ..._source.fetch import part_bytes
from ..._source.pool import in_order
from ..._source.store import Buffer, Meta
from ...errors import FormatError, TensorBundleError

# Up to so many shards each is asked for; of more, there is one listing.
_FEW_SHARDS: Final = 4


def reopened(address: Address) -> object:
    """A far checkpoint that was pickled: opened by its address, with credentials found there."""
    # By the door of the package: what opens lies above this room.
    return importlib.import_module("tensorbundle").open(address)


class FarShards:
    """The data shards of one far bundle, as it was when its index was read."""

    def __init__(self, client: Client, address: Address, core: _core.Bundle) -> None:
        self._client = client
        self._address = address
        self._core = core
        self._count = core.index.num_shards
        self._files: dict[int, FarFile] = {}
        self._giving = threading.Lock()

    def key(self, shard: int) -> str:
        """The key of a data shard."""
        return shard_path(self._address.key, shard, self._count)

    def url(self, shard: int) -> str:
        """The address of a data shard."""
        return self._client.url(self.key(shard))

    def file(self, shard: int, first: tuple[int, int] | None = None) -> FarFile:
        """A data shard; with ``first``, a range that is fetched with it if it has to be found.

        Raises:
            MissingFileError: It is not there.
            FormatError: There can be no shard of that number.
        """
        known = self._files.get(shard)
        if known is not None:
            return known
        if not 0 <= shard < max(self._count, 1):
            raise FormatError(
                f"the entry names a shard that cannot be: number {shard} of {self._count}"
            )
        key = self.key(shard)
        if first is None or not first[1]:
            return self._give(shard, self._client.head(key))
        offset, size = first
        try:
            data, meta = self._client.get(key, offset, offset + min(size, part_bytes(size)))
        except OSError as error:
            if isinstance(error, TensorBundleError) or error.errno != errno.EIO:
                raise
            # Perhaps there is nothing at that offset: then its size says so.
            return self._give(shard, self._client.head(key))
        return self._give(shard, meta, (offset, data))

    def _give(self, shard: int, meta: Meta, first: tuple[int, Buffer] | None = None) -> FarFile:
        with self._giving:
            known = self._files.get(shard)
            if known is None:
                known = FarFile(self._client, self.key(shard), meta, first)
                self._core.give(shard, known)
                self._files[shard] = known
            return known

    def know(self, wanted: Iterable[int]) -> list[int]:
        """Look up the sizes of shards, without a request for each of many; those not there."""
        unknown = [shard for shard in sorted(set(wanted)) if shard not in self._files]
        found = self._listed(unknown)
        if found is None:
            found = list(in_order(lambda shard: self._client.find(self.key(shard)), unknown))
        missing = []
        for shard, meta in zip(unknown, found, strict=True):
            if meta is None:
                missing.append(shard)
            else:
                self._give(shard, meta)
        return missing

    def _listed(self, shards: list[int]) -> list[Meta | None] | None:
        """Sizes of shards by one listing; None where that is not to be had, or not worth it."""
        if len(shards) <= _FEW_SHARDS or not self._client.can_list:
            return None
        try:
            listed = {each.key: each for each in self._client.list(f"{self._address.key}.data-")}
        except PermissionError:  # many public buckets let everybody read and nobody list
            return None
        metas = [listed.get(self.key(shard)) for shard in shards]
        return [None if each is None else Meta(each.size, each.etag) for each in metas]
