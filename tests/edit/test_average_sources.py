"""Which checkpoints are averaged: each once, by step, and what is said of those that cannot be."""

import math
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError, MissingFileError
from tests.freeze.program import document, run


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """A run whose steps do not stand in the order of their names."""
    for step, value in ((200, 1.0), (1000, 10.0), (300, 100.0)):
        tb.save(tmp_path / f"model.ckpt-{step}", {"w": np.float32(value), "step": step})
    return tmp_path


def mean(path: Path) -> tuple[float, int]:
    found = tb.open(path)
    return float(found["w"]), int(found["step"])


def test_files_of_one_checkpoint_and_links_to_it_count_once(steps: Path) -> None:
    (steps / "model.ckpt-200.meta").write_bytes(b"")
    (steps / "model.ckpt-1000.meta").write_bytes(b"")
    for suffix in (".index", ".data-00000-of-00001"):
        (steps / f"latest{suffix}").symlink_to(f"model.ckpt-1000{suffix}")
        os.link(steps / f"model.ckpt-300{suffix}", steps / f"kept{suffix}")
    given = sorted(steps.glob("model.ckpt-*"))
    done = tb.average([*given, steps / "latest", steps / "kept"], steps / "mean")
    assert (len(done.sources), len(done.repeated)) == (3, len(given) - 1)
    assert mean(steps / "mean") == (37.0, 1000)
    told = run("average", *given, steps / "again").stderr
    assert f"{len(given) - 3} of the paths lead to one of these again: counted once" in told


def test_the_same_prefix_twice_counts_once(steps: Path) -> None:
    a, b = steps / "model.ckpt-200", steps / "model.ckpt-1000"
    done = tb.average([a, a, b], steps / "mean")
    assert mean(steps / "mean") == (5.5, 1000)
    assert done.repeated == (str(a),)
    with pytest.raises(ConversionError, match=r"2 checkpoints need a weight each: found 3.* again"):
        tb.average([a, a, b], steps / "other", weights=[1, 1, 1])
    with pytest.raises(ConversionError, match="expected at least two checkpoints: found one"):
        tb.average([a, f"{a}.index"], steps / "other")


def test_the_last_of_a_directory_are_those_of_the_highest_steps(steps: Path) -> None:
    tb.save(steps / "other", {"w": np.float32(5)})
    tb.average(steps, steps / "mean", last=2)
    assert mean(steps / "mean") == (55.0, 1000)
    assert document("average", steps, steps / "o", "--last", "3")["sources"] == [
        str(steps / f"model.ckpt-{step}") for step in (200, 300, 1000)
    ]
    tb.average(sorted(steps.glob("model.ckpt-*.index")), steps / "m2", last=2)
    assert mean(steps / "m2") == (55.0, 1000)
    with pytest.raises(ConversionError, match="expected 4 checkpoints or more: found 3"):
        tb.average(steps, steps / "mean", last=4, overwrite=True)


def test_of_several_runs_in_a_directory_the_state_file_knows_which(steps: Path) -> None:
    for step in (1, 2):
        tb.save(steps / f"best-{step}", {"w": np.float32(step), "step": step})
    with pytest.raises((ConversionError, MissingFileError), match="several"):
        tb.average(steps, steps / "mean", last=2)
    (steps / "checkpoint").write_text('model_checkpoint_path: "best-2"\n', "utf-8")
    tb.average(steps, steps / "mean", last=2)
    assert mean(steps / "mean") == (1.5, 2)


def test_weights_stay_with_their_checkpoints_when_steps_are_put_in_order(steps: Path) -> None:
    given = [steps / f"model.ckpt-{step}" for step in (1000, 200)]
    tb.average(given, steps / "mean", weights=[3, 1])
    assert mean(steps / "mean") == ((3 * 10 + 1) / 4, 1000)


def test_a_forgotten_target_is_told(steps: Path) -> None:
    a, b = steps / "model.ckpt-200", steps / "model.ckpt-1000"
    told = run("average", a, b, code=2).stderr
    assert f"{str(b)!r}, given last, is where the result would be written" in told
    assert mean(b) == (10.0, 1000)
    with pytest.raises(ConversionError, match=r"found one, .*; of a directory --last N"):
        tb.average(steps / "model.ckpt-200", steps / "mean")
    with pytest.raises(ConversionError, match="no checkpoints"):
        tb.average([], steps / "mean")


@pytest.mark.parametrize("weights", [[1e308, 1e308], [5e-324, 5e-324], [1.0, 3.0], [1e308, 1e300]])
def test_weights_of_any_size_have_a_mean(tmp_path: Path, weights: list[float]) -> None:
    for name, value in (("a", 1.0), ("b", 2.0)):
        tb.save(tmp_path / name, {"w": np.float64(value), "v": np.float32(value)})
    tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out", weights=weights)
    one, two = map(Fraction, weights)
    found = tb.open(tmp_path / "out")
    assert found["w"] == float((one + 2 * two) / (one + two))
    assert found["v"] == np.float32(float((one + 2 * two) / (one + two)))


@pytest.mark.parametrize("weights", [[1, -1], [0, 0], [math.nan, 1], [math.inf, 1]])
def test_weights_without_a_sum_are_refused(tmp_path: Path, weights: list[float]) -> None:
    for name in "ab":
        tb.save(tmp_path / name, {"w": np.float64(1)})
    with pytest.raises(ConversionError, match="weights are divided by their sum"):
        tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out", weights=weights)


@pytest.mark.filterwarnings("ignore:TensorFlow cannot join")
@pytest.mark.parametrize("dtype", [np.float64, np.complex128, np.float32, np.float16])
@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("cut", [False, True])
def test_the_mean_of_equal_values_is_the_value(
    tmp_path: Path, dtype: type, count: int, weighed: bool, cut: bool
) -> None:
    rng = np.random.default_rng(count)
    values = rng.standard_normal(3000) * 10.0 ** rng.integers(-300, 300, 3000)
    limits = np.finfo(dtype)
    with np.errstate(over="ignore"):
        values = np.array([*values, 0.1, limits.max, limits.tiny, limits.smallest_subnormal])
        values = values.astype(dtype).reshape(-1, 4)
    values = values[np.isfinite(values).all(axis=1)]
    for number in range(count):
        with tb.Writer(tmp_path / str(number)) as writer:
            if cut:  # everywhere in another place, which the core leaves to Python
                at = number + 1
                writer.add_slice("w", values[:at], values.shape, f"0,{at}:-")
                writer.add_slice("w", values[at:], values.shape, f"{at},{len(values) - at}:-")
            else:
                writer.add("w", values)
    weights = [0.1 + number for number in range(count)] if weighed else None
    given = [tmp_path / str(number) for number in range(count)]
    tb.average(given, tmp_path / "out", weights=weights)
    np.testing.assert_array_equal(tb.open(tmp_path / "out")["w"], values)


def test_a_mean_within_range_is_found_although_the_sum_is_not(tmp_path: Path) -> None:
    most = np.finfo(np.float64).max
    for name, values in (("a", [most, 1e308, np.inf]), ("b", [most, 1.5e308, -1.0])):
        tb.save(tmp_path / name, {"w": np.array(values), "z": np.array(values, complex)})
    tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert tb.open(tmp_path / "out")["w"].tolist() == [most, 1.25e308, np.inf]
    assert tb.open(tmp_path / "out")["z"][:2].real.tolist() == [most, 1.25e308]


def test_sizes_are_of_the_parts_that_there_are(tmp_path: Path) -> None:
    for name in "ab":
        with tb.Writer(tmp_path / name) as writer:
            writer.add_slice("w", np.ones((1, 2), "f"), (3, 2), "0,1:-")
    assert tb.average([tmp_path / "a", tmp_path / "b"], tmp_path / "out").nbytes == 8
    done = tb.rewrite(tmp_path / "a", tmp_path / "copy", compact=True)
    assert done.nbytes == 8
    assert tb.rewrite(tmp_path / "a", tmp_path / "c2", cast="float64").nbytes == 16
