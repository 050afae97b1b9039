"""What TensorFlow's own messages say of a graph, in the form of `expected_facts.py`."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, graph_pb2, tensor_pb2, variable_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

MESSAGES = {
    "graph": graph_pb2.GraphDef,
    "meta": meta_graph_pb2.MetaGraphDef,
    "saved_model": saved_model_pb2.SavedModel,
}
WITHOUT_VALUES = (0, 20, 21)  # invalid, resource, variant
UNWRITTEN = (26, 27, 28, 33)  # types that TensorFlow's Python writer refuses


def read(kind: str, path: str) -> Any:
    return MESSAGES[kind].FromString(Path(path).read_bytes())


def describe(kind: str, path: str) -> list[Any]:
    """All facts of each graph in a file."""
    message = read(kind, path)
    if kind == "graph":
        facts = [graph_facts(message)]
    else:
        metas = [message] if kind == "meta" else message.meta_graphs
        facts = [meta_facts(each) for each in metas]
    return json.loads(json.dumps(facts))


def compare(kind: str, path: str, other: str) -> bool:
    """Whether two files hold the same message; floats that are not numbers are equal by bits."""
    one, two = (read(kind, each).SerializeToString(deterministic=True) for each in (path, other))
    return one == two


def graph_facts(graph: Any) -> dict[str, Any]:
    versions = graph.versions
    return {
        "nodes": [node_facts(each) for each in graph.node],
        "functions": {each.signature.name: function_facts(each) for each in graph.library.function},
        "gradients": {each.function_name: each.gradient_func for each in graph.library.gradient},
        "versions": [versions.producer, versions.min_consumer, list(versions.bad_consumers)],
    }


def meta_facts(meta: Any) -> dict[str, Any]:
    info = meta.meta_info_def
    variables = {}
    for key in sorted(meta.collection_def):
        if key.endswith("variables"):
            for value in meta.collection_def[key].bytes_list.value:
                variable = variable_pb2.VariableDef.FromString(value)
                variables.setdefault(variable.variable_name, variable_facts(variable))
    return graph_facts(meta.graph_def) | {
        "tags": sorted(info.tags),
        "version": [info.tensorflow_version, info.tensorflow_git_version],
        "stripped": info.stripped_default_attrs,
        "op_defs": {each.name: op_facts(each) for each in info.stripped_op_list.op},
        "collections": {key: collection_facts(each) for key, each in meta.collection_def.items()},
        "signatures": {key: signature_facts(each) for key, each in meta.signature_def.items()},
        "saver": saver_facts(meta.saver_def) if meta.HasField("saver_def") else None,
        "assets": [[each.tensor_info.name, each.filename] for each in meta.asset_file_def],
        "variables": variables,
        "object_graph": meta.HasField("object_graph_def"),
    }


def node_facts(node: Any) -> list[Any]:
    attrs = {key: attr_facts(each) for key, each in node.attr.items()}
    return [node.name, node.op, list(node.input), node.device, attrs]


def function_facts(function: Any) -> dict[str, Any]:
    return {
        "signature": op_facts(function.signature),
        "nodes": [node_facts(each) for each in function.node_def],
        "ret": dict(function.ret),
        "control_ret": dict(function.control_ret),
        "attrs": {key: attr_facts(each) for key, each in function.attr.items()},
        "arg_attrs": {
            str(number): {key: attr_facts(each) for key, each in attrs.attr.items()}
            for number, attrs in function.arg_attr.items()
        },
        "resource_ids": {str(k): v for k, v in function.resource_arg_unique_id.items()},
    }


def op_facts(op: Any) -> list[Any]:
    defaults = {
        each.name: attr_facts(each.default_value) if each.HasField("default_value") else None
        for each in op.attr
    }
    arguments = [[arg_facts(each) for each in args] for args in (op.input_arg, op.output_arg)]
    return [op.name, *arguments, defaults, op.is_stateful]


def arg_facts(arg: Any) -> list[Any]:
    attrs = [arg.type_attr, arg.number_attr, arg.type_list_attr]
    return [arg.name, arg.type, *attrs, arg.is_ref]


def attr_facts(attr: Any) -> list[Any]:
    kind = attr.WhichOneof("value")
    if kind != "list":
        return [kind, value_facts(kind, getattr(attr, kind)) if kind else None]
    listed = attr_value_pb2.AttrValue.ListValue.DESCRIPTOR.fields
    values = [
        value_facts(field.name, each) for field in listed for each in getattr(attr.list, field.name)
    ]
    return ["list", values]


def value_facts(kind: str, value: Any) -> Any:
    if kind == "s":
        return value.hex()
    if kind == "f":
        return struct.pack("<f", value).hex()
    if kind == "shape":
        return shape_facts(value)
    if kind == "tensor":
        return tensor_facts(value)
    if kind == "func":
        return [value.name, {key: attr_facts(each) for key, each in value.attr.items()}]
    return value


def shape_facts(shape: Any) -> list[int] | None:
    return None if shape.unknown_rank else [dim.size for dim in shape.dim]


def tensor_facts(tensor: Any) -> list[Any]:
    shape = shape_facts(tensor.tensor_shape)
    if tensor.dtype in WITHOUT_VALUES:
        return [tensor.dtype, shape, None]
    # By TensorFlow's own kernel: its Python reader knows fewer types.
    value = tf.io.parse_tensor(tensor.SerializeToString(), tf.dtypes.as_dtype(tensor.dtype))
    array = np.asarray(value.numpy(), object if tensor.dtype == 7 else None)
    return [tensor.dtype, shape, array_facts(array)]


def array_facts(array: Any) -> str:
    if array.dtype == object:
        return hashlib.sha256(repr([bytes(each) for each in array.ravel()]).encode()).hexdigest()
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def collection_facts(collection: Any) -> list[Any]:
    kind = collection.WhichOneof("kind")
    if kind is None:
        return ["empty", []]
    values = list(getattr(collection, kind).value)
    if kind == "any_list":
        values = [each.SerializeToString() for each in values]
    if kind in ("bytes_list", "any_list"):
        values = [each.hex() for each in values]
    return [kind, values]


def signature_facts(signature: Any) -> list[Any]:
    sides = [
        {key: info_facts(each) for key, each in side.items()}
        for side in (signature.inputs, signature.outputs)
    ]
    defaults = {key: tensor_facts(each) for key, each in signature.defaults.items()}
    return [*sides, signature.method_name, defaults]


def info_facts(info: Any) -> list[Any]:
    kind = info.WhichOneof("encoding")
    parts: list[Any] = []
    if kind == "coo_sparse":
        sparse = info.coo_sparse
        parts = [
            sparse.values_tensor_name,
            sparse.indices_tensor_name,
            sparse.dense_shape_tensor_name,
        ]
    elif kind == "composite_tensor":
        parts = [info_facts(each) for each in info.composite_tensor.components]
    name = info.name if kind == "name" else None
    return [name, info.dtype, shape_facts(info.tensor_shape), parts]


def saver_facts(saver: Any) -> list[Any]:
    return [
        saver.filename_tensor_name,
        saver.save_tensor_name,
        saver.restore_op_name,
        saver.max_to_keep,
        saver.sharded,
        saver.keep_checkpoint_every_n_hours,
        saver.version,
    ]


def variable_facts(variable: Any) -> list[Any]:
    part = variable.save_slice_info_def
    slices = [part.full_name, *map(list, (part.full_shape, part.var_offset, part.var_shape))]
    return [
        variable.variable_name,
        variable.initializer_name,
        variable.snapshot_name,
        variable.initial_value_name,
        variable.is_resource,
        slices if variable.HasField("save_slice_info_def") else None,
    ]


# --- a graph of every kind of attribute and every way to store a tensor ---------------------------


def write_kinds(path: str) -> None:
    """Write a GraphDef whose nodes hold attributes of all kinds."""
    graph = graph_pb2.GraphDef()
    graph.versions.producer = 7
    graph.versions.bad_consumers.extend([1, 200, 3])
    node = graph.node.add(name="kinds", op="Kinds", device="/cpu:0", input=["tensors:3", "^a"])
    add_kinds(node.attr)
    call = node.attr["func"].func
    call.name = "f"
    add_kinds(call.attr)
    listed = node.attr["listed_func"].list.func.add(name="g")
    add_kinds(listed.attr)
    tensors = graph.node.add(name="tensors", op="Tensors")
    for number, message in enumerate(tensor_messages()):
        tensors.attr[f"t{number}"].tensor.CopyFrom(message)
    Path(path).write_bytes(graph.SerializeToString())


def add_kinds(attr: Any) -> None:
    attr["nothing"].SetInParent()
    attr["s"].s = b"\x00\xff text"
    attr["i"].i = -(2**63)
    attr["f"].f = 0.1
    attr["nan"].f = float("nan")
    attr["b"].b = False
    attr["type"].type = 101
    attr["shape"].shape.dim.add(size=-1)
    attr["shape"].shape.dim.add(size=0)
    attr["unranked"].shape.unknown_rank = True
    attr["scalar"].shape.SetInParent()
    attr["placeholder"].placeholder = "T"
    attr["empty"].list.SetInParent()
    attr["ls"].list.s.extend([b"", b"x" * 600])
    attr["li"].list.i.extend([-1, 0, 2**62])
    attr["lf"].list.f.extend([1.5, float("inf")])
    attr["lb"].list.b.extend([True, False])
    attr["lt"].list.type.extend([1, 20, 103])
    attr["lshape"].list.shape.add().unknown_rank = True
    attr["lshape"].list.shape.add().dim.add(size=5)
    attr["ltensor"].list.tensor.append(tf.make_tensor_proto([1.0, 2.0]))


def tensor_messages() -> list[Any]:
    """Tensors of every type: as content, one value a time, filled up, and empty."""
    made = []
    for number in (*range(1, 20), *range(22, 34)):
        dtype = tf.dtypes.as_dtype(number)
        if dtype == tf.string:
            made += [tf.make_tensor_proto([b"", b"a\x00", b"\xff" * 9]), tf.make_tensor_proto(b"x")]
            made.append(filled(dtype, (2, 2), string_val=[b"a", b"b"]))
            continue
        plain = dtype.as_numpy_dtype
        for shape in ((), (3,), (2, 3), (0, 4)):
            values = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(np.uint8) % 2
            if number not in UNWRITTEN:
                made.append(tf.make_tensor_proto(values.astype(plain), dtype=dtype))
            made.append(filled(dtype, shape, tensor_content=values.astype(plain).tobytes()))
        for values in ([], [1], [0, 1]):
            made.append(filled(dtype, (2, 3), **typed_list(dtype, values)))
    negative = {"int_val": [-1, -128, 127]}
    made += [filled(tf.int8, (5,), **negative), filled(tf.int16, (4,), **negative)]
    made += [filled(tf.int64, (3,), int64_val=[-(2**63), 2**63 - 1])]
    made += [filled(tf.uint64, (3,), uint64_val=[2**64 - 1])]
    return made


def typed_list(dtype: Any, values: list[int]) -> dict[str, Any]:
    names = {
        "float32": "float_val", "float64": "double_val", "complex64": "scomplex_val",
        "complex128": "dcomplex_val", "int64": "int64_val", "bool": "bool_val",
        "float16": "half_val", "bfloat16": "half_val", "uint32": "uint32_val",
        "uint64": "uint64_val",
    }  # fmt: skip
    is_bytes = dtype.name.startswith(("float8", "float4"))
    name = names.get(dtype.name, "float8_val" if is_bytes else "int_val")
    if name == "float8_val":
        return {name: bytes(values)}
    if "complex" in name:
        return {name: [part for value in values for part in (value, 2.0)]}
    return {name: values}


def filled(dtype: Any, shape: tuple[int, ...], **values: Any) -> Any:
    message = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum, **values)
    message.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    return message
