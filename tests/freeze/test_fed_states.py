"""States that are fed: what a write leaves in a variable goes to those that read it afterwards."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.computing import computed
from tests.freeze.models import in_tensorflow
from tests.freeze.program import run
from tests.freeze.programs.arrays import read_arrays
from tests.graph.small_graphs import loaded

STEPS = 3
STATES = {
    "shifted": ["rows"], "read_again": ["h"], "alias": ["h"], "one_row": ["rows"],
    "rows_added": ["rows"], "elements": ["rows"], "a_range": ["rows"], "twice": ["h"],
    "between": ["h"], "gathered": ["rows"], "counted": ["n", "mean"], "branch_before": ["h"],
    "in_function": ["h"],
}  # fmt: skip


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("writes")
    in_tensorflow("write_programs", "main", folder)
    return folder


@pytest.mark.parametrize("kind", ["ref", "resource"])
def test_what_is_read_after_a_write_is_what_was_written_bit_for_bit(
    programs: Path, tmp_path: Path, kind: str
) -> None:
    runs: list[Any] = []
    expected = {}
    for name, states in STATES.items():
        folder = programs / f"{name}_{kind}"
        frozen = tb.freeze(folder / "model.ckpt", outputs="out", inputs=states)
        inputs = {each.name.removesuffix(":0") for each in frozen.inputs}
        assert {"x", *states} <= inputs <= {"x", "reset", *states}
        ops = {node.op for node in loaded(frozen).nodes.values()}
        assert not any(op.startswith(("Assign", "Scatter", "Resource", "Var")) for op in ops)
        feeds, values = (read_arrays(folder / f"{each}.npz") for each in ("feeds", "expected"))
        for step in range(STEPS):
            runs.append((frozen, {each: feeds[f"{each}{step}"] for each in ("x", *states)}))
            expected[f"{name} {step}"] = values[f"out{step}"]
    found = computed(tmp_path, runs)
    wrong = [
        name
        for (name, value), each in zip(expected.items(), found, strict=True)
        if not np.array_equal(each["out"], value)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ["in_branch_resource", "in_loop_resource"])
def test_fed_state_that_a_branch_or_loop_writes_before_it_is_read_is_refused(
    programs: Path, tmp_path: Path, name: str
) -> None:
    source = programs / name / "model.ckpt"
    with pytest.raises(tb.UnsupportedError, match=r"to be fed are read after they are .*: 'h'"):
        tb.freeze(source, outputs="out", inputs="h")
    said = run("freeze", source, tmp_path / "f.pb", "-o", "out", "-i", "h", code=2).stderr
    assert "to be fed are read after" in said
    assert not (tmp_path / "f.pb").exists()
