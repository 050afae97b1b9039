"""More programs built for training and for use: other arithmetic of statistics, dropout, switches.

As `training_programs`, which builds them.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"

from tests.freeze.programs.sessions import tf, v1
from tests.freeze.programs.training_programs import Program, average_update, build, variable


def example(*shape: int | None) -> Any:
    return v1.placeholder(tf.float32, list(shape), "x")


# --- statistics -----------------------------------------------------------------------------------


def normalised(statistics: Callable[[Any], tuple[Any, Any]], form: str = "assign") -> Program:
    """A program that normalises by what is made of the batch."""

    def program(training: bool) -> None:
        x = example(None, 6)
        kept = [variable(each, [6], form != "assign", trained=False) for each in ("mean", "var")]
        used: Any = kept
        if training:
            used = statistics(x)
            for average, batch in zip(kept, used, strict=True):
                v1.add_to_collection("update_ops", average_update(average, batch, form))
        tf.tanh((x - used[0]) / tf.sqrt(used[1] + 1e-3), name="out")

    return program


def squares(x: Any) -> tuple[Any, Any]:
    mean = tf.reduce_mean(x, 0)
    return mean, tf.reduce_mean(tf.square(x), 0) - tf.square(mean)


def sums(x: Any) -> tuple[Any, Any]:
    count = tf.cast(tf.shape(x)[0], tf.float32)
    mean = tf.reduce_sum(x, 0) / count
    return mean, tf.reduce_sum((x - mean) ** 2, 0) / count


def sufficient(x: Any) -> tuple[Any, Any]:
    found: tuple[Any, Any] = tf.nn.normalize_moments(*tf.nn.sufficient_statistics(x, [0]))
    return found


def towers(x: Any) -> tuple[Any, Any]:
    mean = (tf.reduce_mean(x[:1], 0) + tf.reduce_mean(x[1:], 0)) / 2
    return mean, tf.reduce_mean(tf.square(x - mean), 0)


def corrected(training: bool) -> None:
    """The variance that is kept is corrected by a count that only the run knows."""
    x = example(None, 2, 3)
    kept = [variable(each, [3], False, trained=False) for each in ("mean", "var")]
    used: Any = kept
    if training:
        used = tf.nn.moments(x, [0, 1])
        count = tf.cast(tf.size(x) // 3, tf.float32)
        v1.assign(kept[0], 0.9 * kept[0] + 0.1 * used[0])
        v1.assign(kept[1], 0.9 * kept[1] + 0.1 * used[1] * count / (count - 1))
    scale = tf.math.rsqrt(used[1] + 1e-4)
    tf.tanh(x * scale - used[0] * scale, name="out")


def update_in_branch(training: bool) -> None:
    x = example(None, 2, 2, 3)
    gamma, beta = variable("gamma", [3], False), variable("beta", [3], False)
    mean, var = (variable(each, [3], False, trained=False) for each in ("mean", "var"))
    if training:
        y, *batch = v1.nn.fused_batch_norm(x, gamma, beta)
        updates = v1.cond(
            v1.placeholder_with_default(True, [], "update"),
            lambda: [
                average_update(a, b, "subtract") for a, b in zip((mean, var), batch, strict=True)
            ],
            lambda: [tf.identity(mean), tf.identity(var)],
        )
        with tf.control_dependencies(updates):
            y = tf.identity(y)
    else:
        y = v1.nn.fused_batch_norm(x, gamma, beta, mean, var, is_training=False)[0]
    tf.tanh(y, name="out")


def averaged_by_class(training: bool) -> None:
    """Averages in variables that `ExponentialMovingAverage` makes."""
    x = example(None, 6)
    batch = tf.nn.moments(x, [0])
    average = v1.train.ExponentialMovingAverage(0.5)
    update = average.apply(list(batch))
    with tf.control_dependencies([update]):
        used = [tf.identity(each) if training else average.average(each) for each in batch]
    tf.tanh((x - used[0]) / tf.sqrt(used[1] + 1e-3), name="out")


# --- dropout, switches ----------------------------------------------------------------------------


def dropped(drop: Callable[[Any], Any]) -> Program:
    """A program with what drops elements while it trains."""

    def program(training: bool) -> None:
        y = tf.matmul(example(None, 6), variable("w", [6, 6], False))
        tf.nn.softmax(drop(y) if training else y, name="out")

    return program


def mask(y: Any) -> Any:
    return tf.cast(tf.random.uniform(tf.shape(y)) > 0.3, tf.float32)


def keras() -> Any:
    return tf.keras.layers


def noisy(layer: Callable[[], Any], steps: int | None = None) -> Program:
    """A program with a layer of Keras that disturbs what it is given, while it trains."""

    def program(training: bool) -> None:
        y = tf.matmul(example(None, 6), variable("w", [6, 6], False))
        y = y if steps is None else tf.reshape(y, [-1, steps, 6 // steps])
        tf.nn.softmax(layer()(y, training=training), name="out")

    return program


def noise_wanted(training: bool) -> None:
    """A generator: its noise is its input, and stays, whatever is dropped after it."""
    x = example(None, 6)
    noise = v1.random_normal([1, 6], stddev=0.5, seed=3) * 0.0 + v1.random_normal([], stddev=0.0)
    y = tf.matmul(x, variable("w", [6, 6], False)) * tf.exp(noise)
    tf.nn.softmax(keras().GaussianNoise(0.4)(y, training=training), name="out")


# --- statistics that no one variable keeps ----------------------------------------------------


def layer_of_batches(training: bool, **options: Any) -> Any:
    start = v1.random_uniform_initializer(0.5, 1.5, seed=5)
    return v1.layers.batch_normalization(
        example(4, 6), training=training, moving_mean_initializer=start,
        moving_variance_initializer=start, **options,
    )  # fmt: skip


def renormalised(training: bool) -> None:
    """Batch renormalisation: two variables keep each statistic, one to correct by."""
    tf.identity(layer_of_batches(training, renorm=True), name="out")


def ghosts(training: bool) -> None:
    """Statistics of parts of the batch, of which a mean is kept."""
    tf.identity(layer_of_batches(training, virtual_batch_size=2), name="out")


def pooled(training: bool) -> None:
    """A fused normalisation, and a mean over pixels that is none of it."""
    x = example(None, 2, 2, 3)
    gamma, beta = variable("gamma", [3], False), variable("beta", [3], False)
    mean, var = (variable(each, [3], False, trained=False) for each in ("mean", "var"))
    if training:
        y, *batch = v1.nn.fused_batch_norm(x, gamma, beta)
        for a, b in zip((mean, var), batch, strict=True):
            average_update(a, b, "subtract")
    else:
        y = v1.nn.fused_batch_norm(x, gamma, beta, mean, var, is_training=False)[0]
    tf.reduce_mean(y, [1, 2], name="out")


def switched(dtype: Any, name: str) -> Program:
    """A program with noise that a switch turns on."""

    def program(training: bool) -> None:
        y = tf.matmul(example(None, 6), variable("w", [6, 6], False))
        if training:
            on = v1.placeholder(dtype, [], name)
            on = on if dtype == tf.bool else tf.equal(on, 1)
            y = v1.cond(on, lambda: y + tf.random.normal(tf.shape(y)), lambda: tf.identity(y))
        tf.nn.softmax(y, name="out")

    return program


def switched_function(training: bool) -> None:
    """Branches that are functions: the one that trains never runs."""
    x = example(None, 2, 2, 3)
    gamma, beta = variable("gamma", [3], True), variable("beta", [3], True)
    mean, var = (variable(each, [3], True, trained=False) for each in ("mean", "var"))
    on = v1.placeholder(tf.bool, [], "is_training") if training else tf.constant(False)

    def train() -> Any:
        y, *batch = v1.nn.fused_batch_norm(x, gamma, beta)
        updates = [
            average_update(a, b, "subtract") for a, b in zip((mean, var), batch, strict=True)
        ]
        with tf.control_dependencies(updates):
            return tf.nn.dropout(y, 0.5)

    def use() -> Any:
        return v1.nn.fused_batch_norm(x, gamma, beta, mean, var, is_training=False)[0]

    v1.enable_control_flow_v2()
    y = v1.cond(on, train, use)
    v1.disable_control_flow_v2()
    tf.identity(y, name="out")


PROGRAMS: dict[str, Program] = {
    "squares": normalised(squares), "sums": normalised(sums), "towers": normalised(towers),
    "sums_subtracted": normalised(sums, "subtract"),
    "sufficient": normalised(sufficient, "subtract"), "towers_helper": normalised(towers, "helper"),
    "corrected": corrected, "update_in_branch": update_in_branch,
    "averaged_by_class": averaged_by_class,
    "masked_then_scaled": dropped(lambda y: y * mask(y) / 0.7),
    "scaled_mask": dropped(lambda y: (mask(y) / 0.7) * y),
    "selected": dropped(lambda y: tf.where(tf.random.uniform(tf.shape(y)) < 0.7, y / 0.7, 0.0)),
    "noise_added": noisy(lambda: keras().GaussianNoise(0.4)),
    "noise_multiplied": noisy(lambda: keras().GaussianDropout(0.3)),
    "alpha": noisy(lambda: keras().AlphaDropout(0.3)),
    "spatial": noisy(lambda: keras().SpatialDropout1D(0.3), 2),
    "renormalised": renormalised, "ghosts": ghosts, "pooled": pooled,
    "noise_wanted": noise_wanted,
    "switched_number": switched(tf.int32, "learning_phase"),
    "switched_long": switched(tf.int64, "train_phase"),
    "switched_suffix": switched(tf.bool, "inputs/is_training_ph"),
    "switched_function": switched_function,
}  # fmt: skip


def main(folder: Path) -> None:
    for name, program in PROGRAMS.items():
        build(name, program, folder / name)
