"""Indexes whose checksums are right and whose content is not (format.md §10.2, §10.3, §3)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.format.handmade import (
    STRING,
    Entry,
    Handmade,
    header,
    masked_crc,
    same,
    slice_key,
    strings,
    tag,
)
from tests.golden.table_file import build_table, varint

W = np.arange(6, dtype=np.float32).reshape(2, 3)
SOUND = np.array([5], np.int64)
WORDS = strings(b"one", b"three")


def handmade(array=W, **lies):
    """A tensor of whose entry something is not true, between two that are sound."""
    return Handmade().add("a", SOUND).add("w", array, **lies).add("z", SOUND)


def check(ckpt, error, told, kind):
    """The tensor is refused in every way and found by verification; its neighbours are read."""
    for read in (
        ckpt.__getitem__,
        ckpt.load,
        ckpt.views,
        lambda name: list(ckpt.chunks(name)),
        tb.open(ckpt.location.prefix, mode="read").__getitem__,
    ):
        with pytest.raises(error, match=told):
            read("w")
    for name in ("a", "z"):
        assert same(ckpt[name], SOUND)
        assert same(ckpt.load(name)[name], SOUND)
    assert list(ckpt) == ["a", "w", "z"]
    faults = ckpt.verify().faults
    assert [(fault.name, fault.kind) for fault in faults] == [("w", kind)]


LIES = {
    "size too small": ({"size": 20}, tb.FormatError, "entry's size is wrong", "size mismatch"),
    "size too large": ({"size": 28}, tb.FormatError, "entry's size is wrong", "size mismatch"),
    "size absent": ({"size": 0}, tb.FormatError, "entry's size is wrong", "size mismatch"),
    "size negative": ({"size": -24}, tb.FormatError, "claims -24 bytes", "malformed"),
    "size huge": ({"size": 2**62}, tb.FormatError, "entry's size is wrong", "size mismatch"),
    "offset past the end": ({"offset": 4096}, tb.FormatError, "cut off", "truncated"),
    "offset huge": (
        {"offset": 2**63 - 1},
        tb.FormatError,
        "cut off|negative|overflow",
        "truncated",
    ),
    "offset negative": ({"offset": -8}, tb.FormatError, "at offset -8", "malformed"),
    "shard that cannot be": ({"shard": 5}, tb.FormatError, "number 5 of 1", "malformed"),
    "shard negative": ({"shard": -1}, tb.FormatError, "number -1 of 1", "malformed"),
    "shard of 2^31-1": ({"shard": 2**31 - 1}, tb.FormatError, "number 2147483647 of", "malformed"),
    "checksum wrong": ({"crc": 1}, tb.ChecksumError, "checksum mismatch in tensor 'w'", "checksum"),
    "checksum absent": ({"crc": 0}, tb.ChecksumError, "stored 0x8a942ebe, comp", "checksum"),
    "wider dtype": ({"dtype": 2}, tb.FormatError, "entry's size is wrong", "size mismatch"),
    "dtype invalid": ({"dtype": 0}, (tb.FormatError, tb.UnsupportedError), "invalid|dtype", None),
    "more elements": ({"shape": (2, 4)}, tb.FormatError, "entry's size is wrong", "size mismatch"),
    "scalar": ({"shape": ()}, tb.FormatError, "entry's size is wrong", "size mismatch"),
    "no elements": ({"shape": (2, 0)}, tb.FormatError, "entry's size is wrong", "size mismatch"),
    "dimension negative": ({"shape": (-2, -3)}, tb.FormatError, "is negative .*: -2", "malformed"),
    "2^64 elements": (
        {"shape": (2**32, 2**32)},
        tb.FormatError,
        "does not fit in 64 bits",
        "malformed",
    ),
    "255 dimensions": ({"shape": (1,) * 255}, tb.FormatError, "dimensions", "malformed"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lie_of_an_entry_is_refused_and_found(tmp_path, lie):
    lies, error, told, kind = LIES[lie]
    ckpt = tb.open(handmade(**lies).write(tmp_path))
    if kind is not None:
        check(ckpt, error, told, kind)
        return
    with pytest.raises(error, match=told):
        ckpt["w"]
    assert same(ckpt["z"], SOUND)


def test_offset_of_another_tensor_is_a_checksum_error(tmp_path):
    bundle = handmade()
    bundle.entries[b"w"] = replace(bundle.entries[b"w"], offset=0)
    ckpt = tb.open(bundle.write(tmp_path))
    with pytest.raises(tb.ChecksumError, match="checksum mismatch in tensor 'w'"):
        ckpt["w"]
    assert {fault.kind for fault in ckpt.verify().faults} <= {"overlap", "checksum"}
    assert not ckpt.verify().ok


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"\xff" * 11, id="endless varint"),
        pytest.param(b"\x08", id="cut off"),
        pytest.param(b"\x12\x7f\x12", id="length past the end"),
        pytest.param(b"\x0b\x0c", id="group"),
        pytest.param(b"\x08\x01\x12\x02\x18\x01\x28\x18", id="unknown rank"),
        pytest.param(b"\x00\x01", id="field number 0"),
        pytest.param(b"", id="empty"),
    ],
)
def test_entry_that_is_no_message_is_refused_alone(tmp_path, value):
    bundle = handmade()
    bundle.entries[b"w"] = value
    ckpt = tb.open(bundle.write(tmp_path))
    with pytest.raises((tb.FormatError, tb.UnsupportedError), match="'w'"):
        ckpt["w"]
    # Of no type at all is what no array can hold, which does not stop the rest.
    with pytest.raises((tb.FormatError, tb.UnsupportedError, tb.LeftOutWarning), match="'w'"):
        ckpt.load()
    assert same(ckpt["a"], SOUND)
    assert same(ckpt.load("z")["z"], SOUND)
    assert list(ckpt) == ["a", "w", "z"]


def test_entry_in_another_order_with_unknown_fields_is_read(tmp_path):
    bundle = handmade()
    entry = bundle.entries[b"w"]
    shape = tag(2, tag(2, tag(1, 2) + tag(2, b"rows")) + tag(2, tag(9, 1) + tag(1, 3)))
    explicit = tag(3, 0) + b"\x35" + entry.crc.to_bytes(4, "little") + tag(5, 24)
    bundle.entries[b"w"] = tag(77, b"?") + explicit + tag(4, entry.offset) + shape + tag(1, 1)
    ckpt = tb.open(bundle.write(tmp_path))
    assert same(ckpt["w"], W)
    assert ckpt.verify().ok


# --- what no reader can know ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lies", "wanted"),
    [({"dtype": 3}, W.view(np.int32)), ({"shape": (3, 2)}, W.reshape(3, 2))],
    ids=["dtype", "shape"],
)
def test_change_that_keeps_every_byte_cannot_be_found(tmp_path, lies, wanted):
    """The checksum covers the bytes alone; the block's own checksum guards the entry."""
    prefix = handmade(**lies).write(tmp_path)
    assert same(tb.open(prefix)["w"], wanted)
    assert tb.open(prefix).verify().ok
    honest = Path(handmade().write(tmp_path / "honest") + ".index").read_bytes()
    changed = Path(f"{prefix}.index").read_bytes()
    # To change the entry alone, without its block's checksum, is found.
    at = next(i for i, (one, other) in enumerate(zip(honest, changed, strict=True)) if one != other)
    Path(f"{prefix}.index").write_bytes(honest[:at] + changed[at : at + 1] + honest[at + 1 :])
    with pytest.raises(tb.ChecksumError, match="checksum mismatch in a table block"):
        tb.open(prefix)


@pytest.mark.parametrize("size", [-3, 3, 100])
def test_size_of_strings_that_is_wrong_is_read_and_found(tmp_path, size):
    """TensorFlow never checks it, so files with a wrong one exist; the elements are checked."""
    bundle = handmade(WORDS)
    bundle.entries[b"w"] = replace(bundle.entries[b"w"], size=bundle.entries[b"w"].size + size)
    bundle.store(bytes(100))
    ckpt = tb.open(bundle.write(tmp_path))
    assert same(ckpt["w"], WORDS)
    kinds = {fault.kind for fault in ckpt.verify().faults}
    assert kinds <= {"size mismatch", "overlap"}
    assert kinds


def test_strings_with_another_count_are_refused(tmp_path):
    for shape in ((), (1,), (3,), (2, 0), (2**40,)):
        ckpt = tb.open(handmade(WORDS, shape=shape).write(tmp_path))
        with pytest.raises(tb.FormatError, match="in tensor 'w'"):
            ckpt["w"]
        assert [fault.name for fault in ckpt.verify().faults] == ["w"]


def test_empty_tensor_may_lie_anywhere(tmp_path):
    empty = np.empty((0, 3), np.float32)
    ckpt = tb.open(handmade(empty, offset=10**9).write(tmp_path))
    assert same(ckpt["w"], empty)
    assert same(ckpt.load()["w"], empty)
    assert same(ckpt.views()["w"], empty)
    assert ckpt.verify().ok


# --- slices --------------------------------------------------------------------------------------

HALVES = [((0, 1), (0, None)), ((1, 1), (0, None))]


def sliced():
    bundle = Handmade().add("a", SOUND).add_sliced("w", W, HALVES).add("z", SOUND)
    return bundle, slice_key(b"w", HALVES[1])


def lose(bundle, key):
    del bundle.entries[key]


def orphan(bundle, _):
    bundle.entries[b"w"] = replace(bundle.entries[b"w"], slices=tuple(HALVES[:1]))


def overlap(bundle, _):
    bundle.add_sliced("w", W, [((0, 2), (0, 2)), ((1, 1), (0, None)), ((0, 1), (2, 1))])


def outside(bundle, _):
    bundle.entries[b"w"] = replace(bundle.entries[b"w"], slices=(HALVES[0], ((1, 7), (0, None))))


def other_rank(bundle, _):
    bundle.entries[b"w"] = replace(bundle.entries[b"w"], slices=(HALVES[0], ((1, 1),)))


def change(**changes):
    def apply(bundle, key):
        bundle.entries[key] = replace(bundle.entries[key], **changes)

    return apply


SLICE_LIES = {
    "entry lost": (lose, "slice is missing: the index has no entry for slice 1 of 2", "gap"),
    "not listed": (orphan, "slices leave a gap: 3 of 6 elements", "gap"),
    "overlap": (overlap, r"slices overlap: \[.*\] and \[.*\] share elements", "overlap"),
    "outside": (
        outside,
        r"a slice does not fit: \[1:8, 0:3\] in a tensor of \[2, 3\]",
        "malformed",
    ),
    "other rank": (other_rank, "a slice does not fit: 1 dimensions", "malformed"),
    "other dtype": (change(dtype=3), r"slice 1 is not what the tensor lists: int32", "malformed"),
    "permuted": (change(shape=(3, 1)), r"slice 1 is not .*: float32\[3, 1\]", "malformed"),
    "size": (change(size=8), "entry's size is wrong", "size mismatch"),
    "checksum": (change(crc=7), "checksum mismatch", "checksum"),
    "offset": (change(offset=999), "cut off", "truncated"),
    "shard": (change(shard=9), "number 9 of 1", "malformed"),
    "nested": (change(slices=tuple(HALVES)), "slice 1 is not what", None),
}


@pytest.mark.parametrize("lie", SLICE_LIES)
def test_slice_that_is_wrong_is_refused_and_found(tmp_path, lie):
    spoil, told, kind = SLICE_LIES[lie]
    bundle, key = sliced()
    spoil(bundle, key)
    ckpt = tb.open(bundle.write(tmp_path))
    for read in (ckpt.__getitem__, ckpt.load, ckpt.views):
        # The place comes before the colon: "what in tensor 'w' (where): found".
        with pytest.raises(tb.FormatError, match=told.replace(": ", ".*: ")) as caught:
            read("w")
        assert caught.value.key == "w"
    assert same(ckpt["a"], SOUND)
    assert same(ckpt["z"], SOUND)
    report = ckpt.verify()
    assert not report.ok
    if kind is not None:
        assert kind in {fault.kind for fault in report.faults if fault.name == "w"}


def test_slice_that_nothing_lists_is_shown_by_its_key(tmp_path):
    bundle, key = sliced()
    orphan(bundle, key)
    ckpt = tb.open(bundle.write(tmp_path))
    assert list(ckpt) == [key.decode("utf-8", "surrogateescape"), "a", "w", "z"]
    assert same(ckpt[key], W[1:])


def test_fields_of_a_partitioned_entry_mean_nothing(tmp_path):
    """A merge leaves a shard number there (format.md §6.1)."""
    bundle, _ = sliced()
    bundle.entries[b"w"] = replace(bundle.entries[b"w"], shard=40, offset=9, size=77, crc=5)
    ckpt = tb.open(bundle.write(tmp_path))
    assert same(ckpt["w"], W)
    assert ckpt.verify().ok


# --- the header ----------------------------------------------------------------------------------


def with_table(tmp_path, entries):
    prefix = handmade().write(tmp_path)
    Path(f"{prefix}.index").write_bytes(build_table(entries))
    return prefix


def test_missing_header_is_refused(tmp_path):
    """TensorFlow takes the first tensor's entry for the header."""
    entries = [(b"w", Entry(1, (2, 3), 24, crc=masked_crc(W.tobytes())).encode())]
    with pytest.raises(tb.FormatError, match="the header is missing"):
        tb.open(with_table(tmp_path, entries))
    with pytest.raises(tb.FormatError, match="holds no entries, not even a header"):
        tb.open(with_table(tmp_path, []))


@pytest.mark.parametrize(
    "value", [b"\x08", b"\x1a\x05\x08", b"\xff" * 12, b"\x1a\x02\x0f\x01"], ids=repr
)
def test_header_that_is_no_message_is_refused(tmp_path, value):
    with pytest.raises(tb.FormatError, match=r"model\.ckpt\.index"):
        tb.open(with_table(tmp_path, [(b"", value)]))


@pytest.mark.parametrize(
    "version",
    [tag(1, -1), tag(1, 1) + tag(2, 2), tag(1, 1) + tag(3, 1), tag(1, 5) + tag(3, varint(1))],
)
def test_version_that_excludes_this_reader_is_unsupported(tmp_path, version):
    with pytest.raises(
        tb.UnsupportedError, match=r"this checkpoint .* asks for readers of version"
    ):
        tb.open(with_table(tmp_path, [(b"", header(version=version))]))


@pytest.mark.parametrize("version", [tag(1, 999), tag(1, 1) + tag(2, 1), tag(3, varint(2)), b""])
def test_version_that_admits_this_reader_is_read(tmp_path, version):
    bundle = handmade()
    bundle.header = header(version=version)
    assert same(tb.open(bundle.write(tmp_path))["w"], W)


def test_header_without_a_count_means_no_shard_but_the_first(tmp_path):
    bundle = handmade()
    bundle.header = tag(3, b"\x08\x01")
    prefix = bundle.write(tmp_path)
    Path(f"{prefix}.data-00000-of-00001").rename(f"{prefix}.data-00000-of-00000")
    assert same(tb.open(prefix)["w"], W)


def test_count_of_shards_that_is_wrong_is_a_missing_shard(tmp_path):
    bundle = handmade()
    bundle.header = header(100_001)
    ckpt = tb.open(bundle.write(tmp_path))
    with pytest.raises(tb.MissingFileError, match=r"'model\.ckpt\.data-00000-of-100001' is miss"):
        ckpt["w"]
    assert [fault.kind for fault in ckpt.verify().faults] == ["missing shard"]


def test_flipped_byte_order_is_found_by_strings_alone(tmp_path):
    """Checksums are of stored bytes, whatever their order: numbers cannot tell (as TensorFlow)."""
    bundle = handmade().add("words", WORDS)
    bundle.header = header(big_endian=True)
    ckpt = tb.open(bundle.write(tmp_path))
    assert same(ckpt["w"], W.byteswap())
    with pytest.raises(tb.ChecksumError, match="lengths of the strings in tensor 'words'"):
        ckpt["words"]
    assert [fault.name for fault in ckpt.verify().faults] == ["words"]
    assert bundle.entries[b"words"].dtype == STRING


@pytest.mark.parametrize("order", ["azw", "aww", "waz"])
def test_keys_out_of_order_are_refused_by_every_listing(tmp_path, order):
    entries = handmade().entries
    table = [(b"", header())] + [(c.encode(), entries[c.encode()].encode()) for c in order]
    ckpt = tb.open(with_table(tmp_path, table))
    with pytest.raises(tb.FormatError, match="keys of the index are out of order"):
        list(ckpt)
    with pytest.raises(tb.FormatError, match="keys of the index are out of order"):
        ckpt.load()
    assert "malformed" in {fault.kind for fault in ckpt.verify().faults}
