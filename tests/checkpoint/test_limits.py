"""Hostile files: a typed error in bounded time and memory, whatever they claim.

Each is opened and read in every way by a process of its own, which may take some hundred megabytes
of address space more than it has at its start.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.format.handmade import (
    STRING,
    Entry,
    Handmade,
    encode_strings,
    header,
    masked_crc,
    slice_key,
    strings,
)
from tests.golden.table_file import MAGIC, build_table, varint

READER = """
import json, resource, sys, time
import ml_dtypes, numpy, tensorbundle as tb
from tensorbundle._checkpoint import audit, bundle, report
from tensorbundle._locate import damage
import difflib, fnmatch, threading

with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
limit = size + (int(sys.argv[2]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
outcomes = []

def attempt(label, read):
    begun = time.process_time()
    try:
        result = read()
        kind = "ok" if not isinstance(result, tb.Report) or result.ok else result.faults[0].kind
    except tb.TensorBundleError as error:
        kind = type(error).__name__
        assert len(str(error)) < 2000, len(str(error))
    outcomes.append((label, kind, time.process_time() - begun))

attempt("open", lambda: tb.open(sys.argv[1]))
if outcomes[0][1] == "ok":
    ckpt = tb.open(sys.argv[1])
    attempt("get", lambda: ckpt["w"])
    attempt("list", lambda: list(ckpt))
    attempt("infos", ckpt.infos)
    attempt("load", ckpt.load)
    attempt("views", ckpt.views)
    attempt("slice", lambda: ckpt.read_slice("w", ...))
    attempt("chunks", lambda: sum(map(len, ckpt.chunks("w"))))
    attempt("copy on write", lambda: tb.open(sys.argv[1], mode="c")["w"])
    attempt("unmapped", lambda: tb.open(sys.argv[1], mode="read")["w"])
    attempt("verify", lambda: ckpt.verify(threads=2))
json.dump(outcomes, sys.stdout)
"""


def read_all(prefix, *, megabytes=256, seconds=2.0):
    """What every way of reading comes to, by label; fails for a crash, a hang, or memory."""
    command = [sys.executable, "-c", READER, prefix, str(megabytes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    outcomes = json.loads(done.stdout)
    slow = [(label, elapsed) for label, _, elapsed in outcomes if elapsed > seconds]
    assert not slow
    return {label: kind for label, kind, _ in outcomes}


def with_entry(entry, stored=b"1234"):
    bundle = Handmade(shards=[stored])
    bundle.entries[b"w"] = entry
    return bundle


def sliced(shape, slices, entry):
    bundle = Handmade(shards=[bytes(1000)])
    for extents in slices:
        bundle.entries[slice_key(b"w", extents)] = entry
    bundle.entries[b"w"] = Entry(entry.dtype, shape, slices=tuple(slices))
    return bundle


CRC_1000 = masked_crc(bytes(1000))
NO_STRINGS = encode_strings(strings())[1]

# What is claimed, and what reading it one by one and verifying it come to.
CLAIMS = {
    "2^40 elements": (with_entry(Entry(1, (2**40,), 2**42)), "FormatError", "truncated"),
    "2^60 elements": (with_entry(Entry(2, (2**30, 2**30), 2**63 - 8)), "FormatError", None),
    "2^62 bytes of one element": (with_entry(Entry(1, (), 2**62)), "FormatError", "size mismatch"),
    "254 dimensions": (
        with_entry(Entry(1, (1,) * 254, 4, crc=masked_crc(b"1234"))),
        "UnsupportedError",
        "ok",
    ),
    "254 dimensions of 2": (with_entry(Entry(1, (2,) * 254, 4)), "FormatError", "malformed"),
    "empty but for overflow": (
        with_entry(Entry(1, (0, 2**62), crc=masked_crc(b""))),
        "UnsupportedError",
        "ok",
    ),
    "2^40 strings": (with_entry(Entry(STRING, (2**40,), 4)), "FormatError", None),
    "2^40 strings, size too": (with_entry(Entry(STRING, (2**40,), 2**41)), "FormatError", None),
    "string of 2^63 bytes": (
        with_entry(Entry(STRING, (), 14), varint(2**63 - 1) + b"12345"),
        "ChecksumError",
        None,
    ),
    "strings that sum to 2^64": (
        with_entry(Entry(STRING, (4,), 60), varint(2**62) * 4 + bytes(20)),
        "ChecksumError",
        None,
    ),
    "variants": (with_entry(Entry(21, (2**40,), 2**41)), "UnsupportedError", None),
    "variant of 2^63 bytes": (
        with_entry(Entry(21, (), 14), varint(2**63 - 1) + b"12345"),
        "UnsupportedError",
        None,
    ),
    "partitioned, 2^40 elements": (
        sliced((2**40,), [((0, 2**39),), ((2**39, 2**39),)], Entry(1, (2**39,), 2**41)),
        "FormatError",
        "truncated",
    ),
    "a slice of 2^63": (
        sliced((10,), [((2**62, 2**62),)], Entry(1, (10,), 40)),
        "FormatError",
        None,
    ),
    "scalar in two slices": (sliced((), [(), ()], Entry(4, (), 1)), "FormatError", None),
    "slices that share bytes": (
        sliced(
            (10**6,),
            [((i * 1000, 1000),) for i in range(1000)],
            Entry(4, (1000,), 1000, crc=CRC_1000),
        ),
        "FormatError",
        "overlap",
    ),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_claim_beyond_the_file_is_refused_at_little_cost(tmp_path, claim):
    bundle, error, verdict = CLAIMS[claim]
    found = read_all(bundle.write(tmp_path))
    assert found.pop("open") == found.pop("list") == "ok"
    verified, facts = found.pop("verify"), found.pop("infos")
    assert facts in ("ok", error)
    if error == "UnsupportedError":  # what no array holds is left out of all
        assert found.pop("load") == found.pop("views") == "ok"
    assert set(found.values()) == {error}
    if verdict is None:
        assert verified != "ok"
    else:
        assert verified == verdict


@pytest.mark.parametrize("shards", [2**31 - 1, 10**6, 0])
def test_count_of_shards_costs_nothing(tmp_path, shards):
    bundle = Handmade().add("w", np.zeros(4, np.float32), shard=max(shards - 1, 0))
    bundle.header = header(shards)
    found = read_all(bundle.write(tmp_path))
    assert found["open"] == found["list"] == "ok"
    assert found["get"] == found["load"] == "MissingFileError"
    assert found["verify"] == "missing shard"


def test_many_slices_are_put_together(tmp_path):
    count = 10_000
    array = np.arange(count, dtype=np.uint8)
    prefix = Handmade().add_sliced("w", array, [((i, 1),) for i in range(count)]).write(tmp_path)
    assert set(read_all(prefix, seconds=4).values()) == {"ok"}


MANY = 30_000
PILES = {
    "nested": [((0, 1 + i), (0, 1)) for i in range(MANY)],
    "stairs": [((i, MANY - i), (i, 1)) for i in range(MANY)],
    "stairs the other way": [((i, 1), (i, MANY - i)) for i in range(MANY)],
    "all the same": [((0, 1), (0, 1))] * MANY,
}


@pytest.mark.parametrize("pile", PILES)
def test_many_slices_that_do_not_fit_are_refused(tmp_path, pile):
    bundle = Handmade(shards=[b"1234"])
    bundle.entries[b"w"] = Entry(4, (MANY, MANY), slices=tuple(PILES[pile]))
    found = read_all(bundle.write(tmp_path))
    assert found["get"] == found["slice"] == "FormatError"
    # Stairs have gaps, and nothing else is wrong with them: they are left out of all.
    assert found["load"] == ("ok" if pile.startswith("stairs") else "FormatError")
    assert found["verify"] != "ok"


def test_overlapping_ranges_that_ask_for_terabytes_are_refused(tmp_path):
    stored = bytes(1 << 20)
    bundle = Handmade(shards=[stored])
    entry = Entry(4, (1 << 20,), 1 << 20, crc=masked_crc(stored))
    for i in range(20_000):
        bundle.entries[b"w%d" % i] = entry
    bundle.entries[b"w"] = entry
    found = read_all(bundle.write(tmp_path))
    assert found["get"] == "ok"  # one of them is sound
    assert found["load"] == found["views"] == "FormatError"
    assert found["verify"] == "overlap"


@pytest.mark.parametrize("size", [500_000, 5_000_000])
def test_long_names_are_names(tmp_path, size):
    bundle = Handmade().add("w", np.zeros(1, np.int8))
    for i in range(4):
        bundle.add("n" * size + str(i), np.zeros(1, np.int8))
    assert set(read_all(bundle.write(tmp_path)).values()) == {"ok"}


def test_keys_that_share_long_prefixes_cannot_multiply(tmp_path):
    """Each entry takes a few bytes of the file, and adds a name of a megabyte."""
    name = b"n" * (1 << 20)
    block = varint(0) + varint(0) + varint(6) + header()
    block += varint(0) + varint(len(name)) + varint(2) + name + b"\x08\x04"
    shared = varint(len(name)) + varint(3) + varint(2)
    block += b"".join(shared + i.to_bytes(3, "big") + b"\x08\x04" for i in range(100_000))
    block += bytes(4) + (1).to_bytes(4, "little")
    out = block + b"\0" + masked_crc(block + b"\0").to_bytes(4, "little")
    handle = varint(0) + varint(len(block))
    index = varint(0) + varint(1) + varint(len(handle)) + b"z" + handle
    index += bytes(4) + (1).to_bytes(4, "little")
    at = len(out)
    out += index + b"\0" + masked_crc(index + b"\0").to_bytes(4, "little")
    out += (b"\0\0" + varint(at) + varint(len(index))).ljust(40, b"\0") + MAGIC
    (tmp_path / "model.ckpt.index").write_bytes(out)
    found = read_all(str(tmp_path / "model.ckpt"))
    assert found["list"] == found["load"] == "FormatError"
    assert found["verify"] == "malformed"
    with pytest.raises(tb.FormatError, match="keys take far more room than the block"):
        list(tb.open(tmp_path / "model.ckpt"))


FOOTERS = {
    "index past the end": varint(0) + varint(8) + varint(2**40) + varint(8),
    "index of 2^64-1 bytes": varint(0) + varint(8) + varint(0) + varint(2**64 - 1),
    "offset of 2^64-1": varint(0) + varint(8) + varint(2**64 - 1) + varint(2**64 - 1),
    "offset that wraps": varint(0) + varint(8) + varint(2**64 - 8) + varint(16),
    "endless varint": b"\xff" * 40,
}


@pytest.mark.parametrize("footer", FOOTERS)
def test_footer_that_lies_is_refused(tmp_path, footer):
    prefix = Handmade().add("w", np.zeros(1)).write(tmp_path)
    path = Path(f"{prefix}.index")
    path.write_bytes(path.read_bytes()[:-48] + FOOTERS[footer].ljust(40, b"\0") + MAGIC)
    assert read_all(prefix) == {"open": "FormatError"}


@pytest.mark.parametrize("restarts", [0, 2**32 - 1, 2**30, 1000])
def test_count_of_restarts_that_lies_is_refused(tmp_path, restarts):
    index = Handmade().add("w", np.zeros(1)).table()
    block = index[: index.index(b"\0\0\0\0\1\0\0\0")] + bytes(4) + restarts.to_bytes(4, "little")
    out = block + b"\0" + masked_crc(block + b"\0").to_bytes(4, "little")
    handle = varint(0) + varint(len(block))
    inner = varint(0) + varint(1) + varint(len(handle)) + b"z" + handle + bytes(4) + b"\1\0\0\0"
    at = len(out)
    out += inner + b"\0" + masked_crc(inner + b"\0").to_bytes(4, "little")
    out += (b"\0\0" + varint(at) + varint(len(inner))).ljust(40, b"\0") + MAGIC
    (tmp_path / "model.ckpt.index").write_bytes(out)
    assert read_all(str(tmp_path / "model.ckpt")) == {"open": "FormatError"}


@pytest.mark.parametrize(
    "snappy",
    [
        varint(2**32 - 1) + b"\0a",  # claims four gigabytes
        varint(2**31)
        + b"\0a"
        + b"\xfe\1\0" * 300_000,  # grows to 19 megabytes, claims two gigabytes
        varint(2**64 - 1),
        varint(10) + b"\xf0\xff" * 8,
        b"",
    ],
    ids=["claims 4 GB", "copies", "claims 2^64", "literal past the end", "empty"],
)
def test_snappy_block_that_lies_is_refused(tmp_path, snappy):
    out = snappy + b"\1" + masked_crc(snappy + b"\1").to_bytes(4, "little")
    handle = varint(0) + varint(len(snappy))
    inner = varint(0) + varint(1) + varint(len(handle)) + b"z" + handle + bytes(4) + b"\1\0\0\0"
    at = len(out)
    out += inner + b"\0" + masked_crc(inner + b"\0").to_bytes(4, "little")
    out += (b"\0\0" + varint(at) + varint(len(inner))).ljust(40, b"\0") + MAGIC
    (tmp_path / "model.ckpt.index").write_bytes(out)
    assert read_all(str(tmp_path / "model.ckpt")) == {"open": "FormatError"}


def test_index_of_tiny_entries_grows_in_proportion(tmp_path):
    count = 200_000
    entry = Entry(1, (0,), crc=masked_crc(b"")).encode()
    entries = [(b"", header()), *((b"n%06d" % i, entry) for i in range(count)), (b"w", entry)]
    (tmp_path / "model.ckpt.index").write_bytes(build_table(entries))
    (tmp_path / "model.ckpt.data-00000-of-00001").write_bytes(b"")
    begun = time.monotonic()
    found = read_all(os.path.join(tmp_path, "model.ckpt"), megabytes=600)
    assert set(found.values()) == {"ok"}
    assert time.monotonic() - begun < 30
