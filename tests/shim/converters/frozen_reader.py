"""Constants of a frozen graph, node by node, without a session."""

import os
import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import tensor_util


def read_graph(path):
    graph_def = tf.compat.v1.GraphDef()
    with tf.io.gfile.GFile(path, "rb") as f:
        graph_def.ParseFromString(f.read())
    return graph_def


graph_def = read_graph(sys.argv[1])
weights = {}
for n in graph_def.node:
    if n.op == "Const":
        weights[n.name] = tensor_util.MakeNdarray(n.attr["value"].tensor)
    elif n.op == "Conv2D":
        print(n.name, list(n.input), list(n.attr["strides"].list.i), n.attr["padding"].s)
    elif n.op == "Placeholder":
        shape = [d.size for d in n.attr["shape"].shape.dim]
        print(n.name, shape, tf.as_dtype(n.attr["dtype"].type).name, n.device == "")
print(len(graph_def.node), len(weights), graph_def.node[0].name, [n.op for n in graph_def.node][:4])
print({n.op for n in graph_def.node if n.HasField("experimental_debug_info")})
np.savez(
    os.path.join(sys.argv[2], "weights.npz"), **{k.replace("/", "."): v for k, v in weights.items()}
)
