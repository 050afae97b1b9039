"""The models that are measured, made with real TensorFlow: one matrix a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from benchmarks.data import Dataset

_WIDE = 1024  # from here on a model is one of large matrices, without what training adds


def make(data: Dataset) -> None:
    """Write a model: `.meta` and checkpoint, or a SavedModel."""
    if data.graph == "saved_model":
        _make_saved_model(data)
    elif data.shape[0] >= _WIDE:
        _make_meta(data, _matrices)
    else:
        _make_meta(data, _trained)


def _values(data: Dataset) -> list[np.ndarray]:
    # Small, so that a chain of products of them stays finite.
    rng = np.random.default_rng(data.seed)
    scale = np.float32(1 / np.sqrt(data.shape[0]))
    return [rng.standard_normal(data.shape, dtype=np.float32) * scale for _ in range(data.count)]


def _make_meta(data: Dataset, build) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        variables = build(data)
        session.run(v1.global_variables_initializer())
        for variable, value in zip(variables, _values(data), strict=True):
            variable.load(value, session)
        v1.train.Saver().save(session, data.prefix, write_state=False)


def _matrices(data: Dataset) -> list:
    v1 = tf.compat.v1
    flow = v1.placeholder(tf.float32, [None, data.shape[0]], "x")
    variables = []
    for i in range(data.count):
        with v1.variable_scope(f"layer_{i}"):
            kernel = v1.get_variable(
                "kernel", data.shape, use_resource=False, initializer=v1.zeros_initializer()
            )
            variables.append(kernel)
            flow = tf.tanh(tf.matmul(flow, kernel))
    tf.identity(flow, "out")
    return variables


def _trained(data: Dataset) -> list:
    """A classifier as it is trained: normalised, dropped out, clipped, watched.

    It has a variable in 38 nodes; 313 public graphs have one in 39 (freeze.md §2.1).
    """
    v1 = tf.compat.v1
    flow = v1.placeholder(tf.float32, [None, data.shape[0]], "x")
    labels = v1.placeholder(tf.int64, [None], "y")
    keep = v1.placeholder_with_default(1.0, [], "keep_prob")
    kernels, losses = [], []
    for i in range(data.count):
        with v1.variable_scope(f"layer_{i}"):
            kernel = v1.get_variable("kernel", data.shape, use_resource=False)
            kernels.append(kernel)
            losses.append(1e-4 * tf.nn.l2_loss(kernel))
            mean, variance = tf.nn.moments(tf.matmul(flow, kernel), [0])
            offset = v1.get_variable("offset", data.shape[1], use_resource=False)
            flow = tf.nn.batch_normalization(
                tf.matmul(flow, kernel), mean, variance, offset, None, 1e-3
            )
            v1.summary.histogram("activations", flow)
            v1.summary.scalar("sparsity", tf.nn.zero_fraction(flow))
            flow = v1.nn.dropout(tf.nn.leaky_relu(flow), keep)
    logits = tf.identity(flow, "logits")
    tf.nn.softmax(logits, name="probabilities")
    loss = tf.add_n([v1.losses.sparse_softmax_cross_entropy(labels, logits), *losses])
    v1.summary.scalar("loss", loss)
    optimizer = v1.train.AdamOptimizer()
    gradients, trained = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(gradients, 5.0)
    optimizer.apply_gradients(
        zip(clipped, trained, strict=True), v1.train.get_or_create_global_step()
    )
    return kernels


def _make_saved_model(data: Dataset) -> None:
    class Chain(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernels = [tf.Variable(value) for value in _values(data)]

        @tf.function(input_signature=[tf.TensorSpec([None, data.shape[0]], tf.float32, "x")])
        def __call__(self, x):
            for kernel in self.kernels:
                x = tf.tanh(tf.matmul(x, kernel))
            return {"out": x}

    module = Chain()
    tf.saved_model.save(module, data.prefix, signatures=module.__call__)
