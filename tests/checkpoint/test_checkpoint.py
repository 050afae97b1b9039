"""The mapping that `tb.open` gives: names, arrays, their lifetimes, and the files behind them."""

import gc
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.format.handmade import STRING, Entry, Handmade, crc32c_of, plain_crc, same, strings

W = np.arange(12, dtype=np.float32).reshape(3, 4)
TENSORS = {
    "empty": np.empty((3, 0, 2), np.float64),
    "flags": np.array([True, False, True]),
    "late/\xff\udcfe": np.array([7], np.int16),
    "step": np.array(2**40, np.int64),
    "words": strings(b"one", b"", b"th\0ree\0"),
    "w": W,
}
NAMES = sorted([*TENSORS, "parts"], key=lambda name: name.encode("utf-8", "surrogateescape"))
PARTS = np.arange(24, dtype=np.int32).reshape(4, 6)
SLICES = [((2, 2), (0, 6)), ((0, 2), (0, 3)), ((0, 2), (3, 3))]


def handmade():
    bundle = Handmade()
    for name, array in TENSORS.items():
        bundle.add(name, array)
    return bundle.add_sliced("parts", PARTS, SLICES, [0, 1, 1])


@pytest.fixture
def prefix(tmp_path):
    return handmade().write(tmp_path)


def data_file(prefix, shard=0):
    return Path(f"{prefix}.data-{shard:05d}-of-00002")


def content(prefix):
    return [path.read_bytes() for path in sorted(Path(prefix).parent.iterdir())]


# --- the mapping ---------------------------------------------------------------------------------


def test_checkpoint_is_a_mapping_in_key_order(prefix):
    ckpt = tb.open(prefix)
    assert isinstance(ckpt, Mapping)
    assert list(ckpt) == list(ckpt.keys()) == NAMES
    assert len(ckpt) == len(NAMES)
    assert [name for name, _ in ckpt.items()] == NAMES
    for name, array in zip(NAMES, ckpt.values(), strict=True):
        assert same(array, {**TENSORS, "parts": PARTS}[name])
    assert all(name in ckpt for name in NAMES)


def test_absent_name_is_absent_in_every_way(prefix):
    ckpt = tb.open(prefix)
    assert "nothing" not in ckpt
    assert b"nothing" not in ckpt
    assert 3 not in ckpt
    assert "" not in ckpt
    assert ckpt.get("nothing") is None
    assert ckpt.get("nothing", 5) == 5
    with pytest.raises(KeyError, match="there is no tensor 'nothing'"):
        ckpt["nothing"]


def test_stored_slices_are_no_names(prefix):
    ckpt = tb.open(prefix)
    for key in handmade().entries:
        if key.startswith(b"\0"):
            assert key not in ckpt
            with pytest.raises(tb.TensorNotFoundError, match="there is no tensor"):
                ckpt[key]


def test_name_that_begins_with_zero_is_a_name(tmp_path):
    ckpt = tb.open(Handmade().add("\0odd", W).write(tmp_path))
    assert list(ckpt) == ["\0odd"]
    assert same(ckpt["\0odd"], W)


def test_names_may_be_bytes(prefix):
    ckpt = tb.open(prefix)
    assert b"w" in ckpt
    assert same(ckpt[b"w"], W)
    assert same(ckpt["late/\xff\udcfe".encode("utf-8", "surrogateescape")], np.array([7], "i2"))
    assert ckpt.info(b"w") == ckpt.info("w")
    assert list(ckpt.load([b"w", "step"])) == ["step", "w"]
    assert list(ckpt.views(b"w")) == ["w"]
    assert same(ckpt.read_slice(b"w", 1), W[1])


def test_checkpoints_are_equal_only_to_themselves(prefix):
    one, other = tb.open(prefix), tb.open(prefix)
    assert one == one
    assert one != other
    assert len({one, other}) == 2


def test_representation_tells_the_path(prefix):
    assert repr(tb.open(prefix)).startswith(f"<Checkpoint {prefix!r}: V2 checkpoint, ")


def test_context_manager_leaves_arrays_valid(prefix):
    with tb.open(prefix) as ckpt:
        array = ckpt["w"]
    assert same(array, W)
    assert same(ckpt["step"], TENSORS["step"])


def test_every_spelling_of_the_path_is_accepted(prefix):
    for path in (prefix, Path(prefix), os.fsencode(prefix), prefix + ".index"):
        assert same(tb.open(path)["w"], W)
        assert tb.open(path).location.prefix == prefix


@pytest.mark.parametrize("wrong", [{"mode": "w"}, {"mode": None}, {"verify": "always"}])
def test_unknown_option_is_refused(prefix, wrong):
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} must be"):
        tb.open(prefix, **wrong)


# --- facts ---------------------------------------------------------------------------------------


def test_facts_are_those_of_the_entries(prefix):
    ckpt = tb.open(prefix)
    assert [info.name for info in ckpt.infos()] == NAMES
    entries = handmade().entries
    for info in ckpt.infos():
        entry = entries[info.name.encode("utf-8", "surrogateescape")]
        assert isinstance(entry, Entry)
        assert info == ckpt.info(info.name)
        assert (info.data_type, info.shape) == (entry.dtype, entry.shape)
        if entry.slices:
            continue
        assert (info.shard, info.offset, info.nbytes) == (entry.shard, entry.offset, entry.size)
        assert info.crc32c == crc32c_of(entry.crc)
        assert info.slices == ()
        if entry.dtype != STRING:
            assert info.crc32c == plain_crc(TENSORS[info.name])
            assert (info.dtype, info.size) == (TENSORS[info.name].dtype, TENSORS[info.name].size)
    assert ckpt.info("words").dtype == np.dtype(object)
    assert ckpt.num_shards == 2
    assert ckpt.nbytes == sum(info.nbytes for info in ckpt.infos())


def test_partitioned_tensor_has_the_facts_of_the_whole(prefix):
    info = tb.open(prefix).info("parts")
    assert (info.shape, info.dtype, info.nbytes) == ((4, 6), np.dtype(np.int32), PARTS.nbytes)
    assert (info.shard, info.offset, info.crc32c) == (None, None, None)
    assert info.slices == tuple(SLICES)


def test_facts_are_known_without_data(prefix):
    for shard in range(2):
        data_file(prefix, shard).unlink()
    ckpt = tb.open(prefix)
    assert len(ckpt.infos()) == len(ckpt) == len(NAMES)


def test_unknown_dtype_is_listed_and_refused(tmp_path):
    bundle = Handmade().add("new", W, dtype=99).add("handle", W, dtype=20).add("w", W)
    ckpt = tb.open(bundle.write(tmp_path))
    assert [info.tf_dtype for info in ckpt.infos()] == ["resource", "unknown(99)", "float32"]
    assert ckpt.info("new").dtype is None
    with pytest.raises(tb.UnsupportedError, match=r"type unknown\(99\) cannot be read as arrays"):
        ckpt["new"]
    with pytest.warns(tb.LeftOutWarning, match="'handle': .* type resource .*; and 'new'"):
        assert list(ckpt.load()) == ["w"]
    assert same(ckpt["w"], W)


# --- views and their files -----------------------------------------------------------------------


def test_views_borrow_and_are_read_only(prefix):
    ckpt = tb.open(prefix)
    for array in (ckpt["w"], ckpt.views()["w"]):
        assert not array.flags.owndata
        assert np.shares_memory(array, ckpt["w"])
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
    for name in NAMES:
        assert not ckpt[name].flags.writeable
        assert not ckpt.views()[name].flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            ckpt["w"].flags.writeable = True


def test_copy_on_write_never_touches_the_file(prefix):
    before = content(prefix)
    ckpt = tb.open(prefix, mode="c")
    for array in (*ckpt.values(), *ckpt.views().values()):
        array[...] = np.zeros_like(array)
    assert same(ckpt["w"], np.zeros_like(W))  # the map is one: writes are seen through it
    assert same(ckpt.load("w")["w"], W)  # bulk copies are read from the file
    assert same(tb.open(prefix)["w"], W)
    del ckpt
    gc.collect()
    assert content(prefix) == before


def test_read_mode_gives_arrays_of_their_own(prefix):
    ckpt = tb.open(prefix, mode="read")
    for name in NAMES:
        assert ckpt[name].flags.writeable
        assert not np.shares_memory(ckpt[name], ckpt[name]) or ckpt[name].size == 0
    ckpt["w"][...] = 0
    assert same(ckpt["w"], W)


def test_loaded_arrays_are_writable_and_borrow_nothing(prefix):
    ckpt = tb.open(prefix)
    loaded = ckpt.load()
    assert list(loaded) == NAMES
    for name, array in loaded.items():
        assert array.flags.writeable
        assert same(array, ckpt[name])
        array[...] = np.zeros_like(array)
    assert same(ckpt["w"], W)


def test_views_outlive_the_checkpoint_and_the_file(prefix):
    ckpt = tb.open(prefix)
    single, many = ckpt["w"], ckpt.views()
    part = single[1:]
    del ckpt, single
    for shard in range(2):
        data_file(prefix, shard).unlink()
    gc.collect()
    assert same(part, W[1:])
    assert same(many["step"], TENSORS["step"])


def test_bundle_replaced_by_a_rename_leaves_open_views_alone(prefix, tmp_path):
    ckpt = tb.open(prefix)
    view = ckpt["w"]
    other = Handmade().add("w", W + 1).add("v", W, place=1).write(tmp_path / "new")
    for shard in range(2):
        os.replace(data_file(other, shard), data_file(prefix, shard))
    os.replace(other + ".index", prefix + ".index")
    assert same(view, W)
    assert same(ckpt["w"], W)
    assert same(tb.open(prefix)["w"], W + 1)


@pytest.mark.parametrize("verify", ["read", "never"])
def test_shard_changed_before_its_first_use_is_refused(prefix, verify):
    ckpt = tb.open(prefix, verify=verify)
    data = data_file(prefix)
    data.write_bytes(bytes(byte ^ 1 for byte in data.read_bytes()))
    with pytest.raises(tb.FormatError, match="changed after it had been opened in tensor 'w'"):
        ckpt["w"]
    with pytest.raises(tb.ChecksumError, match="checksum mismatch in tensor 'w'"):
        tb.open(prefix)["w"]


# --- checking once -------------------------------------------------------------------------------


def spoil(prefix, name="w"):
    """Flip a bit of a tensor in place: the file under a map changes with it."""
    with open(data_file(prefix), "r+b") as file:
        file.seek(tb.open(prefix).info(name).offset)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def spoil_unnoticed(prefix, name="w"):
    """The same by somebody who sets the clock back: what is remembered can be told from a check."""
    before = os.stat(data_file(prefix))
    spoil(prefix, name)
    os.utime(data_file(prefix), ns=(before.st_atime_ns, before.st_mtime_ns))


def test_tensor_is_checked_at_first_access_and_remembered(prefix):
    ckpt = tb.open(prefix)
    ckpt["w"]
    spoil_unnoticed(prefix)
    assert ckpt["w"].shape == W.shape
    with pytest.raises(tb.ChecksumError, match="in tensor 'w'"):
        tb.open(prefix)["w"]


def test_views_are_checked_in_bulk_and_remembered(prefix):
    ckpt = tb.open(prefix)
    ckpt.views()
    spoil_unnoticed(prefix)
    assert ckpt["w"].shape == ckpt.views()["w"].shape == W.shape
    with pytest.raises(tb.ChecksumError, match="in tensor 'w'"):
        tb.open(prefix).views()


def test_failed_check_is_not_remembered(prefix):
    spoil(prefix)
    ckpt = tb.open(prefix)
    for read in (ckpt.__getitem__, ckpt.views, ckpt.__getitem__, ckpt.load):
        with pytest.raises(tb.ChecksumError, match="in tensor 'w'"):
            read("w")


def test_owned_reads_are_checked_every_time(prefix):
    ckpt, read = tb.open(prefix), tb.open(prefix, mode="read")
    ckpt["w"], read["w"]
    spoil(prefix)
    with pytest.raises(tb.ChecksumError, match="in tensor 'w'"):
        ckpt.load("w")
    with pytest.raises(tb.ChecksumError, match="in tensor 'w'"):
        read["w"]
    with pytest.raises(tb.ChecksumError, match="in tensor 'w'"):
        list(ckpt.chunks("w"))


def test_unverified_access_gives_what_is_there(prefix):
    spoil(prefix)
    ckpt = tb.open(prefix, verify="never")
    assert ckpt["w"].tobytes() != W.tobytes()
    assert ckpt.views("w")["w"].tobytes() == ckpt["w"].tobytes()
    with pytest.raises(tb.ChecksumError, match="in tensor 'w'"):
        ckpt.load("w")
    assert [fault.name for fault in ckpt.verify().faults] == ["w"]


# --- files that change ---------------------------------------------------------------------------

TRUNCATED = """
import os, sys, numpy, tensorbundle as tb
prefix, first = sys.argv[1], sys.argv[2]
ckpt = tb.open(prefix)
if first:
    ckpt.views()[first].sum()
for shard in range(2):
    os.truncate(f"{prefix}.data-{shard:05d}-of-00002", 0)
reads = [ckpt.load, lambda: ckpt.load("w"), lambda: list(ckpt.chunks("w")), ckpt.verify,
         lambda: ckpt.read_slice("w", 0), lambda: ckpt["words"], lambda: ckpt["parts"]]
if not first:
    reads += [ckpt.views, lambda: ckpt["w"], lambda: ckpt["flags"]]
for read in reads:
    try:
        report = read()
        print("ok" if report.ok else report.faults[0].kind)
    except tb.TensorBundleError as error:
        print(type(error).__name__)
"""


@pytest.mark.parametrize("first", ["", "step"])
def test_truncation_after_open_is_an_error_and_no_signal(prefix, first):
    done = subprocess.run(
        [sys.executable, "-c", TRUNCATED, prefix, first],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) <= {"FormatError", "truncated", "replaced"}
    assert len(done.stdout.split()) == (7 if first else 10)


def test_missing_shard_is_an_error_only_for_its_tensors(prefix):
    data_file(prefix, 1).unlink()
    ckpt = tb.open(prefix)
    assert same(ckpt["w"], W)
    shard = "model.ckpt.data-00001-of-00002"
    told = f"data shard '{shard}' is missing in tensor 'parts'"
    for read in (ckpt.__getitem__, ckpt.load, ckpt.views):
        with pytest.raises(tb.MissingFileError, match=told):
            read("parts")
    assert same(ckpt.read_slice("parts", np.s_[2:]), PARTS[2:])  # these lie in the other shard


def test_shard_that_cannot_be_opened_stays_an_os_error(prefix):
    data_file(prefix).unlink()
    data_file(prefix).mkdir()
    with pytest.raises((tb.TensorBundleError, OSError), match=r"model\.ckpt\.data-00000-of-00002"):
        tb.open(prefix)["w"]
