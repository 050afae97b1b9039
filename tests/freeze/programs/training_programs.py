"""Programs built twice, for training and for use, with the same variables: what each computes.

Of each program the folder gets `model.ckpt` with the graph that trains beside it, and `NAME.npz`
with the feeds and what the graph for use gives. `python -m tests.freeze.programs.training_programs
FOLDER` writes them all.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.arrays import write_arrays
from tests.freeze.programs.sessions import fetch, new_session, tf, v1

RANDOM = np.random.default_rng(11)
MOMENTUM = 0.9


def numbers(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).astype(np.float32)


def variable(
    name: str, shape: list[int], resource: bool, *, trained: bool = True, low: float = 0.5
) -> Any:
    return v1.get_variable(
        name,
        shape,
        initializer=v1.random_uniform_initializer(low, low + 1, seed=len(name)),
        use_resource=resource,
        trainable=trained,
    )


def average_update(average: Any, batch: Any, form: str) -> Any:
    """An update of a moving average, as programs of some years wrote it."""
    rate = 1 - MOMENTUM
    read = average.read_value() if hasattr(average, "read_value") else average
    if form == "subtract":
        return v1.assign_sub(average, (read - batch) * rate)
    if form == "assign":
        return v1.assign(average, read * MOMENTUM + batch * rate)
    if form == "add":
        return v1.assign_add(average, (batch - read) * rate)
    from tensorflow.python.training import moving_averages

    zero_debias = form == "debiased"
    return moving_averages.assign_moving_average(average, batch, MOMENTUM, zero_debias=zero_debias)


# --- batch normalization --------------------------------------------------------------------------


def fused(training: bool, resource: bool, form: str, op: str = "v3", bessel: bool = False) -> None:
    x = v1.placeholder(tf.float32, [None, 4, 4, 3], "x")
    gamma, beta = variable("bn/gamma", [3], resource), variable("bn/beta", [3], resource)
    mean = variable("bn/moving_mean", [3], resource, trained=False)
    variance = variable("bn/moving_variance", [3], resource, trained=False)
    calls = {"v1": tf.raw_ops.FusedBatchNorm, "v2": tf.raw_ops.FusedBatchNormV2}
    calls["v3"] = tf.raw_ops.FusedBatchNormV3
    empty = tf.constant([], tf.float32)
    found = calls[op](
        x=x, scale=gamma, offset=beta, is_training=training, epsilon=0.002,
        mean=empty if training else mean, variance=empty if training else variance,
    )  # fmt: skip
    y, batch_mean, batch_variance = found[:3]
    if training:
        if bessel:
            batch_variance = batch_variance * tf.constant(0.97)
        updates = [
            average_update(mean, batch_mean, form),
            average_update(variance, batch_variance, form),
        ]
        with tf.control_dependencies(updates):
            y = tf.identity(y)
    tf.nn.relu(y, name="out")


def moments(training: bool, resource: bool, form: str, *, keepdims: bool) -> None:
    x = v1.placeholder(tf.float32, [None, 5, 3], "x")
    gamma, beta = variable("bn/gamma", [3], resource), variable("bn/beta", [3], resource)
    mean = variable("bn/moving_mean", [3], resource, trained=False)
    variance = variable("bn/moving_variance", [3], resource, trained=False)
    used: tuple[Any, Any] = (mean, variance)
    if training:
        used = tf.nn.moments(x, [0, 1], keepdims=keepdims)
        flat = [tf.squeeze(each, [0, 1]) if keepdims else each for each in used]
        for average, batch in zip((mean, variance), flat, strict=True):
            v1.add_to_collection("update_ops", average_update(average, batch, form))
    elif keepdims:
        used = (tf.reshape(mean, [1, 1, 3]), tf.reshape(variance, [1, 1, 3]))
    y = tf.nn.batch_normalization(x, *used, beta, gamma, 1e-3)
    tf.tanh(y, name="out")


def layer_norm(training: bool) -> None:
    """Statistics of each example, which nobody averages: they stay."""
    x = v1.placeholder(tf.float32, [None, 6], "x")
    mean, variance = tf.nn.moments(x, [1], keepdims=True)
    y = (x - mean) * tf.math.rsqrt(variance + 1e-5) * variable("ln/gamma", [6], False)
    if training:
        y = v1.nn.dropout(y, rate=0.3)
    tf.identity(y, name="out")


def two_towers(training: bool) -> None:
    """One layer used twice: both uses have an update of the same averages."""
    with v1.variable_scope("net", reuse=v1.AUTO_REUSE):
        outs = []
        for tower in range(2):
            x = v1.placeholder(tf.float32, [None, 2, 2, 3], f"x{tower}")
            mean = variable("moving_mean", [3], True, trained=False)
            variance = variable("moving_variance", [3], True, trained=False)
            gamma, beta = variable("gamma", [3], True), variable("beta", [3], True)
            y, batch_mean, batch_variance = v1.nn.fused_batch_norm(
                x, gamma, beta, None if training else mean, None if training else variance,
                is_training=training,
            )  # fmt: skip
            if training:
                v1.add_to_collection("update_ops", average_update(mean, batch_mean, "helper"))
                v1.add_to_collection(
                    "update_ops", average_update(variance, batch_variance, "helper")
                )
            outs.append(y)
    tf.add(*outs, name="out")


def switched(training: bool, predicate: str) -> None:
    """Both forms in a condition, as layers build them that do not know yet."""
    x = v1.placeholder(tf.float32, [None, 2, 2, 3], "x")
    gamma, beta = variable("gamma", [3], False), variable("beta", [3], False)
    mean = variable("moving_mean", [3], False, trained=False)
    variance = variable("moving_variance", [3], False, trained=False)
    if predicate == "placeholder":
        on = v1.placeholder(tf.bool, [], "is_training") if training else tf.constant(False)
    elif predicate == "default":
        on = v1.placeholder_with_default(training, [], "keras_learning_phase")
    else:
        on = tf.constant(training)

    def train() -> Any:
        y, batch_mean, batch_variance = v1.nn.fused_batch_norm(x, gamma, beta)
        updates = [
            average_update(mean, batch_mean, "subtract"),
            average_update(variance, batch_variance, "subtract"),
        ]
        with tf.control_dependencies(updates):
            return tf.nn.dropout(tf.identity(y), 0.5)

    def use() -> Any:
        return v1.nn.fused_batch_norm(x, gamma, beta, mean, variance, is_training=False)[0]

    tf.identity(v1.cond(on, train, use), name="out")


# --- dropout --------------------------------------------------------------------------------------


def dropout(training: bool, form: str) -> None:
    x = v1.placeholder(tf.float32, [None, 6], "x")
    y = tf.matmul(x, variable("w", [6, 6], True))
    if training:
        if form == "keep_prob":
            y = v1.nn.dropout(y, keep_prob=v1.placeholder(tf.float32, name="keep_prob"))
        elif form == "rate":
            y = v1.nn.dropout(y, rate=0.4)
        elif form == "noise_shape":
            y = tf.nn.dropout(y, 0.4, noise_shape=[1, 6])
        elif form == "stateless":
            y = tf.nn.experimental.stateless_dropout(y, 0.4, seed=[1, 2])
        elif form == "rate_placeholder":
            y = tf.nn.dropout(y, v1.placeholder(tf.float32, [], "dropout"))
        else:  # as TensorFlow built it up to 1.12
            keep = tf.constant(0.75) if form == "floor" else v1.placeholder(tf.float32, name="keep")
            mask = tf.floor(keep + tf.random.uniform(tf.shape(y)))
            y = tf.realdiv(y, keep) * mask
    tf.nn.softmax(y, name="out")


def sampling(training: bool) -> None:
    """Noise that belongs to the model stays, and is told."""
    del training
    x = v1.placeholder(tf.float32, [None, 6], "x")
    noise = tf.random.uniform([6], seed=3)
    mask = tf.cast(noise > 0.5, tf.float32)
    tf.identity(tf.matmul(x, variable("w", [6, 6], True)) * mask, name="out")


# --- values that are written ----------------------------------------------------------------------


def quantized(training: bool, resource: bool) -> None:
    """Ranges that follow the data while a network trains, as contrib.quantize makes them."""
    x = v1.placeholder(tf.float32, [None, 4], "x")
    for layer in range(3):
        x = tf.nn.relu(tf.matmul(x, variable(f"w{layer}", [4, 4], resource)))
        low = variable(f"act{layer}/min", [], resource, trained=False, low=-2.0)
        high = variable(f"act{layer}/max", [], resource, trained=False)
        ends: tuple[Any, Any] = (low, high)
        if training:
            batch = (tf.minimum(tf.reduce_min(x), 0.0), tf.maximum(tf.reduce_max(x), 0.0))
            ends = tuple(
                average_update(each, value, "helper")
                for each, value in zip((low, high), batch, strict=True)
            )
        x = tf.quantization.fake_quant_with_min_max_vars(x, *ends)
    tf.identity(x, name="out")


def spectral(training: bool) -> None:
    """The weight over its largest singular value, by a vector that each step makes better."""
    x = v1.placeholder(tf.float32, [None, 4], "x")
    w, u = variable("w", [4, 5], False), variable("u", [1, 5], False, trained=False)
    used: Any = u
    if training:
        v = tf.math.l2_normalize(tf.matmul(u, w, transpose_b=True))
        used = u.assign(tf.math.l2_normalize(tf.matmul(v, w)))
    v = tf.math.l2_normalize(tf.matmul(used, w, transpose_b=True))
    sigma = tf.matmul(tf.matmul(v, w), used, transpose_b=True)
    tf.matmul(x, w / sigma, name="out")


Program = Callable[[bool], None]
PROGRAMS: dict[str, Program] = {
    **{
        f"fused_{op}_{form}_{kind}": lambda t, a=(kind == "resource", form, op): fused(t, *a)
        for op, form in (
            ("v1", "subtract"), ("v2", "assign"), ("v3", "helper"), ("v3", "add"),
            ("v3", "debiased"),
        )
        for kind in ("ref", "resource")
        if not (form == "debiased" and kind == "resource")
    },
    "fused_bessel": lambda t: fused(t, True, "subtract", bessel=True),
    **{
        f"moments_{form}_{keepdims}_{kind}": lambda t, a=(kind == "resource", form), k=keepdims:
        moments(t, *a, keepdims=k)
        for form in ("subtract", "helper")
        for keepdims in (False, True)
        for kind in ("ref", "resource")
    },
    "layer_norm": layer_norm,
    "two_towers": two_towers,
    **{f"switched_{each}": lambda t, p=each: switched(t, p)
       for each in ("placeholder", "default", "constant")},
    **{f"dropout_{each}": lambda t, form=each: dropout(t, form)
       for each in ("keep_prob", "rate", "noise_shape", "stateless", "rate_placeholder", "floor",
                    "floor_placeholder")},
    "sampling": sampling,
    "quantized_ref": lambda t: quantized(t, False),
    "quantized_resource": lambda t: quantized(t, True),
    "spectral": spectral,
}  # fmt: skip


def build(name: str, program: Program, folder: Path) -> None:
    folder.mkdir()
    v1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph, new_session(graph) as session:
        v1.set_random_seed(5)
        program(True)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "model.ckpt"))
    with tf.Graph().as_default() as graph, new_session(graph) as session:
        program(False)
        v1.train.Saver().restore(session, str(folder / "model.ckpt"))
        feeds = {
            op.outputs[0].name: numbers(*(3 if d is None else d for d in op.outputs[0].shape))
            for op in graph.get_operations()
            if op.type == "Placeholder"
        }
        expected = {} if name == "sampling" else fetch(session, {"out": "out:0"}, feeds)
    write_arrays(folder / "feeds.npz", feeds)
    write_arrays(folder / "expected.npz", expected)


def main(folder: Path) -> None:
    for name, program in PROGRAMS.items():
        build(name, program, folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
