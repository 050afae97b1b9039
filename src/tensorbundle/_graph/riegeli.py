"""Riegeli records, the container of chunked SavedModels (freeze.md §1.5), read from memory.

A file is a sequence of chunks of records, interrupted at every multiple of 64 KiB by a block header
that says where chunks begin. Reading from the start needs no block headers. The hashes
(HighwayHash) are not checked: what is stored must make sense to the byte instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from .. import _core
from .._format.wire import Raw
from ..errors import FormatError, UnsupportedError

_BLOCK: Final = 1 << 16
_BLOCK_HEADER: Final = 24
_USABLE: Final = _BLOCK - _BLOCK_HEADER
_CHUNK_HEADER: Final = 40
# The first chunk is empty, so that the first 64 bytes of every file are the same; here its hashes.
SIGNATURE: Final = bytes.fromhex(
    "83af70d10d884a3f00000000000000004000000000000000"
    "91bac23c9287e1a90000000000000000e19f13c0e9b1c372"
    "73000000000000000000000000000000"
)
_HINT: Final = "pip install brotli zstandard"
_NAMES: Final = {"b": "brotli", "z": "zstandard", "s": "snappy"}

# Compressed data may stand for far more than itself: but not for this many times its size.
_MAX_GROWTH: Final = 4096
_ALWAYS_ALLOWED: Final = 64 << 20
_PIECE: Final = 1 << 16


class _Chunk(NamedTuple):
    kind: str
    records: int
    decoded_size: int
    data: memoryview
    offset: int


def is_riegeli(data: Raw) -> bool:
    """Tell whether these bytes begin as files of Riegeli records do."""
    return bytes(data[: len(SIGNATURE)]) == SIGNATURE


def read_records(data: Raw) -> list[memoryview]:
    """All records of a file, in order.

    Args:
        data: The file.

    Raises:
        FormatError: It is no such file, or cut off.
        UnsupportedError: Records are stored in a form that is not read, or compressed by what is
            not installed.
    """
    if not is_riegeli(data):
        raise FormatError("not a file of Riegeli records: the signature is missing", offset=0)
    budget = max(_ALWAYS_ALLOWED, _MAX_GROWTH * len(data))
    records: list[memoryview] = []
    for chunk in _chunks(memoryview(data)):
        if chunk.kind == "r":
            budget -= chunk.decoded_size
            if budget < 0:
                raise FormatError(
                    f"a chunk claims {chunk.decoded_size} bytes of records: "
                    f"too many for a file of {len(data)} bytes",
                    offset=chunk.offset,
                )
            records += _simple_records(chunk)
        elif chunk.kind == "t":
            raise UnsupportedError("transposed Riegeli chunks are not read", offset=chunk.offset)
        elif chunk.kind not in "smp":  # signature, metadata, padding: no records
            raise FormatError(f"a chunk has the type {chunk.kind!r}", offset=chunk.offset)
    return records


def _chunks(data: memoryview) -> Iterator[_Chunk]:
    usable = memoryview(b"".join(_without_block_headers(data)))
    at = 0
    while at < len(usable):
        begin = at + _CHUNK_HEADER
        header = usable[at:begin]
        offset = _position(at)
        size = int.from_bytes(header[8:16], "little")
        if len(header) < _CHUNK_HEADER or size > len(usable) - begin:
            raise FormatError(
                f"a chunk is cut off: {_CHUNK_HEADER + size} bytes expected, "
                f"{len(usable) - at} are left",
                offset=offset,
            )
        records = int.from_bytes(header[25:32], "little")
        decoded_size = int.from_bytes(header[32:40], "little")
        # Each record has a position of its own: a chunk is never shorter than their number.
        end = max(begin + size, _usable_before(offset + records))
        if end > len(usable):
            raise FormatError(
                f"a chunk is cut off: {records} records in the last {len(usable) - at} bytes",
                offset=offset,
            )
        yield _Chunk(chr(header[24]), records, decoded_size, usable[begin : begin + size], offset)
        at = end


def _without_block_headers(data: memoryview) -> Iterator[memoryview]:
    for block in range(0, len(data), _BLOCK):
        yield data[block + _BLOCK_HEADER : block + _BLOCK]


def _position(usable: int) -> int:
    """Tell where in the file the chunk begins that has so many usable bytes before it."""
    block, rest = divmod(usable, _USABLE)
    return block * _BLOCK + (_BLOCK_HEADER + rest if rest else 0)


def _usable_before(position: int) -> int:
    """Count the usable bytes before a place in the file, at which a chunk may end."""
    block, rest = divmod(position, _BLOCK)
    # None ends within a block header or right behind it.
    return block * _USABLE + (max(rest - _BLOCK_HEADER, 1) if rest else 0)


def _simple_records(chunk: _Chunk) -> Iterator[memoryview]:
    """Records of a chunk that stores their sizes, then their bytes."""
    if not len(chunk.data):
        raise FormatError("a chunk of records is empty", offset=chunk.offset)
    compression = chr(chunk.data[0]) if chunk.data[0] else ""
    length, begin = _varint(chunk.data, 1, chunk.offset)
    if length > len(chunk.data) - begin:
        raise FormatError("the sizes of records run past their chunk", offset=chunk.offset)
    sizes = _decompress(compression, chunk.data[begin : begin + length], chunk, None)
    values = _decompress(compression, chunk.data[begin + length :], chunk, chunk.decoded_size)
    at = start = count = 0
    while at < len(sizes):
        size, at = _varint(sizes, at, chunk.offset)
        if size > len(values) - start:
            raise FormatError("records run past their chunk", offset=chunk.offset)
        yield values[start : start + size]
        start += size
        count += 1
    if (count, start) != (chunk.records, len(values)):
        raise FormatError(
            f"a chunk has {count} records of {start} bytes: "
            f"{chunk.records} of {len(values)} expected",
            offset=chunk.offset,
        )


def _decompress(
    compression: str, stored: memoryview, chunk: _Chunk, expected: int | None
) -> memoryview:
    """One buffer of a chunk; of sizes it is not known beforehand how long they are."""
    if not compression:
        if expected not in (None, len(stored)):
            raise FormatError(
                f"a chunk has {len(stored)} bytes of records: {expected} expected",
                offset=chunk.offset,
            )
        return stored
    claimed, begin = _varint(stored, 0, chunk.offset)
    limit = 10 * chunk.records if expected is None else expected  # a varint has up to 10 bytes
    if claimed > limit or (expected is not None and claimed != expected):
        raise FormatError(
            f"a compressed buffer claims {claimed} bytes: {limit} expected", offset=chunk.offset
        )
    parts, size = [], 0
    for part in _pieces(compression, stored[begin:], claimed, chunk):
        parts.append(part)
        size += len(part)
        if size > claimed:
            break
    if size != claimed:
        more = "more than " if size > claimed else ""
        raise FormatError(
            f"a compressed buffer has {more}{min(size, claimed)} bytes: {claimed} expected",
            offset=chunk.offset,
        )
    return memoryview(b"".join(parts))


def _pieces(compression: str, stored: memoryview, claimed: int, chunk: _Chunk) -> Iterable[bytes]:
    """Decompressed bytes piece by piece, so that one may stop when they are too many."""
    if compression not in ("b", "z"):
        name = _NAMES.get(compression, f"{compression!r}")
        raise UnsupportedError(
            f"records compressed by {name} are not read: expected brotli or zstd",
            offset=chunk.offset,
        )
    try:
        decoded = _brotli(stored) if compression == "b" else _zstandard(stored, claimed)
        yield from decoded
    except ImportError as error:
        raise UnsupportedError(
            f"records compressed by {_NAMES[compression]} need that package ({error}): {_HINT}",
            offset=chunk.offset,
        ) from None
    except FormatError as error:
        error.offset = chunk.offset
        raise


def _brotli(stored: memoryview) -> Iterator[bytes]:
    import brotli

    decompressor = brotli.Decompressor()
    try:
        for start in range(0, len(stored), _PIECE):
            piece = bytes(stored[start : start + _PIECE])
            yield decompressor.process(piece, output_buffer_limit=_PIECE)
            while not decompressor.can_accept_more_data():
                yield decompressor.process(b"", output_buffer_limit=_PIECE)
    except brotli.error as error:
        raise FormatError(f"records are no brotli stream: {error}") from None
    if not decompressor.is_finished():
        raise FormatError("a brotli stream is cut off")


def _zstandard(stored: memoryview, claimed: int) -> Iterator[bytes]:
    import zstandard

    with zstandard.ZstdDecompressor().stream_reader(stored) as reader:
        left = claimed + 1  # one more shows that there is more
        try:
            while left and (part := reader.read(min(left, 1 << 20))):
                left -= len(part)
                yield part
        except zstandard.ZstdError as error:
            raise FormatError(f"records are no zstd stream: {error}") from None


def _varint(data: Raw, at: int, offset: int) -> tuple[int, int]:
    """Number that begins there, and where it ends."""
    try:
        return _core.varint(data, at)
    except FormatError:
        raise FormatError("a size is cut off or longer than 64 bits", offset=offset) from None
