"""Every golden checkpoint is read exactly as TensorFlow reads it, in every way there is."""

import re

import numpy as np
import pytest

import tensorbundle as tb
from tests.golden.cases import digest, digest_all, digest_of, expected, path_of, spellings_of

MODES = ("r", "c", "read")
SOUND = [name for name, record in expected().items() if not record.get("damaged")]
DAMAGED = [name for name, record in expected().items() if record.get("damaged")]
LARGE = {"blocks/many", "blocks/snappy"}

# What TensorFlow refuses or aborts on although the bytes are sound.
ONLY_HERE = [
    (fixture_id, name)
    for fixture_id in SOUND
    for name, record in expected()[fixture_id]["tensors"].items()
    if record.get("oracle") == "written values"
]


def records(fixture_id):
    """The expected tensors that have a value."""
    tensors = expected()[fixture_id].get("tensors", {})
    return {name: record for name, record in tensors.items() if digest_of(record)}


def refused(fixture_id):
    """The variants."""
    return [name for name, r in expected()[fixture_id]["tensors"].items() if r.get("opaque")]


def readable(ckpt):
    return [info.name for info in ckpt.infos() if info.dtype is not None]


def check(array, record):
    assert list(array.shape) == record["shape"]
    assert digest(array) == digest_of(record)


@pytest.mark.parametrize("fixture_id", SOUND)
def test_names_are_those_of_tensorflow_in_byte_order(fixture_id):
    record = expected()[fixture_id]
    names = list(tb.open(path_of(fixture_id)))
    assert names == sorted(names, key=lambda name: name.encode("utf-8", "surrogateescape"))
    if fixture_id in LARGE:
        assert len(names) == record["count"]
        assert set(record["tensors"]) < set(names)
    else:
        assert set(names) == set(record["tensors"])


@pytest.mark.parametrize("fixture_id", SOUND)
def test_facts_agree_with_tensorflow(fixture_id):
    ckpt = tb.open(path_of(fixture_id))
    assert ckpt.location.kind == expected()[fixture_id]["format"]
    for name, record in expected()[fixture_id]["tensors"].items():
        info = ckpt.info(name)
        assert (info.name, info.tf_dtype) == (name, record["dtype"])
        assert list(info.shape) == record["shape"]
        # A slice of all dimensions is stored as a whole tensor.
        assert len(info.slices) in (len(record.get("slices", ())), 0)
        if "sha256" in record:
            assert info.nbytes == record["nbytes"]
            assert info.dtype.itemsize * info.size == info.nbytes


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fixture_id", SOUND)
def test_single_tensors_are_bit_exact(fixture_id, mode):
    ckpt = tb.open(path_of(fixture_id), mode=mode)
    for name, record in records(fixture_id).items():
        array = ckpt[name]
        check(array, record)
        assert array.dtype == ckpt.info(name).dtype
        assert array.flags.writeable == (mode != "r")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fixture_id", SOUND)
def test_all_tensors_at_once_are_bit_exact(fixture_id, mode):
    ckpt = tb.open(path_of(fixture_id), mode=mode)
    names = readable(ckpt)
    loaded = ckpt.load(names)
    views = ckpt.views(names)
    assert list(loaded) == list(views) == names
    for name, record in records(fixture_id).items():
        check(loaded[name], record)
        check(views[name], record)
        assert loaded[name].flags.writeable
        assert loaded[name].base is None or loaded[name].base.base is None
        assert loaded[name].dtype == views[name].dtype == ckpt.info(name).dtype
        assert views[name].flags.writeable == (mode != "r")


@pytest.mark.parametrize("fixture_id", sorted(LARGE))
def test_every_tensor_of_many_blocks_is_bit_exact(fixture_id):
    ckpt = tb.open(path_of(fixture_id))
    want = expected()[fixture_id]["sha256_all"]
    assert digest_all({name: digest(array) for name, array in ckpt.load().items()}) == want
    assert digest_all({name: digest(array) for name, array in ckpt.views().items()}) == want
    single = tb.open(path_of(fixture_id))
    assert digest_all({name: digest(single[name]) for name in single}) == want


@pytest.mark.parametrize("fixture_id", SOUND)
def test_slice_of_everything_is_everything(fixture_id):
    ckpt = tb.open(path_of(fixture_id))
    for name, record in records(fixture_id).items():
        array = ckpt.read_slice(name, ...)
        check(array, record)
        assert array.dtype == ckpt.info(name).dtype
        assert array.flags.writeable


@pytest.mark.parametrize("nbytes", [1, 7, 1 << 20])
@pytest.mark.parametrize("fixture_id", sorted(set(SOUND) - LARGE))
def test_chunks_are_the_little_endian_bytes(fixture_id, nbytes):
    ckpt = tb.open(path_of(fixture_id))
    for name, record in records(fixture_id).items():
        if "sha256" not in record:
            with pytest.raises((tb.ConversionError, tb.UnsupportedError), match="string"):
                next(ckpt.chunks(name, nbytes=nbytes))
        elif record["nbytes"] < 1000 * nbytes:
            pieces = [bytes(piece) for piece in ckpt.chunks(name, nbytes=nbytes)]
            assert all(0 < len(piece) <= nbytes for piece in pieces)
            assert digest(np.frombuffer(b"".join(pieces), np.uint8)) == record["sha256"]


@pytest.mark.parametrize("fixture_id", SOUND)
def test_every_spelling_opens_the_same_checkpoint(fixture_id):
    ckpt = tb.open(path_of(fixture_id))
    for spelling in spellings_of(fixture_id):
        other = tb.open(spelling)
        assert other.location.prefix == ckpt.location.prefix
        assert list(other) == list(ckpt)
        for name, record in records(fixture_id).items():
            check(other[name], record)


@pytest.mark.parametrize("fixture_id", SOUND)
def test_sound_checkpoint_is_verified(fixture_id):
    ckpt = tb.open(path_of(fixture_id))
    report = ckpt.verify()
    assert report.ok
    assert report.faults == ()
    assert report.checked >= len(ckpt)


@pytest.mark.parametrize("fixture_id", [name for name in SOUND if refused(name)])
def test_variant_is_listed_verified_and_refused(fixture_id):
    ckpt = tb.open(path_of(fixture_id))
    for name in refused(fixture_id):
        info = ckpt.info(name)
        assert (info.dtype, info.tf_dtype) == (None, "variant")
        told = f"tensors of type variant cannot be read as arrays in tensor {re.escape(repr(name))}"
        for read in (ckpt.__getitem__, ckpt.load, ckpt.views, lambda n: next(ckpt.chunks(n))):
            with pytest.raises(tb.UnsupportedError, match=told):
                read(name)
        with pytest.raises(tb.UnsupportedError, match=told):
            ckpt.read_slice(name, ...)


def test_tensorflow_fails_on_nineteen_tensors_that_are_read_here():
    reasons = [expected()[fixture_id]["tensors"][name]["error"] for fixture_id, name in ONLY_HERE]
    assert len(reasons) == 19
    assert sum("not supported" in reason for reason in reasons) == 16
    assert sum("aborts the process" in reason for reason in reasons) == 1
    assert sum("Failed to find any matching files" in reason for reason in reasons) == 2


@pytest.mark.parametrize(("fixture_id", "name"), ONLY_HERE)
def test_tensor_that_tensorflow_cannot_read_is_read(fixture_id, name):
    record = expected()[fixture_id]["tensors"][name]
    assert record["error"]
    check(tb.open(path_of(fixture_id))[name], record)


# What is said of damaged checkpoints that cannot even be opened.
UNOPENED = {
    "damaged/empty_index": (tb.FormatError, "is an empty file"),
    "damaged/html_index": (tb.FormatError, "is an HTML page"),
    "damaged/lfs_pointer_index": (tb.FormatError, r"is a git-LFS pointer.*run `git lfs pull`"),
    "damaged/symlink_text_index": (tb.FormatError, "is a symbolic link stored as text"),
    "damaged/truncated_index": (tb.FormatError, "not a table or a table cut off"),
    "damaged/meta_only": (tb.MissingFileError, "graph"),
    "damaged/missing_index": (tb.MissingFileError, "index"),
    "damaged/v1_lfs_pointer": (tb.FormatError, r"git-LFS pointer.*run `git lfs pull`"),
    "damaged/v1_missing_shard": (tb.MissingFileError, "1 of 2|missing"),
    "damaged/v1_truncated": (tb.FormatError, "not a table or a table cut off"),
    "damaged/v1_flipped_bit": (tb.ChecksumError, "checksum mismatch in a table block"),
}
# What is said of the tensors of others, and what verification makes of them: kind and cause.
UNREAD = {
    "damaged/all_zeros": ("checksum", "all zero"),
    "damaged/empty_data": ("truncated", "an empty file"),
    "damaged/flipped_bit": ("checksum", None),
    "damaged/html_data": ("truncated", "an HTML page"),
    "damaged/lfs_pointer_data": ("truncated", "a git-LFS pointer"),
    "damaged/missing_data": ("missing shard", None),
    "damaged/missing_shard": ("missing shard", None),
    "damaged/mixed_saves": ("checksum", "two different saves"),
    "damaged/truncated_data": ("truncated", "cut off"),
    "damaged/zero_range": ("checksum", "all zero"),
    "slices/incomplete": ("gap", None),
}


def test_every_damaged_fixture_is_accounted_for():
    assert sorted(DAMAGED) == sorted([*UNOPENED, *UNREAD])


@pytest.mark.parametrize("fixture_id", UNOPENED)
def test_damaged_checkpoint_is_refused_with_what_it_is(fixture_id):
    error, told = UNOPENED[fixture_id]
    with pytest.raises(error, match=told):
        tb.open(path_of(fixture_id)).load()


@pytest.mark.parametrize("fixture_id", UNREAD)
def test_damaged_tensor_is_refused_and_the_others_are_read(fixture_id):
    ckpt = tb.open(path_of(fixture_id))
    tensors = expected()[fixture_id]["tensors"]
    assert set(tensors) <= set(ckpt)  # a slice that no tensor lists is shown, as TensorFlow does
    for name, record in tensors.items():
        if digest_of(record):
            check(ckpt[name], record)
            continue
        told = f"tensor {re.escape(repr(name))}"
        for read in (ckpt.__getitem__, ckpt.load, ckpt.views):
            with pytest.raises((tb.FormatError, tb.MissingFileError), match=told):
                read(name)


@pytest.mark.parametrize("fixture_id", UNREAD)
def test_damage_is_reported_with_its_cause(fixture_id):
    kind, cause = UNREAD[fixture_id]
    report = tb.open(path_of(fixture_id)).verify()
    assert not report.ok
    causes = [fault.cause for fault in report.faults if fault.kind == kind]
    assert any(found is None if cause is None else cause in str(found) for found in causes)
