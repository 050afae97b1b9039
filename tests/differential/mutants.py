"""Mutated bundles: small checkpoints of every kind of content, changed in one of several ways.

Half of the ways put all checksums right again, so that what was changed is believed and reaches
whoever decodes it. Everything follows from the number of the mutant.
"""

import hashlib
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ml_dtypes
import numpy as np

from tests.format.handmade import Entry, Handmade, strings
from tests.golden.table_file import build_table, masked_crc, read_table

Files = dict[str, bytes]  # by what follows the prefix
INDEX = ".index"


@dataclass(frozen=True)
class Mutant:
    """A mutated bundle.

    Attributes:
        way: How it was changed.
        names: What the bundle held before.
        files: Its files.
        before: Its files before that.
    """

    way: str
    names: tuple[str, ...]
    files: Files
    before: Files


def seed_bundle(rng: random.Random) -> Handmade:
    """One of the bundles that are mutated."""
    numbers = np.random.default_rng(rng.randrange(1 << 30))
    kind = rng.randrange(6)
    made = Handmade(shards=[b"", b""] if kind == 1 else [b""])
    if kind == 0:
        for i, dtype in enumerate(("f4", "f8", "i4", "u1", "i8", "f2", "c8", "?")):
            made.add(f"t{i}", numbers.integers(0, 2, (2, 3)).astype(dtype))
    elif kind == 1:
        for i in range(6):
            made.add(f"layer{i}/w", numbers.normal(size=(3,)).astype(np.float32), i % 2)
    elif kind == 2:
        made.add("text", strings(b"one", b"", b"three" * 20, shape=(3,)))
        made.add("scalar", strings(b"x" * 200, shape=()))
        made.add("w", np.arange(5))
    elif kind == 3:
        whole = numbers.normal(size=(6, 4)).astype(np.float32)
        made.add_sliced("part", whole, [((0, 2), (0, None)), ((2, 4), (0, None))])
        made.add("w", np.float64(1.5))
    elif kind == 4:
        half = numbers.normal(size=(4,)).astype(ml_dtypes.bfloat16)
        entry = made.entry_of(half.view(np.uint16))
        made.entries[b"bf"] = replace(entry, dtype=14)
        made.add("empty", np.zeros((0, 3), np.float32)).add("scalar", np.int32(7))
    else:
        for i in range(60):
            made.add(f"scope{i % 7}/variable{i:02d}", np.full(2, i, np.int16))
    return made


def files_of(made: Handmade, block_size: int = 262144) -> Files:
    found = {INDEX: made.table(block_size)}
    for number, stored in enumerate(made.shards):
        found[f".data-{number:05d}-of-{len(made.shards):05d}"] = stored
    return found


# --- ways -----------------------------------------------------------------------------------------


def changed_bytes(rng: random.Random, content: bytes) -> bytes:
    """A few bytes flipped, overwritten, inserted, removed, or a stretch copied elsewhere."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        if not data:
            return bytes(data)
        at = rng.randrange(len(data))
        how = rng.randrange(6)
        if how == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif how == 2:
            data[at:at] = rng.randbytes(rng.choice([1, 2, 9]))
        elif how == 3:
            del data[at : at + rng.choice([1, 2, 7])]
        elif how == 4:
            size = rng.randrange(1, 9)
            to = rng.randrange(len(data))
            data[to : to + size] = data[at : at + size]
        else:
            del data[at:]
    return bytes(data)


def raw_index(rng: random.Random, made: Handmade) -> Files:
    files = files_of(made, rng.choice([64, 400, 262144]))
    files[INDEX] = changed_bytes(rng, files[INDEX])
    return files


def raw_data(rng: random.Random, made: Handmade) -> Files:
    files = files_of(made)
    shard = rng.choice([name for name in files if name != INDEX])
    files[shard] = changed_bytes(rng, files[shard])
    return files


def sealed_block(rng: random.Random, made: Handmade) -> Files:
    """Bytes of one block changed, and its checksum made right."""
    files = files_of(made, rng.choice([64, 400, 262144]))
    index = bytearray(files[INDEX])
    offset, size = rng.choice(_blocks(bytes(index)))
    block = bytearray(index[offset : offset + size + 1])
    for _ in range(rng.choice([1, 1, 2, 3])):
        block[rng.randrange(len(block))] ^= 1 << rng.randrange(8)
    index[offset : offset + size + 1] = block
    index[offset + size + 1 : offset + size + 5] = struct.pack("<I", masked_crc(bytes(block)))
    files[INDEX] = bytes(index)
    return files


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _blocks(table: bytes) -> list[tuple[int, int]]:
    """Where the index block and the data blocks lie."""
    footer = table[-48:]
    _, at = _varint(footer, 0)
    _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, _ = _varint(footer, at)
    return [(offset, size), *_handles(table[offset : offset + size])]


def _handles(block: bytes) -> list[tuple[int, int]]:
    """Where the data blocks lie, by the index block."""
    (restarts,) = struct.unpack("<I", block[-4:])
    end, at, found = len(block) - 4 - 4 * restarts, 0, []
    while at < end:
        _, at = _varint(block, at)
        key, at = _varint(block, at)
        size, at = _varint(block, at)
        offset, inner = _varint(block, at + key)
        length, _ = _varint(block, inner)
        found.append((offset, length))
        at += key + size
    return found


def entry_message(rng: random.Random, made: Handmade) -> Files:
    """The message of an entry, or of the header, changed byte by byte in a sound table."""
    entries = read_table(made.table())
    number = rng.randrange(len(entries))
    key, value = entries[number]
    entries[number] = (key, changed_bytes(rng, value))
    return files_of(made) | {INDEX: build_table(entries)}


def entry_fields(rng: random.Random, made: Handmade) -> Files:
    """Fields of an entry that lie: each a value that somebody could take for true."""
    key = rng.choice(sorted(made.entries))
    entry = made.entries[key]
    assert isinstance(entry, Entry)
    sizes = [0, 1, -1, entry.size + 1, entry.size - 1, 2**31, 2**40, 2**62]
    for _ in range(rng.choice([1, 1, 2])):
        lie = rng.randrange(7)
        if lie == 0:
            entry = replace(entry, dtype=rng.choice([*range(30), 101, 120, -1]))
        elif lie == 1:
            dims = rng.choice([(), (0,), (1,), (-1,), (2**62, 4), (entry.size,), (3, 2), (6,)])
            entry = replace(entry, shape=dims)
        elif lie == 2:
            entry = replace(entry, size=rng.choice(sizes))
        elif lie == 3:
            entry = replace(entry, offset=rng.choice([0, 1, 4, -4, 2**40, 2**63 - 1]))
        elif lie == 4:
            entry = replace(entry, shard=rng.choice([0, 1, 2, -1, 2**31 - 1]))
        elif lie == 5:
            entry = replace(entry, crc=rng.choice([0, 1, entry.crc ^ 1]))
        else:
            entry = replace(entry, slices=rng.choice([(), (((0, 1),),), (((0, None), (0, None)),)]))
    made.entries[key] = entry
    return files_of(made)


def keys_of_table(rng: random.Random, made: Handmade) -> Files:
    """Keys twice, gone, out of order, empty, or with odd bytes."""
    entries = read_table(made.table())
    how = rng.randrange(5)
    number = rng.randrange(len(entries))
    key, value = entries[number]
    if how == 0:
        entries.insert(number, (key, value))
    elif how == 1:
        del entries[number]
    elif how == 2:
        other = rng.randrange(len(entries))
        entries[number], entries[other] = entries[other], entries[number]
    elif how == 3:
        entries[number] = (changed_bytes(rng, key), value)
    else:
        entries[number] = (key, entries[rng.randrange(len(entries))][1])
    return files_of(made) | {INDEX: build_table(entries)}


def missing_file(rng: random.Random, made: Handmade) -> Files:
    files = files_of(made)
    name = rng.choice(sorted(files))
    if rng.random() < 0.5:
        del files[name]
    else:
        files[name] = rng.choice([b"", files[name] * 2, b"<html></html>", files[name] + b"\0"])
    return files


WAYS: dict[str, Callable[[random.Random, Handmade], Files]] = {
    way.__name__: way
    for way in (
        raw_index, raw_data, sealed_block, entry_message, entry_fields, keys_of_table, missing_file,
    )
}  # fmt: skip


def mutant(number: int) -> Mutant:
    """The mutant of a number."""
    rng = random.Random(number)
    made = seed_bundle(rng)
    names = tuple(key.decode() for key in made.entries if key[:1] != b"\0")
    way, before = rng.choice([*WAYS]), files_of(made)
    return Mutant(way, names, WAYS[way](rng, made), before)


def digest(array: Any) -> tuple[str, tuple[int, ...], str]:
    """Dtype, shape and bits of what was read; also taken of what this library reads."""
    array = np.asarray(array)
    if array.dtype == object:
        flat = [each if isinstance(each, bytes) else each.encode() for each in array.reshape(-1)]
        content = b"".join(struct.pack("<Q", len(each)) + each for each in flat)
        return "string", array.shape, hashlib.sha256(content).hexdigest()
    if array.dtype == bool:  # any byte but 0 is true
        array = array.view(np.uint8) != 0
    return array.dtype.name, array.shape, hashlib.sha256(array.tobytes()).hexdigest()
