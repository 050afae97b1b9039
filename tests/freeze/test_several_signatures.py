"""Models with several signatures: which one is meant, and what of one can be frozen."""

from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.computing import computed
from tests.freeze.models import in_tensorflow
from tests.freeze.program import run
from tests.freeze.programs.arrays import read_arrays

X = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signatures")
    in_tensorflow("signature_programs", "main", folder)
    return folder


def test_equal_keys_are_those_of_the_signature_that_is_named(models: Path) -> None:
    expected = read_arrays(models / "equal.npz")
    for key in ("one", "two"):
        found = tb.run(models / "equal", {"x": X}, signature=key)
        np.testing.assert_allclose(found["y"], expected[key], rtol=1e-5)


@pytest.mark.parametrize("fetches", [None, "y", ["y"]])
def test_equal_keys_without_a_default_are_refused_naming_the_signatures(
    models: Path, fetches: str | list[str] | None
) -> None:
    with pytest.raises(tb.ConversionError, match=r"'one', 'two' .*: give signature='one' or"):
        tb.run(models / "equal", {"x": X}, fetches)
    said = run("run", models / "equal", "--feed", f"x={X.tolist()}", code=2).stderr
    assert "--signature one" in said


def test_tensor_of_one_signature_needs_no_name_of_it(models: Path) -> None:
    call = tb.load_graph(models / "equal").signatures["two"].outputs["y"].name
    assert call is not None
    found = tb.run(models / "equal", {"x": X}, call)
    np.testing.assert_allclose(found, read_arrays(models / "equal.npz")["two"], rtol=1e-5)


def test_key_as_an_output_leads_to_the_signatures_that_have_it(
    models: Path, tmp_path: Path
) -> None:
    with pytest.raises(tb.TensorNotFoundError, match=r"'y' .*: it is a key of .* 'one', 'two'"):
        tb.freeze(models / "equal", outputs="y")
    said = run("freeze", models / "equal", tmp_path / "f.pb", "-o", "y", code=2).stderr
    assert "give --signature one" in said
    frozen = tb.freeze(models / "equal", outputs="y", signature="two")
    assert [each.key for each in frozen.inputs] == ["x"]


def test_metrics_whose_variables_were_not_saved_are_left_out_and_told(
    models: Path, tmp_path: Path
) -> None:
    frozen = tb.freeze(models / "metrics")
    assert list(frozen.outputs) == ["logits"]
    (told,) = [each for each in frozen.warnings if "were not saved" in each]
    assert "'accuracy/count', 'accuracy/total'" in told
    assert "'metrics/accuracy/update_op', 'metrics/accuracy/value'" in told
    (found,) = computed(tmp_path, [(frozen, {"x": X})])
    assert np.array_equal(found["logits"], read_arrays(models / "metrics.npz")["logits"])


def test_metric_that_is_named_is_refused_with_the_variables_that_it_needs(models: Path) -> None:
    with pytest.raises(tb.TensorNotFoundError, match=r"'accuracy/total'.*missing='initial'"):
        tb.freeze(models / "metrics", outputs="metrics/accuracy/value", signature="eval")


def test_signature_of_which_nothing_was_saved_is_refused(models: Path, tmp_path: Path) -> None:
    tb.save(tmp_path / "other", {"other": X})
    with pytest.raises(tb.TensorNotFoundError, match="the checkpoint may be of another graph"):
        tb.freeze(models / "metrics", tmp_path / "other")
