"""Graphs of real TensorFlow, and what it computes of them, written into the folder that is named.

Of each: `NAME.pb`, frozen, or `NAME/` with a checkpoint or a SavedModel; and `NAME.npz` with the
values of `feed:…` and `fetch:…`.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
RANDOM = np.random.default_rng(3)


def write_all(folder: Path) -> None:
    for make in (dense, conv, loop, condition, gather, several, unknown_rank, default, refused):
        with tf.Graph().as_default(), v1.Session() as session:
            v1.set_random_seed(5)
            feeds, fetches = make()
            write(folder, make.__name__, session, feeds, fetches)
    saved_model(folder)


def write(folder: Path, name: str, session, feeds: dict, fetches: list) -> None:
    session.run(v1.global_variables_initializer())
    if v1.global_variables():
        (folder / name).mkdir()
        v1.train.Saver().save(session, str(folder / name / "model.ckpt"))
    nodes = [fetch.split(":")[0] for fetch in fetches]
    frozen = v1.graph_util.convert_variables_to_constants(session, session.graph_def, nodes)
    (folder / f"{name}.pb").write_bytes(frozen.SerializeToString())
    values = session.run(fetches, feeds)
    stored = {f"feed:{key}": np.asarray(value) for key, value in feeds.items()}
    stored |= {f"fetch:{key}": value for key, value in zip(fetches, values, strict=True)}
    np.savez(folder / f"{name}.npz", **stored)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def dense():
    x = v1.placeholder(tf.float32, [None, 4], "x")
    w = v1.get_variable("dense/w", [4, 3])
    b = v1.get_variable("dense/b", [3], initializer=v1.ones_initializer())
    hidden = tf.nn.bias_add(tf.matmul(x, w), b, name="hidden")
    tf.identity(tf.nn.softmax(hidden), name="y")
    tf.argmax(hidden, 1, name="label")
    return {"x:0": normal(2, 4)}, ["y:0", "hidden:0", "label:0"]


def conv():
    x = v1.placeholder(tf.float32, [None, 8, 8, 2], "x")
    y = tf.nn.conv2d(x, v1.get_variable("k", [3, 3, 2, 4]), 1, "SAME")
    y, _, _ = v1.nn.fused_batch_norm(
        y, v1.get_variable("scale", [4]), v1.get_variable("offset", [4]),
        mean=v1.get_variable("mean", [4]), is_training=False,
        variance=v1.get_variable("variance", [4], initializer=v1.ones_initializer()),
    )  # fmt: skip
    tf.nn.max_pool2d(tf.nn.relu(y), 2, 2, "VALID", name="y")
    return {"x:0": normal(3, 8, 8, 2)}, ["y:0"]


def loop():
    v1.disable_control_flow_v2()
    x = v1.placeholder(tf.float32, [2, 2], "x")
    w = v1.get_variable("w", [2, 2])
    body = lambda i, y: (i + 1, tf.tanh(tf.matmul(y, w)))  # noqa: E731
    _, y = v1.while_loop(lambda i, y: i < 5, body, (0, x))
    tf.identity(y, name="y")
    return {"x:0": normal(2, 2)}, ["y:0"]


def condition():
    v1.disable_control_flow_v2()
    x = v1.placeholder(tf.float32, [3], "x")
    p = v1.placeholder(tf.bool, [], "p")
    w = v1.get_variable("w", [3])
    tf.identity(v1.cond(p, lambda: x * w, lambda: x - w), name="y")
    return {"x:0": normal(3), "p:0": False}, ["y:0"]


def gather():
    ids = v1.placeholder(tf.int32, [None], "ids")
    table = v1.get_variable("table", [10, 4], use_resource=True)
    tf.reduce_sum(tf.nn.embedding_lookup(table, ids), 1, name="y")
    return {"ids:0": np.array([1, 9, 1], np.int32)}, ["y:0"]


def several():
    x = v1.placeholder(tf.float32, [None, 3], "x")
    tf.split(x, [1, 2], axis=1, name="parts")
    tf.nn.top_k(x, 2, name="top")
    return {"x:0": normal(4, 3)}, ["parts:0", "parts:1", "top:0", "top:1"]


def unknown_rank():
    x = v1.placeholder(tf.float32, None, "x")
    tf.reduce_sum(x * 2, name="sum")
    tf.identity(x + 1, name="y")
    return {"x:0": normal(2, 3)}, ["sum:0", "y:0"]


def default():
    keep = v1.placeholder_with_default(tf.constant(0.5), [], "keep")
    tf.multiply(keep, v1.placeholder(tf.float32, [2], "x"), name="y")
    return {"x:0": normal(2)}, ["y:0"]


def refused():
    x = v1.placeholder(tf.float32, [2, 2], "x")
    tf.raw_ops.Erfinv(x=x, name="inverse")
    tf.raw_ops.MatrixDeterminant(input=x, name="determinant")
    tf.add(x, 1, name="y")
    return {"x:0": np.full((2, 2), 0.5, np.float32)}, ["y:0", "inverse:0", "determinant:0"]


def saved_model(folder: Path) -> None:
    class Model(tf.Module):
        def __init__(self) -> None:
            self.w = tf.Variable(normal(4, 3))

        @tf.function(input_signature=[tf.TensorSpec([None, 4], name="features")])
        def __call__(self, features):
            return {"logits": features @ self.w, "total": tf.reduce_sum(features)}

    model = Model()
    signature = model.__call__.get_concrete_function()
    tf.saved_model.save(model, str(folder / "saved_model"), signature)
    x = normal(2, 4)
    found = {f"fetch:{key}": value.numpy() for key, value in model(tf.constant(x)).items()}
    np.savez(folder / "saved_model.npz", **{"feed:features": x}, **found)
