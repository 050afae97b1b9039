"""SavedModels of TensorFlow 2 and of both Keras, and checkpoints with their `.meta`, as people
bring them; each with what TensorFlow computes, by key.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.sessions import tf
from tests.run.brought_sessions import Case, numbers


def asked(folder: Path, name: str, feeds: dict[str, Any], *keys: str) -> list[Case]:
    """What TensorFlow computes of a SavedModel, by its signatures."""
    loaded = tf.saved_model.load(str(folder / name))
    cases: list[Case] = []
    for key in keys or ("serving_default",):
        call = loaded.signatures[key]
        named = call.structured_input_signature[1]
        given = {each: feeds[each] for each in named}
        typed = {k: tf.constant(v, named[k].dtype) for k, v in given.items()}
        found = {k: v.numpy() for k, v in call(**typed).items()}
        cases.append((name, key, given, found))
    return cases


def keras_list_inputs(folder: Path, keras: Any) -> list[Case]:
    a, b = keras.layers.Input((3,), name="user"), keras.layers.Input((3,), name="item")
    both = keras.layers.Dot(1)([a, keras.layers.Dense(3)(b)])
    keras.Model([a, b], [both, keras.layers.Dense(2)(a)]).export(
        str(folder / "list_inputs"), verbose=False
    )
    return asked(folder, "list_inputs", {"user": numbers(2, 3), "item": numbers(2, 3)})


def keras_unnamed(folder: Path, keras: Any) -> list[Case]:
    model = keras.Sequential(
        [keras.layers.Dense(4, activation="gelu"), keras.layers.LayerNormalization()]
    )
    model.build((None, 3))
    model.export(str(folder / "unnamed"), verbose=False)
    loaded = tf.saved_model.load(str(folder / "unnamed"))
    key = next(iter(loaded.signatures["serving_default"].structured_input_signature[1]))
    return asked(folder, "unnamed", {key: numbers(2, 3)})


def keras_nested(folder: Path, keras: Any) -> list[Case]:
    """Inputs in a tree, outputs in another."""
    left, right = keras.layers.Input((2,), name="l"), keras.layers.Input((2,), name="r")
    wide = keras.layers.Input((4,), name="wide")
    pair = keras.layers.Concatenate()([left, right])
    tree = {"pair": {"left": left, "right": right}, "wide": wide}
    outputs = {"narrow": keras.layers.Dense(1)(pair), "wide": keras.layers.Dense(2)(wide)}
    keras.Model(tree, outputs).export(str(folder / "nested"), verbose=False)
    loaded = tf.saved_model.load(str(folder / "nested"))
    named = loaded.signatures["serving_default"].structured_input_signature[1]
    return asked(folder, "nested", {k: numbers(2, v.shape[1]) for k, v in named.items()})


def keras_tokens(folder: Path, keras: Any) -> list[Case]:
    ids = keras.layers.Input((None,), dtype="int64", name="ids")
    x = keras.layers.Embedding(12, 4, mask_zero=True)(ids)
    x = keras.layers.Bidirectional(keras.layers.LSTM(3))(x)
    keras.Model(ids, keras.layers.Dense(1, activation="sigmoid", name="positive")(x)).export(
        str(folder / "tokens"), verbose=False
    )
    return asked(folder, "tokens", {"ids": np.array([[3, 4, 0], [1, 0, 0]])})


def keras_images(folder: Path, keras: Any) -> list[Case]:
    layers = keras.layers
    image = layers.Input((8, 8, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x))
    x = layers.GlobalAveragePooling2D()(layers.Dropout(0.5)(layers.ReLU(6.0)(x)))
    outputs = {"classes": layers.Dense(5, activation="softmax")(x), "embedding": x}
    keras.Model(image, outputs).export(str(folder / "images"), verbose=False)
    return asked(
        folder,
        "images",
        {"image": np.random.default_rng(1).integers(0, 255, (2, 8, 8, 3)).astype(np.uint8)},
    )


def keras_endpoints(folder: Path, keras: Any) -> list[Case]:
    """An archive with endpoints of its own names, none of which is the default's."""
    encoder = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    decoder = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(4)])
    archive = keras.export.ExportArchive()
    archive.track(encoder)
    archive.track(decoder)
    archive.add_endpoint("encode", encoder.call, [tf.TensorSpec([None, 4], name="vector")])
    archive.add_endpoint("decode", decoder.call, [tf.TensorSpec([None, 2], name="vector")])
    archive.write_out(str(folder / "endpoints"), verbose=False)
    return [
        *asked(folder, "endpoints", {"vector": numbers(2, 4)}, "encode"),
        *asked(folder, "endpoints", {"vector": numbers(2, 2)}, "decode"),
    ]


def keras_saved_plainly(folder: Path, keras: Any) -> list[Case]:
    model = keras.Sequential(
        [keras.layers.Input((5,), name="row"), keras.layers.Dense(1, name="price")]
    )
    call = tf.function(lambda row: {"price": model(row)}, [tf.TensorSpec([1, 5], name="row")])
    module = tf.Module()
    module.model = model
    tf.saved_model.save(module, str(folder / "plainly"), signatures={"price": call})
    return asked(folder, "plainly", {"row": numbers(1, 5)}, "price")


def keras_attention(folder: Path, keras: Any) -> list[Case]:
    layers = keras.layers
    x = layers.Input((6, 8), name="frames")
    mask = layers.Input((6,), dtype="bool", name="valid")
    y = layers.MultiHeadAttention(2, 4)(x, x)
    y = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x + y), mask=mask)
    keras.Model({"frames": x, "valid": mask}, {"pooled": y}).export(
        str(folder / "attention"), verbose=False
    )
    return asked(
        folder,
        "attention",
        {"frames": numbers(2, 6, 8), "valid": np.arange(12).reshape(2, 6) % 5 < 3},
    )


def legacy_functional(folder: Path, keras: Any) -> list[Case]:
    """Keras 2: outputs are keyed by layers, inputs by names that need not be the nodes'."""
    a, b = keras.layers.Input((3,), name="age_group"), keras.layers.Input((2,), name="pay")
    x = keras.layers.Concatenate()([a, b])
    outs = [keras.layers.Dense(1)(x), keras.layers.Dense(2)(x)]
    model = keras.Model([a, b], outs)
    model.compile("adam", "mse")
    model.fit([numbers(4, 3), numbers(4, 2)], [numbers(4, 1), numbers(4, 2)], verbose=0)
    model.save(str(folder / "legacy_functional"), save_format="tf")
    loaded = tf.saved_model.load(str(folder / "legacy_functional"))
    named = loaded.signatures["serving_default"].structured_input_signature[1]
    return asked(folder, "legacy_functional", {k: numbers(2, v.shape[1]) for k, v in named.items()})


def legacy_subclass(folder: Path, keras: Any) -> list[Case]:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = keras.layers.Dense(4, "relu"), keras.layers.Dense(2)
            self.norm = keras.layers.BatchNormalization()

        def call(self, inputs: Any, training: Any = None) -> Any:
            hidden = self.norm(self.one(inputs["a"]), training=training) * inputs["b"]
            return {"hidden": hidden, "logits": self.two(hidden)}

    model = Net()
    feeds = {"a": numbers(2, 3), "b": numbers(2, 1)}
    model.compile("sgd", "mse")
    model.predict(feeds, verbose=0)
    model.save(str(folder / "legacy_subclass"), save_format="tf")
    return asked(folder, "legacy_subclass", feeds)


def legacy_stateful(folder: Path, keras: Any) -> list[Case]:
    model = keras.Sequential(
        [
            keras.layers.GRU(3, return_sequences=True, input_shape=(4, 2)),
            keras.layers.TimeDistributed(keras.layers.Dense(1)),
        ]
    )
    model.save(str(folder / "legacy_stateful"), save_format="tf", include_optimizer=False)
    loaded = tf.saved_model.load(str(folder / "legacy_stateful"))
    key = next(iter(loaded.signatures["serving_default"].structured_input_signature[1]))
    return asked(folder, "legacy_stateful", {key: numbers(2, 4, 2)})


def legacy_export(folder: Path, keras: Any) -> list[Case]:
    image = keras.layers.Input((6, 6, 1), name="digit")
    x = keras.layers.SeparableConv2D(4, 3, activation="swish")(image)
    keras.Model(image, keras.layers.Dense(10, name="scores")(keras.layers.Flatten()(x))).export(
        str(folder / "legacy_export")
    )
    return asked(
        folder,
        "legacy_export",
        {_first(folder / "legacy_export"): numbers(2, 6, 6, 1)},
    )


def _first(path: Path) -> str:
    loaded = tf.saved_model.load(str(path))
    return next(iter(loaded.signatures["serving_default"].structured_input_signature[1]))


def module_trees(folder: Path) -> list[Case]:
    """Arguments in a dict of dicts and a list, results in a tuple."""
    module = tf.Module()
    module.w = tf.Variable(numbers(3, 2))
    spec = tf.TensorSpec([None, 3])

    @tf.function(input_signature=[{"query": spec, "documents": [spec, spec]}])
    def rank(batch: Any) -> Any:
        docs = [each @ module.w for each in batch["documents"]]
        return tuple(tf.reduce_sum(batch["query"] @ module.w * each, 1) for each in docs)

    module.rank = rank
    tf.saved_model.save(module, str(folder / "trees"), signatures=module.rank)
    loaded = tf.saved_model.load(str(folder / "trees")).signatures["serving_default"]
    return asked(folder, "trees", {k: numbers(2, 3) for k in loaded.structured_input_signature[1]})


def module_stateful(folder: Path) -> list[Case]:
    """Steps that are counted, which nobody who runs it once sees."""
    module = tf.Module()
    module.w, module.step = tf.Variable(numbers(3, 2)), tf.Variable(0, dtype=tf.int64)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x")])
    def call(x: Any) -> Any:
        module.step.assign_add(1)
        return {"y": x @ module.w}

    module.call = call
    tf.saved_model.save(module, str(folder / "stateful"), signatures=call)
    return asked(folder, "stateful", {"x": numbers(2, 3)})


def module_text(folder: Path) -> list[Case]:
    """Classes as text, scalar arguments, a Python loop in the graph."""
    module = tf.Module()
    module.w = tf.Variable(numbers(3, 3))
    module.names = tf.constant(["red", "green", "blue"])

    @tf.function(
        input_signature=[tf.TensorSpec([3], name="x"), tf.TensorSpec([], tf.int32, name="times")]
    )
    def call(x: Any, times: Any) -> Any:
        for _ in tf.range(times):
            x = tf.tanh(tf.linalg.matvec(module.w, x))
        return {"x": x, "name": tf.gather(module.names, tf.argmax(x))}

    tf.saved_model.save(module, str(folder / "text"), signatures=call)
    return asked(folder, "text", {"x": numbers(3), "times": np.int32(3)})


def module_branches(folder: Path) -> list[Case]:
    module = tf.Module()
    module.w = tf.Variable(numbers(3, 3))

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 3], name="x"),
            tf.TensorSpec([], tf.bool, name="transpose"),
        ]
    )
    def call(x: Any, transpose: Any) -> Any:
        return {"x": tf.cond(transpose, lambda: x @ tf.transpose(module.w), lambda: x @ module.w)}

    tf.saved_model.save(module, str(folder / "branches"), signatures=call)
    return asked(folder, "branches", {"x": numbers(2, 3), "transpose": np.bool_(True)})


def module_half(folder: Path) -> list[Case]:
    module = tf.Module()
    module.w = tf.Variable(numbers(3, 2).astype(np.float16))

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float16, name="x")])
    def call(x: Any) -> Any:
        return {"y": x @ module.w, "wide": tf.cast(x, tf.float64) * 2}

    module.call = call
    tf.saved_model.save(module, str(folder / "half"), signatures=call)
    return asked(folder, "half", {"x": numbers(2, 3).astype(np.float16)})


def unsigned_module(folder: Path) -> list[Case]:
    """As TF-Hub's modules of TensorFlow 2 that only have `__call__`: no signature at all."""
    module = tf.Module()
    module.w = tf.Variable(numbers(3, 2))
    module.__call__ = tf.function(lambda x: x @ module.w, [tf.TensorSpec([None, 3])])
    tf.saved_model.save(module, str(folder / "unsigned"))
    x = numbers(2, 3)
    return [("unsigned", None, {"x": x}, {"output_0": module.__call__(x).numpy()})]


KERAS = (
    keras_list_inputs, keras_unnamed, keras_nested, keras_tokens, keras_images, keras_endpoints,
    keras_saved_plainly, keras_attention,
)  # fmt: skip
LEGACY = (legacy_functional, legacy_subclass, legacy_stateful, legacy_export)
MODULES = (
    module_trees,
    module_stateful,
    module_text,
    module_branches,
    module_half,
    unsigned_module,
)


def write_all(folder: Path) -> list[Case]:
    import keras
    import tf_keras

    keras.utils.set_random_seed(5)
    cases: list[Case] = []
    for make in KERAS:
        cases += make(folder, keras)
    for make in LEGACY:
        cases += make(folder, tf_keras)
    for make in MODULES:
        cases += make(folder)
    return cases
