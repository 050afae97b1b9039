"""One node of every operation, and of what types and shapes TensorFlow says that its outputs are.

Called by `tests.oracle`: TensorFlow is in a process of its own.
"""

from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import node_def_pb2, op_def_pb2
from tensorflow.python.client import pywrap_tf_session

v1 = tf.compat.v1


def all_ops() -> dict[str, Any]:
    ops = op_def_pb2.OpList()
    ops.ParseFromString(bytes(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())))
    return {op.name: op for op in ops.op if not op.name.startswith("__")}


def references() -> dict[str, list[int]]:
    """By operation that takes references, the types of those; 0 where the node says it."""
    return {
        name: kinds
        for name, op in all_ops().items()
        if (kinds := [arg.type for arg in op.input_arg if arg.is_ref])
    }


def scalar(op: str, producer: int) -> list[int] | None:
    """What TensorFlow takes a shape of no dimensions for, in a graph of that producer."""
    graph_def = v1.GraphDef()
    graph_def.versions.producer = producer
    node = graph_def.node.add(name="n", op=op)
    node.attr["dtype"].type = 1
    node.attr["shape"].shape.SetInParent()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        shape = graph.get_tensor_by_name("n:0").shape
    return None if shape.rank is None else shape.as_list()


def build(folder: Path, turn: int, shape: list[int] | None) -> dict[str, Any]:
    """Write a graph with a node of every operation, and say what its outputs are.

    Args:
        folder: Where `ops.pb` is written.
        turn: Which of the types that an attribute may have is taken; attributes that have a default
            are left out in turn 0.
        shape: The shape of every input.

    Returns:
        By operation, the numbers of its outputs' types as its registration has them; and what
        TensorFlow made of the node: None where its shape function refuses these inputs, else type
        and shape (None for an unknown rank) of each output.
    """
    graph, found = v1.GraphDef(), {}
    graph.versions.producer = tf.Graph().as_graph_def().versions.producer
    for name, op in sorted(all_ops().items()):
        values = attributes(op, turn)
        node = node_def_pb2.NodeDef(name=name, op=name)
        for attr in op.attr:
            if turn or not attr.HasField("default_value"):
                node.attr[attr.name].CopyFrom(values[attr.name])
        sources = []
        for kind in kinds(op.input_arg, values):
            sources.append(placeholder(f"{name}/{len(sources)}", kind, shape))
            node.input.append(sources[-1].name)
        graph.node.extend([node, *sources])
        expected = [kind % 100 for kind in kinds(op.output_arg, values)]
        found[name] = (expected, made(name, node, sources))
    (folder / "ops.pb").write_bytes(graph.SerializeToString())
    return found


def placeholder(name: str, kind: int, shape: list[int] | None) -> Any:
    """A source of that type; references come from variables."""
    node = node_def_pb2.NodeDef(name=name, op="VariableV2" if kind > 100 else "Placeholder")
    node.attr["dtype"].type = kind % 100
    node.attr["shape"].shape.CopyFrom(tf.TensorShape(shape).as_proto())
    return node


def made(name: str, node: Any, sources: list[Any]) -> Any:
    graph_def = v1.GraphDef(node=[*sources, node])
    graph_def.versions.producer = tf.Graph().as_graph_def().versions.producer
    with tf.Graph().as_default() as graph:
        try:
            tf.import_graph_def(graph_def, name="")
        except Exception:
            return None
        outputs = graph.get_operation_by_name(name).outputs
        return [
            (
                each.dtype.base_dtype.as_datatype_enum,
                None if each.shape.rank is None else [-1 if d is None else d for d in each.shape],
            )
            for each in outputs
        ]


def kinds(args: Any, values: dict[str, Any]) -> list[int]:
    """The types of all tensors of arguments, as `op_def.proto` has it; references plus 100."""
    found: list[int] = []
    for arg in args:
        if arg.type_list_attr:
            found += values[arg.type_list_attr].list.type
            continue
        kind = arg.type or values[arg.type_attr].type
        count = values[arg.number_attr].i if arg.number_attr else 1
        found += [kind + 100 * arg.is_ref] * count
    return found


def attributes(op: Any, turn: int) -> dict[str, Any]:
    """A value for each attribute."""
    return {attr.name: attribute(attr, i, turn) for i, attr in enumerate(op.attr)}


def attribute(attr: Any, number: int, turn: int) -> Any:
    value = type(attr.default_value)()
    allowed = list(attr.allowed_values.list.type)
    # Attributes of one node differ, so that one cannot stand for another.
    types = allowed or [1, 3, 9, 2, 10, 7, 19]
    if turn == 0 and attr.HasField("default_value"):
        value.CopyFrom(attr.default_value)
    elif attr.type == "type":
        value.type = types[(number + turn) % len(types)]
    elif attr.type == "list(type)":
        value.list.type.extend(types[(number + turn + i) % len(types)] for i in range(2))
    elif attr.HasField("default_value"):
        value.CopyFrom(attr.default_value)
    elif attr.type == "int":
        value.i = max(attr.minimum, 2)
    elif attr.type == "string":
        allowed_words = list(attr.allowed_values.list.s)
        value.s = allowed_words[0] if allowed_words else b"SAME"
    elif attr.type == "shape":
        value.shape.dim.add(size=4)
        value.shape.dim.add(size=5)
    elif attr.type == "list(shape)":
        for size in (6, 7):
            value.list.shape.add().dim.add(size=size)
    elif attr.type == "tensor":
        value.tensor.CopyFrom(tf.make_tensor_proto([1.0]))
    elif attr.type == "list(int)":
        value.list.i.extend([1] * max(attr.minimum, 1))
    elif attr.type == "float":
        value.f = 1.0
    elif attr.type == "func":
        value.func.name = "body"
    elif attr.type == "bool":
        value.b = False
    elif attr.type.startswith("list("):
        value.list.SetInParent()
    return value
