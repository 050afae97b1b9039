"""Averages, restored by TensorFlow."""

import ml_dtypes
import numpy as np
import pytest
from _keras import samples, tensorflow
from _program import document

import tensorbundle as tb
from tensorbundle.errors import ChecksumError, ConversionError


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


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float64, np.complex64, np.complex128, ml_dtypes.bfloat16]
)
def test_dtype_is_kept_and_rounded_once(tmp_path, dtype) -> None:
    values = [np.linspace(-1, 1, 301).astype(dtype) * dtype(n) for n in (1, 2, 5)]
    for number, value in enumerate(values):
        tb.save(tmp_path / str(number), {"w": value})
    tb.average([tmp_path / str(number) for number in range(3)], tmp_path / "out")
    wide = np.complex128 if np.dtype(dtype).kind == "c" else np.float64
    mean = (sum(value.astype(wide) for value in values) * (1 / 3)).astype(dtype)
    assert tb.open(tmp_path / "out")["w"].tobytes() == mean.tobytes()


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


def test_differences_are_listed(tmp_path) -> None:
    tb.save(tmp_path / "a", {"x": 1.0, "y": np.zeros(3)})
    tb.save(tmp_path / "b", {"z": 1.0, "y": np.zeros(4)})
    with pytest.raises(ConversionError, match=r"z is not in a.*x is only in a.*y is float64"):
        tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out")


def test_damage_leaves_nothing(tmp_path) -> None:
    for name in "ab":
        tb.save(tmp_path / name, {"w": np.arange(9.0)})
    shard = tmp_path / "a.data-00000-of-00001"
    shard.write_bytes(b"\1" + shard.read_bytes()[1:])
    with pytest.raises(ChecksumError, match="checksum mismatch"):
        tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_average_command(tmp_path) -> None:
    for name, value in (("a", 1.0), ("b", 2.0)):
        tb.save(tmp_path / name, {"w": np.float64(value)})
    arguments = ("average", tmp_path / "a", tmp_path / "b", tmp_path / "out")
    assert document(*arguments, "--dry-run")["files"] == []
    assert document(*arguments)["averaged"] == ["w"]
    assert tb.open(tmp_path / "out")["w"] == 1.5
