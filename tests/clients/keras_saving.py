"""Keras under TensorFlow: saves the models with weights of their own, in each way that there is.

Runs in a process of TensorFlow; see `tests.oracle`.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tests.clients.keras_models import MODELS, outputs

SOURCES = ("k2-weights", "k2-saved_model", "k2-checkpoint", "k3-checkpoint", "k3-saved_model")


# Keras 3 saves nothing of layers in lists with TensorFlow's checkpoints.
SAVED = [
    (name, source[:2], source)
    for name in MODELS
    for source in SOURCES
    if (name, source[:2]) != ("listed", "k3")
]


def scramble(model: Any) -> None:
    random = np.random.default_rng(5)
    for weight in model.weights:
        # Variances are positive.
        weight.assign(random.uniform(0.1, 1.0, tuple(weight.shape)).astype(np.float32))


def save_all(folder: str) -> dict[str, list[np.ndarray[Any, Any]]]:
    """Save each model in each way; what they answer to the same inputs, by model and source."""
    import keras as keras_3
    import tensorflow as tf
    import tf_keras as keras_2

    answers = {}
    for name, build in MODELS.items():
        for keras in (keras_2, keras_3):
            kind = "k2" if keras is keras_2 else "k3"
            if (name, kind) not in {each[:2] for each in SAVED}:
                continue
            keras.backend.clear_session()
            for _ in range(2):  # numbers of layers' names that are no longer the first ones
                model = build(keras)
            outputs(model, name)
            scramble(model)
            model.compile("adam", "mse")
            place = Path(folder) / name
            answers[f"{name}/{kind}"] = outputs(model, name)
            tf.train.Checkpoint(net=model, step=tf.Variable(3)).write(
                str(place / f"{kind}-checkpoint")
            )
            if kind == "k2":
                model.save_weights(str(place / "k2-weights"), save_format="tf")
                model.save(str(place / "k2-saved_model"), save_format="tf")
            else:
                model.export(str(place / "k3-saved_model"), verbose=False)
    return answers
