"""Programs that write a state and read it again, in the ways that there are, and what they give.

Of each program the folder gets `NAME/model.ckpt` with its graph, and `feeds.npz` and `expected.npz`
of every step: the values of the states before it, the example, and what came out.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.arrays import write_arrays
from tests.freeze.programs.sessions import new_session, tf, v1

RANDOM = np.random.default_rng(8)
STEPS = 3


def state(name: str, shape: list[int], resource: bool) -> Any:
    start = v1.random_normal_initializer(seed=len(name))
    return v1.get_variable(name, shape, initializer=start, use_resource=resource, trainable=False)


def example(*shape: int | None) -> Any:
    return v1.placeholder(tf.float32, list(shape), "x")


def read_after(write: Any, variable: Any) -> Any:
    with tf.control_dependencies([write]):
        return variable.read_value()


def shifted(resource: bool) -> None:
    """A buffer whose written value is wanted itself."""
    x, rows = example(1, 3), state("rows", [4, 3], resource)
    written = rows.assign(tf.concat([rows[1:], x], 0))
    tf.tanh(tf.matmul(written, state("w", [3, 3], resource)), name="out")


def read_again(resource: bool) -> None:
    x, h = example(1, 3), state("h", [1, 3], resource)
    new = tf.tanh(tf.concat([x, h], 1) @ state("w", [6, 3], resource))
    tf.nn.softmax(read_after(h.assign(0.5 * h + 0.5 * new), h), name="out")


def alias(resource: bool) -> None:
    """The read that was made before the write, used after it."""
    x, h = example(1, 3), state("h", [1, 3], resource)
    with tf.control_dependencies([h.assign(tf.tanh(x + h))]):
        tf.multiply(h, 2.0, name="out")


def one_row(resource: bool) -> None:
    x, rows = example(1, 3), state("rows", [4, 3], resource)
    y = read_after(v1.scatter_update(rows, [1], x), rows)
    tf.tanh(y @ state("w", [3, 3], resource), name="out")


def rows_added(resource: bool) -> None:
    x, rows = example(2, 3), state("rows", [4, 3], resource)
    tf.tanh(read_after(v1.scatter_add(rows, [1, 3], x), rows), name="out")


def elements(resource: bool) -> None:
    x, rows = example(2), state("rows", [4, 3], resource)
    tf.tanh(read_after(v1.scatter_nd_update(rows, [[1, 2], [3, 0]], x), rows), name="out")


def a_range(resource: bool) -> None:
    x, rows = example(1, 3), state("rows", [4, 3], resource)
    tf.tanh(tf.convert_to_tensor(rows[0:1].assign(x)), name="out")


def twice(resource: bool) -> None:
    x, h = example(1, 3), state("h", [1, 3], resource)
    first = h.assign(tf.tanh(x + h))
    with tf.control_dependencies([first]):
        second = h.assign(h.read_value() * 2.0 + x)
    tf.identity(read_after(second, h), name="out")


def between(resource: bool) -> None:
    x, h = example(1, 3), state("h", [1, 3], resource)
    y = read_after(h.assign_add(x), h) * 2.0
    tf.add(y, read_after(h.assign_sub(y), h), name="out")


def gathered(resource: bool) -> None:
    x, rows = example(1, 3), state("rows", [4, 3], resource)
    with tf.control_dependencies([rows.assign(tf.concat([rows[1:], x], 0))]):
        tf.tanh(tf.gather(rows, [0, 3]), name="out")


def counted(resource: bool) -> None:
    x, n, mean = example(1, 3), state("n", [], resource), state("mean", [1, 3], resource)
    tf.identity(mean.assign_add((x - mean) / n.assign_add(1.0)), name="out")


def branch_before(resource: bool) -> None:
    """A branch that only reads, before the write."""
    x, h = example(1, 3), state("h", [1, 3], resource)
    reset = v1.placeholder_with_default(False, [], "reset")
    before = v1.cond(reset, lambda: tf.zeros([1, 3]), lambda: tf.identity(h))
    tf.identity(read_after(h.assign(tf.tanh(x + before)), h), name="out")


def in_function(resource: bool) -> None:
    x, h = example(1, 3), state("h", [1, 3], True)
    del resource

    @tf.function(autograph=False)
    def step(x: Any) -> Any:
        h.assign(tf.tanh(x + h))
        h.assign_add(x)
        return h.read_value() * 2.0

    tf.identity(step(x), name="out")


def in_branch(resource: bool) -> None:
    """A write that happens or not: what is read afterwards has no form as a value."""
    x, h = example(1, 3), state("h", [1, 3], resource)
    go = v1.placeholder_with_default(True, [], "go")
    write = v1.cond(go, lambda: tf.group(v1.assign(h, x)), tf.no_op)
    tf.identity(read_after(write, h), name="out")


def in_loop(resource: bool) -> None:
    x, h = example(2, 1, 3), state("h", [1, 3], True)
    del resource

    @tf.function(autograph=False)
    def steps(x: Any) -> Any:
        tf.while_loop(
            lambda i: i < 2, lambda i: (i + tf.cast(h.assign(x[i])[0, 0] > -9, tf.int32),), [0]
        )
        return h.read_value()

    tf.identity(steps(x), name="out")


STATES = {
    shifted: ["rows"], read_again: ["h"], alias: ["h"], one_row: ["rows"], rows_added: ["rows"],
    elements: ["rows"], a_range: ["rows"], twice: ["h"], between: ["h"], gathered: ["rows"],
    counted: ["n", "mean"], branch_before: ["h"], in_function: ["h"],
}  # fmt: skip
REFUSED = {in_branch: ["h"], in_loop: ["h"]}
KINDS = ("ref", "resource")


def build(program: Callable[[bool], None], names: list[str], kind: str, folder: Path) -> None:
    folder.mkdir()
    with tf.Graph().as_default() as graph, new_session(graph) as session:
        v1.set_random_seed(3)
        program(kind == "resource")
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "model.ckpt"))
        states = {each.op.name: each for each in v1.global_variables() if each.op.name in names}
        feeds, expected = {}, {}
        shape = graph.get_tensor_by_name("x:0").shape
        for step in range(STEPS):
            for name, variable in states.items():
                feeds[f"{name}{step}"] = session.run(variable)
            feeds[f"x{step}"] = RANDOM.standard_normal(shape).astype(np.float32)
            expected[f"out{step}"] = session.run("out:0", {"x:0": feeds[f"x{step}"]})
    write_arrays(folder / "feeds.npz", feeds)
    write_arrays(folder / "expected.npz", expected)


def main(folder: Path) -> None:
    v1.disable_control_flow_v2()
    for program, names in (STATES | REFUSED).items():
        for kind in KINDS:
            if not (program is in_branch and kind == "ref"):
                build(program, names, kind, folder / f"{program.__name__}_{kind}")
