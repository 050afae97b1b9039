"""Groups of tensors that are fetched together, and what is fetched put where it belongs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np

from ... import _core
from ..._format.dtypes import Array
from ..._format.tensor_info import TensorInfo
from ..._source.far_file import FarFile
from ..._source.fetch import MAX_GAP, MIN_PART
from ..._source.store import Buffer

# So many bytes of tensors are held for one call of the core.
GROUP_BYTES: Final = 32 << 20


class FetchGroup(NamedTuple):
    """Tensors of one shard that are fetched together: a large one alone, or small ones."""

    shard: int
    begin: int
    end: int
    infos: list[TensorInfo]


def groups_of(infos: Iterable[TensorInfo]) -> Iterator[FetchGroup]:
    """Plain tensors, which come in the order of shards and offsets, by what is fetched at once."""
    group: FetchGroup | None = None
    for info in infos:
        shard, begin = info.shard or 0, info.offset or 0
        end = begin + info.nbytes
        if group is not None and (
            shard == group.shard
            and (not info.nbytes or begin <= group.end + MAX_GAP)
            and (not info.nbytes or end - group.begin <= GROUP_BYTES)
        ):
            reach = max(group.end, end) if info.nbytes else group.end
            group.infos.append(info)
            group = group._replace(end=reach)
            continue
        if group is not None:
            yield group
        group = FetchGroup(shard, begin, end, [info])
    if group is not None:
        yield group


def copied(pieces: Iterable[tuple[int, Buffer]], start: int, into: Array | None) -> int:
    """Copy pieces to where they belong; the checksum of all."""
    crc32c = 0
    for begin, data in pieces:
        piece = np.frombuffer(data, np.uint8)
        if into is not None:
            into[begin - start : begin - start + len(piece)] = piece
        crc32c = _core.crc32c(piece, crc32c)
    return crc32c


def fetched_into(file: FarFile, info: TensorInfo, into: Array | None) -> int:
    """Fetch a stored range; its checksum."""
    start = info.offset or 0
    if info.nbytes > MIN_PART:
        return copied(file.stream(start, start + info.nbytes), start, into)
    piece = np.empty(info.nbytes, np.uint8) if into is None else into
    if info.nbytes:
        file.readinto(start, piece)
    return _core.crc32c(piece)
