"""Frozen graphs and their checkpoints, written by real TensorFlow into the folder that is named.

`dtypes.pb`: constants of every type and several shapes, in every form that a writer has, some in a
function; `dtypes.json`: what TensorFlow reads them as. `v1/`: a checkpoint and what the session's
freezer makes of it; `v2/`: a SavedModel and what the freezer of functions makes of it.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

v1 = tf.compat.v1
NUMERIC = [
    *("float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "int64", "bool"),
    *("bfloat16", "uint16", "complex128", "float16", "uint32", "uint64"),
    *("float8_e5m2", "float8_e4m3fn", "int4", "uint4"),
]

TYPED = [
    *("float_val", "double_val", "int_val", "int64_val", "bool_val", "half_val"),
    *("scomplex_val", "dcomplex_val", "uint32_val", "uint64_val", "float8_val"),
]


def write(folder: Path) -> None:
    write_dtypes(folder)
    write_v1(folder / "v1")
    write_v2(folder / "v2")


def write_dtypes(folder: Path) -> None:
    graph = v1.GraphDef()
    random = np.random.default_rng(7)

    def add(name: str, tensor, nodes=graph.node) -> None:
        node = nodes.add(name=name, op="Const")
        node.attr["dtype"].type = tensor.dtype
        node.attr["value"].tensor.CopyFrom(tensor)

    for name in NUMERIC:
        dtype = tf.as_dtype(name)
        for shape in [(), (5,), (2, 3), (0,), (1, 1, 2)]:
            values = random.integers(0, 2 if name == "bool" else 7, shape)
            array = np.asarray(values).astype(dtype.as_numpy_dtype)
            label = f"{name}/{'x'.join(map(str, shape)) or 'scalar'}"
            add(label, tf.make_tensor_proto(array, dtype))
            content = tf.make_tensor_proto(array, dtype)
            for field in TYPED:
                content.ClearField(field)
            content.tensor_content = array.tobytes()
            add(f"content/{label}", content)
    strings = np.array([[b"", b"a\0"], [b"\xff\xfe", b"long" * 50]], object)
    add("string/2x2", tf.make_tensor_proto(strings, tf.string))
    add("string/scalar", tf.make_tensor_proto(b"one\0", tf.string))
    few = tf.make_tensor_proto(np.zeros((4, 5), np.float32))
    few.ClearField("tensor_content")
    few.float_val.extend([1.5, 2.5])
    add("few/last_repeated", few)
    one = tf.make_tensor_proto(np.zeros((4, 5), np.float32))
    one.ClearField("tensor_content")
    one.float_val.append(3.5)
    add("few/one_for_all", one)
    function = graph.library.function.add()
    function.signature.name = "body"
    add("inner", tf.make_tensor_proto(np.arange(3, dtype=np.int32)), function.node_def)
    (folder / "dtypes.pb").write_bytes(graph.SerializeToString())
    (folder / "dtypes.pbtxt").write_text(text_format.MessageToString(graph))
    (folder / "dtypes.json").write_text(json.dumps({n.name: digest(n) for n in graph.node}))


def digest(node) -> dict:
    array = tf.make_ndarray(node.attr["value"].tensor)
    sha256 = hashlib.sha256()
    if array.dtype.kind == "O":
        for element in array.reshape(-1).tolist():
            sha256.update(len(element).to_bytes(8, "little") + element)
    else:
        sha256.update(array.tobytes())
    dtype = tf.as_dtype(node.attr["dtype"].type).name
    return {"dtype": dtype, "shape": array.shape, "sha256": sha256.hexdigest()}


def write_v1(folder: Path) -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(1)
        x = v1.placeholder(tf.float32, [None, 4], "x")
        w = v1.get_variable("dense/w", [4, 3])
        b = v1.get_variable("dense/b", [3], initializer=v1.ones_initializer())
        y = tf.nn.softmax(tf.matmul(x, w) + b, name="y")
        loss = tf.reduce_mean(tf.square(y[:, 0]))
        train = v1.train.AdamOptimizer(0.1).minimize(loss)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "model.ckpt-1"))
        frozen = v1.graph_util.convert_variables_to_constants(session, session.graph_def, ["y"])
        (folder / "frozen.pb").write_bytes(frozen.SerializeToString())
        (folder / "unfrozen.pb").write_bytes(session.graph_def.SerializeToString())
        kept = v1.graph_util.convert_variables_to_constants(
            session, session.graph_def, ["y"], variable_names_blacklist=["dense/b"]
        )
        (folder / "partly.pb").write_bytes(kept.SerializeToString())
        session.run(train, {x: np.ones((2, 4), np.float32)})
        later = v1.graph_util.convert_variables_to_constants(session, session.graph_def, ["y"])
        (folder / "later.pb").write_bytes(later.SerializeToString())


def write_v2(folder: Path) -> None:
    class Model(tf.Module):
        def __init__(self) -> None:
            self.kernel = tf.Variable(tf.random.stateless_normal([4, 3], [1, 2]), name="kernel")
            self.bias = tf.Variable(tf.random.stateless_normal([3], [3, 4]), name="bias")
            self.calls = tf.Variable(0, name="calls")

        @tf.function(input_signature=[tf.TensorSpec([None, 4])])
        def __call__(self, x):
            return tf.matmul(x, self.kernel) + self.bias

    model = Model()
    tf.saved_model.save(model, str(folder / "model"))
    frozen = convert_variables_to_constants_v2(model.__call__.get_concrete_function())
    (folder / "frozen.pb").write_bytes(frozen.graph.as_graph_def().SerializeToString())
