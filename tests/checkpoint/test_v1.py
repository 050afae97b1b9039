"""V1 checkpoints that TensorFlow wrote: golden ones, real ones, and what damage does to them."""

import json
import os
import re
import shutil
from pathlib import Path

import cramjam
import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import _core
from tensorbundle._checkpoint.v1 import LegacyCheckpoint
from tensorbundle._format.v1_messages import _VALUE_FIELDS, Record, decode_values
from tensorbundle._format.wire import fields
from tests.golden.cases import DATA, digest, digest_of, expected, path_of, spellings_of
from tests.golden.table_file import Entries, build_table, read_table

SOUND = [
    *("v1/dtypes", "v1/slices", "v1/blocks", "v1/sharded", "saver_v1", "saver_v1_sharded"),
]
SLICES = DATA / "v1" / "slices"


def rebuilt(path: Path, entries: Entries, **how) -> tb.Checkpoint:
    path.write_bytes(build_table(entries, **how))
    return tb.open(path)


# --- sound files ------------------------------------------------------------------------------


@pytest.mark.parametrize("fixture_id", SOUND)
def test_golden_checkpoint_gives_what_tensorflow_reads(fixture_id) -> None:
    ckpt = tb.open(path_of(fixture_id))
    tensors = expected()[fixture_id]["tensors"]
    assert isinstance(ckpt, LegacyCheckpoint)
    assert list(ckpt) == sorted(tensors, key=str.encode)
    loaded, views = ckpt.load(), ckpt.views()
    for name, record in tensors.items():
        info = ckpt.info(name)
        assert (info.tf_dtype, list(info.shape)) == (record["dtype"], record["shape"])
        assert info.nbytes == record.get("nbytes", 0)
        assert (info.shard, info.offset, info.crc32c) == (None, None, None)
        for array in (ckpt[name], loaded[name], views[name]):
            assert (array.dtype, array.shape) == (info.dtype, info.shape)
            assert digest(array) == digest_of(record), name
    assert ckpt.infos() == [ckpt.info(name) for name in ckpt]
    assert ckpt.num_shards == len(ckpt.location.files)


@pytest.mark.parametrize("fixture_id", SOUND)
def test_golden_checkpoint_is_sound_by_every_spelling(fixture_id) -> None:
    for spelling in [path_of(fixture_id), *spellings_of(fixture_id)]:
        ckpt = tb.open(spelling)
        report = ckpt.verify()
        slices = sum(max(1, len(info.slices)) for info in ckpt.infos())
        assert (report.ok, report.faults, report.notes) == (True, (), ())
        assert report.checked == slices
        assert 0 < report.nbytes < sum(map(os.path.getsize, ckpt.location.files))


def test_every_dtype_that_can_be_read_is_among_the_golden_ones() -> None:
    assert {info.data_type for info in tb.open(DATA / "v1/dtypes").infos()} == set(_VALUE_FIELDS)


@pytest.mark.parametrize(
    ("data_type", "values", "tensor"),
    [
        (3, np.array([1, -2, 300], np.int32), "3a0d01feffffffffffffffff01ac02"),
        (4, np.array([1, 200], np.uint8), "3a0301c801"),
        (9, np.array([-3, 2**40]), "5210fdffffffffffffffff01808080808020"),
        (10, np.array([True, False, True]), "5a03010001"),
        (19, np.array([1, -2], np.float16), "6a058078808003"),
        (8, np.array([1 + 2j], np.complex64), "4a080000803f00000040"),
        (7, np.array([b"ab", b"", b"xyz"], object), "420261624200420378797a"),
        (1, np.array([], np.float32), ""),
    ],
)
def test_values_that_tensorflow_encodes_so(data_type, values, tensor) -> None:
    message = fields(b"\x1a" + bytes([len(tensor) // 2]) + bytes.fromhex(tensor))
    decoded = decode_values(Record(b"x", (), list(message)), data_type, len(values))
    assert decoded.dtype == values.dtype
    assert decoded.tolist() == values.tolist()
    assert decoded.flags.writeable


def test_small_and_compressed_blocks_give_the_same(tmp_path) -> None:
    entries = read_table((DATA / "v1/dtypes").read_bytes())
    squeezed = cramjam.snappy.compress_raw
    for number, how in enumerate([{"block_size": 64}, {"compress": squeezed}]):
        ckpt = rebuilt(tmp_path / str(number), entries, **how)
        for name, record in expected()["v1/dtypes"]["tensors"].items():
            assert digest(ckpt[name]) == digest_of(record)
        assert ckpt.verify().ok


def test_real_checkpoints_give_what_tensorflow_reads(corpus) -> None:
    records = json.loads((corpus / "expected.json").read_text("utf-8"))
    entries = json.loads((corpus / "manifest.json").read_text("utf-8"))["entries"]
    seen = [entry for entry in entries if entry["kind"] == "v1"]
    assert len(seen) >= 6
    for entry in seen:
        ckpt = tb.open(corpus / entry["dir"] / entry["prefix"])
        tensors = records[entry["id"]]["tensors"]
        assert set(ckpt) == set(tensors)
        for name, array in ckpt.load().items():
            assert digest(array) == digest_of(tensors[name]), (entry["id"], name)
        assert ckpt.verify().ok


def test_both_formats_under_one_prefix_mean_v2_with_a_note() -> None:
    ckpt = tb.open(DATA / "v1/both_formats")
    assert not isinstance(ckpt, LegacyCheckpoint)
    assert "both formats" in ckpt.location.notes[0]


# --- arrays -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "writable"), [("r", False), ("c", True), ("read", True)])
def test_arrays_are_copies_and_writable_as_the_mode_says(tmp_path, mode, writable) -> None:
    path = shutil.copy(DATA / "v1/dtypes", tmp_path / "copy")
    ckpt = tb.open(path, mode=mode)
    arrays = [ckpt[name] for name in ckpt]
    before = [digest(array) for array in arrays]
    os.truncate(path, 0)
    assert {array.flags.writeable for array in arrays} == {writable}
    assert [digest(array) for array in arrays] == before


def test_load_gives_writable_arrays_and_fills_given_ones() -> None:
    ckpt = tb.open(DATA / "v1/slices")
    assert all(array.flags.writeable for array in ckpt.load().values())
    out = {"float32": np.empty((3, 7), np.float32)}
    assert ckpt.load(out=out)["float32"] is out["float32"]
    assert digest(out["float32"]) == digest(ckpt["float32"])


@pytest.mark.parametrize("name", ["float32", "complex128", "plain", "string", "whole_by_extents"])
def test_read_slice_is_what_numpy_gives(name) -> None:
    ckpt = tb.open(SLICES)
    whole = ckpt[name]
    for index in [0, -1, np.s_[1:], np.s_[::-1], np.s_[...], np.s_[3:1], (-1,) * whole.ndim]:
        part = ckpt.read_slice(name, index)
        assert isinstance(part, np.ndarray)
        assert (part.dtype, part.flags.writeable) == (whole.dtype, True)
        assert digest(part) == digest(np.array(whole[index], whole.dtype)), index


def test_read_slice_of_scalar() -> None:
    ckpt = tb.open(DATA / "v1/dtypes")
    assert ckpt.read_slice("string/scalar", ()).tolist() == b"one"
    assert ckpt.read_slice("int32/scalar", ...) == ckpt["int32/scalar"]


def test_chunks_are_the_bytes_of_the_array() -> None:
    ckpt = tb.open(SLICES)
    pieces = [bytes(piece) for piece in ckpt.chunks("float32", nbytes=16)]
    assert [len(piece) for piece in pieces] == [16] * 5 + [4]
    assert b"".join(pieces) == ckpt["float32"].tobytes()


def test_unknown_name_raises_and_suggests() -> None:
    with pytest.raises(tb.TensorNotFoundError, match="did you mean 'float32'"):
        tb.open(SLICES)["float3"]
    assert "float3" not in tb.open(SLICES)


# --- damage -----------------------------------------------------------------------------------


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


def block_of(path: Path, name: bytes, spec) -> tuple[int, int]:
    table = _core.Table(_core.File(str(path)))
    return table.block_range(table.find_block(_core.slice_key(name, spec)))


def test_damaged_block_is_a_checksum_error_for_its_slices_alone(tmp_path) -> None:
    path = tmp_path / "small"
    path.write_bytes(build_table(read_table(SLICES.read_bytes()), 32))
    offset, nbytes = block_of(path, b"float32", ((2, 1), (0, -1)))
    flip(path, offset + 9)
    ckpt = tb.open(path)
    for read in (ckpt.__getitem__, ckpt.load, lambda name: ckpt.read_slice(name, 2)):
        with pytest.raises(tb.ChecksumError, match="checksum mismatch") as caught:
            read("float32")
        error = caught.value
        assert (error.path, error.key) == (str(path), "float32")
        assert (error.offset, error.nbytes) == (offset, nbytes)
    top = ckpt.read_slice("float32", np.s_[:2])
    assert digest(top) == digest(tb.open(SLICES)["float32"][:2])
    report = ckpt.verify()
    (fault,) = report.faults
    assert (fault.name, fault.kind, fault.path) == ("float32", "checksum", str(path))
    assert (fault.offset, fault.nbytes) == (offset, nbytes)
    assert report.checked == tb.open(SLICES).verify().checked - 1


def test_damaged_block_of_many_tensors_names_them(tmp_path) -> None:
    path = tmp_path / "two_blocks"
    path.write_bytes(build_table(read_table((DATA / "v1/dtypes").read_bytes()), 4096))
    offset, _ = block_of(path, b"uint8/vector", ((0, -1),))
    assert offset > 0
    flip(path, offset + 50)
    (fault,) = tb.open(path).verify().faults
    assert (fault.name, fault.kind) == (None, "checksum")
    assert re.search(r"in it lie '.*', '.*', '.*' and \d+ more$", fault.message)


def test_zeroed_block_is_explained(tmp_path) -> None:
    path = tmp_path / "zeros"
    content = bytearray((DATA / "v1/blocks").read_bytes())
    offset, nbytes = block_of(DATA / "v1/blocks", b"large", ((0, -1), (0, -1)))
    content[offset + 8192 : offset + 40960] = bytes(32768)
    path.write_bytes(content)
    (fault,) = tb.open(path).verify().faults
    assert (fault.name, fault.kind, fault.nbytes) == ("large", "checksum", nbytes)
    assert "all zero: a hole" in fault.cause


def test_golden_damage_is_reported_as_what_it_is() -> None:
    with pytest.raises(tb.ChecksumError, match="checksum mismatch in a table block") as caught:
        tb.open(path_of("damaged/v1_flipped_bit"))
    assert (caught.value.path, caught.value.offset) == (path_of("damaged/v1_flipped_bit"), 0)
    with pytest.raises(tb.FormatError, match="git-LFS pointer"):
        tb.open(path_of("damaged/v1_lfs_pointer"))
    with pytest.raises(tb.FormatError, match="a table cut off"):
        tb.open(path_of("damaged/v1_truncated"))
    with pytest.raises(tb.MissingFileError, match="shard 00001 of the V1 checkpoint"):
        tb.open(path_of("damaged/v1_missing_shard"))


def test_one_shard_alone_lacks_what_the_other_has() -> None:
    ckpt = tb.open(DATA / "damaged/v1_missing_shard/model.ckpt-5-00000-of-00002")
    assert digest(ckpt["first"]) == digest(tb.open(path_of("v1/sharded"))["first"])
    assert ckpt.read_slice("table", np.s_[:2]).shape == (2, 2)
    with pytest.raises(tb.FormatError, match="slices leave a gap"):
        ckpt["table"]
    (fault,) = ckpt.verify().faults
    assert (fault.name, fault.kind) == ("table", "gap")
    assert fault.message == "6 of 10 elements are in no slice"


def test_renamed_index_is_called_what_it_is(tmp_path) -> None:
    opened = tb.open(shutil.copy(DATA / "dtypes.index", tmp_path / "weights"))
    assert "is the index of a V2 checkpoint" in opened.location.notes[0]
    with pytest.raises(tb.MissingFileError, match="is missing"):
        opened.load()


def test_every_flipped_bit_and_every_cut_is_noticed_or_harmless(tmp_path) -> None:
    sound = (DATA / "saver_v1/model.ckpt-3").read_bytes()
    before = {name: digest(array) for name, array in tb.open(DATA / "saver_v1").load().items()}
    path = tmp_path / "damaged"
    harmless = 0
    for at in range(len(sound) * 8):
        content = bytearray(sound)
        content[at // 8] ^= 1 << at % 8
        path.write_bytes(content)
        try:
            ckpt = tb.open(path)
            assert {name: digest(array) for name, array in ckpt.load().items()} == before
            harmless += ckpt.verify().ok
        except tb.FormatError:
            continue
    # The metaindex block and the padding of the footer, which nobody reads.
    assert harmless < 60 * 8
    for size in range(len(sound)):
        path.write_bytes(sound[:size])
        with pytest.raises(tb.FormatError, match="not a checkpoint"):
            tb.open(path)
