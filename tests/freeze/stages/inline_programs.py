"""Graphs whose calls are inlined: nested, repeated, within loops, branches and other functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import function

from tests.freeze.stages.constants_programs import (
    ROWS,
    Built,
    control_flow_v1,
    flag,
    rows,
    variable,
)

v1 = tf.compat.v1
graph_function = tf.function(autograph=False)


def nested_with_captures() -> Built:
    x, w, b = rows(), variable("w", (4, 4), True), variable("b", 4, True)

    @graph_function
    def inner(y: Any) -> Any:
        return tf.matmul(y, w), y

    @graph_function
    def outer(y: Any) -> Any:
        first, same = inner(y)
        second, _ = inner(first + b)
        return second, same, y, tf.constant(4.0)

    second, same, passed, four = outer(x)
    again = outer(second)[0]
    return [second, same, passed, four, again], {x: ROWS}


def deep(levels: int = 200) -> Built:
    """Every level calls the one before."""
    x, b = rows(), variable("b", 4, True)

    def level(below: Any) -> Any:
        return graph_function(lambda y: below(tf.sin(y)) + b)

    call: Any = graph_function(lambda y: y * b)
    for _ in range(levels):
        call = level(call)
        call.get_concrete_function(tf.TensorSpec([None, 4]))  # traced from below
    return [call(x)], {x: ROWS}


def doubling(levels: int) -> Built:
    """Every level calls the one before twice."""
    x = rows()
    call: Any = graph_function(tf.sin)
    for _ in range(levels):
        call = graph_function(lambda y, below=call: below(y) + below(y * 0.5))
    return [call(x)], {x: ROWS}


def lists_of_outputs() -> Built:
    """Outputs of a body that are several by name, or by number, or both."""
    x = rows()

    @graph_function
    def parts(y: Any) -> Any:
        a, b, c, d = tf.split(y, 4, axis=1)
        values, indices = tf.math.top_k(y, 2)
        unique, index, count = tf.unique_with_counts(tf.reshape(tf.cast(y, tf.int32), [-1]))
        e, f = tf.raw_ops.IdentityN(input=[d, indices])
        return b, c, values, f, e, count, index, tf.unstack(tf.transpose(y), num=4)[2], unique, a

    return list(parts(x)), {x: ROWS}


def waiting() -> Built:
    """Control edges into a call and out of it, and a call of nothing else."""
    x, calls = rows(), variable("calls", (), True, tf.int32)

    @graph_function
    def count(y: Any) -> Any:
        calls.assign_add(1)
        return y * 2.0

    @function.Defun(tf.float32, func_name="nothing")
    def nothing(y: Any) -> Any:
        return v1.Print(y, [y])

    with tf.control_dependencies([tf.identity(x) for _ in range(12)]):
        y = count(x) + nothing(x)
    with tf.control_dependencies([nothing(x), y]):
        z = tf.identity(x)
    return [y, z], {x: ROWS}


def called_in_loop() -> Built:
    """A body of constants and an argument, in the rounds of a loop of version 1."""
    x, w = rows(), variable("w", (4, 4), True)

    @graph_function
    def step(y: Any) -> Any:
        return tf.matmul(y, w) + tf.cumsum(tf.constant([1.0, 2.0, 3.0, 4.0]))

    with control_flow_v1():
        _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, step(y)), (0, x))
    return [y], {x: ROWS}


def called_in_branch(taken: bool) -> Built:
    """A result that depends on nothing: only the branch that is taken may give it."""
    x, p = rows(), flag()

    @graph_function
    def constants(y: Any) -> Any:
        del y
        return tf.range(3)

    with control_flow_v1():
        y = tf.cond(p, lambda: constants(x), lambda: tf.constant([7, 8, 9]))
    return [y], {x: ROWS, p: taken}


def loops_of_functions() -> Built:
    """A loop of version 1 inside of a function that is called twice: two loops, not one."""
    x = rows()

    @function.Defun(tf.float32)
    def loop(y: Any) -> Any:
        with control_flow_v1():
            _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 1.5), (0, y))
        return y

    return [loop(x) + loop(x + 1.0)], {x: ROWS}


def by_name_of_operation() -> Built:
    """Calls of version 1: the function is the operation, and its attributes are filled in."""
    x = rows()

    @function.Defun(tf.float32, func_name="scaled")
    def scaled(y: Any) -> Any:
        return y * 3.0, tf.reduce_sum(y)

    @function.Defun(tf.float32, func_name="twice")
    def twice(y: Any) -> Any:
        return scaled(scaled(y)[0])

    return [*twice(x), scaled(x)[1]], {x: ROWS}


def gradients() -> Built:
    """A function with a gradient of its own, and the gradient of a call."""
    x, w = rows(), variable("w", (4, 4), True)

    @tf.custom_gradient
    def squared(y: Any) -> Any:
        return tf.square(y), lambda dy: dy * 100.0

    @graph_function
    def call(y: Any) -> Any:
        return squared(tf.matmul(y, w))

    y = call(x)
    return [y, tf.gradients(y, x)[0]], {x: ROWS}


def functions_that_stay() -> Built:
    """Calls in branches and loops that are functions themselves."""
    x, w, b = rows(), variable("w", (4, 4), True), variable("b", (5, 4), True)

    @graph_function
    def row(i: Any) -> Any:
        return tf.gather(b, i)

    @graph_function
    def step(i: Any, y: Any) -> Any:
        return tf.cond(tf.equal(i % 2, 0), lambda: tf.matmul(y, w), lambda: y + row(i))

    @graph_function
    def whole(y: Any) -> Any:
        start = (tf.constant(0), y)
        return tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, step(i, y)), start)[1]

    branch = v1.placeholder(tf.int32, [], name="branch")
    z = tf.switch_case(branch, [lambda: whole(x), lambda: x + row(0), w.read_value])
    m = tf.map_fn(lambda y: tf.linalg.matvec(w, y) + row(1), x)
    return [whole(x), z, m], {x: ROWS, branch: 2}


def gathers_with_batches() -> Built:
    cube = variable("cube", (2, 4, 3), True)
    at = v1.placeholder(tf.int32, [2, 2], name="at")

    @graph_function
    def take(i: Any) -> Any:
        raw = tf.raw_ops.ResourceGather
        rows = raw(resource=cube.handle, indices=i, batch_dims=1, dtype=tf.float32)
        return rows, tf.raw_ops.VariableShape(input=cube.handle), cube.is_initialized()

    return list(take(at)), {at: np.array([[0, 1], [1, 0]], np.int32)}


def handles_through_functions() -> Built:
    """A function that gives back the handle it is given, and one that chooses."""
    w, b, p = variable("w", (4, 4), True), variable("b", (4, 4), True), flag()

    @function.Defun(tf.resource, func_name="same")
    def same(handle: Any) -> Any:
        return tf.raw_ops.Identity(input=handle)

    @graph_function
    def choose(q: Any) -> Any:
        return tf.cond(q, lambda: tf.identity(w.handle), lambda: tf.identity(b.handle))

    def read(handle: Any) -> Any:
        return tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)

    return [read(same(w.handle)), read(choose(p))], {p: False}


PROGRAMS: dict[str, Callable[[], Built]] = {
    "nested_with_captures": nested_with_captures,
    "deep": deep,
    "doubling": lambda: doubling(4),
    "lists_of_outputs": lists_of_outputs,
    "waiting": waiting,
    "called_in_loop": called_in_loop,
    "called_in_branch_False": lambda: called_in_branch(False),
    "called_in_branch_True": lambda: called_in_branch(True),
    "loops_of_functions": loops_of_functions,
    "by_name_of_operation": by_name_of_operation,
    "gradients": gradients,
    "functions_that_stay": functions_that_stay,
    "gathers_with_batches": gathers_with_batches,
    "handles_through_functions": handles_through_functions,
}
