"""TensorFlow's tutorials on restoring and freezing, as they are done without TensorFlow.

The graphs were saved by real TensorFlow (`graphs/tutorial_programs`), and the numbers that are
expected are the ones it computes; everything between is this library and OpenVINO.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.models import Model, Models


@pytest.fixture(autouse=True)
def _without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test may have imported it: here, whoever tries cannot.
    monkeypatch.setitem(sys.modules, "tensorflow", None)


def nearly(found: np.ndarray, model: Model) -> None:
    """Compare with the one expected output."""
    (expected,) = model.arrays("expected").values()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_restored_bias_times_the_sum_of_new_feeds(models: Models, tmp_path: Path) -> None:
    model = models["tutorial restored_sum"]
    frozen = tmp_path / "frozen.pb"
    tb.freeze(model.path, outputs=["op_to_restore"], path=frozen)
    runner = tb.Runner(frozen, "op_to_restore:0")
    nearly(runner(model.arrays("feeds")), model)
    assert runner({"w1:0": 4, "w2:0": 8}) == 24
    assert runner({"w1:0": 13, "w2:0": 17}) == 60


def test_linear_fit_predicts_new_points(models: Models, tmp_path: Path) -> None:
    model = models["tutorial linear_fit"]
    frozen = tmp_path / "line.pb"
    result = tb.freeze(model.path, outputs=["pred"], path=frozen)
    assert [each.name for each in result.inputs] == ["X:0"]  # the label is not needed
    nearly(tb.run(frozen, model.arrays("feeds"), "pred:0"), model)
    constants = tb.open(frozen)
    assert constants["weight"] == np.float32(0.2496)
    assert constants["bias"] == np.float32(0.8015)


def test_prediction_that_a_collection_names(models: Models, tmp_path: Path) -> None:
    model = models["tutorial digits"]
    graph = tb.load_graph(model.path)
    (predict,) = graph.collections["predict"].values
    frozen = tmp_path / "digits.pb"
    tb.freeze(graph, outputs=[predict], bind={"keep_prob": 1.0}, path=frozen)
    feeds = {"x:0": model.arrays("feeds")["x:0"]}
    nearly(tb.run(frozen, feeds, predict), model)


def test_sum_of_two_frozen_variables(models: Models, tmp_path: Path) -> None:
    model = models["tutorial two_variables"]
    frozen = tmp_path / "sum.pb"
    tb.freeze(model.path, outputs=["add"], path=frozen)
    nearly(tb.run(frozen, {}, "add:0"), model)


def test_stop_at_fc7_for_fine_tuning(models: Models, tmp_path: Path) -> None:
    model = models["tutorial vgg"]
    frozen = tmp_path / "features.pb"
    result = tb.freeze(model.path, outputs=["fc7"], path=frozen)
    assert not any("fc8" in name for name in tb.load_graph(frozen).nodes)
    assert not any("fc8" in variable.name for variable in result.variables)
    nearly(tb.run(frozen, model.arrays("feeds"), "fc7:0"), model)


def test_prune_to_fc7_keeps_the_variables(models: Models, tmp_path: Path) -> None:
    pruned = tmp_path / "features.pb"
    tb.prune(models["tutorial vgg"].path, outputs=["fc7"], path=pruned)
    graph = tb.load_graph(pruned)
    assert graph.ops["VariableV2"] == 8
    assert not any("fc8" in name or "Adam" in name for name in graph.nodes)


def test_unknown_outputs_under_long_scopes(models: Models, tmp_path: Path) -> None:
    model = models["tutorial inception"]
    graph = tb.load_graph(model.path)
    names = [candidate.name for candidate in tb.suggest_outputs(graph)]
    assert "InceptionV3/Predictions/Reshape_1" in names[:3]
    inputs = {each.name: each.role for each in tb.suggest_inputs(graph)}
    assert inputs["images"] == "data"
    assert inputs["is_training"] == "switch"
    assert inputs["labels"] == "label"
    frozen = tmp_path / "inception.pb"
    output = "InceptionV3/Predictions/Reshape_1"
    tb.freeze(graph, outputs=[output], bind={"is_training": False}, path=frozen)
    feeds = model.arrays("feeds")
    nearly(tb.run(frozen, feeds, f"{output}:0"), model)


def test_half_remembered_output_is_suggested(models: Models, tmp_path: Path) -> None:
    with pytest.raises(tb.TensorNotFoundError, match="InceptionV3/Predictions/Reshape_1"):
        tb.freeze(
            models["tutorial inception"].path, outputs=["Reshape_1"], path=tmp_path / "frozen.pb"
        )


def test_nothing_is_frozen_on_a_guess_alone(models: Models, tmp_path: Path) -> None:
    model, frozen = models["tutorial inception"], tmp_path / "frozen.pb"
    with pytest.raises(tb.TensorBundleError, match="InceptionV3/Predictions"):
        tb.freeze(model.path, path=frozen)
    assert not frozen.exists()
    result = tb.freeze(model.path, outputs="auto", path=frozen)
    assert any("InceptionV3/" in name for name in result.outputs.values())
