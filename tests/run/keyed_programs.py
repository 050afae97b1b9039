"""SavedModels of every maker, to be run by their keys.

`python -m tests.run.keyed_programs FOLDER`: of each `NAME/` and `NAME.npz` with what is fed
(`feed:KEY`) and what comes out (`fetch:KEY`).
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.file_programs import signature
from tests.freeze.programs.sessions import tf, v1

RANDOM = np.random.default_rng(8)


def numbers(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).astype(np.float32)


def store(folder: Path, name: str, feeds: dict[str, Any], found: dict[str, Any]) -> None:
    stored = {f"feed:{key}": value for key, value in feeds.items()}
    stored |= {f"fetch:{key}": np.asarray(value) for key, value in found.items()}
    np.savez(folder / f"{name}.npz", **stored)


def store_default(folder: Path, name: str, feeds: dict[str, Any], key: str) -> None:
    loaded = tf.saved_model.load(str(folder / name))
    found = loaded.signatures[key](**{k: tf.constant(value) for k, value in feeds.items()})
    store(folder, name, feeds, {key: value.numpy() for key, value in found.items()})


def keras_sequential(folder: Path) -> None:
    import keras

    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.layers.Input((3,), name="features"), keras.layers.Dense(2)])
    model.export(str(folder / "keras_sequential"), verbose=False)
    store_default(folder, "keras_sequential", {"features": numbers(4, 3)}, "serving_default")


def keras_functional(folder: Path) -> None:
    import keras

    keras.utils.set_random_seed(4)
    left = keras.layers.Input((3,), name="left")
    right = keras.layers.Input((2,), name="right")
    joined = keras.layers.Concatenate()([left, right])
    outputs = {
        "score": keras.layers.Dense(1, name="score")(joined),
        "label": keras.layers.Dense(4, activation="softmax", name="label")(joined),
    }
    model = keras.Model({"left": left, "right": right}, outputs)
    model.export(str(folder / "keras_functional"), verbose=False)
    feeds = {"left": numbers(2, 3), "right": numbers(2, 2)}
    store_default(folder, "keras_functional", feeds, "serving_default")


def two_signatures(folder: Path) -> None:
    """The same key means another tensor in each signature."""
    module = tf.Module()
    module.w = tf.Variable(numbers(3, 3))
    spec = tf.TensorSpec([None, 3], name="x")
    module.embed = tf.function(lambda x: {"vector": tf.tanh(x @ module.w)}, [spec])
    module.classify = tf.function(lambda x: {"score": tf.nn.softmax(x @ module.w)}, [spec])
    made = {"a_embed": module.embed, "serving_default": module.classify}
    tf.saved_model.save(module, str(folder / "two_signatures"), signatures=made)
    x = numbers(2, 3)
    store(
        folder,
        "two_signatures",
        {"x": x},
        {"vector": module.embed(x)["vector"], "score": module.classify(x)["score"]},
    )


def graph_model(folder: Path) -> None:
    """One of TensorFlow 1, whose keys are other words than its nodes, and one crosswise."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 3], "in_a")
        y = v1.placeholder(tf.float32, [None, 3], "in_b")
        w = v1.get_variable("w", [3, 2])
        out = tf.nn.softmax(tf.matmul(x - 2 * y, w), name="prob")
        session.run(v1.global_variables_initializer())
        keys = {"images": x, "in_c": y}
        path = str(folder / "graph_model")
        v1.saved_model.simple_save(session, path, keys, {"scores": out})
        feeds = {"images": numbers(4, 3), "in_c": numbers(4, 3)}
        found = session.run(out, {x: feeds["images"], y: feeds["in_c"]})
    store(folder, "graph_model", feeds, {"scores": found})


def hub_module(folder: Path) -> None:
    """As TF-Hub's first modules: graphs without tags and for training, signatures `default`, …"""
    builder = v1.saved_model.Builder(str(folder / "hub_module"))
    for tags in ([], ["train"]):
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None, 3], "images")
            w = v1.get_variable("w", [3, 2], initializer=v1.ones_initializer())
            out = tf.matmul(x, w, name="out")
            if tags:
                out = tf.nn.dropout(out, 0.5)
            session.run(v1.global_variables_initializer())
            signatures = {
                "default": signature({"images": x}, {"default": out}),
                "image_features": signature({"images": x}, {"features": tf.nn.relu(out)}),
            }
            feeds = {"images": numbers(2, 3)}
            if not tags:
                found = session.run(out, {x: feeds["images"]})
                store(folder, "hub_module", feeds, {"default": found})
                builder.add_meta_graph_and_variables(session, tags, signatures)
            else:
                builder.add_meta_graph(tags, signatures)
    builder.save()


def sparse(folder: Path) -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        entries = v1.sparse_placeholder(tf.float32, [2, 3], "entries")
        out = tf.sparse.to_dense(entries) * 2.0
        builder = v1.saved_model.Builder(str(folder / "sparse"))
        signatures = {"serving_default": signature({"entries": entries}, {"dense": out})}
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.save()
        value = v1.SparseTensorValue([[0, 2], [1, 0]], [1.5, 2.5], [2, 3])
        found = session.run(out, {entries: value})
    feeds = {
        "entries_values": np.array([1.5, 2.5], np.float32),
        "entries_indices": np.array([[0, 2], [1, 0]]),
    }
    store(folder, "sparse", feeds, {"dense": found})


def training_call(folder: Path) -> None:
    """A model of Keras 3 that is exported as it trains, and what it gives when it does not."""
    import keras

    keras.utils.set_random_seed(6)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((4, 4, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(),
            layers.ReLU(), layers.Flatten(), layers.Dropout(0.4), layers.Dense(2),
        ]
    )  # fmt: skip
    x = numbers(3, 4, 4, 3)
    model(x, training=True)
    spec = tf.TensorSpec([None, 4, 4, 3], name="x")
    module = tf.Module()
    module.model = model
    seeded = [each for each in model.layers if hasattr(each, "seed_generator")]
    module.states = [each.seed_generator.state.value for each in seeded]
    module.trains = tf.function(lambda x: {"out": model(x, training=True)}, [spec])
    module.used = tf.function(lambda x: {"out": model(x, training=False)}, [spec])
    for name, call in (("training_call", module.trains), ("used_call", module.used)):
        tf.saved_model.save(module, str(folder / name), signatures=call)
    store_default(folder, "used_call", {"x": x}, "serving_default")


def keras_2(folder: Path) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(3)
    image = tf_keras.layers.Input((4,), name="image")
    score = tf_keras.layers.Dense(2, name="score")(tf_keras.layers.Dropout(0.5)(image))
    model = tf_keras.Model(image, score)
    model.save(str(folder / "keras_2"), save_format="tf")
    store_default(folder, "keras_2", {"image": numbers(2, 4)}, "serving_default")


def main(folder: Path) -> None:
    for make in (keras_sequential, keras_functional, keras_2, two_signatures, training_call):
        make(folder)
    for make in (graph_model, hub_module, sparse):
        make(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
