"""Graphs of version 1 whose point is how variables are kept, named, saved and sliced."""

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.ops import state_ops

from tests.freeze.programs.building import GraphProgram, numbers
from tests.freeze.programs.sessions import v1


def variable(name: str, shape: list[int], resource: bool, **options: Any) -> Any:
    """A variable of zeros: only what was saved gives the expected numbers."""
    return v1.get_variable(
        name, shape, initializer=v1.zeros_initializer(), use_resource=resource, **options
    )


def input_of(*shape: int | None, name: str = "x") -> Any:
    return v1.placeholder(tf.float32, shape, name)


def affine(x: Any, resource: bool, width: int = 4) -> Any:
    weights = variable("W", [x.shape[-1], width], resource)
    return tf.matmul(x, weights) + variable("b", [width], resource)


def softmax(resource: bool) -> GraphProgram:
    x = input_of(None, 3)
    return GraphProgram({x: numbers(5, 3)}, [tf.nn.softmax(affine(x, resource), name="out")])


def odd_outputs(resource: bool) -> GraphProgram:
    """An input, and what a variable holds, as outputs beside one that is computed."""
    x = input_of(None, 3)
    weights = variable("W", [3], resource)
    itself = weights.value() if resource else weights._ref()
    return GraphProgram({x: numbers(5, 3)}, [x, itself, tf.add(x, weights, "out")])


def first_op() -> GraphProgram:
    """Variables as they were before 1.0: another op, whose shape may be unknown."""
    x = input_of(None, 3)
    raw = state_ops.gen_state_ops
    weights = raw.variable(shape=[3, 4], dtype=tf.float32, name="W")
    bias = raw.variable(shape=[], dtype=tf.float32, name="b")
    filled = [
        v1.assign(weights, numbers(3, 4, seed=1)),
        v1.assign(bias, numbers(4, seed=2), validate_shape=False),
    ]
    out = tf.add(tf.matmul(x, tf.identity(weights)), tf.identity(bias), "out")
    saver = v1.train.Saver({"W": weights, "b": bias}, reshape=False)
    return GraphProgram({x: numbers(5, 3)}, [out], saver, prepare=tf.group(*filled))


def sharded() -> GraphProgram:
    x = input_of(None, 3)
    with tf.device("/cpu:0"):
        weights = variable("W", [3, 4], resource=False)
    with tf.device("/cpu:1"):
        bias = variable("b", [4], resource=True)
    saver = v1.train.Saver(sharded=True)
    return GraphProgram({x: numbers(5, 3)}, [tf.add(tf.matmul(x, weights), bias, "out")], saver)


def first_format() -> GraphProgram:
    x = input_of(None, 3)
    out = tf.identity(affine(x, resource=False), "out")
    saver = v1.train.Saver(write_version=v1.train.SaverDef.V1)
    return GraphProgram({x: numbers(5, 3)}, [out], saver)


def two_savers() -> GraphProgram:
    """The one that wrote the files is named by the SaverDef, and is not the last one made."""
    x = input_of(None, 3)
    out = tf.identity(affine(x, resource=False), "out")
    weights, bias = v1.global_variables()
    saver = v1.train.Saver({"first/kernel": weights, "first/bias": bias})
    v1.train.Saver({"second/kernel": weights, "second/bias": bias})
    return GraphProgram({x: numbers(5, 3)}, [out], saver)


def renamed(resource: bool) -> GraphProgram:
    x = input_of(None, 3)
    out = tf.identity(affine(x, resource), "out")
    weights, bias = v1.global_variables()
    saver = v1.train.Saver({"other/kernel": weights, "other/bias": bias})
    return GraphProgram({x: numbers(5, 3)}, [out], saver)


def swapped(resource: bool) -> GraphProgram:
    """Each of two variables is saved under the other's name."""
    x = input_of(None, 3)
    first, second = variable("first", [3], resource), variable("second", [3], resource)
    saver = v1.train.Saver({"first": second, "second": first})
    return GraphProgram({x: numbers(5, 3)}, [tf.add(x * first, second, "out")], saver)


def averaged(plain_saver: bool) -> GraphProgram:
    x = input_of(None, 3)
    out = tf.identity(affine(x, resource=False), "out")
    average = v1.train.ExponentialMovingAverage(0.9)
    trained = v1.trainable_variables()
    average.apply(trained)
    if not plain_saver:
        saver = v1.train.Saver(average.variables_to_restore())
        return GraphProgram({x: numbers(5, 3)}, [out], saver)
    taken = tf.group(*[v1.assign(each, average.average(each)) for each in trained])
    return GraphProgram({x: numbers(5, 3)}, [out], v1.train.Saver(), afterwards=taken)


def partitioned(resource: bool) -> GraphProgram:
    split = v1.fixed_size_partitioner(3)
    ids = v1.placeholder(tf.int32, [None], "ids")
    table = variable("table", [10, 4], resource, partitioner=split)
    kernel = variable("kernel", [4, 6], resource, partitioner=v1.fixed_size_partitioner(3, axis=1))
    found = v1.nn.embedding_lookup(table, ids, partition_strategy="div", name="found")
    product = tf.matmul(found, tf.convert_to_tensor(kernel), name="product")
    whole = tf.identity(tf.convert_to_tensor(table), "whole")
    return GraphProgram({ids: np.array([0, 9, 4, 4], np.int32)}, [found, product, whole])


# Number by name: format.md §4.2. The types that a variable can have on a processor.
SMALL_TYPES = ("float8_e5m2", "float8_e4m3fn", "int4", "uint4")
TYPES = (
    *("float32", "float64", "int32", "uint8", "int16", "int8", "string", "complex64", "int64"),
    *("bool", "bfloat16", "uint16", "complex128", "float16", "uint32", "uint64"),
    *("qint8", "quint8", "qint32"),
    *SMALL_TYPES,
)
STRINGS = [b"", b"\x00\xffa\x00", "ü".encode()]


def sample(dtype: Any, count: int) -> np.ndarray:
    """Values of a type whose bytes all differ."""
    if dtype == tf.string:
        return np.array(STRINGS[-count:] if count > 1 else STRINGS[1], object)
    values = np.arange(1, count + 1) if count > 1 else np.array(5)
    kind = dtype.as_numpy_dtype
    if dtype.is_complex:
        return (values + 2j * values).astype(kind)
    return values.astype(kind)


def every_type(resource: bool) -> GraphProgram:
    outputs, values = [], {}
    names = TYPES if resource else TYPES[:16]
    for name in names:
        dtype = tf.as_dtype(name)
        for form, count in (("vector", 3), ("scalar", 1)):
            value = sample(dtype, count)
            start = np.zeros_like(value) if dtype != tf.string else np.full_like(value, b"unset")
            each = v1.Variable(
                tf.constant(start, dtype), name=f"{name}_{form}", use_resource=resource
            )
            values[each] = value
            outputs.append(tf.identity(each, f"out_{name}_{form}"))
    empty = variable("empty", [0, 3], resource)
    outputs.append(tf.identity(empty, "out_empty"))
    return GraphProgram({}, outputs, values=values)


def gathers() -> GraphProgram:
    """Gathers of resource variables, and a node that already has the name of a new axis."""
    ids = v1.placeholder(tf.int32, [2, None], "ids")
    table = variable("table", [2, 5, 3], resource=True)
    v1.constant(7, name="plain/axis")
    raw = tf.raw_ops
    taken = {"resource": table.handle, "dtype": tf.float32}
    plain = raw.ResourceGather(indices=ids % 2, name="plain", **taken)
    batch = raw.ResourceGather(indices=ids, batch_dims=1, name="batch", **taken)
    nested = raw.ResourceGatherNd(indices=ids[:, :2] % 2, name="nested", **taken)
    shape = raw.VariableShape(input=table.handle, out_type=tf.int64, name="shape")
    ready = raw.VarIsInitializedOp(resource=table.handle, name="ready")
    old = variable("old", [4, 3], resource=False)
    plainly = tf.gather(old, ids, name="plainly")
    deep = tf.gather_nd(old, ids[:, :1], name="deep")
    known = v1.is_variable_initialized(old)
    outputs = [plain, batch, nested, shape, ready, plainly, deep, known]
    return GraphProgram({ids: np.array([[0, 3, 1], [2, 2, 0]], np.int32)}, outputs)


def odd_handles() -> GraphProgram:
    """A variable of unknown shape, and a handle that is read by an op with a name of its own."""
    x = input_of(None, 3)
    loose = v1.Variable(
        v1.placeholder_with_default(tf.zeros([3, 2]), None), validate_shape=False,
        name="loose", use_resource=False, shape=tf.TensorShape(None),
    )  # fmt: skip
    free = v1.get_variable(
        "free", shape=None, initializer=tf.zeros([2]), use_resource=True, validate_shape=False
    )
    peek = tf.raw_ops.ReadVariableOp(resource=free.handle, dtype=tf.float32, name="peek")
    return GraphProgram({x: numbers(5, 3)}, [tf.add(tf.matmul(x, loose), peek, "out")])


def never_saved() -> GraphProgram:
    x = input_of(None, 3)
    saved = variable("saved", [3], resource=False)
    local = v1.get_variable(
        "local", initializer=tf.constant([1.0, 2.0, 3.0]), use_resource=False, trainable=False,
        collections=[v1.GraphKeys.LOCAL_VARIABLES],
    )  # fmt: skip
    return GraphProgram({x: numbers(5, 3)}, [tf.add(x * saved, local, "out")])


def updated_output() -> GraphProgram:
    x = input_of(3)
    weights = variable("w", [3], resource=False)
    return GraphProgram({x: numbers(3)}, [tf.multiply(v1.assign_add(weights, x), 2.0, "out")])


def placed() -> GraphProgram:
    """Everything has a device, and the kept part is colocated with a part that is not kept."""
    with tf.device("/device:GPU:0"):
        x = input_of(None, 3)
        aside = variable("aside", [3], resource=False)
        with v1.colocate_with(aside.op):
            weights = variable("W", [3, 4], resource=False)
            out = tf.matmul(x, weights, name="out")
    return GraphProgram({x: numbers(5, 3)}, [out])


def text_only() -> GraphProgram:
    built = renamed(resource=False)
    built.text = True
    return built


def constants_only() -> GraphProgram:
    """A graph beside which lies no checkpoint, and that has a variable all the same."""
    x = input_of(None, 3)
    variable("unused", [3], resource=True)
    out = tf.nn.softmax(tf.matmul(x, tf.constant(numbers(3, 4, seed=9))), name="out")
    return GraphProgram({x: numbers(5, 3)}, [out], text=True)
