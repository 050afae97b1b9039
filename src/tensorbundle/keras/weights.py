"""Load a checkpoint's weights into a live Keras model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._checkpoint.opening import Source, opened
from ..errors import ConversionError
from .live import is_layer, path_of
from .pairs import Walk


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """What `load_weights` did.

    Attributes:
        assigned: (variable, key) of each weight of the model that has its value now.
        missing: Weights of the model that have no value in the checkpoint.
        left: Keys of the model's values in the checkpoint that no weight has taken.
        misshapen: (variable, its shape, key, the stored shape) where these differ.
    """

    assigned: tuple[tuple[str, str], ...]
    missing: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    misshapen: tuple[tuple[str, tuple[int, ...], str, tuple[int, ...]], ...] = ()


def load_weights(model: Any, src: Source, *, partial: bool = False) -> LoadedWeights:
    """Load the weights that Keras 2 or 3 saved with TensorFlow into a live model of Keras 3.

    The stored objects and the model's are walked side by side; the model may be of any backend.
    Afterwards Keras saves it in its own formats: ``model.save("m.keras")``.

    Args:
        model: The model, built: its weights are there to be assigned.
        src: A checkpoint of ``save_weights`` or ``tf.train.Checkpoint``, a SavedModel, or an opened
            one.
        partial: Whether weights may be missing, left over or of another shape. They are reported
            then, and the others assigned.

    Returns:
        What was assigned, and what was not.

    Raises:
        ConversionError: The checkpoint is no Keras model's, or not this one's: all that is missing,
            left over or misshapen is listed, and nothing was assigned.
        TypeError: It is no Keras model.
        ChecksumError: A weight is damaged.

    Example:
        A model of two layers, loaded under JAX from what Keras 2 saved::

            model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(2)])
            model.build((None, 8))
            tensorbundle.keras.load_weights(model, "saved_model/")
            model.save("model.keras")
    """
    if not is_layer(model):
        raise TypeError(f"expected a Keras model, not {type(model).__name__}")
    if not model.built or not model.weights:
        raise ConversionError(
            f"the model {model.name!r} has no weights yet: call it once, or its build()"
        )
    ckpt = opened(src)
    graph = ckpt.objects
    if graph is None:
        raise ConversionError(
            "the checkpoint has names but no objects, which say what belongs to which layer: "
            "convert it by rules (tensorbundle.convert)",
            path=ckpt.location.prefix,
        )
    shapes = {info.name: info.shape for info in ckpt.iter_infos()}
    walk = Walk(graph, shapes)
    pairs = walk.best(model)
    assigned, missing, misshapen = [], [], []
    for variable in model.weights:
        key = pairs.keys.get(id(variable))
        if key is None or key not in shapes:
            missing.append(path_of(variable))
        elif shapes[key] != tuple(variable.shape):
            misshapen.append((path_of(variable), tuple(variable.shape), key, shapes[key]))
        else:
            assigned.append((variable, key))
    taken = {*pairs.keys.values()}
    below = walk.values_below(pairs.start) if pairs.start >= 0 else set()
    left = tuple(sorted(below - taken))
    report = LoadedWeights(
        tuple((path_of(variable), key) for variable, key in assigned),
        tuple(missing),
        left,
        tuple(misshapen),
    )
    if not partial:
        _check(report, model.name, ckpt.location.prefix)
    arrays = ckpt.load([key for _, key in assigned])
    for variable, key in assigned:
        variable.assign(arrays[key])
    return report


def _check(report: LoadedWeights, model: str, path: str) -> None:
    told = []
    if report.missing:
        told.append(f"without a value ({len(report.missing)}): {', '.join(report.missing)}")
    if report.left:
        told.append(f"left in the checkpoint ({len(report.left)}): {', '.join(report.left)}")
    told += [
        f"{variable} has the shape {list(shape)}, {key} has {list(stored)}"
        for variable, shape, key, stored in report.misshapen
    ]
    if told:
        raise ConversionError(f"not the weights of model {model!r}: {'; '.join(told)}", path=path)
