"""Weights loaded into a live model by the objects that a checkpoint holds."""

from typing import Any

import pytest

import tensorbundle as tb
from tests.golden.cases import path_of
from tests.objects.keras import assert_weights, samples, tensorflow

SAMPLES = {"k2-1": "k2", "k2weights": "k2legacy", "k3-1": "k3"}


def load(sample: str, *widths: int, partial: bool = False) -> Any:
    return tensorflow().load_by_objects(samples() / sample, list(widths), partial)


@pytest.mark.parametrize("sample", SAMPLES)
def test_all_weights_are_assigned_whatever_layers_are_called(sample: str) -> None:
    found = load(sample, 5, 2)
    assert_weights(found["weights"], SAMPLES[sample])
    assigned, *rest = found["report"]
    assert len(assigned) == 8
    assert rest == [[], [], []]


@pytest.mark.parametrize("sample", SAMPLES)
def test_another_model_is_refused_with_all_that_differs(sample: str) -> None:
    for widths, told in (((5, 3), "has the shape [5, 3], "), ((5, 2, 4), "without a value (2): ")):
        found = load(sample, *widths)
        assert told in found["error"]
        assert found["same"]


def test_what_fits_of_another_model_is_loaded_when_that_is_asked_for() -> None:
    found = load("k2-1", 5, 2, 4, partial=True)
    assigned, missing, left, misshapen = found["report"]
    assert (len(assigned), len(missing), left, misshapen) == (8, 2, [], [])


class Stranger:
    """Looks like a layer that has no weights yet."""

    name, built, weights = "stranger", False, ()


def test_what_is_no_built_model_is_told() -> None:
    with pytest.raises(TypeError, match="expected a Keras model, not dict"):
        tb.keras.load_weights({}, path_of("objects/keras"))
    with pytest.raises(tb.ConversionError, match="the model 'stranger' has no weights yet"):
        tb.keras.load_weights(Stranger(), path_of("objects/keras"))


def test_a_directory_without_keras_metadata_says_what_to_do() -> None:
    with pytest.raises(tb.MissingFileError, match=r"tensorbundle\.keras\.load_weights"):
        tb.keras.load_model(path_of("objects/keras"))
