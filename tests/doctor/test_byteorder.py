"""Checkpoints of machines of the other byte order: told, and turned by the command given."""

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._doctor.byteorder import swapped
from tests.golden.cases import DATA
from tests.places import PROJECT


@pytest.fixture
def values() -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    return {
        "dense/kernel": random.normal(size=(40, 30)).astype(np.float32),
        "dense/bias": np.zeros(30, np.float32),
        "double": random.normal(size=50),
        "complex": (random.normal(size=20) + 1j).astype(np.complex64),
        "half": random.normal(size=64).astype(np.float16),
        "step": np.array(2000),
        "name": np.array(b"text", dtype=object),
    }


def run(command: str | None) -> None:
    assert command is not None
    program, *rest = shlex.split(command)
    start = [sys.executable] if program == "python" else [sys.executable, "-m", "tensorbundle"]
    subprocess.run([*start, *rest], check=True, cwd=PROJECT, capture_output=True)


def swap(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n: a.byteswap() if a.dtype.kind in "fci" else a for n, a in values.items()}


def test_values_in_the_other_order_than_the_header_says(
    tmp_path: Path, values: dict[str, np.ndarray]
) -> None:
    prefix = tb.save(tmp_path / "m", swap(values))
    assert tb.verify(prefix).ok
    (symptom,) = tb.diagnose(prefix).symptoms
    assert "not in the byte order that the index states (little-endian)" in symptom.what
    run(symptom.command)
    turned = tb.open(f"{prefix}-swapped").load()
    assert tb.diagnose(f"{prefix}-swapped").healthy
    for name, value in values.items():
        np.testing.assert_array_equal(turned[name], value)


def test_sound_values_are_left_alone(tmp_path: Path, values: dict[str, np.ndarray]) -> None:
    odd = {
        "nan": np.full(100, np.nan, np.float32),
        "tiny": np.full(100, 1e-30, np.float32),
        "masks": np.full(100, -3e38, np.float32),
        "ids": np.arange(1000),
    }
    for arrays in (values, odd, {"w": np.zeros(100)}, {"w": np.float32([1e30])}):
        assert tb.diagnose(tb.save(tmp_path / "m", arrays, overwrite=True)).healthy


def test_no_golden_checkpoint_is_suspected() -> None:
    seen = 0
    for index in DATA.rglob("*.index"):
        try:
            ckpt = tb.open(index)
        except tb.TensorBundleError:
            continue
        seen += 1
        assert swapped(ckpt) is None, index
    assert seen > 20


def test_a_big_endian_checkpoint_is_told_and_turned(tmp_path: Path) -> None:
    found = [
        index
        for index in DATA.rglob("*.index")
        if "damaged" not in index.parts and tb.open(index).big_endian
    ]
    for index in found:
        ckpt = tb.open(index)
        (symptom,) = tb.diagnose(index).symptoms
        assert "another machine's byte order (big-endian)" in symptom.what
        assert symptom.command is not None
        target = tmp_path / "turned"
        run(symptom.command.replace(f"{ckpt.location.prefix}-little", str(target)))
        turned = tb.open(target)
        assert tb.diagnose(target).healthy
        assert sorted(turned) == sorted(ckpt)
        for name, array in ckpt.load().items():
            np.testing.assert_array_equal(turned[name], array)
        turned_files = list(tmp_path.iterdir())
        for path in turned_files:
            path.unlink()
    assert found
