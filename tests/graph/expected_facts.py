"""What a graph says, in a form that TensorFlow's own messages can be compared with.

`facts_programs.py` says the same by protobuf, in the process of TensorFlow.
"""

import hashlib
import json
import struct
from typing import Any

import numpy as np

from tensorbundle._format.wire import bytes_field, int_field, text_field
from tensorbundle._graphdef.attributes import DataType, FunctionRef, Placeholder, decode_attr
from tensorbundle._graphdef.facts import Collection, Signature, TensorFact, VariableDef
from tensorbundle._graphdef.functions import Arg, Function, FunctionLibrary, OpDef
from tensorbundle._graphdef.meta_graph import MetaGraph
from tensorbundle._graphdef.nodes import Node
from tensorbundle._graphdef.shapes import ShapeValue
from tensorbundle._graphdef.tensors import TensorMessage, decode_tensor


def describe(kind: str, meta: MetaGraph) -> dict[str, Any]:
    """All facts of a graph, as JSON would give them back."""
    facts = graph_facts(meta) if kind == "graph" else meta_facts(meta)
    return json.loads(json.dumps(facts))


def graph_facts(meta: MetaGraph) -> dict[str, Any]:
    versions = meta.versions
    return {
        "nodes": [node_facts(each) for each in meta.nodes.values()],
        "functions": {name: function_facts(each) for name, each in meta.functions.items()},
        "gradients": meta.functions.gradients,
        "versions": [versions.producer, versions.min_consumer, versions.bad_consumers],
    }


def meta_facts(meta: MetaGraph) -> dict[str, Any]:
    return graph_facts(meta) | {
        "tags": sorted(meta.tags),
        "version": [meta.tensorflow_version, meta.tensorflow_git_version],
        "stripped": meta.stripped_default_attrs,
        "op_defs": {name: op_facts(each) for name, each in meta.op_defs.items()},
        "collections": {key: collection_facts(each) for key, each in meta.collections.items()},
        "signatures": {key: signature_facts(each) for key, each in meta.signatures.items()},
        "saver": list(_fields(meta.saver)) if meta.saver else None,
        "assets": [[each.tensor, each.filename] for each in meta.assets],
        "variables": {each.variable_name: variable_facts(each) for each in meta.variable_defs},
        "object_graph": meta.object_graph is not None,
    }


def _fields(fact: Any) -> Any:
    return (getattr(fact, name) for name in fact.__dataclass_fields__)


def node_facts(node: Node) -> list[Any]:
    attrs = {key: value_facts(node.attr(key)) for key in node.attrs}
    return [node.name, node.op, node.inputs, node.device, attrs]


def function_facts(function: Function) -> dict[str, Any]:
    return {
        "signature": op_facts(function.signature),
        "nodes": [node_facts(each) for each in function.nodes.values()],
        "ret": function.ret,
        "control_ret": function.control_ret,
        "attrs": attrs_facts(function.attrs),
        "arg_attrs": {number: attrs_facts(attrs) for number, attrs in function.arg_attrs.items()},
        "resource_ids": function.resource_ids,
    }


def op_facts(op: OpDef) -> list[Any]:
    defaults = {
        name: None if raw is None else value_facts(decode_attr(raw))
        for name, raw in op.attrs.items()
    }
    arguments = [[list(_fields(each))[:-1] for each in args] for args in (op.inputs, op.outputs)]
    return [op.name, *arguments, defaults, op.is_stateful]


def attrs_facts(attrs: Any) -> dict[str, Any]:
    return {key: value_facts(decode_attr(raw)) for key, raw in attrs.items()}


def value_facts(value: Any) -> list[Any]:
    if isinstance(value, list):
        return ["list", [value_facts(each)[1] for each in value]]
    if value is None:
        return [None, None]
    if isinstance(value, bool):
        return ["b", value]
    if isinstance(value, DataType):
        return ["type", int(value)]
    if isinstance(value, Placeholder):
        return ["placeholder", str(value)]
    if isinstance(value, ShapeValue):
        return ["shape", value.dims]
    if isinstance(value, FunctionRef):
        return ["func", [value.name, attrs_facts(value.attrs)]]
    if isinstance(value, TensorMessage):
        return ["tensor", tensor_facts(value)]
    if isinstance(value, bytes):
        return ["s", value.hex()]
    if isinstance(value, float):
        return ["f", struct.pack("<f", value).hex()]
    assert isinstance(value, int)
    return ["i", value]


def tensor_facts(tensor: TensorMessage) -> list[Any]:
    if tensor.dtype in (0, 20, 21):
        return [tensor.dtype, tensor.shape, None]
    return [tensor.dtype, tensor.shape, array_facts(tensor.array())]


def array_facts(array: Any) -> str:
    if array.dtype == object:
        return hashlib.sha256(repr(list(array.ravel())).encode()).hexdigest()
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def collection_facts(collection: Collection) -> list[Any]:
    values = [each.hex() if isinstance(each, bytes) else each for each in collection.values]
    return [collection.kind, values]


def signature_facts(signature: Signature) -> list[Any]:
    sides = [
        {key: info_facts(each) for key, each in side.items()}
        for side in (signature.inputs, signature.outputs)
    ]
    defaults = {key: tensor_facts(decode_tensor(raw)) for key, raw in signature.defaults.items()}
    return [*sides, signature.method, defaults]


def info_facts(fact: TensorFact) -> list[Any]:
    sparse = len(fact.parts) == 3 and fact.parts[1].dtype == 9
    parts = [each.name if sparse else info_facts(each) for each in fact.parts]
    return [fact.name, fact.dtype, fact.shape, parts]


def variable_facts(variable: VariableDef) -> list[Any]:
    return [
        variable.variable_name,
        variable.initializer_name,
        variable.snapshot_name,
        variable.initial_value_name,
        variable.is_resource,
        None if variable.slice is None else list(_fields(variable.slice)),
    ]


def encode_again(meta: MetaGraph, bare: bool) -> bytes:
    """The message with every node, function and operation encoded from its parts."""
    parts = [bytes_field(1, node.replace().encode()) for node in meta.nodes.values()]
    for field in meta.graph_fields:
        if field.number == 2:
            parts.append(bytes_field(2, library_again(meta.functions)))
        elif field.number != 3:
            parts.append(bytes_field(field.number, field.data))
        else:
            parts.append(int_field(3, field.value))
    graph = b"".join(parts)
    if bare:
        return graph
    return b"".join(
        bytes_field(each.number, graph if each.number == 2 else each.data) for each in meta.fields
    )


def library_again(functions: FunctionLibrary) -> bytes:
    parts = []
    for function in functions.values():
        nodes = {name: node.replace() for name, node in function.nodes.items()}
        args = [tuple(each.replace() for each in side) for side in _sides(function)]
        signature = function.signature.replace(inputs=args[0], outputs=args[1])
        again = function.replace(nodes=nodes, signature=signature)
        parts.append(bytes_field(1, again.encode()))
    for name, gradient in functions.gradients.items():
        parts.append(bytes_field(2, text_field(1, name) + text_field(2, gradient)))
    parts += [bytes_field(3, raw) for raw in functions.registered_gradients]
    return b"".join(parts)


def _sides(function: Function) -> tuple[tuple[Arg, ...], tuple[Arg, ...]]:
    return function.signature.inputs, function.signature.outputs
