"""Bundles made by hand after format.md, apart from the project's own code.

For what TensorFlow cannot write: entries that lie, blocks of any size, foreign byte order.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import crc32c
import numpy as np

from tests.golden.table_file import build_table, masked_crc, varint

# TensorFlow's DataType numbers (format.md §4.2) by numpy's names.
NUMBERS = {
    np.dtype(each).name: number
    for each, number in zip(
        ("f4", "f8", "i4", "u1", "i2", "i1", "O", "c8", "i8", "?", "u2", "c16", "f2", "u4", "u8"),
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 18, 19, 22, 23),
        strict=True,
    )
}
STRING = 7

# (start, length) of each dimension; a length of None is the whole dimension.
Extents = tuple[tuple[int, int | None], ...]


def tag(number: int, value: int | bytes) -> bytes:
    """One field of a protobuf message: a varint, or bytes with their length."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value % 2**64)


@dataclass(frozen=True)
class Entry:
    """A BundleEntryProto (format.md §4.1); `crc` is masked, as it is stored."""

    dtype: int
    shape: tuple[int, ...]
    size: int = 0
    offset: int = 0
    shard: int = 0
    crc: int = 0
    slices: tuple[Extents, ...] = ()

    def encode(self) -> bytes:
        dims = b"".join(tag(2, tag(1, dim) if dim else b"") for dim in self.shape)
        out = tag(1, self.dtype) + tag(2, dims)
        for number, value in ((3, self.shard), (4, self.offset), (5, self.size)):
            out += tag(number, value) if value else b""
        out += b"\x35" + struct.pack("<I", self.crc) if self.crc else b""
        return out + b"".join(tag(7, _slice_proto(extents)) for extents in self.slices)


def _slice_proto(extents: Extents) -> bytes:
    out = b""
    for start, length in extents:
        extent = tag(1, start) if start else b""
        out += tag(1, extent + (b"" if length is None else tag(2, length)))
    return out


def _ordered(value: int) -> bytes:
    """A signed number whose bytes sort as it does (format.md §6.2, snum)."""
    magnitude = value if value >= 0 else ~value
    if magnitude < 64:
        return bytes([0x80 ^ (value & 0xFF)])
    count = magnitude.bit_length() // 7 + 1
    ones = (1 << count) - 1 << 8 * count - count  # as many leading ones as there are bytes
    return (value % (1 << 8 * count) ^ ones).to_bytes(count, "big")


def slice_key(name: bytes, extents: Extents) -> bytes:
    """The key of a stored slice (format.md §6.2), of at most 255 dimensions."""
    escaped = b"".join({0: b"\0\xff", 255: b"\xff\0"}.get(byte, bytes([byte])) for byte in name)
    rank = bytes([1, len(extents)]) if extents else b"\0"
    key = b"\0" + escaped + b"\0\1" + rank
    for start, length in extents:
        key += _ordered(start) + _ordered(-1 if length is None else length)
    return key


def header(num_shards: int = 1, *, big_endian: bool = False, version: bytes = b"\x08\x01") -> bytes:
    """A BundleHeaderProto (format.md §3)."""
    return tag(1, num_shards) + (tag(2, 1) if big_endian else b"") + tag(3, version)


def encode_strings(array: Any) -> tuple[bytes, int]:
    """The stored bytes of a string tensor and its masked checksum (format.md §5.4)."""
    elements = array.reshape(-1).tolist()
    fixed = b"".join(struct.pack("<I", len(element)) for element in elements)
    inner = struct.pack("<I", masked_crc(fixed))
    payload = b"".join(elements)
    stored = b"".join(varint(len(element)) for element in elements) + inner + payload
    return stored, masked_crc(fixed + inner + payload)


def crc32c_of(masked: int) -> int:
    """The checksum that a masked one stands for."""
    rotated = (masked - 0xA282EAD8) % 2**32
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


@dataclass
class Handmade:
    """A bundle in the making: entries by key, and the bytes of each shard."""

    entries: dict[bytes, Entry | bytes] = field(default_factory=dict)
    shards: list[bytes] = field(default_factory=lambda: [b""])
    header: bytes | None = None

    def store(self, stored: bytes, shard: int = 0) -> tuple[int, int]:
        """Append bytes to a shard; their offset and size."""
        while shard >= len(self.shards):
            self.shards.append(b"")
        offset = len(self.shards[shard])
        self.shards[shard] += stored
        return offset, len(stored)

    def entry_of(self, array: Any, shard: int = 0) -> Entry:
        """Store an array, and describe where it lies."""
        array = np.asarray(array)
        if array.dtype == object:
            stored, crc = encode_strings(array)
        else:
            stored = array.tobytes()
            crc = masked_crc(stored)
        offset, size = self.store(stored, shard)
        return Entry(NUMBERS[array.dtype.name], array.shape, size, offset, shard, crc)

    def add(self, name: str | bytes, array: Any, place: int = 0, **lies: Any) -> "Handmade":
        """Add a tensor to a shard; `lies` replace what its entry says."""
        key = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
        self.entries[key] = replace(self.entry_of(array, place), **lies)
        return self

    def add_sliced(
        self, name: str, array: Any, slices: Iterable[Extents], shards: Iterable[int] = ()
    ) -> "Handmade":
        """Add a partitioned tensor."""
        array = np.asarray(array)
        slices = tuple(slices)
        places = list(shards) or [0] * len(slices)
        for extents, shard in zip(slices, places, strict=True):
            box = tuple(
                slice(start, None if length is None else start + length)
                for start, length in extents
            )
            self.entries[slice_key(name.encode(), extents)] = self.entry_of(array[box], shard)
        self.entries[name.encode()] = Entry(NUMBERS[array.dtype.name], array.shape, slices=slices)
        return self

    def table(self, block_size: int = 262144) -> bytes:
        """The index file."""
        entries = {
            key: e if isinstance(e, bytes) else e.encode() for key, e in self.entries.items()
        }
        first = header(len(self.shards)) if self.header is None else self.header
        return build_table([(b"", first), *sorted(entries.items())], block_size)

    def write(self, folder: Path, block_size: int = 262144) -> str:
        """Write all files into a folder; the prefix."""
        prefix = folder / "model.ckpt"
        folder.mkdir(parents=True, exist_ok=True)
        Path(f"{prefix}.index").write_bytes(self.table(block_size))
        for number, stored in enumerate(self.shards):
            name = f"{prefix}.data-{number:05d}-of-{len(self.shards):05d}"
            Path(name).write_bytes(stored)
        return str(prefix)


def strings(*elements: bytes, shape: tuple[int, ...] | None = None) -> Any:
    """An object array of byte strings; a vector unless a shape is given."""
    array = np.empty(len(elements), object)
    array[:] = elements
    return array if shape is None else array.reshape(shape)


def same(one: Any, other: Any) -> bool:
    """Whether two arrays are the same in dtype, shape and every bit."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool(one.reshape(-1).tolist() == other.reshape(-1).tolist())
    return one.tobytes() == other.tobytes()


def plain_crc(array: Any) -> int:
    """The CRC-32C of an array's bytes, by the crc32c package."""
    return int(crc32c.crc32c(np.ascontiguousarray(array).tobytes()))
