"""Parts of tensors: what numpy's basic indexing gives, whatever the tensor's kind."""

import math
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensorbundle as tb
from tensorbundle._format import boxes as _slices
from tests.format.handmade import Entry, Handmade, header, masked_crc, same, slice_key, strings

SHAPE = (5, 4, 6)
NUMBERS = np.arange(math.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
TENSORS = {
    "plain": NUMBERS,
    "complex": (NUMBERS + 1j * NUMBERS[::-1]).astype(np.complex64),
    "flags": NUMBERS % 3 == 1,
    "words": strings(*(b"w%d\0" % i for i in range(120)), shape=SHAPE),
    "scalar": np.array(3.5),
    "word": strings(b"lone\0", shape=()),
    "empty": np.empty((5, 0, 6), np.int16),
}
SLICED = {
    "numbers": NUMBERS,
    "flags": TENSORS["flags"],
    "words": TENSORS["words"],
}
GRID = [((a, b), (0, None), (c, d)) for a, b in ((3, 2), (0, 3)) for c, d in ((0, 2), (2, 4))]


@pytest.fixture(scope="module")
def ckpts(tmp_path_factory):
    """Little-endian, big-endian, and partitioned checkpoints, with the values of each."""
    little = Handmade()
    big = Handmade(header=header(big_endian=True))
    for name, array in TENSORS.items():
        little.add(name, array)
        if array.dtype != object:
            swapped = array.astype(array.dtype.newbyteorder(">"))
            big.entries[name.encode()] = big.entry_of(swapped)
    sliced = Handmade()
    for name, array in SLICED.items():
        sliced.add_sliced(name, array, GRID, [0, 1, 0, 2])
    folder = tmp_path_factory.mktemp("slices")
    numeric = {name: array for name, array in TENSORS.items() if array.dtype != object}
    return [
        (tb.open(little.write(folder / "little")), TENSORS),
        (tb.open(big.write(folder / "big")), numeric),
        (tb.open(sliced.write(folder / "sliced")), SLICED),
    ]


def bounds(dim):
    return st.none() | st.integers(-dim - 2, dim + 2)


def parts(dim):
    steps = st.none() | st.sampled_from([1, 2, 3, 7, -1, -2, -5])
    ranges = st.builds(slice, bounds(dim), bounds(dim), steps)
    return ranges | st.integers(-dim, dim - 1) if dim else ranges


@st.composite
def indices(draw, shape):
    """A basic index of a shape: for some of its dimensions, maybe with an ellipsis."""
    given_parts = draw(st.integers(0, len(shape)))
    after = draw(st.integers(0, given_parts))  # of them after the ellipsis
    before = given_parts - after
    index = [draw(parts(dim)) for dim in shape[:before]]
    if after or draw(st.booleans()):
        index.append(...)
    index += [draw(parts(dim)) for dim in shape[len(shape) - after :]]
    return index[0] if len(index) == 1 and draw(st.booleans()) else tuple(index)


@given(data=st.data())
def test_part_is_what_numpy_gives(ckpts, data):
    for ckpt, tensors in ckpts:
        name = data.draw(st.sampled_from(sorted(tensors)))
        index = data.draw(indices(tensors[name].shape))
        wanted = np.array(tensors[name][index], tensors[name].dtype)
        part = ckpt.read_slice(name, index)
        assert same(part, wanted)
        assert part.flags.writeable
        assert part.flags.owndata


@pytest.mark.parametrize(
    ("index", "error", "told"),
    [
        (5, IndexError, "index 5 is out of bounds for a dimension of 5"),
        ((0, -5), IndexError, "index -5 is out of bounds for a dimension of 4"),
        ((0, 0, 0, 0), IndexError, "too many indices: 4 for 3 dimensions"),
        ((..., 0, ...), IndexError, "only one ellipsis"),
        ([0, 1], IndexError, "only integers, slices and '...' can index"),
        (None, IndexError, "only integers, slices and '...' can index"),
        (True, IndexError, "only integers, slices and '...' can index"),
        (1.0, IndexError, "only integers, slices and '...' can index"),
        ("name", IndexError, "only integers, slices and '...' can index"),
        (np.array([0, 1]), (IndexError, TypeError), "only integer"),
        (slice(None, None, 0), ValueError, "step cannot be zero"),
    ],
)
def test_index_that_does_not_fit_is_refused(ckpts, index, error, told):
    for ckpt, tensors in ckpts:
        for name in tensors:
            if tensors[name].shape == SHAPE:
                with pytest.raises(error, match=told):
                    ckpt.read_slice(name, index)


def test_numpy_integers_are_integers(ckpts):
    ckpt, tensors = ckpts[0]
    assert same(ckpt.read_slice("plain", np.int64(2)), tensors["plain"][2])
    assert same(ckpt.read_slice("plain", (np.uint8(1), np.int8(-1))), tensors["plain"][1, -1])


def test_element_of_strings_keeps_its_bytes(ckpts):
    ckpt, _ = ckpts[0]
    assert ckpt.read_slice("words", (0, 0, 1)).item() == b"w1\0"
    assert ckpt.read_slice("word", ()).item() == b"lone\0"


@pytest.mark.parametrize("shape", [(40, 30, 50), (3, 100_000), (60_000,), (1, 300, 200)])
def test_part_of_a_large_tensor_is_read_run_by_run(tmp_path, shape):
    array = np.arange(math.prod(shape), dtype=np.int32).reshape(shape)
    ckpt = tb.open(Handmade().add("w", array).write(tmp_path))
    by_columns = () if len(shape) == 1 else (np.s_[-1, ..., 10:], np.s_[:, 2:5], np.s_[:, ::9])
    by_elements = (np.s_[..., 3], np.s_[..., 5:9], np.s_[..., ::7])
    for index in (np.s_[1 % shape[0]], np.s_[::-1], *by_elements, *by_columns):
        assert same(ckpt.read_slice("w", index), array[index])


def test_part_needs_no_byte_outside_its_range(tmp_path):
    """The last rows are gone: the first are read all the same."""
    array = np.arange(4096, dtype=np.int64).reshape(64, 64)
    prefix = Handmade().add("w", array).write(tmp_path)
    ckpt = tb.open(prefix)
    ckpt.read_slice("w", 0)  # the shard is open now, at its full size
    os.truncate(prefix + ".data-00000-of-00001", array.nbytes // 2)
    assert same(ckpt.read_slice("w", np.s_[:8]), array[:8])
    assert same(ckpt.read_slice("w", np.s_[3:32, 5:9]), array[3:32, 5:9])
    with pytest.raises(tb.FormatError, match="w"):
        ckpt.read_slice("w", np.s_[40:])


# --- partitioned tensors -------------------------------------------------------------------------


def test_part_reads_only_the_slices_it_touches(tmp_path):
    prefix = Handmade().add_sliced("w", NUMBERS, GRID, [0, 1, 2, 3]).write(tmp_path)
    for shard in (0, 1, 3):
        os.unlink(f"{prefix}.data-{shard:05d}-of-00004")
    ckpt = tb.open(prefix)
    assert same(ckpt.read_slice("w", np.s_[:3, 1:, :2]), NUMBERS[:3, 1:, :2])
    with pytest.raises(tb.MissingFileError, match="00003-of-00004' is missing in tensor 'w'"):
        ckpt.read_slice("w", np.s_[:3, 1:, :3])


def test_slices_are_checked_whole_even_for_a_part(tmp_path):
    prefix = Handmade().add_sliced("w", NUMBERS, GRID).write(tmp_path)
    data = tmp_path / "model.ckpt.data-00000-of-00001"
    stored = bytearray(data.read_bytes())
    stored[2 * 4 * 2 * 4 - 1] ^= 1  # the last byte of the first slice: [3:5, :, 0:2]
    data.write_bytes(stored)
    ckpt = tb.open(prefix)
    with pytest.raises(tb.ChecksumError, match="checksum mismatch in tensor 'w'"):
        ckpt.read_slice("w", (3, 0, 0))
    assert same(ckpt.read_slice("w", np.s_[:3]), NUMBERS[:3])


@given(st.lists(st.integers(1, 19), unique=True, max_size=6).map(sorted), st.randoms())
def test_any_partition_is_put_together(tmp_path_factory, cuts, random):
    array = np.arange(40, dtype=np.int16).reshape(20, 2)
    slices = [((a, b - a), (0, None)) for a, b in zip([0, *cuts], [*cuts, 20], strict=True)]
    random.shuffle(slices)
    bundle = Handmade().add_sliced("w", array, slices)
    assert same(tb.open(bundle.write(tmp_path_factory.mktemp("cuts")))["w"], array)


@pytest.mark.parametrize(
    ("boxes", "clash"),
    [
        ([], None),
        ([((0, 2), (0, 2))], None),
        ([((0, 2), (0, 2)), ((2, 4), (0, 2)), ((0, 4), (2, 3))], None),
        ([((0, 2), (0, 2)), ((0, 2), (2, 4)), ((1, 3), (3, 5))], (1, 2)),
        ([((0, 2), (0, 0)), ((0, 2), (0, 2))], None),  # an empty box shares nothing
        ([((0, 3),), ((2, 2),), ((2, 3),)], (0, 2)),
    ],
)
def test_overlap_is_found_where_there_is_one(boxes, clash):
    found = _slices.first_overlap(boxes)
    assert found == clash or (clash is not None and found == clash[::-1])


def test_slices_that_share_their_bytes_are_refused(tmp_path):
    stored = bytes(1000)
    bundle = Handmade(shards=[stored])
    slices = tuple(((1000 * i, 1000),) for i in range(50))
    for extents in slices:
        bundle.entries[slice_key(b"w", extents)] = Entry(4, (1000,), 1000, 0, 0, masked_crc(stored))
    bundle.entries[b"w"] = Entry(4, (50_000,), slices=slices)
    with pytest.raises(tb.FormatError, match=r"slices share bytes .*: they claim 50000 of"):
        tb.open(bundle.write(tmp_path))["w"]
