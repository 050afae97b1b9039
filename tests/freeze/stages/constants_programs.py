"""Graphs of version 1: both kinds of variables in every construction that has a constant form."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
Built = tuple[list[Any], dict[Any, Any]]

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4) / 7


@contextlib.contextmanager
def control_flow_v1() -> Iterator[None]:
    """Loops and conditionals as nodes of the graph."""
    v1.disable_control_flow_v2()
    try:
        yield
    finally:
        v1.enable_control_flow_v2()


def variable(name: str, shape: Any, resource: bool, dtype: Any = tf.float32) -> Any:
    zeros = np.zeros(shape, dtype.as_numpy_dtype)
    return v1.Variable(zeros, name=name, use_resource=resource)


def rows() -> Any:
    return v1.placeholder(tf.float32, [None, 4], name="x")


def flag() -> Any:
    return v1.placeholder(tf.bool, [], name="flag")


def dense(resource: bool) -> Built:
    x, w, b = rows(), variable("w", (4, 3), resource), variable("b", 3, resource)
    whole = w.read_value() if resource else w
    return [tf.nn.softmax(tf.matmul(x, w) + b), whole, tf.shape(b)], {x: ROWS}


def loop(resource: bool, version: int) -> Built:
    x, w, b = rows(), variable("w", (4, 4), resource), variable("b", 4, resource)

    def body(i: Any, y: Any) -> Any:
        return i + 1, tf.tanh(tf.matmul(y, w) + b)

    with control_flow_v1() if version == 1 else contextlib.nullcontext():
        _, y = tf.while_loop(lambda i, y: i < 3, body, (0, x))
    return [y], {x: ROWS}


def nested_loops(resource: bool) -> Built:
    x, w, table = rows(), variable("w", (4, 4), resource), variable("table", (5, 4), resource)

    def inner(j: Any, y: Any) -> Any:
        y = tf.cond(tf.equal(j, 1), lambda: tf.matmul(y, w), lambda: y + tf.gather(table, j))
        return j + 1, y

    def outer(i: Any, y: Any) -> Any:
        _, y = tf.while_loop(lambda j, y: j < 3, inner, (0, y))
        return i + 1, tf.tanh(y + table[0])

    with control_flow_v1():
        _, y = tf.while_loop(lambda i, y: i < 2, outer, (0, x))
    return [y], {x: ROWS}


def branches(resource: bool, version: int, taken: bool) -> Built:
    x, w, b, p = rows(), variable("w", (4, 4), resource), variable("b", 4, resource), flag()
    with control_flow_v1() if version == 1 else contextlib.nullcontext():
        y = tf.cond(p, lambda: tf.matmul(x, w), lambda: x + b)
        z = tf.cond(p, lambda: w.read_value() if resource else w, lambda: tf.linalg.diag(b))
    return [y, z], {x: ROWS, p: taken}


def batch_norm(resource: bool, training: bool) -> Built:
    """Moving averages that one branch updates and the other reads."""
    x, p = rows(), flag()
    mean, var = variable("mean", 4, resource), variable("var", 4, resource)

    def train() -> Any:
        m, v = tf.nn.moments(x, [0])
        updates = [
            v1.assign_sub(mean, (mean - m) * 0.1),
            v1.assign_sub(var, (var - v) * 0.1),
        ]
        with tf.control_dependencies(updates):
            return tf.identity(m), tf.identity(v)

    with control_flow_v1():
        m, v = tf.cond(p, train, lambda: (tf.identity(mean), tf.identity(var)))
    return [(x - m) / tf.sqrt(tf.abs(v) + 0.1)], {x: ROWS, p: training}


def constant_after_update(resource: bool, taken: bool) -> Built:
    """Branches of constants, one of which has nothing but a write to wait for."""
    p, w = flag(), variable("w", 3, resource)

    def written() -> Any:
        with tf.control_dependencies([v1.assign_add(w, [1.0, 2.0, 3.0])]):
            return tf.constant(1.0)

    with control_flow_v1():
        y = tf.cond(p, written, lambda: tf.constant(2.0))
    return [y], {p: taken}


def counter_in_loop(resource: bool) -> Built:
    """A write in every round, which constants of the round wait for."""
    x, calls = rows(), variable("calls", (), resource, tf.int32)

    def body(i: Any, y: Any) -> Any:
        with tf.control_dependencies([v1.assign_add(calls, 1)]):
            return i + 1, y * tf.constant(1.5)

    with control_flow_v1():
        _, y = tf.while_loop(lambda i, y: i < 3, body, (0, x))
    return [y], {x: ROWS}


def counter_in_function(taken: bool) -> Built:
    """Writes in the rounds of a loop and in a branch, both functions; what waits for them stays."""
    x, w, calls = rows(), variable("w", (4, 4), True), variable("calls", (), True, tf.int32)
    p = flag()

    def body(i: Any, y: Any) -> Any:
        calls.assign_add(1)
        y = tf.cond(p, lambda: counted(y), lambda: y + w[0])
        with tf.control_dependencies([tf.group(calls.assign_sub(2))]):
            return i + 1, tf.identity(y) * tf.constant(1.5)

    def counted(y: Any) -> Any:
        calls.assign_add(3)
        return tf.matmul(y, w)

    @tf.function(autograph=False)
    def whole(y: Any) -> Any:
        return tf.while_loop(lambda i, y: i < 3, body, (tf.constant(0), y))[1]

    return [whole(x)], {x: ROWS, p: taken}


def group_of_updates(resource: bool) -> Built:
    x, w, m = rows(), variable("w", (4, 2), resource), variable("m", (4, 2), resource)
    update = v1.assign(m, m * 0.9 + w * 0.1)
    with tf.control_dependencies([tf.group(update, v1.assign_add(m, tf.ones((4, 2))))]):
        y = tf.matmul(x, w)
    return [y], {x: ROWS}


def gathers(resource: bool) -> Built:
    """Also a constant that has the name which the gather's axis would get."""
    table, cube = variable("table", (6, 3), resource), variable("cube", (2, 4, 3), resource)
    tf.constant(2, name="rows/axis")
    at = v1.placeholder(tf.int32, [2, 2], name="at")
    taken = tf.constant(5.0, name="rows/axis_1")
    if resource:
        raw = tf.raw_ops.ResourceGather
        first = raw(resource=table.handle, indices=at, dtype=tf.float32, name="rows")
        second = raw(resource=cube.handle, indices=at, batch_dims=1, dtype=tf.float32)
        third = tf.raw_ops.ResourceGatherNd(resource=cube.handle, indices=at, dtype=tf.float32)
    else:
        first, second = tf.gather(table, at, name="rows"), tf.gather(cube, at, batch_dims=1)
        third = tf.gather_nd(cube, at)
    return [first * taken, second, third], {at: np.array([[0, 1], [1, 0]], np.int32)}


def gather_in_loop(resource: bool) -> Built:
    table = variable("table", (6, 3), resource)

    def body(i: Any, y: Any) -> Any:
        return i + 1, y + tf.gather(table, [i, i + 1])

    with control_flow_v1():
        _, y = tf.while_loop(lambda i, y: i < 3, body, (0, tf.zeros((2, 3))))
    return [y], {}


def facts(resource: bool) -> Built:
    """What is asked of a variable without its value."""
    w = variable("w", (4, 3), resource)
    asked = [v1.is_variable_initialized(w), tf.shape(w, out_type=tf.int64), tf.size(w)]
    if resource:
        asked.append(tf.raw_ops.VariableShape(input=w.handle, out_type=tf.int64))
        with tf.control_dependencies([tf.raw_ops.DisableCopyOnRead(resource=w.handle)]):
            asked.append(tf.constant(3))
    return [tf.identity(each) for each in asked], {}


def facts_in_branch(resource: bool, taken: bool) -> Built:
    p, w = flag(), variable("w", (4, 3), resource)
    with control_flow_v1():
        y = tf.cond(p, lambda: v1.is_variable_initialized(w), lambda: tf.constant(False))
    return [y], {p: taken}


def initialized_value(resource: bool) -> Built:
    with control_flow_v1():
        w = variable("w", 3, resource)
        known = v1.is_variable_initialized(w)
        return [tf.cond(known, w.read_value, lambda: w.initial_value) * 2], {}


def read_after_update(resource: bool) -> Built:
    """Only the name of the warning is tested: what is computed is another thing."""
    w = variable("w", 3, resource)
    with tf.control_dependencies([v1.assign_add(w, [1.0, 1.0, 1.0])]):
        y = tf.identity(w.read_value()) * 2
    return [y], {}


def written_on_the_way(kind: str) -> Built:
    w = variable("w", 3, kind == "resource")
    if kind == "count":
        n = variable("n", (), True, tf.int32)
        return [tf.raw_ops.ResourceCountUpTo(resource=n.handle, limit=9, T=tf.int32) + 1], {}
    return [tf.identity(v1.assign_add(w, [1.0, 1.0, 1.0])) * 2], {}


def generator() -> Built:
    state = variable("state", 3, True, tf.int64)
    algorithm = tf.constant(1, tf.int64)
    return [
        tf.raw_ops.StatefulUniform(
            resource=state.handle, algorithm=algorithm, shape=[2], dtype=tf.float32
        )
    ], {}


def scattered(resource: bool) -> Built:
    x, w, v = rows(), variable("w", (5, 2), resource), variable("v", (5, 2), resource)
    update = v1.scatter_add(w, [0, 1], tf.ones((2, 2)))
    momentum = v1.train.MomentumOptimizer(0.1, 0.9).minimize(tf.reduce_sum(w * v))
    with tf.control_dependencies([update, momentum]):
        y = x + 1.0
    return [y], {x: ROWS}


def both_kinds_of_flow() -> Built:
    """Handles through loops and branches within functions within loops."""
    x, w, b = rows(), variable("w", (4, 4), True), variable("b", 4, True)

    @tf.function(autograph=False)
    def step(i: Any, y: Any) -> Any:
        return tf.cond(tf.equal(i % 2, 0), lambda: tf.matmul(y, w), lambda: y + b)

    start = (tf.constant(0), x)
    _, y = tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, step(i, y)), start)
    branch = v1.placeholder(tf.int32, [], name="branch")
    z = tf.switch_case(branch, [lambda: y + b, lambda: w.read_value(), lambda: w * 2.0])
    m = tf.map_fn(lambda row: tf.linalg.matvec(w, row) + b, y)
    return [y, z, m], {x: ROWS, branch: 1}


PROGRAMS: dict[str, Callable[[], Built]] = {
    "both_kinds_of_flow": both_kinds_of_flow,
    "written_on_the_way_ref": functools.partial(written_on_the_way, "ref"),
    "written_on_the_way_count": functools.partial(written_on_the_way, "count"),
    "generator": generator,
    "counter_in_function_False": functools.partial(counter_in_function, False),
    "counter_in_function_True": functools.partial(counter_in_function, True),
}
for kind in ("ref", "resource"):
    is_resource = kind == "resource"
    for each in (
        dense,
        nested_loops,
        counter_in_loop,
        group_of_updates,
        gathers,
        gather_in_loop,
        facts,
        initialized_value,
        read_after_update,
        scattered,
    ):
        PROGRAMS[f"{each.__name__}_{kind}"] = functools.partial(each, is_resource)
    for taken in (False, True):
        for each in (batch_norm, constant_after_update, facts_in_branch):
            PROGRAMS[f"{each.__name__}_{kind}_{taken}"] = functools.partial(
                each, is_resource, taken
            )
        for version in (1, 2):
            PROGRAMS[f"branches_{kind}_v{version}_{taken}"] = functools.partial(
                branches, is_resource, version, taken
            )
    for version in (1, 2):
        PROGRAMS[f"loop_{kind}_v{version}"] = functools.partial(loop, is_resource, version)
