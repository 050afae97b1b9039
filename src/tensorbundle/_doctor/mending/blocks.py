"""Blocks of a table: taken apart as far as they parse, checked, and put together again.

The form of a table is in format.md §2.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from ... import _core
from ..._format.wire import encode_varint
from ...errors import FormatError, TensorBundleError

MAGIC: Final = bytes.fromhex("57fb808b247547db")
FOOTER_BYTES: Final = 48
TRAILER_BYTES: Final = 5
SMALLEST_BLOCK: Final = 8
# The metaindex block is always empty, so it always is these bytes, its trailer included.
METAINDEX: Final = bytes.fromhex("000000000100000000c0f2a1b0")
_AFTER_ALL: Final = b"\xff" * 4096  # a key behind any that is met


@dataclass(slots=True)
class Block:
    """A block of a table.

    Attributes:
        offset: Where it begins in the file.
        contents: What it holds, without its trailer.
        type: 1 when that is compressed.
        proved: Whether its checksum is right, or was made right; else its entries are what still
            parses of a damaged block.
    """

    offset: int
    contents: bytes
    type: int = 0
    proved: bool = True

    def list_keys(self) -> list[bytes]:
        """Its keys. Raises FormatError."""
        return [key for key, _ in entries_of(self)]


class BlockHandle(NamedTuple):
    """Where a block lies; its trailer follows."""

    offset: int
    size: int


def different_bits(found: bytes, right: bytes, start: int = 0) -> tuple[int, ...]:
    """The bits in which bytes differ from the right ones, the first of which is byte `start`."""
    return tuple(
        8 * (start + at) + bit
        for at, (one, other) in enumerate(zip(found, right, strict=False))
        for bit in range(8)
        if (one ^ other) >> bit & 1
    )


def sound_block(data: bytes, handle: BlockHandle) -> Block | None:
    """The block at a handle, if its checksum is right."""
    end = handle.offset + handle.size
    if end + TRAILER_BYTES > len(data) or handle.size < SMALLEST_BLOCK:
        return None
    if _core.crc32c_mask(_core.crc32c(data[handle.offset : end + 1])) != stored_sum(data, end):
        return None
    return Block(handle.offset, data[handle.offset : end], data[end])


def is_well_formed(block: Block) -> bool:
    """Whether a block parses, and its keys are in order."""
    try:
        keys = block.list_keys()
    except TensorBundleError:
        return False
    return all(one < other for one, other in pairwise(keys))


def entries_of(block: Block) -> list[tuple[bytes, bytes]]:
    """The entries of a block. Raises FormatError."""
    if block.type == 0:
        end, _ = _restarts(block.contents)
        return list(_walk(block.contents, 0, end))
    # The core knows how to take it apart, once it lies in a table.
    with tempfile.NamedTemporaryFile() as file:
        file.write(_table_of([(_AFTER_ALL, block)]))
        file.flush()
        found = _core.Table(_core.File(file.name)).block(0)
    return [(key, value) for key, _, value in found]


def _restarts(contents: bytes) -> tuple[int, list[int]]:
    """Where the entries end, and the offsets at which keys are whole."""
    count = int.from_bytes(contents[-4:], "little")
    end = len(contents) - 4 - 4 * count
    if len(contents) < 8 or count < 1 or end < 0:
        raise FormatError(f"a block's restart points do not fit: {count} in {len(contents)} bytes")
    return end, np.frombuffer(contents, "<u4", count, end).tolist()


def _walk(contents: bytes, at: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Entries from one place on. Raises FormatError."""
    key, view = b"", memoryview(contents)[:end]
    while at < end:
        shared, at = _core.varint(view, at)
        unshared, at = _core.varint(view, at)
        size, at = _core.varint(view, at)
        if shared > len(key) or at + unshared + size > end:
            raise FormatError("an entry runs past the end of its block", offset=at)
        key = key[:shared] + contents[at : at + unshared]
        at += unshared + size
        yield key, contents[at - size : at]


def readable_entries(contents: bytes) -> list[tuple[bytes, bytes]]:
    """What parses of a damaged block: from its beginning, and from each restart point on."""
    try:
        end, restarts = _restarts(contents)
    except FormatError:
        end, restarts = len(contents), [0]
    if restarts[0] != 0 or sorted(set(restarts)) != restarts or restarts[-1] > end:
        restarts = [0]
    found: dict[bytes, bytes] = {}
    for start, stop in zip(restarts, [*restarts[1:], end], strict=True):
        try:
            for key, value in _walk(contents, start, stop):
                found.setdefault(key, value)
        except FormatError:
            continue
    return list(found.items())


def skip_varints(data: bytes, at: int, count: int) -> int:
    """Where so many numbers end. Raises FormatError."""
    for _ in range(count):
        _, at = _core.varint(data, at)
    return at


def decode_handle(value: bytes) -> BlockHandle:
    """Where a block lies. Raises FormatError."""
    offset, at = _core.varint(value)
    size, _ = _core.varint(value, at)
    return BlockHandle(offset, size)


def stored_sum(data: bytes, end: int) -> int:
    """The checksum in the trailer behind a block, as it is stored."""
    return int.from_bytes(data[end + 1 : end + TRAILER_BYTES], "little")


def make_table(blocks: Sequence[Block]) -> bytes:
    """Put blocks together as a table; their keys must be in order, block after block."""
    last = ((entries_of(block)[-1:], block) for block in blocks)
    return _table_of([(entries[0][0], block) for entries, block in last if entries])


def _table_of(blocks: Sequence[tuple[bytes, Block]]) -> bytes:
    """A table of blocks, each with a key that is none before its last."""
    parts: list[bytes] = []
    handles: list[tuple[bytes, bytes]] = []
    size = 0
    for limit, block in blocks:
        handles.append((limit, encode_varint(size) + encode_varint(len(block.contents))))
        parts.append(_sealed(block.contents, block.type))
        size += len(parts[-1])
    metaindex = BlockHandle(size, len(METAINDEX) - TRAILER_BYTES)
    index = encode_block(handles)
    footer = make_footer(metaindex, BlockHandle(size + len(METAINDEX), len(index)))
    return b"".join([*parts, METAINDEX, _sealed(index, 0), footer])


def encode_block(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A block in which every key is whole."""
    parts: list[bytes] = []
    restarts: list[int] = []
    at = 0
    for key, value in entries:
        restarts.append(at)
        head = b"\0" + encode_varint(len(key)) + encode_varint(len(value))
        parts += [head, key, value]
        at += len(head) + len(key) + len(value)
    array = np.array([*(restarts or [0]), max(len(restarts), 1)], "<u4").tobytes()
    return b"".join([*parts, array])


def _sealed(contents: bytes, type: int) -> bytes:
    message = contents + bytes([type])
    return message + _core.crc32c_mask(_core.crc32c(message)).to_bytes(4, "little")


def make_footer(metaindex: BlockHandle, index: BlockHandle) -> bytes:
    """The last bytes of a table."""
    numbers = (*metaindex, *index)
    handles = b"".join(map(encode_varint, numbers))
    return handles.ljust(FOOTER_BYTES - len(MAGIC), b"\0") + MAGIC
