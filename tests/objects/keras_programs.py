"""Programs of real TensorFlow and both Keras that save and restore; `keras.py` calls them."""

import json
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras

v1 = tf.compat.v1

DATA = np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)
TARGETS = np.ones((4, 2), np.float32)


def keras2(optimizer: Any = None) -> Any:
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            layers.Dense(5, name="d1", input_shape=(3,)),
            layers.BatchNormalization(name="bn"),
            layers.Dense(2, name="d2"),
        ]
    )
    if optimizer is not None:
        model.compile(optimizer, "mse")
        model.fit(DATA, TARGETS, verbose=0)
    return model


def keras3(optimizer: Any = None) -> Any:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(5, name="d1"),
            layers.BatchNormalization(name="bn"),
            layers.Dense(2, name="d2"),
        ]
    )
    if optimizer is not None:
        model.compile(optimizer, "mse")
        model.fit(DATA, TARGETS, verbose=0)
    return model


def nested() -> Any:
    layers = tf_keras.layers
    inner = tf_keras.Sequential([layers.Dense(3, input_shape=(4,)), layers.BatchNormalization()])
    start = tf_keras.Input((5,))
    found = layers.Embedding(7, 4)(start)
    found = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(found)
    found = layers.MultiHeadAttention(2, 3)(found, found)
    found = layers.TimeDistributed(inner)(found)
    found = layers.GRU(3)(layers.Dropout(0.5)(found))
    return tf_keras.Model(start, layers.Dense(2)(found))


class Net(tf.Module):
    """Two variables in a module in a module."""

    def __init__(self, fill: float = 0.0) -> None:
        super().__init__()
        self.inner = tf.Module()
        self.inner.kernel = tf.Variable(tf.fill([2, 3], fill), name="kernel")
        self.bias = tf.Variable(tf.fill([3], fill), name="bias")

    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def __call__(self, x: Any) -> Any:
        return x @ self.inner.kernel + self.bias


def tf1_graph(optimizer: bool) -> tuple[Any, Any, Any]:
    graph = tf.Graph()
    with graph.as_default():
        w = v1.get_variable("dense/kernel", initializer=np.float32([[1, 2], [3, 4]]))
        b = v1.get_variable("dense/bias", initializer=np.float32([5, 6]))
        step = v1.train.get_or_create_global_step()
        train = None
        if optimizer:
            loss = v1.reduce_sum(w * w) + v1.reduce_sum(b * b)
            apply = v1.train.AdamOptimizer(0.1).minimize(loss, global_step=step)
            average = tf.train.ExponentialMovingAverage(0.5)
            with tf.control_dependencies([apply]):
                train = average.apply([w, b])
        return graph, train, v1.train.Saver()


class Commands:
    """Commands, each a method."""

    def make(self, folder: str) -> None:
        k2 = tf_keras.optimizers
        for name, optimizer in {
            "k2": k2.Adam(),
            "k2ema": k2.Adam(use_ema=True),
            "k2legacy": k2.legacy.Adam(),
        }.items():
            model = keras2(optimizer)
            checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
            checkpoint.save(f"{folder}/{name}")
            np.savez(f"{folder}/{name}.npz", *model.get_weights())
        model.save_weights(f"{folder}/k2weights")
        for name, three in {
            "k3": keras.optimizers.Adam(),
            "k3ema": keras.optimizers.Adam(use_ema=True, ema_momentum=0.5),
        }.items():
            model = keras3(three)
            tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(f"{folder}/{name}")
            np.savez(f"{folder}/{name}.npz", *model.get_weights())
            if name == "k3ema":
                model.optimizer.finalize_variable_values(model.trainable_variables)
                np.savez(f"{folder}/k3averaged.npz", *model.get_weights())
        for number in (1, 2, 3):
            net = Net(float(number))
            step = tf.Variable(number, dtype=tf.int64)
            tf.train.Checkpoint(net=net, step=step).write(f"{folder}/net{number}")
            tf.saved_model.save(net, f"{folder}/saved{number}")
        graph, train, saver = tf1_graph(optimizer=True)
        with graph.as_default(), v1.Session() as session:
            session.run(v1.global_variables_initializer())
            for _ in range(3):
                session.run(train)
            saver.save(session, f"{folder}/tf1")

    def weights(self, kind: str, path: str) -> list[Any]:
        """Weights of a new model, all of which the checkpoint must hold, and nothing more."""
        model = keras2() if kind == "keras2" else keras3()
        tf.train.Checkpoint(model=model).restore(path).assert_consumed()
        return [each.tolist() for each in model.get_weights()]

    def load_weights(self, path: str) -> list[Any]:
        model = keras2()
        model.load_weights(path).assert_consumed()
        return [each.tolist() for each in model.get_weights()]

    def load_h5(self, kind: str, path: str) -> list[Any]:
        """Weights of a new model that loaded a file of the order of layers."""
        model = keras2() if kind == "keras2" else keras3()
        model.load_weights(path)
        return [each.tolist() for each in model.get_weights()]

    def load_by_objects(self, path: str, widths: list[int], partial: bool) -> Any:
        """Weights of a Keras 3 model that tensorbundle loaded, and its report or error."""
        import tensorbundle as tb

        layers = keras.layers
        first, second = (layers.Dense(n, name=f"other_{n}") for n in widths[:2])
        rest = [layers.Dense(n) for n in widths[2:]]
        model = keras.Sequential(
            [keras.Input((3,)), first, layers.BatchNormalization(), second, *rest]
        )
        before = [each.tolist() for each in model.get_weights()]
        try:
            done = tb.keras.load_weights(model, path, partial=partial)
        except tb.ConversionError as error:
            return {
                "error": str(error),
                "same": before == [w.tolist() for w in model.get_weights()],
            }
        return {
            "weights": [each.tolist() for each in model.get_weights()],
            "report": [done.assigned, done.missing, done.left, done.misshapen],
        }

    def save_nested(self, path: str) -> list[Any]:
        """Save a model of layers within layers; its weights."""
        model = nested()
        model.set_weights([np.full(w.shape, i, w.dtype) for i, w in enumerate(model.get_weights())])
        model.save_weights(path)
        return [each.tolist() for each in model.get_weights()]

    def load_nested(self, path: str) -> list[Any]:
        model = nested()
        model.load_weights(path)
        return [each.tolist() for each in model.get_weights()]

    def net(self, path: str, name: str = "net", step: bool = True) -> list[Any]:
        net, counter = Net(), tf.Variable(0, dtype=tf.int64)
        objects = {name: net} | ({"step": counter} if step else {})
        tf.train.Checkpoint(**objects).read(path).assert_consumed()
        return [net.inner.kernel.numpy().tolist(), net.bias.numpy().tolist(), int(counter)]

    def slots(self, path: str) -> list[Any]:
        """Restore a model and its legacy optimizer, slots and all."""
        model, optimizer = keras2(), tf_keras.optimizers.legacy.Adam()
        status = tf.train.Checkpoint(net=model, optimizer=optimizer).restore(path)
        model.compile(optimizer, "mse")
        optimizer._create_all_weights(model.trainable_variables)
        status.assert_existing_objects_matched().assert_consumed()
        slot = optimizer.get_slot(model.trainable_variables[0], "m")
        return [slot.numpy().tolist()]

    def objects(self, path: str) -> list[Any]:
        """Restore what `tb.save` wrote with objects."""
        inner = tf.Module()
        inner.w, inner.table = tf.Variable([0.0, 0.0]), {"a/b": tf.Variable(0.0)}
        step = tf.Variable(0, dtype=tf.int64)
        tf.train.Checkpoint(model=inner, step=step).read(path).assert_consumed()
        return [inner.w.numpy().tolist(), float(inner.table["a/b"]), int(step)]

    def write_tree(self, path: str, counted: bool = False) -> None:
        checkpoint = tf.train.Checkpoint(
            b=[tf.Variable([1.0, 2.0], name="x"), tf.Variable(3.0, name="y")],
            a={"k/1": tf.Variable(4, name="z", dtype=tf.int64)},
        )
        checkpoint.save(path) if counted else checkpoint.write(path)

    def continue_tree(self, path: str) -> int:
        """Restore what `write_tree` would have written, and save it again: under which number."""
        tree = {"b": [tf.Variable([0.0, 0.0]), tf.Variable(0.0)]}
        tree["a"] = {"k/1": tf.Variable(0, dtype=tf.int64)}
        checkpoint = tf.train.Checkpoint(**tree)
        checkpoint.restore(path).assert_consumed()
        assert tree["a"]["k/1"].numpy() == 4
        return int(checkpoint.save(path).rpartition("-")[2])

    def saver(self, path: str) -> list[Any]:
        """Restore the variables of a TensorFlow 1 program by `Saver`."""
        graph, _, saver = tf1_graph(optimizer=False)
        with graph.as_default(), v1.Session() as session:
            saver.restore(session, path)
            values = session.run({each.op.name: each for each in v1.global_variables()})
            return [values[name] for name in ("dense/kernel", "dense/bias", "global_step")]

    def call_saved_model(self, path: str) -> list[Any]:
        return tf.saved_model.load(path)(np.float32([[1, 1]])).numpy().tolist()

    def tensors(self, path: str) -> dict[str, Any]:
        reader = tf.train.load_checkpoint(path)
        names = reader.get_variable_to_shape_map()
        return {
            name: np.asarray(reader.get_tensor(name)).tolist()
            for name in names
            if not name.startswith("_CHECK")
        }

    def save_part(self, path: str, values: dict[str, Any], slices: dict[str, str]) -> None:
        names = list(values)
        tensors = [np.float32(values[name]) for name in names]
        tf.raw_ops.SaveV2(
            prefix=path,
            tensor_names=names,
            shape_and_slices=[slices.get(name, "") for name in names],
            tensors=tensors,
        )

    def merge(self, prefixes: list[str], target: str) -> None:
        tf.raw_ops.MergeV2Checkpoints(
            checkpoint_prefixes=prefixes, destination_prefix=target, delete_old_dirs=False
        )


def plain(value: Any) -> Any:
    """What JSON can hold, for numpy's arrays and scalars."""
    return np.asarray(value).tolist()


def command(name: str, /, *arguments: Any, **options: Any) -> Any:
    """Run a command; what it gives is as JSON would give it back."""
    result = getattr(Commands(), name)(*arguments, **options)
    return json.loads(json.dumps(result, default=plain))
