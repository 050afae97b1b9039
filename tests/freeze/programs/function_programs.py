"""SavedModels of TensorFlow 2: functions that call functions, and variables they capture."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tests.freeze.programs.building import ModuleProgram, numbers

Floats = tf.TensorSpec([None, 4], tf.float32, name="x")


def saved(module: tf.Module, call: Any, feeds: dict[str, Any], *specs: Any) -> ModuleProgram:
    """A module whose one signature is a function of these specifications."""
    function = tf.function(call, input_signature=specs or (Floats,))

    def write(path: str) -> None:
        module.call = function
        signature = function.get_concrete_function()
        tf.saved_model.save(module, path, signatures={"serving_default": signature})

    return ModuleProgram(write, feeds)


def square(seed: int) -> tf.Variable:
    return tf.Variable(numbers(4, 4, seed=seed), name="square")


def loop_with_captures() -> ModuleProgram:
    module = tf.Module()
    module.w, module.b = square(1), tf.Variable(numbers(4, seed=2))

    def call(x: Any) -> Any:
        i = tf.constant(0)
        while i < 3:
            x, i = tf.tanh(tf.matmul(x, module.w) + module.b), i + 1
        return {"out": x}

    return saved(module, call, {"x": numbers(5, 4)})


def nested() -> ModuleProgram:
    """A loop, in it a conditional, in one branch a call, in it a gather."""
    module = tf.Module()
    module.w, module.table = square(1), tf.Variable(numbers(7, 4, seed=2))

    @tf.function
    def row(i: Any) -> Any:
        return tf.gather(module.table, i)

    def step(i: Any, x: Any) -> Any:
        return tf.cond(i % 2 == 0, lambda: tf.matmul(x, module.w), lambda: x + row(i))

    def call(x: Any) -> Any:
        i = tf.constant(0)
        while i < 4:
            x, i = step(i, x), i + 1
        return {"out": x}

    return saved(module, call, {"x": numbers(5, 4)})


def switch(branch: int) -> ModuleProgram:
    module = tf.Module()
    module.w, module.b = square(1), tf.Variable(numbers(4, seed=2))
    module.counted = tf.Variable(3)

    def call(x: Any, i: Any) -> Any:
        cases: list[Callable[[], Any]] = [
            lambda: tf.matmul(x, module.w),
            lambda: x + module.b,
            lambda: x * tf.cast(module.counted, tf.float32),
        ]
        return {"out": tf.switch_case(i, cases)}

    feeds = {"x": numbers(5, 4), "i": np.array(branch, np.int32)}
    return saved(module, call, feeds, Floats, tf.TensorSpec([], tf.int32, name="i"))


def mapped() -> ModuleProgram:
    module = tf.Module()
    module.w = square(1)

    def call(x: Any) -> Any:
        return {"out": tf.map_fn(lambda row: tf.linalg.matvec(module.w, row), x)}

    return saved(module, call, {"x": numbers(5, 4)})


def returned_variable(taken: bool) -> ModuleProgram:
    """Branches that return what a variable holds."""
    module = tf.Module()
    module.first, module.second = tf.Variable(numbers(4, seed=1)), tf.Variable(numbers(4, seed=2))

    def call(x: Any, chosen: Any) -> Any:
        picked = tf.cond(chosen, module.first.read_value, module.second.read_value)
        return {"out": x * picked, "picked": picked}

    feeds = {"x": numbers(5, 4), "chosen": np.array(taken)}
    return saved(module, call, feeds, Floats, tf.TensorSpec([], tf.bool, name="chosen"))


class Layer(tf.Module):
    def __init__(self, seed: int) -> None:
        super().__init__()
        self.kernel = tf.Variable(numbers(4, 4, seed=seed), name="kernel")

    @tf.function
    def __call__(self, x: Any) -> Any:
        return tf.nn.relu(tf.matmul(x, self.kernel))


def same_names() -> ModuleProgram:
    """Three variables of one name."""
    module = tf.Module()
    module.layers = [Layer(1), Layer(2), Layer(3)]

    def call(x: Any) -> Any:
        for layer in module.layers:
            x = layer(x)
        return {"out": x}

    return saved(module, call, {"x": numbers(5, 4)})


def counting() -> ModuleProgram:
    """Each call is counted, which its result has nothing to do with."""
    module = tf.Module()
    module.w, module.calls = square(1), tf.Variable(0, name="calls")

    def call(x: Any) -> Any:
        module.calls.assign_add(1)
        return {"out": tf.matmul(x, module.w)}

    return saved(module, call, {"x": numbers(5, 4)})


def read_after_update(times: int) -> ModuleProgram:
    """What is counted decides the result; in a loop the counting is a function's."""
    module = tf.Module()
    module.calls = tf.Variable(1.0, name="calls")

    def call(x: Any) -> Any:
        if times == 1:
            module.calls.assign_add(1.0)
        else:
            for _ in tf.range(times):
                module.calls.assign_add(1.0)
        return {"out": x * module.calls}

    return saved(module, call, {"x": numbers(5, 4)})


def generator() -> ModuleProgram:
    """Random numbers whose generator is a variable."""
    module = tf.Module()
    module.w, module.random = square(1), tf.random.Generator.from_seed(1)

    def call(x: Any) -> Any:
        return {"out": tf.matmul(x, module.w) + module.random.normal([4])}

    return saved(module, call, {"x": numbers(5, 4)})


def odd_outputs() -> ModuleProgram:
    """An input, a variable itself, and a function with a gradient of its own as outputs."""
    module = tf.Module()
    module.w = square(1)

    @tf.custom_gradient
    def clipped(x: Any) -> Any:
        return tf.clip_by_value(x, -0.5, 0.5), lambda upstream: upstream

    def call(x: Any) -> Any:
        return {"same": x, "variable": module.w.read_value(), "clipped": clipped(x) @ module.w}

    return saved(module, call, {"x": numbers(5, 4)})
