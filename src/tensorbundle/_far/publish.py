"""Publishing: files put far away so that whoever reads finds the old ones or the new, whole.

Data shards go first and the index last, on the condition that it is still what it was when the
work began: of several writers one wins, and the others are told. Where there is a checkpoint
already, the new shards get names that nobody uses, by another number of shards in them, so that
those who read the old one go on; its shards are deleted once the index is replaced. Shards that lie
in the store already are copied there, and do not come here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import time
import weakref
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple

from .. import _core
from .._format.filenames import INDEX_SUFFIX, shard_path, split_shard_path
from .._parallel.runners import Workers, run_tasks
from .._source.address import Address
from .._source.client import Client
from .._source.connect import connect
from .._source.copies import FarCopy, Tick, copy_object, private_directory, put_files
from .._source.pool import in_order
from .._source.store import Meta, NotOfferedError, OtherObjectError
from ..errors import MissingFileError
from .nearby import header_of

# Readers go by these: they are written when all else is there.
_LAST: Final = (".index.json", "saved_model.pb", "saved_model.pbtxt", "fingerprint.pb")
# What one writer puts before all else, where there was no checkpoint.
CLAIM_SUFFIX: Final = ".index.claim"
# When whoever put it is taken to have been killed. If not, its index comes too late, no worse.
CLAIM_LASTS_S: Final = 3600
_SPARE_COUNTS: Final = range(10_000, 100_000)
# What can be put on a condition is put by one request.
_MOST_AT_ONCE: Final = 64 << 20


class CopiedShards(NamedTuple):
    """Shards of a bundle that are not here, to be copied from where they are.

    Attributes:
        sources: By number, where each is and what it was found as.
        workers: Who copies them; see `run_tasks`.
    """

    sources: Mapping[int, tuple[Address, Meta]]
    workers: Workers = None


def publish(
    directory: str,
    address: Address,
    *,
    overwrite: bool,
    tick: Tick | None = None,
    shards: CopiedShards | None = None,
) -> list[str]:
    """Put all files of a directory beside an address, of which one is what the address names.

    Args:
        directory: Where they are; of ``shards`` there are files too, which are not looked at.
        address: Where they are to be.
        overwrite: Whether what is there may be replaced.
        tick: Told of bytes that have gone.
        shards: Shards that lie far away.

    Returns:
        The addresses of all that was put; an index is the last.

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
        work = _Bundle(client, os.path.join(directory, prefix), address, shards or CopiedShards({}))
        keys = work.publish(others, overwrite=overwrite, tick=tick)
    else:
        _put_plain(client, directory, parent, names, overwrite=overwrite, tick=tick)
        keys = [parent + name for name in names]
    return [client.url(key) for key in keys]


class Outgoing:
    """A bundle that is written here, in a directory of the user's alone, to be put far away.

    Attributes:
        prefix: Where it is to be written.
        address: Where it is put then.
    """

    def __init__(self, address: Address, *, overwrite: bool) -> None:
        self.address = address
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

    def publish(self, shards: CopiedShards | None = None, tick: Tick | None = None) -> list[str]:
        """Put it where it belongs; the addresses of its files, the index last."""
        try:
            return publish(
                self._directory,
                self.address,
                overwrite=self._overwrite,
                shards=shards,
                tick=tick,
            )
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget it."""
        self._end()


def _claim() -> bytes:
    """What a writer puts to say that it is at work, and since when."""
    return f"{os.urandom(16).hex()} {time.time():.0f}".encode()


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

    def __init__(self, client: Client, path: str, address: Address, shards: CopiedShards) -> None:
        self._client = client
        self._path = path
        self._address = address
        self._key = address.key
        self._far = shards
        self._index = self._key + INDEX_SUFFIX
        file = _core.File(path + INDEX_SUFFIX)
        self._count = _core.Index(file).num_shards
        self._file = file
        self._put: list[str] = []
        self._claim: str | None = None

    def publish(
        self, others: list[tuple[str, str]], *, overwrite: bool, tick: Tick | None
    ) -> list[str]:
        """Put shards and other files, then the index; all keys, that of the index last."""
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
            far = {shard_path(self._key, n, count): each for n, each in self._far.sources.items()}
            near = [(path, key) for path, key in shards if key not in far]
            put_files(self._client, [*near, *others], tick)
            self._copy(far, tick)
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
        return [*self._put, *(key for _, key in others), self._index]

    def _copy(self, far: Mapping[str, tuple[Address, Meta]], tick: Tick | None) -> None:
        """Copy shards that are not here, several at a time."""
        copies = [
            FarCopy(source, meta, self._address.at(key)) for key, (source, meta) in far.items()
        ]
        workers = self._far.workers
        done = in_order if workers is None else partial(run_tasks, workers=workers)
        for nbytes in done(copy_object, copies):
            if tick is not None:
                tick(nbytes)

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
                self._client.put(claim, _claim(), if_absent=True)
            except NotOfferedError:
                return self._count
            except FileExistsError:
                self._take_over(claim, overwrite)
            else:
                self._claim = claim
                return self._count
        return next(
            count
            for count in iter(lambda: random.choice(_SPARE_COUNTS), None)
            if count != self._count
        )

    def _take_over(self, claim: str, overwrite: bool) -> None:
        """Go on in spite of another's claim, by names of its own; FileExistsError if not allowed.

        A claim that is old is of a process that was killed, and is replaced.
        """
        age_s, etag = 0.0, None
        with contextlib.suppress(MissingFileError):  # whose writer has finished since
            content, found = self._client.get(claim, 0, 64)
            etag = found.etag
            said = bytes(content).rpartition(b" ")[2]
            age_s = time.time() - int(said) if said.isdigit() else CLAIM_LASTS_S
        if not overwrite and age_s < CLAIM_LASTS_S:
            raise FileExistsError(
                errno.EEXIST,
                "another process writes a checkpoint there, or was killed when it did: overwrite "
                f"it to write all the same, or wait: after {CLAIM_LASTS_S} s (now {age_s:.0f} s) "
                "its claim is over",
                self._client.url(claim),
            )
        if etag is not None and age_s >= CLAIM_LASTS_S:
            with contextlib.suppress(OtherObjectError, NotOfferedError, MissingFileError):
                self._client.put(claim, _claim(), etag=etag)
                self._claim = claim

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
