"""Averages, restored by TensorFlow."""

import math
import os
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ChecksumError, ConversionError, FormatError, UnsupportedError
from tests.freeze.program import document
from tests.golden.cases import path_of
from tests.objects.keras import samples, tensorflow


def test_average_of_objects_is_restored(tmp_path) -> None:
    sources = [samples() / f"net{number}" for number in (1, 2, 3)]
    done = tb.average([sources[2], sources[0], sources[1]], tmp_path / "out")
    assert done.taken == ("step/.ATTRIBUTES/VARIABLE_VALUE", "_CHECKPOINTABLE_OBJECT_GRAPH")
    assert tensorflow().net(tmp_path / "out") == [[[2.0] * 3] * 2, [2.0] * 3, 2]


def test_average_weights_and_the_step_of_the_last_are_restored_by_saver(tmp_path) -> None:
    arrays = {"dense/kernel": np.eye(2, dtype="f"), "dense/bias": np.float32([1, 3])}
    for name, factor in (("a", 1), ("b", 3)):
        values = {key: each * factor for key, each in arrays.items()}
        tb.save(tmp_path / name, values | {"global_step": np.int64(factor)})
    sources = [tmp_path / "a", tmp_path / "b"]
    tb.average(sources, tmp_path / "out", weights=[3, 1])
    kernel, bias, step = tensorflow().saver(tmp_path / "out")
    assert (kernel, bias, step) == ([[1.5, 0], [0, 1.5]], [1.5, 4.5], 3)


def mean_of(arrays: list[np.ndarray]) -> np.ndarray:
    """The mean as fractions have it, rounded once to doubles; then, as fits, to the dtype."""
    dtype = arrays[0].dtype
    if dtype.kind == "c":
        pairs = [array.view(array.real.dtype) for array in arrays]
        return mean_of(pairs).view(dtype)
    means = []
    for values in zip(*(array.astype(float).tolist() for array in arrays), strict=True):
        if all(map(math.isfinite, values)):
            mean = sum(map(Fraction, values)) / len(values)
            means.append(
                float(mean) if mean else values[0] if len(set(map(str, values))) == 1 else 0
            )
        else:
            means.append(sum(values))
    return np.array(means).astype(dtype)


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float64, np.complex64, np.complex128, ml_dtypes.bfloat16]
)
def test_dtype_is_kept_and_rounded_once(tmp_path, dtype) -> None:
    values = [np.linspace(-1, 1, 301).astype(dtype) * dtype(n) for n in (1, 2, 5)]
    for number, value in enumerate(values):
        tb.save(tmp_path / str(number), {"w": value})
    tb.average([tmp_path / str(number) for number in range(3)], tmp_path / "out")
    assert tb.open(tmp_path / "out")["w"].tobytes() == mean_of(values).tobytes()


@pytest.mark.parametrize(
    "dtype", [ml_dtypes.bfloat16, np.float16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2]
)
def test_a_mean_just_above_the_middle_of_two_values_is_rounded_up(tmp_path, dtype) -> None:
    # By way of float32 it would first become the middle, and then the even one of the two: 1.
    eps = float(ml_dtypes.finfo(dtype).eps)
    for name, value in (("a", 1.0), ("b", 1 + eps)):
        tb.save(tmp_path / name, {"w": np.array([value, -value], dtype)})
    tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out", weights=[1, 1 + 2**-30])
    assert tb.open(tmp_path / "out")["w"].astype(float).tolist() == [1 + eps, -1 - eps]


def _mixture(factor: int) -> dict[str, np.ndarray]:
    """Tensors of which none begins where a number could, some of them larger than one write."""
    rng = np.random.default_rng(factor)
    tensors = {"0": np.array([True]), "1": np.array([b"text", b""], object)}
    for number, dtype in enumerate(("f4", "f8", "c8", "c16", "f2", ml_dtypes.bfloat16)):
        values = rng.standard_normal(1_200_007).astype(np.dtype(dtype))
        tensors[f"2{number}"] = values
        tensors[f"3{number}"] = np.int8([factor])
    tensors["4"] = np.arange(3_000_001, dtype=np.int16) * np.int16(factor)
    tensors["5"] = np.array([np.inf, -np.inf, np.nan, -0.0, 0], "f4")
    tensors["6"] = np.zeros((0, 3), "f8")
    return tensors


def test_means_of_all_kinds_are_numpys_wherever_they_lie(tmp_path) -> None:
    inputs = [_mixture(factor) for factor in (1, 2, 3)]
    for number, tensors in enumerate(inputs):
        tb.save(tmp_path / str(number), tensors)
    done = []
    tb.average(
        [tmp_path / str(number) for number in range(3)],
        tmp_path / "out",
        progress=lambda nbytes, total: done.append((nbytes, total)),
    )
    found = tb.open(tmp_path / "out")
    assert found.verify().ok
    for name, last in inputs[-1].items():
        if name[0] in "25":
            size = 20_001  # fractions are slow, and pieces end before
            means = mean_of([each[name][-size:] for each in inputs])
            np.testing.assert_array_equal(found[name][-size:], means, err_msg=name)
            wide = np.complex128 if last.dtype.kind == "c" else np.float64
            with np.errstate(invalid="ignore"):
                near = np.mean([each[name].astype(wide) for each in inputs], axis=0)
            np.testing.assert_allclose(found[name].astype(wide), near, rtol=1e-2, atol=1e-2)
            continue
        np.testing.assert_array_equal(found[name], last, err_msg=name)
    assert np.signbit(found["5"][3])
    assert done[-1][0] == done[-1][1] == sum(info.nbytes for info in found.infos())


def test_slices_may_differ_between_the_checkpoints(tmp_path) -> None:
    for name, cut in (("a", 1), ("b", 2)):
        with tb.Writer(tmp_path / name) as writer:
            writer.add_slice("w", np.full((cut, 3), cut, "f"), (4, 3), f"0,{cut}:-")
            writer.add_slice("w", np.full((4 - cut, 3), cut, "f"), (4, 3), f"{cut},{4 - cut}:-")
    tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    result = tb.open(tmp_path / "out")
    assert result["w"].tolist() == [[1.5] * 3] * 4
    assert result.info("w").slices == tb.open(tmp_path / "b").info("w").slices


@pytest.mark.filterwarnings("ignore:TensorFlow cannot join")
@pytest.mark.parametrize(
    "fixture",
    [
        *("demo", "dtypes", "big_endian", "names", "strings", "shards/merged"),
        *("slices/dtypes", "slices/big_endian", "slices/sharded", "slices/shapes"),
    ],
)
def test_the_mean_of_a_checkpoint_and_itself_is_that(tmp_path, fixture) -> None:
    source = tb.open(path_of(fixture))
    if variants := [info.name for info in source.infos() if info.dtype is None]:
        tb.rewrite(source, tmp_path / "again")
        with pytest.raises(UnsupportedError, match="drop them"):
            tb.average([source.location.prefix, tmp_path / "again"], tmp_path / "out")
        tb.rewrite(source, tmp_path / "source", drop=variants)
        source = tb.open(tmp_path / "source")
    tb.rewrite(source, tmp_path / "again", overwrite=True)
    tb.average([source.location.prefix, tmp_path / "again"], tmp_path / "out")
    found = tb.open(tmp_path / "out")
    assert list(found) == list(source)
    for name, array in found.items():
        with np.errstate(invalid="ignore"):
            same = (array == source[name]) | (array != array)
        assert same.all(), name


def test_large_tensors_pass_in_pieces_and_slices_stay_slices(tmp_path) -> None:
    big = np.arange(700_001, dtype="f")
    for name, factor in (("a", 1), ("b", 2)):
        with tb.Writer(tmp_path / name) as writer:
            writer.add("big", big * factor)
            writer.add_slice("w", np.full((1, 3), factor, "f"), (2, 3), "0,1:-")
            writer.add_slice("w", np.full((1, 3), 2 * factor, "f"), (2, 3), "1,1:-")
    tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    result = tb.open(tmp_path / "out")
    np.testing.assert_array_equal(result["big"], big * np.float32(1.5))
    assert len(result.info("w").slices) == 2
    assert result["w"].tolist() == [[1.5] * 3, [3.0] * 3]


def test_the_mean_may_replace_one_of_its_inputs(tmp_path) -> None:
    for name, value in (("a", 1), ("b", 2)):
        tb.save(tmp_path / name, {"w": np.full(3, value, "f")})
    before = tb.open(tmp_path / "b")["w"]
    tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "b", overwrite=True)
    assert tb.open(tmp_path / "b")["w"].tolist() == [1.5] * 3
    assert before.tolist() == [2] * 3


def test_differences_are_listed(tmp_path) -> None:
    tb.save(tmp_path / "a", {"x": 1.0, "y": np.zeros(3)})
    tb.save(tmp_path / "b", {"z": 1.0, "y": np.zeros(4)})
    with pytest.raises(ConversionError, match=r"z is not in a.*x is only in a.*y is float64"):
        tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out")


@pytest.mark.parametrize("damaged", ["a", "b"])
@pytest.mark.parametrize("name", ["small", "large", "last"])
def test_damage_is_named_and_leaves_nothing(tmp_path, damaged, name) -> None:
    for prefix in "ab":
        tensors = {"large": np.arange(2_000_000, dtype="f"), "small": np.arange(9.0)}
        tb.save(tmp_path / prefix, tensors | {"last": np.arange(9)})
    shard = tmp_path / f"{damaged}.data-00000-of-00001"
    with shard.open("r+b") as file:
        file.seek(tb.open(tmp_path / damaged).info(name).offset + 1)
        file.write(b"\xff")
    if (damaged, name) == ("a", "last"):  # whose value is the last checkpoint's
        tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
        return
    with pytest.raises(ChecksumError, match=f"'{name}' .*{shard.name}.*stored"):
        tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_a_shard_that_is_cut_off_is_named(tmp_path) -> None:
    for prefix in "ab":
        tb.save(tmp_path / prefix, {"w": np.arange(9.0)})
    os.truncate(tmp_path / "b.data-00000-of-00001", 70)
    with pytest.raises(FormatError, match=r"cut off in tensor 'w' \(.*/b\.data"):
        tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out")


def test_average_command(tmp_path) -> None:
    for name, value in (("a", 1.0), ("b", 2.0)):
        tb.save(tmp_path / name, {"w": np.float64(value)})
    arguments = ("average", tmp_path / "a", tmp_path / "b", tmp_path / "out")
    assert document(*arguments, "--dry-run")["files"] == []
    assert document(*arguments)["averaged"] == ["w"]
    assert tb.open(tmp_path / "out")["w"] == 1.5
