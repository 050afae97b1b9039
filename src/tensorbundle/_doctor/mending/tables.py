"""Tables mended: the index of a V2 checkpoint, or a V1 file, read in spite of damage.

Each block has a checksum of its own. A flipped bit in one is put right; of a block that is beyond
that, the entries between restart points that still parse are kept apart, as unproved; the footer
and the block of handles, which say where blocks lie, can be done without: blocks are then found by
their ends. What is left is put together as a sound table again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from ... import _core
from ..._format.wire import encode_varint
from ...errors import FormatError
from .blocks import (
    FOOTER_BYTES,
    METAINDEX,
    SMALLEST_BLOCK,
    TRAILER_BYTES,
    Block,
    BlockHandle,
    decode_handle,
    different_bits,
    encode_block,
    entries_of,
    is_well_formed,
    make_footer,
    readable_entries,
    skip_varints,
    sound_block,
    stored_sum,
)
from .syndromes import Syndromes

# The end of an index's header: its version; and before it, that numbers are big-endian.
_HEADER_END: Final = bytes.fromhex("1a020801")
_BIG_ENDIAN: Final = bytes.fromhex("1001")
_MOST_RESTARTS: Final = 1 << 20
_MOST_ENDS: Final = 1 << 20
_ENDS_TRIED: Final = 1000  # for one beginning
_CHUNK_BYTES: Final = 1 << 20
_END_BITS: Final = 2  # wrong bits of the footer that are told one by one


class Mending(NamedTuple):
    """Bits of a file that were flipped back.

    Attributes:
        path: The file.
        offset: The first byte that was wrong.
        bits: Each wrong bit: number 8 * byte of the file + bit of that byte, from its lowest.
        what: What they belong to: ``"data"``, ``"string lengths"``, ``"index block"``, …
        name: The tensor, where it is one's.
        doubt: How likely other damage is to look the same; 0 where it cannot.
    """

    path: str
    offset: int
    bits: tuple[int, ...]
    what: str
    name: str | None
    doubt: float


class Range(NamedTuple):
    """Bytes of a file that are lost."""

    offset: int
    nbytes: int
    why: str


@dataclass(slots=True)
class MendedTable:
    """What is left of a table.

    Attributes:
        blocks: The data blocks in the order of their keys.
        mendings: What was put right.
        lost: Blocks that could not be.
        notes: What else was found out, in words.
    """

    blocks: list[Block] = field(default_factory=list)
    mendings: list[Mending] = field(default_factory=list)
    lost: list[Range] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is lost."""
        return not self.lost


def mend_table(data: bytes, path: str, syndromes: Syndromes, max_doubt: float = 1.0) -> MendedTable:
    """Read a table in spite of damage.

    Args:
        data: The file.
        path: Its path, for the report.
        syndromes: Where flipped bits are looked up.
        max_doubt: Mend no block for which other damage is likelier than this to look so.
    """
    table = MendedTable()
    surgeon = _Surgeon(data, path, syndromes, max_doubt, table)
    index = _find_index(data, surgeon)
    if index is None:
        _scan(data, table)
        _order(table)
        return table
    try:
        handles = [(key, decode_handle(value)) for key, value in entries_of(index)]
    except FormatError as error:
        table.notes.append(f"the block of handles is malformed: {error.message}")
        _scan(data, table)
        _order(table)
        return table
    for _, handle in handles:
        if block := surgeon.read(handle, "block"):
            table.blocks.append(block)
        else:
            _give_up(data, handle, table, "its checksum is wrong")
    _order(table)
    return table


def _give_up(data: bytes, handle: BlockHandle, table: MendedTable, why: str) -> None:
    """A block whose checksum cannot be made right: what parses of it is kept as unproved."""
    table.lost.append(Range(handle.offset, handle.size, why))
    entries = readable_entries(data[handle.offset : handle.offset + handle.size])
    if entries:
        table.blocks.append(Block(handle.offset, encode_block(entries), proved=False))


def _order(table: MendedTable) -> None:
    """Take out of unproved blocks what cannot be in order with the blocks around them."""
    bounds = []
    for block in table.blocks:
        keys = block.list_keys() if block.proved else []
        bounds.append((keys[0], keys[-1]) if keys else None)
    kept = []
    last = None
    for at, block in enumerate(table.blocks):
        bound = bounds[at]
        if bound is not None:
            last = bound[1]
        else:
            following = next((each[0] for each in bounds[at + 1 :] if each is not None), None)
            entries = []
            for key, value in entries_of(block):
                if (last is None or key > last) and (following is None or key < following):
                    entries.append((key, value))
                    last = key
            if not entries:
                continue
            block.contents = encode_block(entries)
        kept.append(block)
    table.blocks = kept


# --- where the blocks are -------------------------------------------------------------------------


def _find_index(data: bytes, surgeon: _Surgeon) -> Block | None:
    """The block of handles: by the footer, or as what lies between metaindex block and footer."""
    by_footer = _index_handle(data)
    end = len(data) - FOOTER_BYTES - TRAILER_BYTES
    begin = data.rfind(METAINDEX, 0, max(end, 0)) + len(METAINDEX)
    by_place = BlockHandle(begin, end - begin) if len(METAINDEX) <= begin <= end else None
    for handle in (by_footer, by_place):
        if handle and (block := sound_block(data, handle)):
            _compare_end(data, handle, surgeon.path, surgeon.table)
            return block
    for handle in (by_footer, by_place):
        if handle and (block := surgeon.read(handle, "block of handles")):
            return block
    surgeon.table.notes.append("the block of handles is lost: blocks were looked for by their ends")
    return None


def _index_handle(data: bytes) -> BlockHandle | None:
    footer = data[-FOOTER_BYTES:]
    try:
        at = skip_varints(footer, 0, 2)
        return decode_handle(footer[at:])
    except FormatError:
        return None


def _compare_end(data: bytes, handle: BlockHandle, path: str, table: MendedTable) -> None:
    """Note the bits in which metaindex block and footer differ from those that must be there."""
    metaindex = BlockHandle(handle.offset - len(METAINDEX), len(METAINDEX) - TRAILER_BYTES)
    expected = (
        ("metaindex block", metaindex.offset, METAINDEX),
        ("footer", len(data) - FOOTER_BYTES, make_footer(metaindex, handle)),
    )
    for what, start, right in expected:
        bits = different_bits(data[max(0, start) : start + len(right)], right, start)
        if 0 < len(bits) <= _END_BITS:
            table.mendings.append(Mending(path, bits[0] // 8, bits, what, None, 0.0))


def _scan(data: bytes, table: MendedTable) -> None:
    """Find blocks by how they end: restart points, their number, type and checksum."""
    ends = _possible_ends(data)
    starts = [0, *(end + TRAILER_BYTES for end in ends)]
    reached = 0
    for start in starts:
        if start < reached:
            continue
        if end := _end_of_block(data, start, ends):
            if start > reached:
                _give_up(data, BlockHandle(reached, start - reached), table, "no block is here")
            reached = end + TRAILER_BYTES
            if end - start == SMALLEST_BLOCK:  # the metaindex block, which ends the data blocks
                return
            table.blocks.append(Block(start, data[start:end], data[end]))
    rest = max(0, len(data) - reached)
    if rest:
        _give_up(data, BlockHandle(reached, rest), table, "no block is here")


def _possible_ends(data: bytes) -> list[int]:
    """Where a restart array of plausible length, and a block's type, meet."""
    found: list[int] = []
    for begin in range(4, len(data) - TRAILER_BYTES + 1, _CHUNK_BYTES):
        ends = np.arange(begin, min(begin + _CHUNK_BYTES, len(data) - TRAILER_BYTES + 1))
        raw = np.frombuffer(data, np.uint8, len(ends) + 4, begin - 4).astype(np.int64)
        counts = raw[:-4] | raw[1:-3] << 8 | raw[2:-2] << 16 | raw[3:-1] << 24
        firsts = ends - 4 - 4 * counts
        fits = (counts >= 1) & (counts <= _MOST_RESTARTS) & (firsts >= 0) & (raw[4:] <= 1)
        for end, first in zip(ends[fits].tolist(), firsts[fits].tolist(), strict=True):
            if data[first : first + 4] == b"\0\0\0\0":
                found.append(end)
        if len(found) > _MOST_ENDS:  # zeros, or what somebody made to look so
            break
    return found


def _end_of_block(data: bytes, start: int, ends: Sequence[int]) -> int | None:
    """The first possible end at which the checksum of a block that begins at `start` is right."""
    crc32c, at = 0, start
    view = memoryview(data)
    first = bisect_left(ends, start + 8)
    for end in ends[first : first + _ENDS_TRIED]:
        crc32c, at = _core.crc32c(view[at:end], crc32c), end
        if _core.crc32c_mask(_core.crc32c(view[end : end + 1], crc32c)) == stored_sum(data, end):
            return end
    return None


@dataclass(frozen=True, slots=True)
class _Surgeon:
    """What reads blocks, and mends them where that can be done."""

    data: bytes
    path: str
    syndromes: Syndromes
    max_doubt: float
    table: MendedTable

    def read(self, handle: BlockHandle, what: str) -> Block | None:
        """A block, mended if need be; None if that cannot be done."""
        if block := sound_block(self.data, handle):
            return block
        end = handle.offset + handle.size
        if end + TRAILER_BYTES > len(self.data) or handle.size < SMALLEST_BLOCK:
            return None
        message = bytearray(self.data[handle.offset : end + 1])
        computed, stored = _core.crc32c(message), stored_sum(self.data, end)
        wrong = _core.crc32c_mask(computed) ^ stored
        if wrong.bit_count() == 1:
            self._note((8 * (end + 1) + wrong.bit_length() - 1,), f"checksum of a {what}", 0.0)
            return Block(handle.offset, bytes(message[:-1]), message[-1])
        flips = self.syndromes.locate(computed ^ _core.crc32c_unmask(stored), len(message))
        if flips is None or flips.doubt > self.max_doubt:
            return None
        for bit in flips.bits:
            message[bit >> 3] ^= 1 << (bit & 7)
        block = Block(handle.offset, bytes(message[:-1]), message[-1])
        if block.type > 1 or not is_well_formed(block):
            return None  # other damage that looked like a flipped bit
        self._note(tuple(8 * handle.offset + bit for bit in flips.bits), what, flips.doubt)
        return block

    def _note(self, bits: tuple[int, ...], what: str, doubt: float) -> None:
        self.table.mendings.append(Mending(self.path, bits[0] // 8, bits, what, None, doubt))


def with_header(table: MendedTable, num_shards: int) -> bool:
    """Give the index a header for so many shards if its own is lost; whether it was.

    A header in a damaged block is believed if it is one that TensorFlow writes.
    """
    little = b"\x08" + encode_varint(num_shards) + _HEADER_END
    big = b"\x08" + encode_varint(num_shards) + _BIG_ENDIAN + _HEADER_END
    for block in table.blocks[:1]:
        entries = entries_of(block)
        if entries and entries[0][0] == b"":
            if block.proved or entries[0][1] in (little, big):
                return False
            block.contents = encode_block(entries[1:])
    table.blocks.insert(0, Block(0, encode_block([(b"", little)])))
    return True
