"""Graphs in training mode whose statistics, dropout and switches are written in other ways."""

from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.computing import computed
from tests.freeze.models import in_tensorflow
from tests.freeze.programs.arrays import read_arrays

STATISTICS = [
    "squares", "sums", "sums_subtracted", "sufficient", "towers", "towers_helper", "corrected",
    "update_in_branch", "averaged_by_class", "pooled",
]  # fmt: skip
DROPPED = [
    "masked_then_scaled", "scaled_mask", "selected", "noise_added", "noise_multiplied", "alpha",
    "spatial",
]  # fmt: skip
UNCLEAR = ["renormalised", "ghosts"]
SWITCHED = ["switched_number", "switched_long", "switched_suffix", "switched_function"]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batches")
    in_tensorflow("batch_programs", "main", folder)
    return folder


def frozen_for_use(programs: Path, name: str) -> tb.Frozen:
    return tb.freeze(programs / name / "model.ckpt", outputs="out", training=False)


def test_inference_is_what_tensorflow_builds_for_use_bit_for_bit(
    programs: Path, tmp_path: Path
) -> None:
    names = [*STATISTICS, *DROPPED, *SWITCHED]
    runs = [
        (frozen_for_use(programs, name), read_arrays(programs / name / "feeds.npz"))
        for name in names
    ]
    found = computed(tmp_path, runs)
    expected = [read_arrays(programs / name / "expected.npz")["out"] for name in names]
    wrong = [
        name
        for name, each, value in zip(names, found, expected, strict=True)
        if not np.array_equal(each["out"], value)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_of_the_batch_are_told_however_they_are_made(programs: Path, name: str) -> None:
    warnings = tb.freeze(programs / name / "model.ckpt", outputs="out").warnings
    assert any("batch normalization is in training mode" in each for each in warnings)
    after = frozen_for_use(programs, name).warnings
    assert not any("is in training mode" in each for each in after)


@pytest.mark.parametrize("name", [*DROPPED, *SWITCHED])
def test_nothing_is_told_of_what_is_left_out_or_never_runs(programs: Path, name: str) -> None:
    warnings = frozen_for_use(programs, name).warnings
    assert not any("random ops" in each for each in warnings)
    assert not any("is in training mode" in each for each in warnings)
    assert not any("switches are left" in each for each in warnings)


@pytest.mark.parametrize("name", UNCLEAR)
def test_statistics_that_no_one_variable_keeps_are_told_and_stay(programs: Path, name: str) -> None:
    before = tb.freeze(programs / name / "model.ckpt", outputs="out").warnings
    told = [each for each in before if "batch normalization is in training mode" in each]
    assert "training=False" not in str(told[0])  # which would not help
    after = frozen_for_use(programs, name).warnings
    assert any("no update says which one variable keeps each" in each for each in after)
    assert not any("takes its moving averages" in each for each in after)


def test_noise_that_is_an_input_stays(programs: Path, tmp_path: Path) -> None:
    source = programs / "noise_wanted" / "model.ckpt"
    frozen = tb.freeze(source, outputs="out", training=False, path=tmp_path / "frozen.pb")
    told = [each for each in frozen.warnings if "dropout is left out" in each]
    assert "gaussian_noise" in told[0]
    assert any("random ops are reachable" in each for each in frozen.warnings)
    left = {node.op for node in tb.load_graph(tmp_path / "frozen.pb").nodes.values()}
    assert "RandomStandardNormal" in left
