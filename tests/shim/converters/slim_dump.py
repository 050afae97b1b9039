"""Filters asked for tensor by tensor of a restored graph, into HDF5 files by name."""

import os
import sys

import h5py
import numpy as np
import tensorflow as tf

tf.compat.v1.disable_v2_behavior()


def make_padding(padding_name, conv_shape):
    padding_name = padding_name.decode("utf-8")
    if padding_name == "VALID":
        return [0, 0]
    return [(conv_shape[0] - 1) // 2, (conv_shape[1] - 1) // 2]


def dump_conv2d(sess, name, out):
    graph = sess.graph
    op = graph.get_operation_by_name(name)
    kernel = op.inputs[1]
    weights = sess.run(kernel)
    padding = make_padding(op.get_attr("padding"), weights.shape)
    strides = op.get_attr("strides")
    with h5py.File(os.path.join(out, name.replace("/", "_") + ".h5"), "w") as h5f:
        h5f.create_dataset("weights", data=weights)
        h5f.create_dataset("strides", data=strides)
        h5f.create_dataset("padding", data=padding)
    print(name, weights.shape, strides, padding, op.get_attr("data_format"), op.type)
    print(
        op.get_attr("T"),
        op.node_def.op,
        op.node_def.attr["dilations"].list.i[:],
        len(op.node_def.input),
    )


checkpoint, out = sys.argv[1:]
with tf.compat.v1.Session() as sess:
    saver = tf.compat.v1.train.import_meta_graph(checkpoint + ".meta")
    saver.restore(sess, checkpoint)
    for op in sess.graph.get_operations():
        if op.type == "Conv2D" and "gradients" not in op.name:
            dump_conv2d(sess, op.name, out)
        elif op.type == "MaxPool":
            print(op.name, op.get_attr("ksize"), op.values()[0].shape)
    names = [
        op.name for op in sess.graph.get_operations() if op.type in ("VariableV2", "VarHandleOp")
    ]
    print(len(names), names[:2], np.prod(sess.graph.get_tensor_by_name(names[0] + ":0").shape) >= 0)
