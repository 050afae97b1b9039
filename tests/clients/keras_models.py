"""Models that either Keras builds, whose weights go from one to the other."""

from typing import Any


def cnn(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(4, 3, name="first"),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(3),
            layers.SeparableConv2D(5, 2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(6, activation="relu"),
            layers.Dense(3),
        ]
    )


def sequence(keras: Any) -> Any:
    layers = keras.layers
    tokens = layers.Input((7,), dtype="int32")
    x = layers.Embedding(11, 6)(tokens)
    x = layers.MultiHeadAttention(2, 3)(x, x)
    x = layers.LayerNormalization()(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    left, right = layers.GRU(5)(x), layers.GlobalMaxPooling1D()(x)
    inner = keras.Sequential([layers.Input((13,)), layers.Dense(4), layers.Dense(4)])
    y = inner(layers.Concatenate()([left, right]))
    return keras.Model(tokens, [layers.Dense(2)(y), layers.Dense(2)(y)])


def subclassed(keras: Any) -> Any:
    layers = keras.layers

    class Block(layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = layers.Dense(5), layers.Dense(5)

        def call(self, x: Any) -> Any:
            return self.second(self.first(x))

    class Network(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.block = Block()
            self.last = layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.last(self.block(x))

    return Network()


def listed(keras: Any) -> Any:
    """A model with lists and mappings of layers."""
    layers = keras.layers

    class Block(layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.steps = [layers.Dense(5), layers.Dense(5)]
            self.heads = {"one": layers.Dense(2), "two": layers.Dense(2)}

        def call(self, x: Any) -> Any:
            for step in self.steps:
                x = step(x)
            return self.heads["one"](x) + self.heads["two"](x)

    class Network(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.block = Block()
            self.last = layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.last(self.block(x))

    return Network()


MODELS = {"cnn": cnn, "sequence": sequence, "subclassed": subclassed, "listed": listed}


def inputs(name: str) -> Any:
    import numpy as np

    random = np.random.default_rng(3)
    if name == "sequence":
        return random.integers(0, 11, (2, 7)).astype(np.int32)
    return random.standard_normal((2, 8, 8, 3) if name == "cnn" else (2, 4)).astype(np.float32)


def outputs(model: Any, name: str) -> list[Any]:
    import numpy as np

    made = model(inputs(name))
    made = made if isinstance(made, (list, tuple)) else [made]
    to_numpy = [each.detach().numpy() if hasattr(each, "detach") else each for each in made]
    return [np.asarray(each) for each in to_numpy]
