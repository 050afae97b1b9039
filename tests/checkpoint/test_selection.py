"""Choosing tensors by names, globs and expressions; loading them into given memory."""

import re

import numpy as np
import pytest

import tensorbundle as tb
from tests.format.handmade import Handmade, same, strings

TENSORS = {
    "decoder/layer_0/bias": np.zeros(3, np.float32),
    "decoder/layer_0/kernel": np.ones((3, 2), np.float32),
    "encoder/layer_0/bias": np.arange(4, dtype=np.float32),
    "encoder/layer_0/kernel": np.arange(8, dtype=np.float64).reshape(2, 4),
    "odd[1]": np.array([1], np.int8),
    "odd*": np.array([2], np.int8),
    "vocabulary": strings(b"a", b"bc"),
}
PARTS = np.arange(6, dtype=np.int64)
NAMES = sorted([*TENSORS, "table"])


@pytest.fixture
def ckpt(tmp_path):
    bundle = Handmade()
    for name, array in TENSORS.items():
        bundle.add(name, array)
    bundle.add_sliced("table", PARTS, [((0, 2),), ((2, 4),)])
    return tb.open(bundle.write(tmp_path))


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (None, NAMES),
        ("encoder/layer_0/bias", ["encoder/layer_0/bias"]),
        ("encoder/*", ["encoder/layer_0/bias", "encoder/layer_0/kernel"]),
        ("*/bias", ["decoder/layer_0/bias", "encoder/layer_0/bias"]),
        ("?ncoder/layer_[0-3]/k*", ["encoder/layer_0/kernel"]),
        ("odd[1]", ["odd[1]"]),  # a name means itself before it means a glob
        ("odd*", ["odd*"]),
        ("odd?", ["odd*"]),
        ("nothing*", []),
        (re.compile("^enc.*kernel$"), ["encoder/layer_0/kernel"]),
        (re.compile("layer_0/b"), ["decoder/layer_0/bias", "encoder/layer_0/bias"]),
        (re.compile("no such"), []),
        (["table", "odd[1]"], ["odd[1]", "table"]),
        (["table", "*/bias", "decoder/*", "table"], [*NAMES[:3], "table"]),
        ([re.compile("^voc"), "table"], ["table", "vocabulary"]),
        pytest.param((name for name in ("table",)), ["table"], id="generator"),
        ({"table": None}.keys(), ["table"]),
        ([], []),
        (b"table", ["table"]),
        ([b"enc*", "table"], ["encoder/layer_0/bias", "encoder/layer_0/kernel", "table"]),
    ],
    ids=str,
)
def test_filter_chooses_names_in_key_order(ckpt, names, chosen):
    # Given once more as a list: an iterator can be used only once.
    names = list(names) if hasattr(names, "__next__") else names
    assert ckpt.select(names) == chosen
    assert [info.name for info in ckpt.infos(names)] == chosen
    for read in (ckpt.load, ckpt.views):
        if chosen or names == []:
            assert list(read(names)) == chosen
        else:
            with pytest.raises(tb.TensorNotFoundError, match="no tensor matches"):
                read(names)


def test_iterator_is_used_once(ckpt):
    assert list(ckpt.load(name for name in ["table", "odd*"])) == ["odd*", "table"]
    assert list(ckpt.views(iter(["table"]))) == ["table"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("layer_0/kernel", "'decoder/layer_0/kernel', 'encoder/layer_0/kernel'"),
        ("encoder/layer_0", "'encoder/layer_0/bias', 'encoder/layer_0/kernel'"),
        ("vocabulry", "'vocabulary'"),
        ("Table", "'table'"),
    ],
)
def test_absent_name_is_an_error_with_near_names(ckpt, name, near):
    told = re.escape(f"there is no tensor {name!r}") + r".*: did you mean " + re.escape(f"{near}?")
    for read in (ckpt.__getitem__, ckpt.info, ckpt.load, ckpt.views, ckpt.infos, ckpt.select):
        with pytest.raises(tb.TensorNotFoundError, match=told) as caught:
            read(name)
        assert caught.value.key == name
    for read in (ckpt.load, ckpt.views, ckpt.infos):
        with pytest.raises(tb.TensorNotFoundError, match=told):
            read(["table", name])
    with pytest.raises(tb.TensorNotFoundError, match=told):
        ckpt.read_slice(name, 0)


def test_name_that_nothing_is_near_is_an_error_without_suggestion(ckpt):
    with pytest.raises(tb.TensorNotFoundError, match="there is no tensor 'zzz'") as caught:
        ckpt["zzz"]
    assert "did you mean" not in str(caught.value)


def test_at_most_three_names_are_suggested(tmp_path):
    bundle = Handmade()
    for number in range(9):
        bundle.add(f"layer_{number}", np.zeros(1, np.int8))
    with pytest.raises(tb.TensorNotFoundError, match="did you mean") as caught:
        tb.open(bundle.write(tmp_path))["layer_x"]
    assert str(caught.value).count("layer_") == 4


# --- out= ----------------------------------------------------------------------------------------


def like(ckpt, name):
    return np.full_like(ckpt[name], 9)


def test_given_arrays_are_filled_and_returned(ckpt):
    out = {name: like(ckpt, name) for name in NAMES}
    loaded = ckpt.load(out=out)
    assert list(loaded) == NAMES
    for name in NAMES:
        assert loaded[name] is out[name]
        assert same(out[name], ckpt[name])


def test_without_names_those_of_the_given_arrays_are_loaded(ckpt):
    out = {"table": like(ckpt, "table"), "odd*": like(ckpt, "odd*")}
    assert list(ckpt.load(out=out)) == ["odd*", "table"]
    assert same(out["table"], PARTS)


def test_given_arrays_beyond_the_chosen_names_are_left_alone(ckpt):
    out = {"table": like(ckpt, "table"), "odd*": like(ckpt, "odd*")}
    assert list(ckpt.load("odd*", out=out)) == ["odd*"]
    assert same(out["table"], np.full(6, 9, np.int64))


def test_array_may_be_part_of_another(ckpt):
    memory = np.zeros((4, 8))
    ckpt.load(out={"encoder/layer_0/kernel": memory.reshape(-1)[3:11].reshape(2, 4)})
    assert same(memory.reshape(-1)[3:11], np.arange(8, dtype=np.float64))
    assert memory.sum() == 28


FIXED = np.zeros((3, 2), np.float32)
FIXED.flags.writeable = False


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((3, 2), np.float64), r"does not fit.*float64\[3, 2\].*float32\[3, 2\]"),
        (np.zeros((3, 2), ">f4"), r"does not fit.*>f4\[3, 2\]"),
        (np.zeros((2, 3), np.float32), r"does not fit.*float32\[2, 3\].*float32\[3, 2\]"),
        (np.zeros(6, np.float32), r"does not fit.*float32\[6\]"),
        (np.zeros((3, 2), np.float32, order="F"), "must be C-contiguous and writable"),
        (np.zeros((3, 4), np.float32)[:, ::2], "must be C-contiguous and writable"),
        (FIXED, "must be C-contiguous and writable"),
        ([[0.0, 0.0]] * 3, "holds no array for this tensor"),
    ],
)
def test_array_that_does_not_fit_is_refused_before_any_is_filled(ckpt, array, told):
    name = "decoder/layer_0/kernel"
    out = {"decoder/layer_0/bias": like(ckpt, "decoder/layer_0/bias"), name: array}
    with pytest.raises(tb.ConversionError, match=told) as caught:
        ckpt.load(out=out)
    with pytest.raises(tb.ConversionError, match=told):
        ckpt.load(iter(out), out=out)
    assert caught.value.key == name
    assert same(out["decoder/layer_0/bias"], np.full(3, 9, np.float32))


def test_chosen_name_without_array_is_refused(ckpt):
    with pytest.raises(tb.ConversionError, match="holds no array for this tensor in tensor 'odd"):
        ckpt.load(["table", "odd*"], out={"table": like(ckpt, "table")})


def test_given_array_of_absent_name_is_refused(ckpt):
    with pytest.raises(tb.TensorNotFoundError, match="there is no tensor 'gone'"):
        ckpt.load(out={"gone": np.zeros(1)})
