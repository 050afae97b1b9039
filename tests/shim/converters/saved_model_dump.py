"""Variables of a SavedModel by both of TensorFlow's loaders."""

import os
import sys

import numpy as np
import tensorflow as tf

path, out = sys.argv[1:]
arrays = {}
with tf.compat.v1.Session(graph=tf.Graph()) as sess:
    meta_graph = tf.compat.v1.saved_model.loader.load(
        sess, [tf.compat.v1.saved_model.tag_constants.SERVING], path
    )
    print(sorted(meta_graph.signature_def))
    signature = meta_graph.signature_def["serving_default"]
    print({k: (v.name, v.dtype) for k, v in sorted(signature.inputs.items())})
    print({k: v.name for k, v in sorted(signature.outputs.items())})
    print(
        signature.method_name,
        [d.size for v in signature.inputs.values() for d in v.tensor_shape.dim],
    )
    for v in sess.graph.get_collection(tf.compat.v1.GraphKeys.GLOBAL_VARIABLES):
        arrays[v.name.replace("/", ".")] = sess.run(v)
        print(v.name, v.shape)
prefix = os.path.join(path, "variables", "variables")
for name, shape in tf.train.list_variables(prefix):
    if tf.train.load_checkpoint(prefix).get_variable_to_dtype_map()[name] != tf.string:
        arrays["ckpt." + name.replace("/", ".")] = tf.train.load_variable(prefix, name)
        print(name, shape)
print(tf.saved_model.contains_saved_model(path), tf.saved_model.contains_saved_model(out))
np.savez(os.path.join(out, "variables.npz"), **arrays)
