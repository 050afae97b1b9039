"""V1 files that nobody's writer leaves behind: other encodings, contradictions, hostile claims."""

import os
import re
import struct
import tracemalloc

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import _core
from tests.checkpoint.v1_files import (
    BFLOAT16,
    BOOL,
    COMPLEX64,
    DOUBLE,
    FLOAT,
    HALF,
    INT8,
    INT32,
    INT64,
    STRING,
    UINT8,
    field,
    header,
    listed,
    record,
    slice_message,
    write,
    write_tensor,
)
from tests.golden import table_file
from tests.golden.table_file import build_table, varint

WHOLE = ((0, -1),)
TOP, BOTTOM = ((0, 2),), ((2, 3),)
# TensorProto fields of three floats, and of two.
THREE, TWO = field(5, struct.pack("<3f", 1, 2, 3)), field(5, struct.pack("<2f", 8, 9))


def fixed(number, form, *values):
    """One field a value, as writers did before fields were packed."""
    wire = 5 if struct.calcsize(form) == 4 else 1
    return b"".join(varint(number << 3 | wire) + struct.pack(form, each) for each in values)


# --- encodings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data_type", "values", "expected"),
    [
        (FLOAT, fixed(5, "<f", 1, -2, 3), np.array([1, -2, 3], np.float32)),
        (FLOAT, THREE + fixed(5, "<f", 4) + TWO, np.array([1, 2, 3, 4, 8, 9], np.float32)),
        (DOUBLE, fixed(6, "<d", 0.5, -1), np.array([0.5, -1])),
        (COMPLEX64, fixed(9, "<f", 1, 2, 3, 4), np.array([1 + 2j, 3 + 4j], np.complex64)),
        (INT32, field(7, 1) + field(7, -2) + field(7, b"\x03\x04"), np.array([1, -2, 3, 4], "i4")),
        (INT8, field(7, -128), np.array([-128], np.int8)),
        (UINT8, field(7, 200) + field(7, 0), np.array([200, 0], np.uint8)),
        (INT64, field(10, -1) + field(10, 2**62), np.array([-1, 2**62])),
        (BOOL, field(11, 1) + field(11, 0), np.array([True, False])),
        (HALF, field(13, 0x3C00) + field(13, 0xC000), np.array([1, -2], np.float16)),
        (FLOAT, field(1, 1) + THREE + field(23, b"later"), np.array([1, 2, 3], np.float32)),
    ],
)
def test_values_in_fields_of_their_own_and_beside_unknown_ones(
    tmp_path, data_type, values, expected
) -> None:
    ckpt = tb.open(write_tensor(tmp_path / "v1", data_type, expected.shape, values))
    assert ckpt["x"].dtype == expected.dtype
    assert ckpt["x"].tolist() == expected.tolist()
    assert ckpt.verify().ok


@pytest.mark.parametrize("count", [0, 2, 4, 2**40, 2**59])
@pytest.mark.parametrize(
    ("data_type", "values"),
    [
        (FLOAT, THREE),
        (INT32, field(7, b"\x01\x02\x03")),
        (STRING, field(8, b"a") + field(8, b"") + field(8, b"c")),
        (BOOL, field(11, 1) * 3),
        (COMPLEX64, field(9, bytes(24))),
    ],
)
def test_wrong_number_of_values_raises_before_anything_is_allocated(
    tmp_path, data_type, values, count
) -> None:
    ckpt = tb.open(write_tensor(tmp_path / "v1", data_type, (count,), values))
    tracemalloc.start()
    try:
        with pytest.raises(tb.FormatError, match=f"does not hold its {count} values") as caught:
            ckpt["x"]
        report = ckpt.verify()
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert (caught.value.key, caught.value.path) == ("x", str(tmp_path / "v1"))
    assert [(f.name, f.kind) for f in report.faults] == [("x", "malformed")]


def test_values_of_another_wire_type_raise(tmp_path) -> None:
    ckpt = tb.open(write_tensor(tmp_path / "v1", FLOAT, (1,), field(5, 7)))
    with pytest.raises(tb.FormatError, match="field 5 has wire type 0"):
        ckpt["x"]


def test_names_of_any_bytes_in_key_order(tmp_path) -> None:
    names = [b"", b"\0", b"\0\xff", b"a", b"a\0", b"a/b", b"\xc3\xa9", b"\xff\xff"]
    entries = [record(name, WHOLE, TWO) for name in names]
    path = write(
        tmp_path / "v1", header(*(listed(name, FLOAT, (2,)) for name in names[::-1])), *entries
    )
    ckpt = tb.open(path)
    assert [name.encode("utf-8", "surrogateescape") for name in ckpt] == names
    assert all(ckpt[name].tolist() == [8, 9] for name in [*names, *ckpt])
    assert ckpt.verify().ok


@pytest.mark.parametrize("data_type", [0, BFLOAT16, 20, 21, 42, 101, -1])
def test_types_without_a_form_in_v1_are_listed_and_refused(tmp_path, data_type) -> None:
    ckpt = tb.open(write_tensor(tmp_path / "v1", data_type, (3,), THREE))
    info = ckpt.info("x")
    assert (info.dtype, info.data_type, info.nbytes) == (None, data_type, 0)
    with pytest.raises(tb.UnsupportedError, match=re.escape(f"type {info.tf_dtype} cannot")):
        ckpt["x"]
    assert [(f.name, f.kind) for f in ckpt.verify().faults] == [("x", "unsupported")]


# --- slices and files that contradict each other ----------------------------------------------


def shards(tmp_path, *files):
    """One shard per argument, each the entries of a file; return their common prefix."""
    for number, entries in enumerate(files):
        write(tmp_path / f"v1-{number:05d}-of-{len(files):05d}", *entries)
    return str(tmp_path / "v1")


def test_slice_in_two_files_is_an_overlap_that_names_both(tmp_path) -> None:
    ours = [header(listed(b"x", FLOAT, (5,), TOP)), record(b"x", TOP, TWO)]
    ckpt = tb.open(shards(tmp_path, ours, ours))
    told = "[0:2] in 'v1-00000-of-00002' and [0:2] in 'v1-00001-of-00002' share elements"
    for read in (ckpt.__getitem__, lambda name: ckpt.read_slice(name, 0)):
        with pytest.raises(tb.FormatError, match=re.escape(told)):
            read("x")
    assert [(f.name, f.kind) for f in ckpt.verify().faults] == [("x", "overlap")]


def test_scalar_in_two_files_is_an_overlap(tmp_path) -> None:
    ours = [header(listed(b"x", FLOAT, ())), record(b"x", (), fixed(5, "<f", 1))]
    ckpt = tb.open(shards(tmp_path, ours, ours))
    with pytest.raises(tb.FormatError, match="slices overlap"):
        ckpt["x"]
    assert [f.kind for f in ckpt.verify().faults] == ["overlap"]


@pytest.mark.parametrize("other", [listed(b"x", FLOAT, (6,), BOTTOM), listed(b"x", INT32, (5,))])
def test_headers_that_disagree_make_the_tensor_unreadable(tmp_path, other) -> None:
    first = [header(listed(b"x", FLOAT, (5,), TOP)), record(b"x", TOP, TWO)]
    ckpt = tb.open(shards(tmp_path, first, [header(other), record(b"x", BOTTOM, THREE)]))
    with pytest.raises(tb.FormatError, match=r"headers disagree.*v1-00001-of-00002"):
        ckpt["x"]
    assert ckpt.info("x").shape == (5,)
    assert "malformed" in {f.kind for f in ckpt.verify().faults}


def test_slices_that_do_not_fit_or_do_not_cover(tmp_path) -> None:
    beyond, gap = ((4, 2),), ((0, 2),)
    tensors = [listed(b"beyond", FLOAT, (5,), beyond), listed(b"gap", FLOAT, (5,), gap)]
    tensors += [listed(b"rank", FLOAT, (5, 1), gap)]
    entries = [
        record(b"beyond", beyond, TWO),
        record(b"gap", gap, TWO),
        record(b"rank", gap, TWO),
    ]
    ckpt = tb.open(write(tmp_path / "v1", header(*tensors), *entries))
    for name, told in [
        ("beyond", "does not fit"),
        ("gap", "leave a gap"),
        ("rank", "does not fit"),
    ]:
        with pytest.raises(tb.FormatError, match=told):
            ckpt[name]
    faults = [(f.name, f.kind) for f in ckpt.verify().faults]
    assert faults == [("beyond", "malformed"), ("gap", "gap"), ("rank", "malformed")]


def test_slice_without_a_record_and_record_without_a_slice(tmp_path) -> None:
    path = write(
        tmp_path / "v1",
        header(listed(b"x", FLOAT, (5,), TOP, BOTTOM)),
        record(b"x", TOP, TWO),
        record(b"stray", WHOLE, TWO),
    )
    ckpt = tb.open(path)
    assert list(ckpt) == ["x"]
    assert ckpt.read_slice("x", np.s_[:2]).tolist() == [8, 9]
    with pytest.raises(tb.FormatError, match=r"a slice is missing.*\[2:5\]"):
        ckpt["x"]
    report = ckpt.verify()
    (fault,) = report.faults
    assert (fault.name, fault.kind) == ("x", "gap")
    assert fault.message == "slice 2,3: the file has no record of it"
    assert report.notes == ("records that no header lists: of 'stray'",)


def test_record_of_another_slice_than_its_key_says(tmp_path) -> None:
    tensors = header(listed(b"x", FLOAT, (2,)))
    key, _ = record(b"x", WHOLE, TWO)
    ckpt = tb.open(write(tmp_path / "v1", tensors, (key, record(b"y", WHOLE, TWO)[1])))
    with pytest.raises(tb.FormatError, match="another slice than its key says"):
        ckpt["x"]
    assert [(f.name, f.kind) for f in ckpt.verify().faults] == [("x", "malformed")]


@pytest.mark.parametrize(
    ("shift", "told"), [(1, "out of order or occur twice"), (0, "out of order or occur twice")]
)
def test_keys_out_of_order_or_twice_raise(tmp_path, shift, told) -> None:
    tensors = header(listed(b"x", FLOAT, (2,)), listed(b"y", FLOAT, (2,)))
    keys = [record(b"y", WHOLE, TWO), record(b"x" if shift else b"y", WHOLE, TWO)]
    (tmp_path / "v1").write_bytes(build_table([tensors, *keys]))
    with pytest.raises(tb.FormatError, match=told):
        tb.open(tmp_path / "v1")


# --- headers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "versions",
    [
        field(1, -1),
        field(1, 1) + field(2, 2),
        field(3, 1),
        field(3, b"\x05\x01"),
        field(3, 5) + field(3, b"\x01"),
    ],
)
def test_version_for_other_readers_is_unsupported(tmp_path, versions) -> None:
    path = write(tmp_path / "v1", header(versions=versions))
    with pytest.raises(tb.UnsupportedError, match="this is one of version 1"):
        tb.open(path)


@pytest.mark.parametrize("versions", [b"", field(1, 999), field(2, 1), field(3, b"\x02\x80\x01")])
def test_version_for_this_reader_opens(tmp_path, versions) -> None:
    assert len(tb.open(write(tmp_path / "v1", header(versions=versions)))) == 0


HOSTILE = {
    "a dimension is negative: -1": field(2, field(2, field(1, -1))),
    "of unknown rank": field(2, field(3, 1)),
    "more than 254 dimensions": field(2, field(2, b"") * 255),
    "does not fit in 64 bits": field(2, field(2, field(1, 2**40)) * 2),
    "a slice has a negative length": field(4, field(1, field(2, -5))),
    "a slice starts at -3": field(4, field(1, field(1, -3) + field(2, 1))),
    "a slice starts at 3": field(4, field(1, field(1, 3))),
    "a slice has more than 254": field(4, field(1, b"") * 255),
    "groups are nested too deep": b"\x0b" * 1000,
    "field 3 has wire type 2": field(3, b"float"),
    "runs past the end": b"\x0a\xff\xff\xff\xff\x07",
}


@pytest.mark.parametrize("told", HOSTILE)
def test_hostile_header_raises_and_says_where(tmp_path, told) -> None:
    path = write(tmp_path / "v1", header(field(1, b"x") + HOSTILE[told]))
    with pytest.raises(tb.FormatError, match="byte ") as caught:
        tb.open(path)
    assert told in caught.value.message
    assert 0 < caught.value.offset < os.path.getsize(path)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([], "no records, not even a header"),
        ([record(b"x", WHOLE, TWO)], "the header is missing"),
        ([(b"", b"\x0f")], "wire type 7"),
    ],
)
def test_table_without_a_header_is_no_checkpoint(tmp_path, entries, told) -> None:
    (tmp_path / "v1").write_bytes(build_table(entries))
    with pytest.raises(tb.FormatError, match=told) as caught:
        tb.open(tmp_path / "v1")
    assert caught.value.path == str(tmp_path / "v1")


def test_shape_that_the_files_cannot_hold_takes_no_memory(tmp_path) -> None:
    halves = [((0, 2**40),), ((2**40, 2**40),)]
    path = write(
        tmp_path / "v1",
        header(listed(b"x", FLOAT, (2**41,), *halves)),
        *(record(b"x", half, TWO) for half in halves),
    )
    ckpt = tb.open(path)
    with pytest.raises(tb.FormatError, match=rf"cannot be stored here.* {2**41} elements"):
        ckpt["x"]
    with pytest.raises(tb.FormatError, match="cannot be stored here"):
        ckpt.read_slice("x", np.s_[2**39 : 2**40 + 2**39])
    assert [f.kind for f in ckpt.verify().faults] == ["malformed"] * 2


def test_shapes_that_numpy_cannot_hold_are_unsupported(tmp_path) -> None:
    shapes = {"deep": (1,) * 65, "wide": (2**61, 0)}
    tensors = [listed(name.encode(), DOUBLE, shape) for name, shape in shapes.items()]
    ckpt = tb.open(write(tmp_path / "v1", header(*tensors)))
    for name, shape in shapes.items():
        assert ckpt.info(name).shape == shape
        with pytest.raises(tb.UnsupportedError, match="numpy"):
            ckpt[name]


def test_keys_that_take_far_more_room_than_the_file_are_refused(tmp_path, monkeypatch) -> None:
    name, slices = b"n" * 5000, [((i, 1),) for i in range(1000)]
    path = write(tmp_path / "v1", header(listed(name, FLOAT, (1000,), *slices)))
    with pytest.raises(tb.FormatError, match="names take far more room"):
        tb.open(path)
    entries = [(_core.slice_key(name, each), b"") for each in slices]
    # All of a block's keys share with the one before, as no writer does it.
    block = table_file._Block
    monkeypatch.setattr(table_file, "_Block", lambda interval: block(interval**3))
    path = write(tmp_path / "v1", header(listed(b"x", FLOAT, (2,))), *entries)
    with pytest.raises(tb.FormatError, match="keys take far more room"):
        tb.open(path)


def test_slice_message_of_a_record_is_compared_as_stored(tmp_path) -> None:
    # TensorFlow keeps explicit extents apart from "all of the dimension".
    explicit = ((0, 2),)
    path = write(
        tmp_path / "v1", header(listed(b"x", FLOAT, (2,), explicit)), record(b"x", explicit, TWO)
    )
    assert slice_message(explicit) != slice_message(WHOLE)
    assert tb.open(path)["x"].tolist() == [8, 9]
    assert tb.open(path).info("x").slices == ()


# --- verification -----------------------------------------------------------------------------


def many_blocks(tmp_path):
    names = [f"t{number:03d}".encode() for number in range(200)]
    tensors = [listed(name, FLOAT, (2,)) for name in names]
    entries = [record(name, WHOLE, TWO) for name in names]
    return tb.open(write(tmp_path / "v1", header(*tensors), *entries, block_size=256))


def test_verify_reports_progress_up_to_the_end(tmp_path) -> None:
    calls = []
    report = many_blocks(tmp_path).verify(progress=lambda *call: calls.append(call))
    assert (report.ok, report.checked) == (True, 200)
    assert calls[-1] == (report.nbytes, report.nbytes)
    assert calls == sorted(calls)


def test_what_progress_raises_stops_verification(tmp_path) -> None:
    def stop(done, total):
        raise KeyboardInterrupt(f"{done} of {total}")

    with pytest.raises(KeyboardInterrupt, match=" of "):
        many_blocks(tmp_path).verify(progress=stop)


def test_tensors_of_one_block_are_read_with_it(tmp_path) -> None:
    ckpt = many_blocks(tmp_path)
    assert {array.tolist() == [8, 9] for array in ckpt.load().values()} == {True}
    ckpt["t150"]
    os.truncate(tmp_path / "v1", 0)
    assert ckpt["t150"].tolist() == [8, 9]
    with pytest.raises(tb.FormatError, match="cut off"):
        ckpt["t020"]
