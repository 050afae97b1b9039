"""Every flipped bit and every truncation: a typed error, a fault, or an equal result.

Never a wrong array. What TensorFlow misses (format.md §10.3) is named.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tests.format.handmade import Handmade, same, strings

TENSORS = {
    "flags": np.array([True, False, True]),
    "none": np.empty((0, 3), np.float64),
    "numbers": np.linspace(-1, 1, 5, dtype=np.float32),
    "step": np.array(77, np.int64),
    "words": strings(b"cat", b"", b"dog\0"),
}
PARTS = np.arange(12, dtype=np.int16).reshape(3, 4)
SLICES = [((0, 2), (0, None)), ((2, 1), (0, 1)), ((2, 1), (1, 3))]
VALUES = {**TENSORS, "parts": PARTS}


def handmade():
    bundle = Handmade()
    for number, (name, array) in enumerate(TENSORS.items()):
        bundle.add(name, array, place=number % 2)
    return bundle.add_sliced("parts", PARTS, SLICES, [0, 1, 1])


@dataclass
class Outcome:
    """What reading everything came to."""

    opened: bool
    refused: set[str]  # names whose reading raised a typed error
    wrong: set[str]  # names that were read, to other values
    lost: set[str]  # names that are no longer listed
    faults: int


def outcome(prefix, *, values: dict[str, Any] = VALUES, modes=("r", "read")):
    """Read everything in several ways; anything but a typed error propagates."""
    try:
        ckpts = [tb.open(prefix, mode=mode) for mode in modes]
    except tb.TensorBundleError:
        return Outcome(False, set(values), set(), set(), 0)
    refused, wrong, lost = set(), set(), set()
    report = ckpts[0].verify()
    for ckpt in ckpts:
        try:
            lost |= values.keys() - set(ckpt)
            for info in ckpt.infos():
                assert info.name in values, "a name out of nowhere"
        except tb.TensorBundleError:
            refused |= values.keys()
        for name, value in values.items():
            try:
                if not same(ckpt[name], value):
                    wrong.add(name)
            except tb.TensorBundleError:
                refused.add(name)
    try:
        loaded = ckpts[0].load()
        wrong |= {name for name in loaded if not same(loaded[name], values[name])}
        assert not refused, "in bulk what failed one by one"
    except tb.TensorBundleError:
        assert refused or report.faults, "one by one what failed in bulk"
    return Outcome(True, refused, wrong, lost, len(report.faults))


def owners(prefix, shard):
    """For each byte of a shard, the name of the tensor that it belongs to."""
    bundle = handmade()
    names: list[str | None] = [None] * len(bundle.shards[shard])
    for key, entry in bundle.entries.items():
        if entry.shard == shard and not entry.slices:
            name = "parts" if key.startswith(b"\0") else key.decode()
            names[entry.offset : entry.offset + entry.size] = [name] * entry.size
    return names


@pytest.fixture
def prefix(tmp_path):
    return handmade().write(tmp_path)


def test_sound_bundle_is_equal_and_without_fault(prefix):
    assert outcome(prefix) == Outcome(True, set(), set(), set(), 0)


@pytest.mark.parametrize("shard", [0, 1])
def test_every_flipped_bit_of_data_is_a_checksum_error_of_its_tensor(prefix, shard):
    path = Path(f"{prefix}.data-{shard:05d}-of-00002")
    sound = path.read_bytes()
    names = owners(prefix, shard)
    assert None not in names
    for at, name in enumerate(names):
        for bit in range(8):
            path.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << bit]) + sound[at + 1 :])
            found = outcome(prefix)
            assert (found.refused, found.wrong, found.lost) == ({name}, set(), set())
            assert found.faults == 1
            if name != "words":  # a flipped length of a string may be malformed at once
                with pytest.raises(tb.ChecksumError, match=f"checksum mismatch in tensor '{name}'"):
                    tb.open(prefix)[name]


@pytest.mark.parametrize("shard", [0, 1])
def test_every_truncation_of_data_refuses_the_tensors_behind_it(prefix, shard):
    path = Path(f"{prefix}.data-{shard:05d}-of-00002")
    sound = path.read_bytes()
    names = owners(prefix, shard)
    for size in range(len(sound)):
        path.write_bytes(sound[:size])
        found = outcome(prefix)
        assert (found.refused, found.wrong, found.lost) == (set(names[size:]), set(), set())
        assert found.faults >= 1


def test_bytes_behind_the_data_do_no_harm(prefix):
    path = Path(f"{prefix}.data-00000-of-00002")
    path.write_bytes(path.read_bytes() + b"\0" * 100)
    assert outcome(prefix) == Outcome(True, set(), set(), set(), 0)


def blocks_of(table):
    """(first byte, byte after the trailer) of the data blocks, the metaindex and the index."""
    footer = len(table) - 48
    index_start = table.rindex(b"\0\0\0\0\1\0\0\0\0\xc0\xf2\xa1\xb0", 0, footer) + 13
    return range(index_start - 13), range(index_start - 13, index_start), range(index_start, footer)


def test_every_flipped_bit_of_the_index_is_found_or_harmless(prefix):
    path = Path(f"{prefix}.index")
    sound = path.read_bytes()
    data, metaindex, index = blocks_of(sound)
    harmless = set()
    for at in range(len(sound)):
        for bit in range(8):
            path.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << bit]) + sound[at + 1 :])
            found = outcome(prefix)
            assert (found.wrong, found.lost) == (set(), set())
            if found == Outcome(True, set(), set(), set(), 0):
                harmless.add(at)
            elif at in data or at in index:
                assert not found.opened
    # Nobody ever reads the metaindex block, nor its handle, nor the footer's padding.
    assert set(metaindex) <= harmless
    assert harmless <= {*metaindex, *range(len(sound) - 48, len(sound) - 8)}
    assert not harmless & {*data, *index}


def test_every_truncation_of_the_index_is_refused(prefix):
    path = Path(f"{prefix}.index")
    sound = path.read_bytes()
    for size in range(len(sound)):
        path.write_bytes(sound[:size])
        with pytest.raises(tb.FormatError, match="not a checkpoint index"):
            tb.open(prefix)


def test_bytes_before_or_behind_the_index_are_refused(prefix):
    path = Path(f"{prefix}.index")
    sound = path.read_bytes()
    for changed, told in (
        (sound + b"\0", "not a checkpoint index"),
        (b"\0" + sound, "checksum mismatch in a table block"),
        (sound[1:], "checksum mismatch in a table block"),
        (sound[-48:], "a block of|checksum mismatch|does not fit"),
    ):
        path.write_bytes(changed)
        with pytest.raises(tb.FormatError, match=told):
            tb.open(prefix)


# --- what TensorFlow misses ----------------------------------------------------------------------


@pytest.fixture
def many_blocks(tmp_path):
    """A hundred tensors in an index of some ten blocks."""
    values = {f"layer_{i:03d}/w": np.full(2, i, np.int16) for i in range(100)}
    bundle = Handmade()
    for name, array in values.items():
        bundle.add(name, array)
    return bundle.write(tmp_path, block_size=256), values


def test_flip_in_one_block_of_several_is_a_fault_and_never_a_lost_name(many_blocks):
    prefix, values = many_blocks
    path = Path(f"{prefix}.index")
    sound = path.read_bytes()
    data, _, _ = blocks_of(sound)
    for at in data[::7]:
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 4]) + sound[at + 1 :])
        found = outcome(prefix, values=values, modes=("r",))
        assert (found.wrong, found.lost) == (set(), set())
        if found.opened:  # all but the first block, which holds the header
            assert found.refused
            assert found.faults == 1
            fault = tb.open(prefix).verify().faults[0]
            assert (fault.kind, fault.name, fault.path) == ("checksum", None, str(path))
            assert fault.offset <= at < fault.offset + fault.nbytes + 5


def test_tensors_of_sound_blocks_are_read_beside_a_damaged_one(many_blocks):
    prefix, values = many_blocks
    path = Path(f"{prefix}.index")
    sound = path.read_bytes()
    at = len(blocks_of(sound)[0]) // 2
    path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
    told = r"checksum mismatch in a table block.*model\.ckpt\.index"
    refused = set()
    for name, value in values.items():
        ckpt = tb.open(prefix)  # anew: a listing would refuse them all
        try:
            assert same(ckpt[name], value)
        except tb.ChecksumError:
            refused.add(name)
    assert 3 < len(refused) < 20
    assert tb.open(prefix).verify().checked == len(values) - len(refused)
    for read in (list, len, lambda ckpt: ckpt.infos(), lambda c: c.load(), lambda c: c.views()):
        with pytest.raises(tb.ChecksumError, match=told):
            read(tb.open(prefix))
    with pytest.raises(tb.ChecksumError, match=told):
        tb.open(prefix)[min(refused)]
    with pytest.raises(tb.ChecksumError, match=told):
        tb.open(prefix)["absent"]  # whether it is there nobody can tell


def test_every_truncation_of_many_blocks_is_refused(many_blocks):
    prefix, _ = many_blocks
    path = Path(f"{prefix}.index")
    sound = path.read_bytes()
    for size in range(0, len(sound), 41):
        path.write_bytes(sound[:size])
        with pytest.raises(tb.FormatError, match="not a checkpoint index"):
            tb.open(prefix)
