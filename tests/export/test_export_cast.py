"""Casts on the way out: each value rounded once, and what does not fit told."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import tensorbundle as tb

VALUES = {
    "net/w": np.linspace(-3, 3, 4_000_000, dtype=np.float32).reshape(2000, 2000),
    "net/b": np.array([1e-3, 1 / 3, 70000.0], np.float64),
    "step": np.array(3, np.int64),
    "name": np.array([b"x"], object),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    tb.save(tmp_path / "m", VALUES)
    return tmp_path / "m"


@pytest.mark.parametrize("target", ["o.npz", "o.safetensors", "o.h5", "o/"])
def test_all_formats_hold_what_numpy_would_make_of_it(saved: Path, target: str) -> None:
    path = f"{saved.parent}/{target}"
    tb.export(saved, path, cast="bfloat16")
    made = tb.open(path)
    for name in ("net/w", "net/b"):
        expected = VALUES[name].astype(ml_dtypes.bfloat16)
        assert made[name].dtype.name == "bfloat16"
        np.testing.assert_array_equal(made[name].astype(np.float32), expected.astype(np.float32))
    assert made["step"].dtype == np.int64


def test_the_most_exact_part_decides(saved: Path, tmp_path: Path) -> None:
    cast = {None: "float64", "net/*": "float16", "net/b": "float32"}
    tb.export(saved, tmp_path / "o.npz", cast=cast, names="net/*")
    made = tb.open(tmp_path / "o.npz")
    assert {name: made[name].dtype.name for name in made} == {
        "net/w": "float16",
        "net/b": "float32",
    }


def test_what_does_not_fit_is_an_error_or_the_largest_number(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(tb.ConversionError, match="1 value does not fit float16"):
        tb.export(saved, tmp_path / "o.npz", cast="float16")
    assert not (tmp_path / "o.npz").exists()
    tb.export(saved, tmp_path / "o.npz", cast="float16", saturate=True)
    assert tb.open(tmp_path / "o.npz")["net/b"][2] == np.float16(65504)


def test_what_a_target_lacks_is_left_out_refused_or_cast(tmp_path: Path) -> None:
    values = {"z": np.array([1 + 2j], np.complex128), "w": np.ones(2, np.float32)}
    left = tb.export(values, tmp_path / "a.safetensors").left_out
    assert left == (("z", "safetensors has no dtype for complex128"),)
    with pytest.raises(tb.ConversionError, match="cannot export tensor 'z'"):
        tb.export(values, tmp_path / "b.safetensors", strict=True)
    done = tb.export(values, tmp_path / "c.safetensors", strict=True, cast={"z": "complex64"})
    assert done.left_out == ()
    assert tb.open(tmp_path / "c.safetensors")["z"].tolist() == [1 + 2j]


@pytest.mark.parametrize(
    ("cast", "error", "message"),
    [
        ({"nothing": "float16"}, tb.TensorNotFoundError, "nothing"),
        ({"name": "float16"}, tb.ConversionError, "only numbers can be cast: 'name'"),
        ("float17", tb.ConversionError, "no dtype of numbers is called 'float17'"),
    ],
)
def test_wrong_casts_are_told(
    saved: Path, tmp_path: Path, cast: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        tb.export(saved, tmp_path / "o.npz", cast=cast)
