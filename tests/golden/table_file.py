"""Table files (format.md §2), read and rebuilt apart from the project's own code.

Used where TensorFlow has no way to write what a fixture needs: snappy blocks, other block sizes,
edited entries, big-endian bundles.
"""

import struct
from collections.abc import Callable

import cramjam
import crc32c

MAGIC = bytes.fromhex("57fb808b247547db")
Entries = list[tuple[bytes, bytes]]


def masked_crc(data: bytes) -> int:
    """Return the masked CRC-32C, as every stored checksum is (format.md, conventions)."""
    crc = crc32c.crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    """Return the base-128 form of an unsigned number."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _read_block(table: bytes, offset: int, size: int) -> Entries:
    stored, crc = table[offset : offset + size + 1], table[offset + size + 1 : offset + size + 5]
    assert struct.pack("<I", masked_crc(stored)) == crc, f"block checksum at {offset}"
    block = stored[:-1]
    if stored[-1] == 1:
        block = bytes(cramjam.snappy.decompress_raw(block))
    end = len(block) - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    entries, at, key = [], 0, b""
    while at < end:
        shared, at = _read_varint(block, at)
        unshared, at = _read_varint(block, at)
        length, at = _read_varint(block, at)
        key = key[:shared] + block[at : at + unshared]
        entries.append((key, block[at + unshared : at + unshared + length]))
        at += unshared + length
    return entries


def read_table(table: bytes) -> Entries:
    """Return every (key, value) of a table, after checking its block CRCs."""
    assert table[-8:] == MAGIC
    at = len(table) - 48
    for _ in range(2):
        _, at = _read_varint(table, at)
    offset, at = _read_varint(table, at)
    size, at = _read_varint(table, at)
    entries: Entries = []
    for _, handle in _read_block(table, offset, size):
        block_offset, after = _read_varint(handle, 0)
        entries += _read_block(table, block_offset, _read_varint(handle, after)[0])
    return entries


class _Block:
    def __init__(self, interval: int) -> None:
        self.interval, self.data, self.restarts = interval, bytearray(), [0]
        self.counter, self.last = 0, b""

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self.counter < self.interval:
            limit = min(len(key), len(self.last))
            while shared < limit and key[shared] == self.last[shared]:
                shared += 1
        else:
            self.restarts.append(len(self.data))
            self.counter = 0
        self.data += varint(shared) + varint(len(key) - shared) + varint(len(value))
        self.data += key[shared:] + value
        self.last, self.counter = key, self.counter + 1

    def estimate(self) -> int:
        return len(self.data) + 4 * len(self.restarts) + 4

    def finish(self) -> bytes:
        count = len(self.restarts)
        return bytes(self.data) + struct.pack(f"<{count}II", *self.restarts, count)


def _separator(low: bytes, high: bytes) -> bytes:
    limit = min(len(low), len(high))
    at = next((i for i in range(limit) if low[i] != high[i]), limit)
    if at < limit and low[at] < 0xFF and low[at] + 1 < high[at]:
        return low[:at] + bytes([low[at] + 1])
    return low


def _successor(key: bytes) -> bytes:
    at = next((i for i, byte in enumerate(key) if byte != 0xFF), None)
    return key if at is None else key[:at] + bytes([key[at] + 1])


def build_table(
    entries: Entries,
    block_size: int = 262144,
    compress: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """Return the table that TensorFlow writes for these entries, or one with other blocks.

    Args:
        entries: (key, value) in key order.
        block_size: where blocks are cut; TensorFlow's is 262144.
        compress: snappy compressor; a block is stored where it saves less than an eighth.
    """
    out = bytearray()

    def emit(block: _Block) -> bytes:
        raw = block.finish()
        stored, kind = raw, b"\0"
        if (
            compress is not None
            and len(squeezed := bytes(compress(raw))) < len(raw) - len(raw) // 8
        ):
            stored, kind = squeezed, b"\1"
        handle = varint(len(out)) + varint(len(stored))
        out.extend(stored + kind + struct.pack("<I", masked_crc(stored + kind)))
        return handle

    index, block, waiting = _Block(1), _Block(16), None
    for number, (key, value) in enumerate(entries):
        if number and len(key) + len(value) >= 2 * block_size and block.data:
            waiting, block = (block.last, emit(block)), _Block(16)
        if waiting is not None:
            index.add(_separator(waiting[0], key), waiting[1])
            waiting = None
        block.add(key, value)
        if block.estimate() >= block_size:
            waiting, block = (block.last, emit(block)), _Block(16)
    if block.data:
        waiting = (block.last, emit(block))
    metaindex = emit(_Block(16))
    if waiting is not None:
        index.add(_successor(waiting[0]), waiting[1])
    handles = metaindex + emit(index)
    return bytes(out) + handles.ljust(40, b"\0") + MAGIC
