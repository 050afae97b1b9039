"""Batch normalisation and dropout in loops, branches and functions, turned to inference."""

from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.computing import computed
from tests.freeze.models import in_tensorflow
from tests.freeze.programs.arrays import read_arrays

LOOPS = [
    "fused", "fused_reference", "moments", "moments_reference", "kept_dimensions", "in_two_loops",
    "in_each_frame", "in_a_cell", "in_a_branch",
]  # fmt: skip
FUNCTIONS = [
    "functional_fused", "functional_moments", "functional_kept_dimensions",
    "functional_in_each_frame", "functional_in_a_branch", "called",
]  # fmt: skip


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repeated")
    in_tensorflow("repeated_programs", "main", folder)
    return folder


def test_inference_is_what_tensorflow_builds_for_use_bit_for_bit(
    programs: Path, tmp_path: Path
) -> None:
    names = [*LOOPS, *FUNCTIONS, *FUNCTIONS]
    runs, expected = [], []
    for number, name in enumerate(names):
        kept = "keep" if number >= len(LOOPS) + len(FUNCTIONS) else "inline"
        frozen = tb.freeze(
            programs / name / "model.ckpt", outputs="out", training=False, functions=kept
        )
        assert not any("is in training mode" in each for each in frozen.warnings), name
        assert any("takes its moving averages" in each for each in frozen.warnings), name
        assert not any("random ops" in each for each in frozen.warnings), name
        runs.append((frozen, read_arrays(programs / name / "feeds.npz")))
        expected.append(read_arrays(programs / name / "expected.npz")["out"])
    found = computed(tmp_path, runs)
    wrong = [
        name
        for name, each, value in zip(names, found, expected, strict=True)
        if not np.array_equal(each["out"], value)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", [*LOOPS, *FUNCTIONS])
def test_training_mode_is_told_where_nothing_is_asked(programs: Path, name: str) -> None:
    warnings = tb.freeze(programs / name / "model.ckpt", outputs="out").warnings
    assert any("batch normalization is in training mode" in each for each in warnings)
