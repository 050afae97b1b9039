"""Inputs of a merge: their tensors and parts, the bytes of these, and the shards they lie in."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from .. import _core
from .._checkpoint.bundle import Bundle
from .._checkpoint.far.bundle import FarBundle
from .._format.filenames import shard_path
from .._format.names import as_bytes
from .._locate.location import file_mode, is_regular_file
from .._source.store import Meta
from .._write.shards import FarShard
from ..errors import FormatError, MissingFileError, TensorBundleError
from .rules import listed

if TYPE_CHECKING:
    from .._core import Entry

_CHUNK_BYTES: Final = 4 << 20
_TEMPORARY: Final = re.compile(r"(.+)_temp(?:_[0-9a-fA-F-]+)?")


@dataclass(slots=True)
class MergeInput:
    """A bundle: its tensors by key, and their parts by the keys of these.

    Attributes:
        given: The prefix that it is known by: of a checkpoint of V1, whose copy this is, that.
    """

    given: str
    prefix: str
    bundle: Bundle
    tensors: dict[bytes, Entry]
    parts: dict[bytes, dict[bytes, Entry]]

    def shard_path(self, shard: int) -> str:
        """The file of a shard."""
        return shard_path(self.prefix, shard, self.bundle.num_shards)

    def shard_file(self, shard: int) -> _core.File:
        """A shard, to be read."""
        if isinstance(self.bundle, FarBundle):
            return self.bundle.shard_file(shard)
        return _core.File(self.shard_path(shard))


class InputShard(NamedTuple):
    """A shard of an input: its path or address, how it is taken over, and its bytes."""

    path: str
    place: str | FarShard
    nbytes: int


def read_input(given: str, bundle: Bundle) -> MergeInput:
    if isinstance(bundle, FarBundle):
        bundle.need_all()
    try:
        listing = bundle.core.index.entries()
        tensors: dict[bytes, Entry] = {}
        parts: dict[bytes, dict[bytes, Entry]] = {}
        for name, entry in zip(listing.names(), listing.tuples(), strict=True):
            key = as_bytes(name)
            tensors[key] = entry
            for piece in entry[6]:
                part_key = _core.slice_key(key, piece)
                part = listing.find(part_key)
                if part is None:
                    raise FormatError("the index lacks a slice that the tensor lists", key=name)
                parts.setdefault(key, {})[part_key] = part
    except TensorBundleError as error:
        raise error.add_context(path=bundle.location.index) from None
    return MergeInput(given, bundle.location.prefix, bundle, tensors, parts)


def has_same_bytes(one: MergeInput, a: Entry, other: MergeInput, b: Entry) -> bool:
    # Equal checksums are no proof, and what is left out here is nowhere else.
    if (a[0], a[1], a[2], a[5]) != (b[0], b[1], b[2], b[5]):
        return False
    files = one.shard_file(a[3]), other.shard_file(b[3])
    for start in range(0, a[2], _CHUNK_BYTES):
        size = min(_CHUNK_BYTES, a[2] - start)
        pair = np.empty((2, size), np.uint8)
        for file, entry, into in zip(files, (a, b), pair, strict=True):
            file.readinto(entry[4] + start, into)
        if not np.array_equal(*pair):
            return False
    return True


def find_shards(
    inputs: Sequence[MergeInput], numbers: dict[tuple[int, int], int]
) -> list[InputShard]:
    """The shards, by number; a merge that did not finish moved some of them."""
    found, missing = [], []
    for position, one in enumerate(inputs):
        if isinstance(one.bundle, FarBundle):
            one.bundle.know_shards(shard for at, shard in numbers if at == position)
    for (position, shard), number in numbers.items():
        one = inputs[position]
        path = one.shard_path(shard)
        if isinstance(one.bundle, FarBundle):
            if one.bundle.know_shards([shard]):
                missing.append(path)
            else:
                place = far_shard(one.bundle, shard)
                found.append(InputShard(path, place, place[1].size))
            continue
        temporary = _TEMPORARY.fullmatch(os.path.dirname(one.prefix))
        if not is_regular_file(path) and temporary:
            moved = shard_path(temporary[1], number, len(numbers))
            path = moved if file_mode(moved) else path
        if not is_regular_file(path):
            missing.append(path)
        else:
            found.append(InputShard(path, path, os.path.getsize(path)))
    if missing:
        raise MissingFileError(f"{len(missing)} data shards are missing: {listed(missing)}")
    return found


def far_shard(ckpt: FarBundle, shard: int) -> FarShard:
    """Where a shard far away is, and what it was found as."""
    file = ckpt.shard_file(shard)
    place = ckpt.address.at(shard_path(ckpt.address.key, shard, ckpt.num_shards))
    return place, Meta(file.size, file.etag)
