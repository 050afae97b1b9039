"""Makers of what training leaves behind: tf.train.Checkpoint, Saver and SavedModel directories."""

import itertools
import shutil
import uuid
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import fingerprint_pb2, saved_model_pb2

from tests.golden.fixture import Fixture, pattern

v1 = tf.compat.v1


def spellings(folder: str, base: str, *, meta: bool = False, state: bool = True) -> list[str]:
    """Return the other paths by which a one-shard checkpoint in a folder is known."""
    suffixes = [".index", ".data-00000-of-00001"] + ([".meta"] if meta else [])
    known = [f"{folder}/{base}{suffix}" for suffix in suffixes]
    return known + ([folder, f"{folder}/", f"{folder}/checkpoint"] if state else [])


class Dense(tf.Module):
    """A layer of two variables."""

    def __init__(self, inputs: int, outputs: int, name: str) -> None:
        super().__init__(name=name)
        self.kernel = tf.Variable(floats(name, inputs, outputs), name="kernel")
        self.bias = tf.Variable(floats(name, outputs), name="bias")


class Network(tf.Module):
    """Nested modules, a list, a dict with odd keys, odd dtypes."""

    def __init__(self) -> None:
        super().__init__(name="network")
        self.layers = [Dense(4, 3, "first"), Dense(3, 2, "second")]
        self.heads = {
            key: tf.Variable(float(i), name="head")
            for i, key in enumerate(["a/b", "c.d", ".x", "with space", "größe", "plain"])
        }
        self.mean = tf.Variable(tf.cast([0.5, -1.5], tf.bfloat16), trainable=False)
        self.vocabulary = tf.Variable([b"the", b"", b"cat"], trainable=False)
        self.shared = self.layers[0]


class Epoch(tf.train.experimental.PythonState):
    """Python state, saved as a string."""

    def serialize(self) -> str:
        """Return the saved form."""
        return '{"epoch": 3}'

    def deserialize(self, string_value: str) -> None:
        """Accept any saved form; nothing here restores."""


def floats(seed: str, *shape: int, scale: float = 0.1) -> np.ndarray:
    """Return plausible float32 weights: a sum of twelve bytes each, near normal, exact anywhere."""
    dice = pattern("uint8", (*shape, 12), seed).astype(np.float32).sum(axis=-1)
    return ((dice - np.float32(1530)) / np.float32(256) * np.float32(scale)).astype(np.float32)


def make_manager() -> list[Fixture]:
    """Two saves of a CheckpointManager, with slots, a table, Python state, a random generator."""
    network = Network()
    optimizer = v1.train.AdamOptimizer(0.01)
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    checkpoint = tf.train.Checkpoint(
        network=network,
        optimizer=optimizer,
        table=table,
        epoch=Epoch(),
        random=tf.random.Generator.from_seed(7),
        step=tf.Variable(0, dtype=tf.int64),
    )
    manager = tf.train.CheckpointManager(checkpoint, "objects/manager", max_to_keep=3)
    trained = [network.layers[0].kernel, network.layers[0].bias]
    for _ in range(2):
        gradients = [tf.sign(variable) for variable in trained]
        optimizer.apply_gradients(list(zip(gradients, trained, strict=True)))
        table.insert(tf.constant(["cat"]), tf.constant([41], tf.int64))
        checkpoint.step.assign_add(10)
        manager.save()
    newest, folder = "ckpt-2", "objects/manager"
    return [
        Fixture("objects/manager", f"{folder}/{newest}", spellings=spellings(folder, newest)),
        Fixture("objects/manager older", f"{folder}/ckpt-1"),
    ]


def make_keras() -> list[Fixture]:
    """A Keras 3 model and its optimizer in a tf.train.Checkpoint, by `write`: no state file."""
    model = tf.keras.Sequential(
        [tf.keras.Input((4,)), tf.keras.layers.Dense(3, name="hidden"), tf.keras.layers.Dense(2)]
    )
    optimizer = tf.keras.optimizers.Adam(0.001)
    optimizer.build(model.trainable_variables)
    model.set_weights([floats(f"keras {i}", *w.shape) for i, w in enumerate(model.get_weights())])
    tf.train.Checkpoint(model=model, optimizer=optimizer).write("objects/keras")
    return [Fixture("objects/keras")]


def save_graph(folder: str, steps: list[int], **saver_options: object) -> None:
    """Build a small TF1 graph and save it with a Saver at each step, as a training loop does."""
    Path(folder).mkdir()
    with v1.Graph().as_default():
        with v1.device("/cpu:0"):
            step = v1.train.get_or_create_global_step()
            kernel = v1.get_variable("dense/kernel", initializer=floats(folder, 6, 4))
        with v1.device("/cpu:1"):
            bias = v1.get_variable("dense/bias", initializer=floats(folder, 4))
        with v1.device("/cpu:2"):
            names = v1.get_variable("names", initializer=tf.constant([b"x", b"", b"zz"]))
        saver = v1.train.Saver([step, kernel, bias, names], **saver_options)
        with v1.Session(config=v1.ConfigProto(device_count={"CPU": 3})) as session:
            session.run(v1.global_variables_initializer())
            for number in steps:
                session.run([step.assign(number), kernel.assign_add(tf.ones_like(kernel))])
                saver.save(session, f"{folder}/model.ckpt", global_step=number)
        if folder == "estimator":
            v1.train.write_graph(v1.get_default_graph(), folder, "graph.pbtxt")


def make_savers() -> list[Fixture]:
    """TF1 Saver directories: plain, sharded, V1, moved, and the layout of an Estimator."""
    relative = {"save_relative_paths": True}
    old = {"write_version": v1.train.SaverDef.V1, **relative}
    save_graph("saver", [10, 20], **relative)
    save_graph("saver_sharded", [7], sharded=True, **relative)
    save_graph("saver_v1", [3], **old)
    save_graph("saver_v1_sharded", [3], sharded=True, **old)
    save_graph("estimator", [0, 100], **relative)
    save_graph("moved", [20], **relative)
    home = "/home/someone/runs/7/model.ckpt"
    Path("moved/checkpoint").write_text(
        f'model_checkpoint_path: "{home}-20"\n'
        f'all_model_checkpoint_paths: "{home}-10"\nall_model_checkpoint_paths: "{home}-20"\n'
    )
    base, glob = "model.ckpt", "saver_v1_sharded/model.ckpt-3-?????-of-00003"
    sharded = [f"saver_sharded{x}" for x in ("", "/model.ckpt-7.data-00001-of-00003")]
    estimator = spellings("estimator", f"{base}-100", meta=True)
    moved = spellings("moved", f"{base}-20", meta=True)
    note = "the state file's paths are gone"
    return [
        Fixture("saver", f"saver/{base}-20", spellings=spellings("saver", f"{base}-20", meta=True)),
        Fixture("saver older", f"saver/{base}-10", spellings=[f"saver/{base}-10.meta"]),
        Fixture("saver_sharded", f"saver_sharded/{base}-7", spellings=sharded),
        Fixture("saver_v1", f"saver_v1/{base}-3", spellings=["saver_v1", "saver_v1/checkpoint"]),
        Fixture("saver_v1_sharded", glob, spellings=["saver_v1_sharded"]),
        Fixture("estimator", f"estimator/{base}-100", spellings=estimator),
        Fixture("moved", f"moved/{base}-20", spellings=moved, note=note),
    ]


def make_saved_model() -> list[Fixture]:
    """A SavedModel of two variables."""
    module = tf.Module()
    module.weights = tf.Variable(floats("saved", 3, 2), name="weights")
    module.offset = tf.Variable(floats("offset", 2), name="offset")
    module.apply = tf.function(
        lambda x: x @ module.weights + module.offset,
        input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")],
    )
    folder = "saved_model"
    tf.saved_model.save(module, folder, signatures=module.apply.get_concrete_function())
    shutil.rmtree(f"{folder}/assets")  # always empty; a repository holds no empty folders
    pin_saved_model(Path(folder))
    prefix = f"{folder}/variables/variables"
    inside = spellings(f"{folder}/variables", "variables", state=False)
    return [Fixture("saved_model", prefix, spellings=[folder, f"{folder}/saved_model.pb", *inside])]


def pin_saved_model(folder: Path) -> None:
    """Give a SavedModel the same bytes on every run: map order, and the fingerprint's random id."""
    graph = folder / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(graph.read_bytes())
    graph.write_bytes(message.SerializeToString(deterministic=True))
    file = folder / "fingerprint.pb"
    fingerprint = fingerprint_pb2.FingerprintDef.FromString(file.read_bytes())
    fingerprint.uuid = "0"
    file.write_bytes(fingerprint.SerializeToString(deterministic=True))


def conv(name: str, x: tf.Tensor, outputs: int) -> tf.Tensor:
    """Add a 3×3 convolution, bias, ReLU and pooling."""
    shape = (3, 3, int(x.shape[-1]), outputs)
    kernel = v1.get_variable(f"{name}/kernel", initializer=floats(f"{name}/kernel", *shape))
    bias = v1.get_variable(f"{name}/bias", initializer=floats(f"{name}/bias", outputs))
    x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias))
    return tf.nn.max_pool2d(x, 2, 2, "SAME")


def dense(name: str, x: tf.Tensor, outputs: int) -> tf.Tensor:
    """Add a fully connected layer."""
    shape = (int(x.shape[-1]), outputs)
    kernel = v1.get_variable(f"{name}/kernel", initializer=floats(f"{name}/kernel", *shape))
    bias = v1.get_variable(f"{name}/bias", initializer=floats(f"{name}/bias", outputs))
    return tf.nn.bias_add(tf.matmul(x, kernel), bias)


def make_demo() -> list[Fixture]:
    """A digit classifier with Adam's moments, as `make demo` shows it."""
    Path("demo").mkdir()
    with v1.Graph().as_default():
        x = conv("conv1", v1.placeholder(tf.float32, [None, 28, 28, 1], "image"), 8)
        x = tf.reshape(conv("conv2", x, 16), [-1, 7 * 7 * 16])
        logits = dense("logits", tf.nn.relu(dense("dense", x, 16)), 10)
        tf.nn.softmax(logits, name="probabilities")
        digits = [b"zero", b"one", b"two", b"three", b"four", b"five", b"six", b"seven", b"eight"]
        labels = tf.constant([*digits, b"nine"])
        v1.get_variable("labels", initializer=labels, trainable=False)
        step = v1.train.get_or_create_global_step()
        target = v1.placeholder(tf.int32, [None], "target")
        loss = v1.losses.sparse_softmax_cross_entropy(target, logits)
        optimizer = v1.train.AdamOptimizer(0.001)
        optimizer.minimize(loss, global_step=step)
        slots = {
            optimizer.get_slot(variable, slot): scale
            for variable in v1.trainable_variables()
            for slot, scale in (("m", 1e-3), ("v", 1e-6))
        }
        saver = v1.train.Saver(save_relative_paths=True)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            for slot, scale in slots.items():  # plausible moments, alike on every machine
                values = floats(slot.name, *slot.shape, scale=scale)
                slot.load(values if scale == 1e-3 else np.abs(values), session)
            step.load(2000, session)
            saver.save(session, "demo/model.ckpt", global_step=2000, strip_default_attrs=True)
    base = "model.ckpt-2000"
    return [Fixture("demo", f"demo/{base}", spellings=spellings("demo", base, meta=True))]


def make() -> list[Fixture]:
    """Write all of them into the current directory, with a clock and ids that never differ."""
    clock = itertools.count(1_700_000_000)
    ids = itertools.count()
    with (
        mock.patch("time.time", side_effect=lambda: float(next(clock))),
        mock.patch("uuid.uuid4", side_effect=lambda: uuid.UUID(int=next(ids))),
    ):
        makers = (make_manager, make_keras, make_savers, make_saved_model, make_demo)
        return [fixture for maker in makers for fixture in maker()]
