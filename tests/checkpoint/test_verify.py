"""Reports of verification: every kind of fault, what probably happened, progress and threads."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._checkpoint.report import FAULT_KINDS
from tensorbundle._locate.damage import describe_shard
from tests.format.handmade import Handmade, encode_strings, same, strings

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345678\n"
)
RANDOM = np.random.default_rng(5)
TENSORS = {
    f"layer_{i}/w": RANDOM.integers(1, 255, 3000, np.uint8).view(np.float32) for i in range(6)
}


def saved(folder, tensors=None, *, shards=1):
    bundle = Handmade()
    for number, (name, array) in enumerate((tensors or TENSORS).items()):
        bundle.add(name, array, place=number % shards)
    return bundle.write(folder)


def data_of(prefix, shard=0, shards=1):
    return Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}")


def overwrite(path, at, content):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(content)


def flip(path, at):
    overwrite(path, at, bytes([path.read_bytes()[at] ^ 1]))


def faults_of(prefix):
    report = tb.open(prefix).verify()
    assert report.ok == (not report.faults) == bool(report)
    for fault in report.faults:
        assert fault.kind in FAULT_KINDS
        assert fault.path is not None
        assert "\n" not in fault.message
    return report.faults


# --- reports -------------------------------------------------------------------------------------


def test_sound_checkpoint_has_no_fault(tmp_path):
    report = tb.open(saved(tmp_path)).verify()
    assert report == tb.Report(True, 6, 18_000, (), ())
    assert report


def test_fault_names_tensor_shard_and_range(tmp_path):
    prefix = saved(tmp_path, shards=2)
    flip(data_of(prefix, 1, 2), 3100)
    (fault,) = faults_of(prefix)
    assert (fault.name, fault.shard, fault.kind) == ("layer_3/w", 1, "checksum")
    assert (fault.offset, fault.nbytes, fault.path) == (3000, 3000, str(data_of(prefix, 1, 2)))
    assert fault.message.startswith("checksum mismatch: stored 0x")
    assert fault.cause is None


def test_faults_are_in_key_order(tmp_path):
    prefix = saved(tmp_path)
    for at in (16_000, 100, 7000):
        flip(data_of(prefix), at)
    assert [fault.name for fault in faults_of(prefix)] == ["layer_0/w", "layer_2/w", "layer_5/w"]


def test_missing_shard_is_one_fault_that_names_tensors(tmp_path):
    prefix = saved(tmp_path, shards=2)
    data_of(prefix, 1, 2).unlink()
    report = tb.open(prefix).verify()
    (fault,) = report.faults
    assert (fault.name, fault.shard, fault.kind) == (None, 1, "missing shard")
    assert fault.message == (
        "the shard 'model.ckpt.data-00001-of-00002' is missing: "
        "with it 'layer_1/w', 'layer_3/w', 'layer_5/w'"
    )
    assert report.checked == 3
    many = {f"w{i}": np.zeros(1, np.int8) for i in range(10)}
    prefix = saved(tmp_path / "many", many)
    data_of(prefix).unlink()
    assert faults_of(prefix)[0].message.endswith("'w0', 'w1', 'w2' and 7 more")


def test_overlap_names_both_tensors(tmp_path):
    bundle = Handmade().add("one", TENSORS["layer_0/w"]).add("two", TENSORS["layer_1/w"])
    bundle.add("three", TENSORS["layer_2/w"], offset=1500)
    faults = faults_of(bundle.write(tmp_path))
    assert {fault.kind for fault in faults} == {"overlap"}
    assert any("bytes 1500-4500" in fault.message for fault in faults)


def test_gap_and_overlap_of_slices_are_faults(tmp_path):
    array = np.arange(10, dtype=np.int32)
    gap = Handmade().add_sliced("w", array, [((0, 4),), ((5, 5),)]).write(tmp_path / "gap")
    (fault,) = faults_of(gap)
    assert (fault.name, fault.kind) == ("w", "gap")
    assert fault.message == "1 of 10 elements are in no slice"
    overlap = Handmade().add_sliced("w", array, [((0, 6),), ((5, 5),)]).write(tmp_path / "overlap")
    (fault,) = faults_of(overlap)
    assert (fault.name, fault.kind) == ("w", "overlap")


def test_fault_of_a_slice_says_which(tmp_path):
    array = np.arange(10, dtype=np.int32)
    prefix = Handmade().add_sliced("w", array, [((0, 4),), ((4, 6),)]).write(tmp_path)
    flip(data_of(prefix), 20)
    (fault,) = faults_of(prefix)
    assert (fault.name, fault.offset, fault.nbytes) == ("w", 16, 24)
    assert fault.message.startswith("slice [4:10]: checksum mismatch")


def test_shard_that_cannot_be_read_is_a_fault(tmp_path):
    prefix = saved(tmp_path)
    data_of(prefix).unlink()
    data_of(prefix).mkdir()
    (fault,) = faults_of(prefix)
    assert fault.kind in ("missing shard", "unreadable")


def test_variant_with_unknown_content_is_checked_by_its_checksum(tmp_path):
    stored, crc = encode_strings(strings(b"opaque"))
    bundle = Handmade(shards=[stored]).add("w", TENSORS["layer_0/w"])
    bundle.add("new", TENSORS["layer_1/w"], dtype=77)
    prefix = bundle.write(tmp_path)
    assert tb.open(prefix).verify().ok
    assert crc
    flip(data_of(prefix), len(stored) + 3001)
    assert [fault.name for fault in faults_of(prefix)] == ["new"]


# --- causes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (POINTER, "the file is a git-LFS pointer, not the file itself"),
        (b"<!DOCTYPE html><html></html>", "the file is an HTML page"),
        (b"", "the file is an empty file"),
        (bytes(18_000), "the file is a zero-filled file"),
        (b"../cache/model.data-00000-of-00001", "the file is a symbolic link stored as text"),
    ],
)
def test_shard_that_is_something_else_is_told(tmp_path, content, cause):
    prefix = saved(tmp_path)
    data_of(prefix).write_bytes(content)
    faults = faults_of(prefix)
    assert len(faults) == 6
    assert all(fault.cause.startswith(cause) for fault in faults)
    with pytest.raises(tb.FormatError, match=cause.removeprefix("the file is ")):
        tb.open(prefix)["layer_0/w"]


def test_shard_that_was_cut_off_is_told(tmp_path):
    prefix = saved(tmp_path)
    os.truncate(data_of(prefix), 10_000)
    faults = faults_of(prefix)
    assert [fault.name for fault in faults] == ["layer_3/w", "layer_4/w", "layer_5/w"]
    assert {fault.kind for fault in faults} == {"truncated"}
    assert all("cut off" in fault.cause for fault in faults)
    assert "it ends at byte 10000" in faults[0].message


@pytest.mark.parametrize(
    ("hole", "told"),
    [
        ((6144, 8192), (6144, 8192)),  # within layer_2
        ((6656, 7168), (6656, 7168)),  # one sector
        ((6000, 9000), (6000, 9000)),  # all of the tensor
        ((8600, 9000), None),  # the rest of the tensor's last sector is not zero
        ((6700, 7100), None),  # no whole sector
    ],
)
def test_range_of_zeros_is_told(tmp_path, hole, told):
    prefix = saved(tmp_path)
    overwrite(data_of(prefix), hole[0], bytes(hole[1] - hole[0]))
    (fault,) = faults_of(prefix)
    assert fault.name == "layer_2/w"
    if told is None:
        assert fault.cause is None
    else:
        assert f"bytes {told[0]}-{told[1]} are all zero" in fault.cause


def test_long_range_of_zeros_is_found_across_pieces(tmp_path):
    big = RANDOM.integers(1, 255, 9 << 20, np.uint8)
    prefix = saved(tmp_path, {"small": big[:1000], "big": big})
    overwrite(data_of(prefix), 3 << 20, bytes(5 << 20))
    (fault,) = faults_of(prefix)
    assert f"bytes {3 << 20}-{8 << 20} are all zero" in fault.cause


def test_leading_zeros_of_a_sound_tensor_are_not_blamed(tmp_path):
    prefix = saved(tmp_path, {"slots": np.zeros(5000, np.float32), **TENSORS})
    flip(data_of(prefix), 25_000)
    (fault,) = faults_of(prefix)
    assert fault.cause is None
    assert describe_shard(str(data_of(prefix))) is None
    with pytest.raises(tb.ChecksumError, match="checksum mismatch") as caught:
        tb.open(prefix)[fault.name]
    assert "the file is" not in str(caught.value)


def test_shards_of_two_saves_are_told(tmp_path):
    constant = np.zeros(7, np.float32)
    one = saved(tmp_path / "one", {**TENSORS, "zero": constant}, shards=2)
    others = {name: array[::-1].copy() for name, array in TENSORS.items()}
    other = saved(tmp_path / "other", {**others, "zero": constant}, shards=2)
    data_of(one, 0, 2).write_bytes(data_of(other, 0, 2).read_bytes())
    faults = faults_of(one)
    assert [fault.name for fault in faults] == ["layer_0/w", "layer_2/w", "layer_4/w"]
    for fault in faults:
        assert fault.cause == (
            "3 of the 4 tensors of this shard differ: "
            "index and shard are probably of two different saves"
        )


# --- progress and threads ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A hundred tensors of a megabyte in two shards."""
    tensors = {f"w{i:03d}": np.full(1 << 18, i, np.float32) for i in range(100)}
    return saved(tmp_path_factory.mktemp("large"), tensors, shards=2)


def test_progress_is_monotonous_and_rare(large):
    calls = []
    begun = time.monotonic()
    report = tb.open(large).verify(progress=lambda *call: calls.append((time.monotonic(), *call)))
    elapsed = time.monotonic() - begun
    assert report.ok
    assert 1 <= len(calls) <= 2 + 10 * elapsed
    done = [each[1] for each in calls]
    assert done == sorted(done)
    assert {each[2] for each in calls} == {100 << 20}
    assert all(0 <= each <= 100 << 20 for each in done)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_what_progress_raises_stops_and_propagates(large, error):
    calls = []

    def stop(done, total):
        calls.append((done, total))
        raise error("enough")

    with pytest.raises(error, match="enough"):
        tb.open(large).verify(progress=stop)
    assert len(calls) == 1


@pytest.mark.parametrize("threads", [0, 1, 2, 7])
def test_any_number_of_threads_finds_the_same(large, threads, tmp_path):
    assert tb.open(large).verify(threads=threads) == tb.Report(True, 100, 100 << 20, ())
    prefix = saved(tmp_path, shards=3)
    for shard in range(3):
        flip(data_of(prefix, shard, 3), 3500)
    names = [fault.name for fault in tb.open(prefix).verify(threads=threads).faults]
    assert names == ["layer_3/w", "layer_4/w", "layer_5/w"]
    ckpt = tb.open(large)
    assert same(ckpt.load("w007", threads=threads)["w007"], np.full(1 << 18, 7, np.float32))
    assert len(ckpt.views(threads=threads)) == 100


def test_threads_below_zero_are_refused(large):
    ckpt = tb.open(large)
    for call in (ckpt.verify, ckpt.load, ckpt.views):
        with pytest.raises(tb.ConversionError, match="threads are 0"):
            call(threads=-1)
