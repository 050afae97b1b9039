"""Graphs for tests of the mapping: made by hand, and made poorer than they were."""

import numpy as np

from tensorbundle._format.wire import bytes_field, int_field, text_field
from tensorbundle._graphdef.attributes import function_attr, shape_attr, type_attr
from tensorbundle._graphdef.meta_graph import MetaGraph
from tensorbundle._graphdef.nodes import const_node, make_node


def field(number, content):
    return bytes_field(number, bytes(content))


def changed(meta, keep=lambda node: True, saver=True, collections=True):
    """A graph with fewer nodes, or without its saver or collections."""
    raw = b""
    for each in meta.fields:
        if each.number == 2:
            nodes = b"".join(field(1, n.encode()) for n in meta.nodes.values() if keep(n))
            raw += field(2, nodes + field(2, meta.functions.raw))
        elif (saver or each.number != 3) and (collections or each.number != 4):
            raw += field(each.number, each.data)
    return MetaGraph(raw)


def hows(variables):
    return {name: (each.key, each.how) for name, each in variables.items()}


def node(name, op, inputs=(), **attrs):
    return make_node(name, op, inputs, attrs)


def variable(name, shape, dtype=1, op="VariableV2", **attrs):
    return node(name, op, dtype=type_attr(dtype), shape=shape_attr(shape), **attrs)


def strings(name, *values):
    return const_node(name, np.array(values, object))


def restoring(name, key, part=""):
    """A variable, and the ops that restore it; the last one assigns."""
    return [
        variable(name, None),
        strings("file", b"model"),
        strings("keys", key.encode()),
        strings("parts", part.encode()),
        node("restore", "RestoreV2", ["file", "keys", "parts"]),
        node("assign", "Assign", [name, "restore"]),
    ]


def graph(nodes, restore_op="", functions=()):
    library = b"".join(field(1, each) for each in functions)
    raw = field(2, b"".join(field(1, each.encode()) for each in nodes) + field(2, library))
    return MetaGraph(raw + field(3, text_field(3, restore_op)))


def function(name, arguments, nodes, results=None):
    """A function whose results are tensors of its body by name."""
    args = b"".join(field(2, text_field(1, each) + int_field(3, 20)) for each in arguments)
    args += b"".join(field(3, text_field(1, each)) for each in results or {})
    body = b"".join(field(3, each.encode()) for each in nodes)
    entries = (text_field(1, k) + text_field(2, v) for k, v in (results or {}).items())
    return field(1, text_field(1, name) + args) + body + b"".join(field(4, e) for e in entries)


def call(name, callee, inputs):
    return node(name, "StatefulPartitionedCall", inputs, f=function_attr(callee))
