"""Programs that normalise in loops, branches and functions, built for training and for use.

As `training_programs`, which builds them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.freeze.programs.sessions import tf, v1
from tests.freeze.programs.training_programs import Program, average_update, build, variable

ROUNDS = 2


def example(*shape: int | None) -> Any:
    return v1.placeholder(tf.float32, list(shape), "x")


class Layer:
    """A batch normalisation over the last of some dimensions; variables are made outside."""

    def __init__(self, channels: int, scope: str = "bn", *, resource: bool = True) -> None:
        with v1.variable_scope(scope):
            self.mean = variable("moving_mean", [channels], resource, trained=False)
            self.variance = variable("moving_variance", [channels], resource, trained=False)
            self.gamma = variable("gamma", [channels], resource)
            self.beta = variable("beta", [channels], resource)

    def update(self, *batch: Any) -> None:
        for average, each in zip((self.mean, self.variance), batch, strict=True):
            average_update(average, each, "subtract")

    def fused(self, x: Any, training: bool) -> Any:
        kept = (None, None) if training else (self.mean, self.variance)
        y, *batch = v1.nn.fused_batch_norm(
            x, self.gamma, self.beta, *kept, is_training=training, epsilon=0.01
        )
        if training:
            self.update(*batch)
        return y

    def moments(self, x: Any, training: bool, *, keepdims: bool) -> Any:
        axes = list(range(len(x.shape) - 1))
        used: Any = self.mean, self.variance
        if training:
            used = tf.nn.moments(x, axes, keepdims=keepdims)
            self.update(*(tf.squeeze(each, axes) if keepdims else each for each in used))
        elif keepdims:
            used = [tf.reshape(each, [1] * len(axes) + [-1]) for each in used]
        return tf.nn.batch_normalization(x, *used, self.beta, self.gamma, 0.01)


def looped(step: Callable[[Layer, Any, bool], Any], shape: list[int | None], **of: Any) -> Program:
    """A program that normalises in each round of a loop."""

    def program(training: bool) -> None:
        layer = Layer(3, **of)
        body = lambda i, y: (i + 1, tf.tanh(step(layer, y, training)))  # noqa: E731
        y = v1.while_loop(lambda i, _: i < ROUNDS, body, [0, example(*shape)])[1]
        tf.identity(y, name="out")

    return program


def in_two_loops(training: bool) -> None:
    """A loop in a loop, one layer in each, the outer one used inside as well."""
    outer, inner = Layer(3, "outer"), Layer(3, "inner", resource=False)

    def deep(i: Any, y: Any) -> Any:
        y = inner.moments(y, training, keepdims=True)
        return i + 1, tf.tanh(outer.fused(y, training))

    def body(i: Any, y: Any) -> Any:
        y = outer.fused(y, training)
        return i + 1, v1.while_loop(lambda j, _: j < ROUNDS, deep, [0, y])[1]

    y = v1.while_loop(lambda i, _: i < ROUNDS, body, [0, example(None, 2, 2, 3)])[1]
    tf.identity(y, name="out")


def in_each_frame(training: bool) -> None:
    """Frames of a film by `map_fn`, dropout after the normalisation."""
    layer = Layer(3)

    def frame(x: Any) -> Any:
        y = layer.fused(tf.expand_dims(x, 0), training)
        return tf.nn.dropout(y, 0.5) if training else y

    tf.identity(tf.map_fn(frame, example(None, 2, 2, 3)), name="out")


def in_a_cell(training: bool) -> None:
    """A recurrent cell that normalises what it adds up, run by `scan`."""
    layer = Layer(4, resource=False)
    w = variable("w", [4, 4], False)

    def cell(h: Any, x: Any) -> Any:
        return tf.tanh(layer.moments(tf.matmul(h, w) + x, training, keepdims=False))

    x = example(3, 5, 4)
    tf.identity(v1.scan(cell, x, tf.zeros([5, 4])), name="out")


def with_functions(program: Program) -> Program:
    """The same with loops and branches that are functions."""

    def made(training: bool) -> None:
        v1.enable_control_flow_v2()
        try:
            program(training)
        finally:
            v1.disable_control_flow_v2()

    return made


def called(training: bool) -> None:
    """A function that is called twice, once by another one."""
    layer = Layer(3)

    @tf.function(autograph=False)
    def normalise(x: Any) -> Any:
        y = tf.tanh(layer.fused(x, training))
        return tf.nn.dropout(y, 0.5) if training else y

    @tf.function(autograph=False)
    def block(x: Any) -> Any:
        return normalise(x) * 2.0 + layer.moments(x, training, keepdims=True)

    tf.identity(normalise(block(example(None, 2, 2, 3))), name="out")


def in_a_branch(training: bool) -> None:
    """A branch that what is fed chooses, with a loop in it."""
    layer = Layer(3)
    x = example(None, 2, 2, 3)
    chosen = tf.reduce_sum(x) > -1e9

    def many() -> Any:
        body = lambda i, y: (i + 1, layer.fused(y, training))  # noqa: E731
        return v1.while_loop(lambda i, _: i < ROUNDS, body, [0, x])[1]

    tf.identity(v1.cond(chosen, many, lambda: x), name="out")


def _fused(layer: Layer, x: Any, training: bool) -> Any:
    return layer.fused(x, training)


def _moments(layer: Layer, x: Any, training: bool) -> Any:
    return layer.moments(x, training, keepdims=False)


def _kept(layer: Layer, x: Any, training: bool) -> Any:
    return layer.moments(x, training, keepdims=True)


LOOPS: dict[str, Program] = {
    "fused": looped(_fused, [None, 2, 2, 3]),
    "fused_reference": looped(_fused, [None, 2, 2, 3], resource=False),
    "moments": looped(_moments, [None, 3]),
    "moments_reference": looped(_moments, [None, 3], resource=False),
    "kept_dimensions": looped(_kept, [None, 4, 3]),
    "in_two_loops": in_two_loops,
    "in_each_frame": in_each_frame,
    "in_a_cell": in_a_cell,
    "in_a_branch": in_a_branch,
}
FUNCTIONS: dict[str, Program] = {
    **{f"functional_{name}": with_functions(LOOPS[name]) for name in (
        "fused", "moments", "kept_dimensions", "in_each_frame", "in_a_branch"
    )},
    "called": called,
}  # fmt: skip


def main(folder: Path) -> None:
    for name, program in {**LOOPS, **FUNCTIONS}.items():
        build(name, program, folder / name)
