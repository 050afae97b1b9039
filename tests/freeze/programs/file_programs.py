"""Models whose files are edited by hand, or hold more than one graph."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import function_pb2
from tensorflow.core.protobuf import saved_model_pb2

from tests.freeze.programs.arrays import write_arrays
from tests.freeze.programs.building import numbers
from tests.freeze.programs.sessions import fetch, new_session, v1
from tests.freeze.programs.variable_programs import input_of, variable

SPARSE = "sparse"


def signature(inputs: dict[str, Any], outputs: dict[str, Any]) -> Any:
    build = v1.saved_model.build_tensor_info
    return v1.saved_model.build_signature_def(
        {key: build(tensor) for key, tensor in inputs.items()},
        {key: build(tensor) for key, tensor in outputs.items()},
        "tensorflow/serving/predict",
    )


def several(folder: Path) -> dict[str, Any]:
    """Three MetaGraphs, the first for training; two signatures, one of a sparse input."""
    builder = v1.saved_model.Builder(str(folder / "model"))
    feeds = {"x:0": numbers(2, 3)}
    expected: dict[str, Any] = {}
    for number, tags in enumerate((["train"], ["serve", "eval"], ["serve"])):
        with tf.Graph().as_default() as graph, new_session(graph) as session:
            x = input_of(None, 3)
            entries = v1.sparse_placeholder(tf.float32, [None, 3], "entries")
            weights = variable("W", [3, 4], resource=True)
            out = tf.multiply(tf.matmul(x, weights), 10.0**number, "out")
            thin = tf.sparse.sparse_dense_matmul(entries, weights, name="thin")
            session.run(weights.initializer, {weights.initial_value: numbers(3, 4, seed=1)})
            signatures = {
                "serving_default": signature({"x": x}, {"out": out}),
                SPARSE: signature({"entries": entries}, {"out": thin}),
                "nothing": signature({"x": x}, {}),
            }
            add = builder.add_meta_graph if number else builder.add_meta_graph_and_variables
            arguments = (tags,) if number else (session, tags)
            add(*arguments, signature_def_map=signatures, clear_devices=True)
            expected |= fetch(session, {f"serving_default {' '.join(tags)}": "out"}, feeds)
            if not number:
                parts = {"indices": np.array([[0, 2], [1, 0]]), "values": numbers(2, seed=4)}
                fed = {f"entries/{key}:0": value for key, value in parts.items()}
                fed["entries/shape:0"] = np.array([2, 3])
                expected |= fetch(session, {SPARSE: "thin/SparseTensorDenseMatMul"}, fed)
                feeds |= fed
    builder.save()
    write_arrays(folder / "feeds.npz", feeds)
    write_arrays(folder / "expected.npz", expected)
    return {}


def saved_call(folder: Path, body: Any) -> Any:
    """A SavedModel of one function, ready to be edited: the message and its library's functions."""
    module = tf.Module()
    module.call = tf.function(body, input_signature=[tf.TensorSpec([None, 4], name="x")])
    path = str(folder / "model")
    concrete = module.call.get_concrete_function()
    tf.saved_model.save(module, path, signatures={"serving_default": concrete})
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((folder / "model" / "saved_model.pb").read_bytes())
    return model


def write_model(folder: Path, model: Any) -> None:
    (folder / "model" / "saved_model.pb").write_bytes(model.SerializeToString())


def inner_functions(model: Any) -> list[function_pb2.FunctionDef]:
    """The functions that hold the program, not the ones that only call them."""
    functions = model.meta_graphs[0].graph_def.library.function
    return [each for each in functions if any(node.op == "Unique" for node in each.node_def)]


def unknown_op(folder: Path, listed: bool, outputs: int) -> dict[str, Any]:
    """A function in which an op has a name that nobody knows; its OpDef may come with the model."""

    def body(x: Any) -> Any:
        found = tf.raw_ops.Unique(x=tf.reshape(x, [-1]), name="found")
        return {"y": found.y, "idx": found.idx} if outputs == 2 else {"y": found.y}

    model = saved_call(folder, body)
    for function in inner_functions(model):
        for node in function.node_def:
            if node.op == "Unique":
                node.op = "NobodysUnique"
    if listed:
        definition = model.meta_graphs[0].meta_info_def.stripped_op_list.op.add()
        from tensorflow.python.framework import op_def_registry

        definition.CopyFrom(op_def_registry.get("Unique"))
        definition.name = "NobodysUnique"
    write_model(folder, model)
    return {}


def recursive(folder: Path) -> dict[str, Any]:
    """A function that calls itself, which TensorFlow refuses to write."""

    @tf.function(autograph=False)
    def inner(x: Any) -> Any:
        return tf.raw_ops.Unique(x=tf.reshape(x, [-1])).y

    model = saved_call(folder, lambda x: {"y": inner(x)})
    for function in inner_functions(model):
        for node in function.node_def:
            if node.op == "Reshape":
                node.op = function.signature.name
                del node.input[1:]
                node.attr.clear()
    write_model(folder, model)
    return {}


def deep_calls(folder: Path, depth: int) -> dict[str, Any]:
    """Calls within calls; each level adds one to what the next one gives."""
    graph = tf.Graph()
    with graph.as_default():
        x = input_of(None, 3)
        tf.raw_ops.AddV2(x=x, y=tf.constant(1.0, name="one"), name="out")
    graph_def = graph.as_graph_def()
    nodes = {node.name: node for node in graph_def.node}
    for level in range(depth):
        function = graph_def.library.function.add()
        function.signature.name = f"level_{level}"
        function.signature.input_arg.add(name="v", type=tf.float32.as_datatype_enum)
        function.signature.output_arg.add(name="w", type=tf.float32.as_datatype_enum)
        inner = "v"
        if level < depth - 1:
            call_level(function.node_def.add(), level + 1, "v")
            inner = "call:output:0"
        function.node_def.add().CopyFrom(nodes["one"])
        sum_of = function.node_def.add()
        sum_of.CopyFrom(nodes["out"])
        sum_of.input[:] = [inner, "one:output:0"]
        function.ret["w"] = "out:z:0"
    call_level(graph_def.node.add(), 0, "x")
    (folder / "graph.pb").write_bytes(graph_def.SerializeToString())
    return {}


def call_level(node: Any, level: int, argument: str) -> None:
    node.name, node.op = "call", "PartitionedCall"
    node.input.append(argument)
    for key in ("Tin", "Tout"):
        node.attr[key].list.type.append(tf.float32.as_datatype_enum)
    node.attr["f"].func.name = f"level_{level}"


def large(folder: Path, layers: int, width: int) -> dict[str, Any]:
    """The graph of a deep network; its weights are written by whoever needs them."""
    with tf.Graph().as_default():
        y = input_of(None, width)
        for number in range(layers):
            y = tf.matmul(y, variable(f"w{number:03d}", [width, width], resource=False))
        tf.identity(y, "out")
        v1.train.Saver().export_meta_graph(str(folder / "model.ckpt.meta"))
    return {}
