"""Weights of both Keras, loaded into live models of Keras 3 without TensorFlow."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.clients.keras_saving import SAVED
from tests.oracle.client import TensorFlow
from tests.places import PROJECT

Answers = dict[str, list[np.ndarray[Any, Any]]]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answers]:
    folder = tmp_path_factory.mktemp("saved")
    with TensorFlow(KERAS_BACKEND="tensorflow") as tensorflow:
        return folder, tensorflow.call("tests.clients.keras_saving", "save_all", str(folder))


def load_all(folder: Path, backend: str, *more: str) -> list[dict[str, Any]]:
    """Load all of it in a process of its own."""
    environment = {**os.environ, "KERAS_BACKEND": backend}
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.clients.keras_loading", str(folder), *more],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    return [json.loads(line) for line in found.stdout.splitlines()]


def assert_all_loaded(saved: tuple[Path, Answers], backend: str) -> None:
    folder, answers = saved
    reports = load_all(folder, backend)
    assert len(reports) == len(SAVED)
    for report in reports:
        name, source = report["model"], report["source"]
        assert report["assigned"] == report["weights"] > 0
        assert report["left"] == []
        assert report["reloaded"]
        with np.load(folder / name / f"{source}-{backend}.npz") as archive:
            for one, other in zip(archive.values(), answers[f"{name}/{source[:2]}"], strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
def test_weights_of_both_keras_are_loaded(saved: tuple[Path, Answers], backend: str) -> None:
    assert_all_loaded(saved, backend)


def test_a_saved_model_of_keras_2_becomes_a_keras_file(saved: tuple[Path, Answers]) -> None:
    folder, answers = saved
    report, *others = load_all(folder, "torch", "rebuild")
    assert report["reloaded"]
    assert report["assigned"] == 15
    with np.load(folder / "cnn" / "rebuilt.npz") as archive:
        for one, other in zip(archive.values(), answers["cnn/k2"], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    for refused in others:
        assert "tensorbundle.keras.load_weights" in refused["message"], refused
    assert [each["refused"] for each in others][-1] == "subclassed"
