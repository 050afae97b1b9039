"""Graphs of version 1 with loops, conditionals, normalization and input pipelines."""

from typing import Any

import numpy as np
import tensorflow as tf

from tests.freeze.programs.building import GraphProgram, control_flow, numbers
from tests.freeze.programs.sessions import v1
from tests.freeze.programs.variable_programs import input_of, variable


def value_of(weights: Any, resource: bool) -> Any:
    """Read a variable where the call stands, by reference where it is one."""
    return weights.read_value() if resource else tf.identity(weights._ref())


def loop(resource: bool, version: int = 1, inside: bool = False) -> GraphProgram:
    """Three times tanh(h W + b); `inside` reads the variables in the body, not before it."""
    x = input_of(None, 4)
    weights, bias = variable("W", [4, 4], resource), variable("b", [4], resource)

    def body(i: Any, h: Any) -> Any:
        w, b = (value_of(each, resource) if inside else each for each in (weights, bias))
        return i + 1, tf.tanh(tf.matmul(h, w) + b)

    with control_flow(version):
        _, h = v1.while_loop(lambda i, h: i < 3, body, [tf.constant(0), x])
    return GraphProgram({x: numbers(5, 4)}, [tf.identity(h, "out")])


def branches(resource: bool, version: int, taken: bool) -> GraphProgram:
    """A product in one branch, a sum in the other."""
    x, chosen = input_of(None, 4), v1.placeholder(tf.bool, [], "chosen")
    weights, bias = variable("W", [4, 4], resource), variable("b", [4], resource)
    with control_flow(version):
        out = v1.cond(
            chosen,
            lambda: tf.matmul(x, value_of(weights, resource)),
            lambda: x + value_of(bias, resource),
        )
    feeds = {x: numbers(5, 4), chosen: np.array(taken)}
    return GraphProgram(feeds, [tf.identity(out, "out")])


def variable_branches(resource: bool, version: int, taken: bool) -> GraphProgram:
    """Each branch returns a variable itself."""
    x, chosen = input_of(None, 4), v1.placeholder(tf.bool, [], "chosen")
    first, second = variable("first", [4], resource), variable("second", [4], resource)
    with control_flow(version):
        out = v1.cond(chosen, lambda: value_of(first, resource), lambda: value_of(second, resource))
    feeds = {x: numbers(5, 4), chosen: np.array(taken)}
    return GraphProgram(feeds, [tf.multiply(x, out, "out")])


def handles(taken: bool) -> GraphProgram:
    """While and If as functions that capture the handles of resource variables."""
    x, chosen = input_of(None, 4), v1.placeholder(tf.bool, [], "chosen")
    weights, bias = variable("W", [4, 4], resource=True), variable("b", [4], resource=True)

    def body(i: Any, h: Any) -> Any:
        h = v1.cond(chosen, lambda: tf.matmul(h, weights), lambda: h + bias)
        return i + 1, tf.tanh(h)

    _, h = v1.while_loop(lambda i, h: i < 3, body, [tf.constant(0), x])
    out = v1.cond(chosen, lambda: h * bias, lambda: tf.matmul(h, weights))
    feeds = {x: numbers(5, 4), chosen: np.array(taken)}
    return GraphProgram(feeds, [tf.identity(out, "out")])


def normalized(resource: bool, version: int) -> GraphProgram:
    """Batch normalization as it was written by hand: the averages move inside the conditional."""
    x = input_of(None, 4)
    training = v1.placeholder_with_default(False, [], "is_training")
    scale, offset = variable("gamma", [4], resource), variable("beta", [4], resource)
    mean = variable("moving_mean", [4], resource, trainable=False)
    deviation = variable("moving_variance", [4], resource, trainable=False)

    def train() -> Any:
        batch_mean, batch_variance = tf.nn.moments(x, [0])
        updates = [
            v1.assign(mean, mean * 0.9 + batch_mean * 0.1),
            v1.assign(deviation, deviation * 0.9 + batch_variance * 0.1),
        ]
        with tf.control_dependencies(updates):
            return tf.identity(batch_mean), tf.identity(batch_variance)

    def infer() -> Any:
        return value_of(mean, resource), value_of(deviation, resource)

    with control_flow(version):
        used_mean, used_variance = v1.cond(training, train, infer)
    out = tf.nn.batch_normalization(x, used_mean, tf.abs(used_variance), offset, scale, 1e-3, "out")
    values = {deviation: numbers(4, seed=5) + 2}
    return GraphProgram({x: numbers(5, 4)}, [out], values=values)


def iterator() -> GraphProgram:
    """The input comes from a dataset; it is fed at the iterator's port."""
    data = tf.data.Dataset.from_tensor_slices(np.zeros([6, 4], np.float32)).batch(2)
    features = v1.data.make_one_shot_iterator(data).get_next()
    out = tf.matmul(features, variable("W", [4, 3], resource=False), name="out")
    return GraphProgram({features: numbers(2, 4)}, [out])


def queue() -> GraphProgram:
    """The input comes from a queue of file names; it is fed behind the dequeuing op."""
    names = v1.train.string_input_producer(["one", "two"], shuffle=False)
    key = names.dequeue(name="key")
    number = tf.strings.to_number(key, name="number")
    out = tf.multiply(number, variable("W", [3], resource=False), name="out")
    return GraphProgram({key: np.array(b"2.5", object)}, [out])
