"""Casts against the definition of each dtype: its numbers, the middles between them, its limits."""

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import CompatibilityWarning, ConversionError
from tests.freeze.program import document, run
from tests.objects.keras import tensorflow

# Bits of exponent and fraction, the exponent's bias, and how many of the highest are no numbers.
FORMS: dict[str, tuple[int, int, int, int]] = {
    "bfloat16": (8, 7, 127, 1 << 7),
    "float16": (5, 10, 15, 1 << 10),
    "float8_e5m2": (5, 2, 15, 1 << 2),
    "float8_e4m3fn": (4, 3, 7, 1),
    "float8_e4m3fnuz": (4, 3, 8, 0),
    "float8_e4m3b11fnuz": (4, 3, 11, 0),
    "float8_e5m2fnuz": (5, 2, 16, 0),
    "float4_e2m1fn": (2, 1, 1, 0),
}
BELOW, ABOVE = -np.inf, np.inf


def dtype_of(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, name, None) or name)


def numbers(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of a dtype that are not negative, in order, and the bits of each."""
    exponent_bits, fraction_bits, bias, odd = FORMS[name]
    bits = np.arange((1 << (exponent_bits + fraction_bits)) - odd)
    exponent, fraction = bits >> fraction_bits, bits & ((1 << fraction_bits) - 1)
    whole = np.where(exponent == 0, fraction, fraction + (1 << fraction_bits))
    return np.ldexp(whole.astype(float), np.maximum(exponent, 1) - bias - fraction_bits), bits


def cast(tmp_path: Path, values: Any, dtype: str, **options: Any) -> np.ndarray:
    tb.save(tmp_path / "m", {"w": np.asarray(values)}, overwrite=True)
    tb.rewrite(tmp_path / "m", tmp_path / "out", cast={"w": dtype}, overwrite=True, **options)
    return tb.open(tmp_path / "out")["w"]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("source", [np.float64, np.float32])
def test_values_are_rounded_once_to_the_nearest_and_ties_to_even(
    tmp_path: Path, name: str, source: Any
) -> None:
    known, bits = numbers(name)
    middles = (known[1:] + known[:-1]) / 2
    even = np.where(bits[:-1] % 2 == 0, known[:-1], known[1:])
    middles, even, low, high = (
        each[middles >= np.finfo(source).tiny] for each in (middles, even, known[:-1], known[1:])
    )
    middles = middles.astype(source)
    below, above = np.nextafter(middles, source(BELOW)), np.nextafter(middles, source(ABOVE))
    values = np.concatenate([known.astype(source), middles, below, above])
    expected = np.concatenate([known, even, low, high])
    for sign in (1, -1):
        found = cast(tmp_path, values * source(sign), name)
        assert found.dtype == dtype_of(name)
        np.testing.assert_array_equal(found.astype(float), expected * sign)


@pytest.mark.parametrize("name", FORMS)
def test_what_is_beyond_the_largest_is_refused_or_becomes_it(tmp_path: Path, name: str) -> None:
    known, bits = numbers(name)
    largest, after = known[-1], known[-1] + (known[-1] - known[-2])
    middle = (largest + after) / 2
    tie = [middle] if bits[-1] % 2 else [np.nextafter(middle, ABOVE)]
    assert cast(tmp_path, np.array([np.nextafter(middle, BELOW)]), name).astype(float) == largest
    for value in (*tie, 1e300, -1e300):
        with pytest.raises(ConversionError, match=f"1 value does not fit {name}.*--saturate"):
            cast(tmp_path, np.array([value]), name)
        found = cast(tmp_path, np.array([value]), name, saturate=True)
        assert found.astype(float) == np.copysign(largest, value)


@pytest.mark.parametrize("name", FORMS)
def test_infinity_and_nan_are_kept_or_refused(tmp_path: Path, name: str) -> None:
    has_infinity = name in ("bfloat16", "float16", "float8_e5m2")
    if has_infinity:
        assert np.isinf(cast(tmp_path, [np.inf, -np.inf], name).astype(float)).all()
    else:
        with pytest.raises(ConversionError, match="first is inf"):
            cast(tmp_path, [np.inf], name)
    if name != "float4_e2m1fn":
        assert np.isnan(cast(tmp_path, [np.nan], name).astype(float)).all()
        return
    for options in ({}, {"saturate": True}):
        with pytest.raises(ConversionError, match="first is nan"):
            cast(tmp_path, [np.nan], name, **options)


def test_long_integers_are_rounded_once(tmp_path: Path) -> None:
    # By way of a double the last bit would be gone, and the middle be rounded to even.
    values = np.array([2**62 + 2**54 + 1, -(2**62 + 2**54 + 1), 2**62 + 2**54, 3])
    found = cast(tmp_path, values, "bfloat16").astype(float)
    assert found.tolist() == [2.0**62 + 2**55, -(2.0**62) - 2**55, 2.0**62, 3]


@pytest.mark.parametrize("name", ["int4", "uint4", "int2", "int8", "uint8", "int32", "int64"])
def test_integers_take_whole_numbers_within_their_limits(tmp_path: Path, name: str) -> None:
    limits = ml_dtypes.iinfo(dtype_of(name))
    low, high = int(limits.min), int(limits.max)
    assert cast(tmp_path, [float(low), 1.0, 0.0], name).astype(int).tolist() == [low, 1, 0]
    for value in (float(high + 1), float(low) * 2 - 1, 1e300):
        with pytest.raises(ConversionError, match=f"does not fit {name}.*--saturate"):
            cast(tmp_path, [value], name)
        found = cast(tmp_path, [value, 1.0], name, saturate=True)
        assert found.astype(int).tolist() == [high if value > 0 else low, 1]
    with pytest.raises(ConversionError, match=r"2 values do not fit.*first is 0\.5.*--lossy"):
        cast(tmp_path, [1.0, 0.5, -0.25], name)
    assert cast(tmp_path, [1.75, -0.5], name, lossy=True).astype(int).tolist() == [1, 0]
    for options in ({}, {"lossy": True, "saturate": True}):
        with pytest.raises(ConversionError, match="first is nan"):
            cast(tmp_path, [np.nan], name, **options)


def test_truth_takes_zero_and_one_only(tmp_path: Path) -> None:
    assert cast(tmp_path, [0.0, 1.0, -0.0], "bool").tolist() == [False, True, False]
    with pytest.raises(ConversionError, match="1 value does not fit bool, the first is 2"):
        cast(tmp_path, [2.0, 1.0], "bool")
    assert cast(tmp_path, [2.0, 0.0], "bool", lossy=True).tolist() == [True, False]
    with pytest.raises(ConversionError, match="first is nan"):
        cast(tmp_path, [np.nan], "bool", lossy=True)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        *(("bf16", "bfloat16"), ("BF16", "bfloat16"), ("fp16", "float16"), ("half", "float16")),
        *(("f16", "float16"), ("double", "float64"), ("f64", "float64"), ("fp32", "float32")),
    ],
)
def test_other_names_of_dtypes_are_known(tmp_path: Path, alias: str, name: str) -> None:
    assert cast(tmp_path, [1, 2], alias).dtype == dtype_of(name)


def test_the_error_for_an_unknown_dtype_lists_those_that_there_are(tmp_path: Path) -> None:
    for dtype in ("bf17", "string", "resource", ""):
        with pytest.raises(ConversionError, match=f"is called {dtype!r}: .*float32.*bfloat16"):
            cast(tmp_path, [1], dtype)


def test_tensorflow_reads_what_was_cast(tmp_path: Path) -> None:
    values = np.linspace(-4, 4, 33)
    for name in ("bfloat16", "float16", "float8_e5m2", "int32"):
        found = cast(tmp_path, np.trunc(values), name)
        read = tensorflow().tensors(tmp_path / "out")["w"]
        assert np.array(read, float).tolist() == found.astype(float).tolist()


def test_a_partitioned_tensor_that_tensorflow_cannot_join_any_more_is_told(
    tmp_path: Path,
) -> None:
    with tb.Writer(tmp_path / "m") as writer:
        writer.add_slice("w", np.ones((1, 3), "f"), (2, 3), "0,1:-")
        writer.add_slice("w", np.ones((1, 3), "f"), (2, 3), "1,1:-")
    with pytest.warns(CompatibilityWarning, match="cannot join the parts of 'w': it is float16"):
        tb.rewrite(tmp_path / "m", tmp_path / "out", cast="float16")
    told = run("edit", tmp_path / "m", tmp_path / "o2", "--cast", "float16").stderr
    assert "note: TensorFlow cannot join the parts of 'w'" in told
    assert "warnings.warn" not in told


def test_edit_command_takes_both_flags(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.float32([0.5, 1e30])})
    arguments = ("edit", tmp_path / "m", tmp_path / "out", "--cast", "int32")
    assert "--lossy, lossy=True, allows it" in run(*arguments, code=2).stderr
    assert "--saturate, saturate=True, allows it" in run(*arguments, "--lossy", code=2).stderr
    document(*arguments, "--lossy", "--saturate")
    assert tb.open(tmp_path / "out")["w"].tolist() == [0, 2**31 - 1]
