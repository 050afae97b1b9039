"""Publishing: files put far away so that whoever reads finds the old ones or the new, whole.

Data shards go first and the index last, on the condition that it is still what it was when the
work began: of several writers one wins, and the others are told. Where there is a checkpoint
already, the new shards get names that nobody uses, by another number of shards in them, so that
those who read the old one go on; its shards are deleted once the index is replaced.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import weakref
from collections.abc import Iterator
from typing import Final

from .. import _core
from .._format.filenames import INDEX_SUFFIX, shard_path, split_shard_path
from .._source.address import Address
from .._source.client import Client
from .._source.connect import connect
from .._source.copies import Tick, private_directory, put_files
from .._source.store import Meta, NotOfferedError, OtherObjectError
from ..errors import MissingFileError
from .nearby import header_of

# Readers go by these: they are written when all else is there.
_LAST: Final = (".index.json", "saved_model.pb", "saved_model.pbtxt", "fingerprint.pb")
# What one writer puts before all else, where there was no checkpoint.
CLAIM_SUFFIX: Final = ".index.claim"
_SPARE_COUNTS: Final = range(10_000, 100_000)
# What can be put on a condition is put by one request.
_MOST_AT_ONCE: Final = 64 << 20


def publish(directory: str, address: Address, *, overwrite: bool, tick: Tick | None = None) -> None:
    """Put all files of a directory beside an address, of which one is what the address names.

    Raises:
        FileExistsError: There is something at the address, or another writer was quicker.
        OSError: It could not be done; what was there still is.
    """
    client = connect(address)
    names = sorted(_names(directory))
    prefix = address.key.rpartition("/")[2]
    parent = address.key[: len(address.key) - len(prefix)]
    if f"{prefix}{INDEX_SUFFIX}" in names:
        bundle = {name for name in names if _of_bundle(name, prefix)}
        others = [
            (os.path.join(directory, name), parent + name) for name in names if name not in bundle
        ]
        _Bundle(client, os.path.join(directory, prefix), address.key).publish(
            others, overwrite=overwrite, tick=tick
        )
        return
    _put_plain(client, directory, parent, names, overwrite=overwrite, tick=tick)


class Outgoing:
    """A bundle that is written here, in a directory of the user's alone, to be put far away.

    Attributes:
        prefix: Where it is to be written.
    """

    def __init__(self, address: Address, *, overwrite: bool) -> None:
        self._address = address
        self._overwrite = overwrite
        index = address.key + INDEX_SUFFIX
        client = connect(address)
        if not overwrite and client.find(index) is not None:
            raise FileExistsError(errno.EEXIST, "there is a checkpoint already", client.url(index))
        self._context = private_directory()
        self._directory = self._context.__enter__()
        # Of a writer that nobody closes, too.
        self._end = weakref.finalize(self, self._context.__exit__, None, None, None)
        self.prefix = os.path.join(self._directory, address.key.rpartition("/")[2])

    def publish(self) -> str:
        """Put it where it belongs; the address."""
        try:
            publish(self._directory, self._address, overwrite=self._overwrite)
        finally:
            self.discard()
        return self._address.url

    def discard(self) -> None:
        """Forget it."""
        self._end()


def _of_bundle(name: str, prefix: str) -> bool:
    found = split_shard_path(name)
    return name == prefix + INDEX_SUFFIX or (found is not None and found[0] == prefix)


def _names(directory: str) -> Iterator[str]:
    for folder, _, files in os.walk(directory):
        for name in files:
            relative = os.path.relpath(os.path.join(folder, name), directory)
            yield relative.replace(os.sep, "/")


def _put_plain(
    client: Client,
    directory: str,
    parent: str,
    names: list[str],
    *,
    overwrite: bool,
    tick: Tick | None,
) -> None:
    """Files that are no checkpoint: those that readers go by are last."""
    last = [name for name in names if name.endswith(_LAST)] or names[-1:]
    first = [name for name in names if name not in last]
    for name in () if overwrite else names:
        if client.find(parent + name) is not None:
            raise FileExistsError(errno.EEXIST, "it exists already", client.url(parent + name))
    for group in (first, last):
        large = []
        for name in group:
            path = os.path.join(directory, name)
            if overwrite or not _put_new(client, path, parent + name):
                large.append((path, parent + name))
        put_files(client, large, tick)


def _put_new(client: Client, path: str, key: str) -> bool:
    """Create an object, if that can be had in one request on the condition that there is none."""
    if os.path.getsize(path) > _MOST_AT_ONCE:
        return False
    with open(path, "rb") as file:
        data = file.read()
    try:
        client.put(key, data, if_absent=True)
    except NotOfferedError:
        return False
    return True


class _Bundle:
    """One bundle on its way."""

    def __init__(self, client: Client, path: str, key: str) -> None:
        self._client = client
        self._path = path
        self._key = key
        self._index = key + INDEX_SUFFIX
        file = _core.File(path + INDEX_SUFFIX)
        self._count = _core.Index(file).num_shards
        self._file = file
        self._put: list[str] = []
        self._claim: str | None = None

    def publish(self, others: list[tuple[str, str]], *, overwrite: bool, tick: Tick | None) -> None:
        before = self._found(overwrite)
        try:
            count = self._chosen_count(before, overwrite)
            if self._claim is not None and (before := self._found(overwrite)) is not None:
                # Who had the claim before has finished since we looked: its shards have that name.
                count = self._chosen_count(before, overwrite)
            old = self._names_of(before)
            shards = [
                (shard_path(self._path, n, self._count), shard_path(self._key, n, count))
                for n in range(max(self._count, 1))
                if os.path.exists(shard_path(self._path, n, self._count))
            ]
            self._put = [key for _, key in shards]
            put_files(self._client, [*shards, *others], tick)
            self._put_index(before, count)
        except BaseException:
            with contextlib.suppress(OSError):
                self._client.delete(self._put)
            raise
        finally:
            if self._claim is not None:
                with contextlib.suppress(OSError):
                    self._client.delete([self._claim])
        with contextlib.suppress(OSError):  # nobody reads them, and the next writer deletes them
            self._client.delete([key for key in old if key not in self._put])

    def _found(self, overwrite: bool) -> Meta | None:
        """The index of the checkpoint that is there; raises FileExistsError if it has to stay."""
        before = self._client.find(self._index)
        if before is not None and not overwrite:
            raise FileExistsError(
                errno.EEXIST, "there is a checkpoint already", self._client.url(self._index)
            )
        return before

    def _names_of(self, before: Meta | None) -> list[str]:
        """The shards of the checkpoint that is there, which go when it does."""
        if before is None or not self._client.can_list:
            return []
        try:
            count = header_of(self._client, self._index, before).num_shards
        except (ValueError, NotImplementedError, OtherObjectError, MissingFileError):
            return []
        found = (
            (each.key, split_shard_path(each.key))
            for each in self._client.list(f"{self._key}.data-")
        )
        return [key for key, split in found if split and (split[0], split[2]) == (self._key, count)]

    def _chosen_count(self, before: Meta | None, overwrite: bool) -> int:
        """The number in the names of shards: what the index says, if nobody else can use it."""
        if before is None:
            claim = self._key + CLAIM_SUFFIX
            try:
                self._client.put(claim, os.urandom(16).hex().encode(), if_absent=True)
            except NotOfferedError:
                return self._count
            except FileExistsError:
                if not overwrite:
                    raise FileExistsError(
                        errno.EEXIST,
                        "another process writes a checkpoint there, or was killed when it did: "
                        "overwrite it to write all the same",
                        self._client.url(claim),
                    ) from None
            else:
                self._claim = claim
                return self._count
        return next(
            count
            for count in iter(lambda: random.choice(_SPARE_COUNTS), None)
            if count != self._count
        )

    def _put_index(self, before: Meta | None, count: int) -> None:
        data = (
            self._file.read(0, self._file.size)
            if count == self._count
            else _core.renumber_index(self._file, count)
        )
        etag = None if before is None else before.etag
        try:
            try:
                self._client.put(self._index, data, if_absent=before is None, etag=etag)
            except NotOfferedError:
                if self._client.find(self._index) != before:
                    raise OtherObjectError from None
                self._client.put(self._index, data)
        except (OtherObjectError, FileExistsError):
            if self._is_ours(data):
                return  # an answer that was lost: the request had been done
            raise FileExistsError(
                errno.EEXIST,
                "another checkpoint was written there meanwhile",
                self._client.url(self._index),
            ) from None

    def _is_ours(self, data: bytes) -> bool:
        found = self._client.find(self._index)
        if found is None or found.size != len(data):
            return False
        return bytes(self._client.get(self._index, 0, found.size)[0]) == data
