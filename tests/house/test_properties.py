"""Whatever TensorFlow writes is read back bit for bit: dtypes × shapes × names × slices."""

import itertools
import os
import tempfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tensorbundle as tb
from tests.golden.cases import digest

DTYPES = [
    *("float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "int64", "bool"),
    *("bfloat16", "uint16", "complex128", "float16", "uint32", "uint64"),
    *("float8_e5m2", "float8_e4m3fn", "int4", "uint4"),
]
LARGEST_BYTE = {"bool": 1, "int4": 15, "uint4": 15}


@pytest.fixture(scope="session")
def save(oracle):
    """Save tensors with TensorFlow's own SaveV2."""
    return oracle.module("tests.write.saving_programs").save_bytes


def numpy_of(dtype):
    return np.dtype(getattr(ml_dtypes, dtype, None) or dtype)


names = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40
) | st.from_regex(r"(layer_[0-9]{1,3}/){1,3}(kernel|bias|Adam_1)", fullmatch=True)
shapes = st.lists(st.integers(0, 5), max_size=5).map(tuple)


@st.composite
def tensors(draw):
    """TensorFlow's name of a dtype, and an array of it."""
    shape = draw(shapes)
    count = int(np.prod(shape, dtype=np.int64))
    dtype = draw(st.sampled_from([*DTYPES, "string"]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    if dtype == "string":
        array = np.empty(count, object)
        array[:] = [random.bytes(size) for size in random.choice([0, 1, 5, 127, 128, 300], count)]
        return dtype, array.reshape(shape)
    kind = numpy_of(dtype)
    raw = random.integers(0, LARGEST_BYTE.get(dtype, 255), count * kind.itemsize, np.uint8, True)
    return dtype, raw.view(kind).reshape(shape)


@st.composite
def slices(draw, shape):
    """(specification, box) of a tensor's slices along one axis, in any order."""
    if not shape or 0 in shape or draw(st.booleans()):
        return [("", ())]
    axis = draw(st.integers(0, len(shape) - 1))
    inner = draw(st.sets(st.integers(1, 4), max_size=3))
    edges = [0, *sorted(cut for cut in inner if cut < shape[axis]), shape[axis]]
    parts = []
    for start, stop in itertools.pairwise(edges):
        box = [slice(None)] * len(shape)
        box[axis] = slice(start, stop)
        extents = ["-"] * len(shape)
        extents[axis] = f"{start},{stop - start}"
        parts.append((" ".join(map(str, shape)) + " " + ":".join(extents), tuple(box)))
    return draw(st.permutations(parts))


@st.composite
def checkpoints(draw):
    chosen = draw(st.lists(names, min_size=1, max_size=8, unique=True))
    saved, values = [], {}
    for name in chosen:
        dtype, array = draw(tensors())
        values[name] = array
        for spec, box in draw(slices(array.shape)):
            part = array[(*box, ...)]
            content = part.reshape(-1).tolist() if dtype == "string" else part.tobytes()
            saved.append((name.encode(), spec, dtype, part.shape, content))
    return saved, values


def key_order(values):
    return sorted(values, key=str.encode)


def check(array, value):
    assert (array.dtype, array.shape) == (value.dtype, value.shape)
    assert digest(array) == digest(value)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(checkpoints())
def test_what_tensorflow_writes_is_read_bit_for_bit(save, checkpoint):
    saved, values = checkpoint
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "model.ckpt")
        save(prefix, saved)
        ckpt = tb.open(prefix)
        assert list(ckpt) == key_order(values)
        loaded, views = ckpt.load(), ckpt.views()
        assert list(loaded) == list(views) == key_order(values)
        for name, value in values.items():
            for array in (ckpt[name], loaded[name], views[name], ckpt.read_slice(name, ...)):
                check(array, value)
            info = ckpt.info(name)
            assert (info.dtype, info.shape) == (value.dtype, value.shape)
            if value.dtype != object:
                assert info.nbytes == value.nbytes
                assert b"".join(map(bytes, ckpt.chunks(name, nbytes=64))) == value.tobytes()
        assert ckpt.verify().ok


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(checkpoints(), st.data())
def test_any_flipped_bit_of_what_tensorflow_wrote_is_found(save, checkpoint, data):
    saved, values = checkpoint
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "model.ckpt")
        save(prefix, saved)
        path = Path(prefix + ".data-00000-of-00001")
        stored = bytearray(path.read_bytes())
        if not stored:
            return
        at = data.draw(st.integers(0, len(stored) - 1))
        stored[at] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(stored)
        ckpt = tb.open(prefix)
        (fault,) = ckpt.verify().faults
        for name, value in values.items():
            if name == fault.name:
                with pytest.raises(tb.FormatError, match="in tensor"):
                    ckpt[name]
            else:
                check(ckpt[name], value)
