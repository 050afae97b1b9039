"""Parts of a job's result: each under a name of its own, and together in one directory.

The directory is called as that of a sharded save, ``P_temp_<token>``, the token being what the job
is: the same call finds the parts that an earlier one has finished. Whether a part is finished its
last file says: the index of a bundle, or the one file that it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from ... import _core
from ..._format.filenames import INDEX_SUFFIX, as_path, shard_path
from ..._format.names import as_bytes
from ..._source.address import Address, is_far
from ..._source.connect import connect
from ..._source.copies import private_directory
from ..._source.far_file import FarFile
from ..shards import BundleFiles

# Where a job writes to: a path here, or an address.
JobTarget: TypeAlias = "str | Address"


def target_of(path: str | os.PathLike[str] | bytes) -> JobTarget:
    """Where a path or address leads."""
    return Address.of(path) if is_far(path) else as_path(path)


class Parts(NamedTuple):
    """The parts of one job.

    Attributes:
        directory: Where they are.
        total: How many there will be.
        suffix: What the names of files end in that are parts by themselves; none of bundles.
    """

    directory: JobTarget
    total: int
    suffix: str = ""

    @classmethod
    def of(cls, target: JobTarget, what: object, count: int, suffix: str = "") -> Parts:
        """The parts of a job that makes ``target``, and is told from others by ``what``."""
        token = hashlib.sha256(repr(what).encode()).hexdigest()[:12]
        if isinstance(target, Address):
            return cls(target.at(f"{target.key}_temp_{token}"), count, suffix)
        return cls(f"{os.path.abspath(target)}_temp_{token}", count, suffix)

    def name(self, number: int) -> str:
        """What a part is called in the directory."""
        return f"part-{number:05d}-of-{self.total:05d}{self.suffix}"

    def path(self, number: int) -> JobTarget:
        """Where a part is: its prefix, or the file."""
        if isinstance(self.directory, Address):
            return self.directory.at(f"{self.directory.key}/{self.name(number)}")
        return os.path.join(self.directory, self.name(number))

    def done(self) -> set[int]:
        """Numbers of the parts that are finished."""
        there = set(self._there())
        last = "" if self.suffix else INDEX_SUFFIX
        return {n for n in range(self.total) if self.name(n) + last in there}

    def _there(self) -> list[str]:
        """Names of the files in the directory."""
        if not isinstance(self.directory, Address):
            return os.listdir(self.directory) if os.path.isdir(self.directory) else []
        client, below = connect(self.directory), f"{self.directory.key}/"
        if not client.can_list:
            return []
        return [each.key[len(below) :] for each in client.list(below)]

    def remove(self) -> None:
        """Delete all parts, as far as that can be."""
        with contextlib.suppress(OSError):
            if not isinstance(self.directory, Address):
                shutil.rmtree(self.directory, ignore_errors=True)
                return
            connect(self.directory).delete(
                [f"{self.directory.key}/{name}" for name in self._there()]
            )

    @contextmanager
    def file(self, number: int) -> Iterator[str]:
        """Write a part that is one file: where to, before it gets its name or goes far away."""
        path = self.path(number)
        if isinstance(path, Address):
            with private_directory() as directory:
                yield (here := os.path.join(directory, "part"))
                connect(path).put_file(path.key, here)
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        here = f"{path}.{secrets.token_hex(4)}"
        try:
            yield here
            os.replace(here, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(here)

    def add_to(self, out: BundleFiles) -> None:
        """Take all parts over into a bundle, in their order."""
        for number in range(self.total):
            _add(self.path(number), number, out)


def _add(part: JobTarget, number: int, out: BundleFiles) -> None:
    """Take a part over: its one shard as that of a number, and its entries."""
    if isinstance(part, Address):
        client = connect(part)
        file = FarFile(client, part.key + INDEX_SUFFIX, client.head(part.key + INDEX_SUFFIX))
        index = file.answered(lambda: _core.Index(file), keep=True)
        listing = file.answered(index.entries, keep=True)
        place = part.at(shard_path(part.key, 0, index.num_shards))
        out.link((place, client.head(place.key)))
    else:
        index = _core.Index(_core.File(part + INDEX_SUFFIX))
        listing = index.entries()
        out.link(shard_path(part, 0, index.num_shards))
    out.writer.add_entries(_renumbered(listing, number))


def _renumbered(listing: _core.Entries, number: int) -> Iterable[tuple[bytes, _core.Entry]]:
    """Entries of a bundle of one shard, and of the slices in it, for another number of that."""
    for name, entry in zip(listing.names(), listing.tuples(), strict=True):
        key = as_bytes(name)
        yield key, (*entry[:3], 0 if entry[6] else number, *entry[4:])
        for piece in entry[6]:
            part_key = _core.slice_key(key, piece)
            part = listing.find(part_key)
            assert part is not None
            yield part_key, (*part[:3], number, *part[4:])
