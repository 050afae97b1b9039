"""Graphs in training mode: told by name, and turned to inference as TensorFlow builds that."""

from collections.abc import Iterable
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


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    in_tensorflow("training_programs", "main", folder)
    return folder


def model(programs: Path, name: str) -> Path:
    return programs / name / "model.ckpt"


def assert_as_built_for_use(
    programs: Path, folder: Path, names: Iterable[str], **options: Any
) -> None:
    """Freeze each program's graph that trains; TensorFlow computes of all what it is for use."""
    frozen = {name: tb.freeze(model(programs, name), outputs="out", **options) for name in names}
    feeds = [read_arrays(programs / name / "feeds.npz") for name in frozen]
    results = computed(folder, zip(frozen.values(), feeds, strict=True))
    found = {name: each["out"] for name, each in zip(frozen, results, strict=True)}
    expected = {name: read_arrays(programs / name / "expected.npz")["out"] for name in frozen}
    assert [name for name in frozen if not np.array_equal(found[name], expected[name])] == []


NORMALISED = [
    *(f"fused_{each}_ref" for each in ("v1_subtract", "v2_assign", "v3_helper", "v3_add")),
    *(f"fused_{each}_resource" for each in ("v1_subtract", "v2_assign", "v3_helper", "v3_add")),
    "fused_v3_debiased_ref", "fused_bessel", "two_towers",
    *(f"moments_{form}_{keepdims}_{kind}" for form in ("subtract", "helper")
      for keepdims in (False, True) for kind in ("ref", "resource")),
]  # fmt: skip
SWITCHED = ["switched_placeholder", "switched_default", "switched_constant"]
DROPPED = [
    f"dropout_{each}"
    for each in (
        "keep_prob", "rate", "noise_shape", "stateless", "rate_placeholder", "floor",
        "floor_placeholder",
    )
]  # fmt: skip


@pytest.mark.parametrize("names", [NORMALISED, SWITCHED, DROPPED, ["layer_norm"]])
def test_inference_is_what_tensorflow_builds_for_use_bit_for_bit(
    programs: Path, tmp_path: Path, names: list[str]
) -> None:
    assert_as_built_for_use(programs, tmp_path, names, training=False)


def test_layers_of_tensorflow_1_and_keras_2_are_turned_to_inference_bit_for_bit(
    tmp_path: Path,
) -> None:
    (tmp_path / "layers").mkdir()
    in_tensorflow("layer_programs", "main", tmp_path / "layers")
    names = sorted(each.name for each in (tmp_path / "layers").iterdir())
    assert len(names) == 4
    assert_as_built_for_use(tmp_path / "layers", tmp_path, names, training=False)
    for name in names:
        frozen = tb.freeze(model(tmp_path / "layers", name), outputs="out", training=False)
        assert [each.name for each in frozen.inputs] == ["x:0"]
        assert not any("is in training mode" in each for each in frozen.warnings)
        assert not any("random ops" in each for each in frozen.warnings)


@pytest.mark.parametrize("name", NORMALISED)
def test_batch_normalisation_in_training_mode_is_told_by_name(programs: Path, name: str) -> None:
    warnings = tb.freeze(model(programs, name), outputs="out").warnings
    told = [each for each in warnings if "batch normalization is in training mode" in each]
    assert len(told) == 1
    assert "FusedBatchNorm" in told[0] or "moments" in told[0]
    assert "training=False makes it use them" in told[0]
    after = tb.freeze(model(programs, name), outputs="out", training=False).warnings
    assert not any("is in training mode" in each for each in after)
    assert any("takes its moving averages" in each for each in after)


@pytest.mark.parametrize("name", ["layer_norm", "switched_default", "sampling", "spectral"])
def test_what_is_no_batch_normalisation_in_training_is_not_told_of(
    programs: Path, name: str
) -> None:
    frozen = tb.freeze(model(programs, name), outputs="out", use_stored=True, training=False)
    assert not any("is in training mode" in each for each in frozen.warnings)


def test_branch_that_is_turned_off_is_not_told_of(programs: Path) -> None:
    for name in SWITCHED[:2]:
        frozen = tb.freeze(model(programs, name), outputs="out", training=False)
        assert not any("is in training mode" in each for each in frozen.warnings)
    # A condition that is always true does train.
    frozen = tb.freeze(model(programs, "switched_constant"), outputs="out")
    assert any("is in training mode" in each for each in frozen.warnings)


def test_noise_that_is_no_dropout_stays_and_is_told(programs: Path) -> None:
    frozen = tb.freeze(model(programs, "sampling"), outputs="out", training=False)
    assert "RandomUniform" in {node.op for node in loaded(frozen).nodes.values()}
    assert any(each.startswith("random ops are reachable") for each in frozen.warnings)


def test_inference_without_updates_says_that_nothing_points_at_averages(
    programs: Path, tmp_path: Path
) -> None:
    source = model(programs, "fused_v3_helper_ref")
    tb.prune(source, outputs="FusedBatchNormV3", path=tmp_path / "bare.pb")
    frozen = tb.freeze(tmp_path / "bare.pb", source, outputs="FusedBatchNormV3", training=False)
    assert any("no update says which one variable keeps each" in each for each in frozen.warnings)


def test_command_turns_to_inference_and_speaks_its_own_words(
    programs: Path, tmp_path: Path
) -> None:
    source = model(programs, "fused_v3_helper_ref")
    plain = run("freeze", source, tmp_path / "a.pb", "-o", "out")
    assert "--inference makes it use them" in plain.stderr
    assert "training=False" not in plain.stderr
    run("freeze", source, tmp_path / "b.pb", "-o", "out", "--inference")
    expected = tb.freeze(source, outputs="out", training=False).data
    assert (tmp_path / "b.pb").read_bytes() == expected


def test_training_true_is_refused(programs: Path) -> None:
    with pytest.raises(ValueError, match="training must be False or None"):
        tb.freeze(model(programs, "spectral"), outputs="out", training=True)


# --- stored values in the place of written ones -------------------------------------------------


def test_stored_values_are_those_of_the_graph_for_use(programs: Path, tmp_path: Path) -> None:
    names = ["quantized_ref", "quantized_resource", "spectral"]
    assert_as_built_for_use(programs, tmp_path, names, use_stored=True)


def test_written_values_are_refused_with_the_options_that_help(
    programs: Path, tmp_path: Path
) -> None:
    source = model(programs, "quantized_ref")
    message = r"'act0/min' by AssignSub .*use_stored=True.*inputs=\['act"
    with pytest.raises(tb.UnsupportedError, match=message) as caught:
        tb.freeze(source, outputs="out")
    assert len(str(caught.value)) < 1200
    said = run("freeze", source, tmp_path / "f.pb", "-o", "out", code=2).stderr
    assert "--use-stored" in said
    assert "--input act" in said
    assert "use_stored" not in said
    run("freeze", source, tmp_path / "f.pb", "-o", "out", "--use-stored")


def test_stored_values_may_be_taken_of_some_variables_only(programs: Path) -> None:
    source = model(programs, "quantized_ref")
    with pytest.raises(tb.UnsupportedError, match="'act2/m") as caught:
        tb.freeze(source, outputs="out", use_stored=["act0/*", "act1/*"])
    assert "'act0/" not in str(caught.value)
