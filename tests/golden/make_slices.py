"""Makers of V2 bundles with partitioned tensors (format.md §6)."""

from pathlib import Path

import numpy as np
from tensorflow.core.protobuf import tensor_bundle_pb2

from tests.golden.fixture import NUMERIC, Fixture, merge_v2, pattern, save_v2, slice_items, strings
from tests.golden.table_file import build_table, masked_crc, read_table

RANK2 = ["2,1:-", "0,2:0,3", "0,2:3,4"]  # of [3, 7]: uneven, out of order, one whole dimension


def make_dtypes() -> list[Fixture]:
    """A partitioned matrix of every dtype; TensorFlow joins about half of them again."""
    saved, written, specs = [], {}, {}
    for dtype in [*NUMERIC, "string"]:
        name = dtype.encode()
        written[name] = (
            strings(*(b"s%d" % i * (i % 5) for i in range(21)), shape=(3, 7))
            if dtype == "string"
            else pattern(dtype, (3, 7), f"sliced {dtype}")
        )
        specs[name] = RANK2
        saved += slice_items(name, written[name], RANK2, dtype)
    save_v2("slices/dtypes", saved)
    return [Fixture("slices/dtypes", written=written, specs=specs)]


def make_shapes() -> list[Fixture]:
    """Ranks, uneven parts, whole dimensions, explicit full extents, large starts."""
    cases = {
        "rank1": ((11,), ["0,4", "4,1", "5,6"]),
        "rank2_columns": ((4, 6), ["-:0,1", "-:1,5"]),
        "rank2_explicit_full": ((4, 6), ["0,2:0,6", "2,2:-"]),
        "rank2_grid": ((5, 5), ["3,2:3,2", "0,3:0,3", "0,3:3,2", "3,2:0,3"]),
        "rank3": ((3, 4, 5), ["0,1:-:-", "1,2:0,3:0,5", "1,2:3,1:-"]),
        "rank8": ((2, 1, 2, 1, 2, 1, 1, 3), ["-:" * 7 + "0,1", "-:" * 7 + "1,2"]),
        "rank9": ((2, 1, 2, 1, 2, 1, 1, 1, 3), ["-:" * 8 + "0,1", "-:" * 8 + "1,2"]),
        "large_starts": ((20_000,), ["0,63", "63,1", "64,8127", "8191,1", "8192,11808"]),
        "whole_by_dashes": ((4, 6), ["-:-"]),
        "whole_by_extents": ((4, 6), ["0,4:0,6"]),
    }
    saved, written, specs = [], {}, {}
    for case, (shape, parts) in cases.items():
        name = case.encode()
        kind = "uint8" if case == "large_starts" else "float32"
        written[name], specs[name] = pattern(kind, shape, case), parts
        saved += slice_items(name, written[name], parts)
    for name in (b"plain", b"odd \xff\x00 name"):
        written[name] = pattern("float32", (4, 2), repr(name))
    saved.append((b"plain", "", written[b"plain"]))
    specs[b"odd \xff\x00 name"] = ["0,3:-", "3,1:-"]
    saved += slice_items(b"odd \xff\x00 name", written[b"odd \xff\x00 name"], ["0,3:-", "3,1:-"])
    save_v2("slices/shapes", saved)
    return [Fixture("slices/shapes", written=written, specs=specs, never_read={b"rank9"})]


def make_incomplete() -> list[Fixture]:
    """Slices that leave a gap, overlap, or have lost their entry or their place in the list."""
    array, steps = pattern("float32", (4, 6), "incomplete"), np.arange(10, dtype=np.int32)
    specs = {
        b"gap": ["0,2:-", "3,1:-"],
        b"overlap": ["0,6", "4,6"],
        b"entry_lost": ["0,5", "5,5"],
        b"orphan": ["0,5", "5,5"],
    }
    saved = slice_items(b"gap", array, specs[b"gap"])
    for name in (b"overlap", b"entry_lost", b"orphan"):
        saved += slice_items(name, steps, specs[name])
    save_v2("slices/incomplete", saved)
    path = Path("slices/incomplete.index")
    entries = read_table(path.read_bytes())
    lost = next(key for key, _ in reversed(entries) if key.startswith(b"\0entry_lost"))
    edited = []
    for key, value in entries:
        if key == b"orphan":
            entry = tensor_bundle_pb2.BundleEntryProto.FromString(value)
            del entry.slices[1]
            value = entry.SerializeToString()
        if key != lost:
            edited.append((key, value))
    path.write_bytes(build_table(edited))
    written = dict.fromkeys(specs)
    damage = "gap; overlap; the entry of the slice 5,5 gone; the slice 5,5 gone from the list"
    return [Fixture("slices/incomplete", written=written, specs=specs, damaged=damage)]


def make_sharded() -> list[Fixture]:
    """One tensor whose slices lie in three data files, beside whole tensors."""
    table = pattern("float32", (9, 4), "embedding")
    half = pattern("float16", (6,), "half")
    parts = []
    for shard, (rows, halves) in enumerate([("6,3:-", "0,1"), ("0,2:-", "1,3"), ("2,4:-", "4,2")]):
        part = f"slices/sharded_temp/part-{shard:05d}-of-00003"
        whole = (b"whole_%d" % shard, "", pattern("int64", (2,), f"whole {shard}"))
        items = slice_items(b"embedding", table, [rows]) + slice_items(b"half", half, [halves])
        save_v2(part, [whole, *items])
        parts.append(part)
    merge_v2(parts, "slices/sharded")
    Path("slices/sharded_temp").rmdir()
    written = {b"embedding": table, b"half": half}
    written |= {b"whole_%d" % i: pattern("int64", (2,), f"whole {i}") for i in range(3)}
    specs = {b"embedding": ["6,3:-", "0,2:-", "2,4:-"], b"half": ["0,1", "1,3", "4,2"]}
    return [Fixture("slices/sharded", written=written, specs=specs)]


def make_big_endian() -> list[Fixture]:
    """A partitioned tensor in a bundle of a big-endian machine."""
    array = pattern("int32", (3, 7), "big-endian slices")
    prefix = "slices/big_endian"
    save_v2(prefix, slice_items(b"table", array.byteswap(), RANK2))
    index = Path(f"{prefix}.index")
    entries = read_table(index.read_bytes())
    entries[0] = (b"", bytes.fromhex("080110011a020801"))
    index.write_bytes(build_table(entries))
    data = Path(f"{prefix}.data-00000-of-00001").read_bytes()
    first = tensor_bundle_pb2.BundleEntryProto.FromString(entries[1][1])
    assert masked_crc(data[first.offset :][: first.size]) == first.crc32c
    return [Fixture(prefix, written={b"table": array}, specs={b"table": RANK2})]


def make() -> list[Fixture]:
    """Write all of them into the current directory."""
    makers = (make_dtypes, make_shapes, make_incomplete, make_sharded, make_big_endian)
    return [fixture for maker in makers for fixture in maker()]
