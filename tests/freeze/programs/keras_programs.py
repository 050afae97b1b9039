"""Models of Keras, written by `model.export`."""

from typing import Any

import keras
import numpy as np

from tests.freeze.programs.building import ModuleProgram, numbers


def exported(inputs: Any, outputs: Any, feed: Any) -> ModuleProgram:
    """A model of one input, whose weights are all other numbers than those it begins with."""
    model = keras.Model(inputs, outputs)
    for number, weight in enumerate(model.weights):
        if "float" in weight.dtype:
            drawn = numbers(*weight.shape, seed=number, scale=0.5)
            weight.assign(np.abs(drawn) + 0.5 if "variance" in weight.path else drawn)

    def write(path: str) -> None:
        model.export(path, verbose=False)

    return ModuleProgram(write, {inputs.name: feed})


def dense() -> ModuleProgram:
    x = keras.Input([4], name="x")
    hidden = keras.layers.Dense(8, "relu")(x)
    return exported(x, keras.layers.Dense(3, "softmax")(hidden), numbers(2, 4))


def convolutions() -> ModuleProgram:
    x = keras.Input([8, 8, 3], name="x")
    y = keras.layers.Conv2D(4, 3, padding="same")(x)
    y = keras.layers.ReLU()(keras.layers.BatchNormalization()(y))
    y = keras.layers.Dropout(0.5)(keras.layers.DepthwiseConv2D(3)(y))
    y = keras.layers.GlobalAveragePooling2D()(y)
    return exported(x, keras.layers.Dense(2)(y), numbers(2, 8, 8, 3))


def bidirectional() -> ModuleProgram:
    x = keras.Input([6], dtype="int32", name="x")
    y = keras.layers.Embedding(10, 4)(x)
    y = keras.layers.Bidirectional(keras.layers.LSTM(3))(y)
    feed = np.array([[1, 2, 3, 0, 9, 9], [5, 5, 5, 5, 5, 5]], np.int32)
    return exported(x, keras.layers.Dense(2)(y), feed)


def recurrent() -> ModuleProgram:
    x = keras.Input([5, 3], name="x")
    return exported(x, keras.layers.GRU(4, return_sequences=True)(x), numbers(2, 5, 3))


def attention() -> ModuleProgram:
    x = keras.Input([5, 8], name="x")
    y = keras.layers.MultiHeadAttention(2, 4)(x, x)
    return exported(x, keras.layers.LayerNormalization()(x + y), numbers(2, 5, 8))


def strings() -> ModuleProgram:
    x = keras.Input([2], dtype="string", name="x")
    ids = keras.layers.StringLookup(vocabulary=["one", "two", "three"])(x)
    feed = np.array([[b"one", b"seven"], [b"three", b"two"]], object)
    return exported(x, keras.layers.Embedding(4, 3)(ids), feed)
