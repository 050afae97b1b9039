"""Freezes a restored graph into a file, reads the file, and runs it; and a SavedModel."""

import sys

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import tensor_util

tf.disable_v2_behavior()


def freeze(prefix, path):
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
        tf.train.import_meta_graph(prefix + ".meta").restore(sess, prefix)
        frozen = tf.graph_util.convert_variables_to_constants(
            sess, graph.as_graph_def(), ["probabilities"]
        )
    with tf.gfile.GFile(path, "wb") as file:
        file.write(frozen.SerializeToString())


def load(path, image):
    graph_def = tf.GraphDef()
    with tf.gfile.FastGFile(path, "rb") as file:
        graph_def.ParseFromString(file.read())
    for node in graph_def.node:
        if node.op == "Const" and node.name == "dense/bias":
            print(
                tensor_util.MakeNdarray(node.attr["value"].tensor).tolist(), node.attr["dtype"].type
            )
        if node.op in ("Conv2D", "Placeholder"):
            print(node.name, list(node.input)[:1], node.attr["padding"].s, node.attr["T"].type)
    results = []
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def)
        with tf.Session(graph=graph) as sess:
            results.append(sess.run("import/probabilities:0", {"import/image:0": image}))
            print(sess.run("import/dense/bias:0").tolist())
    with tf.Graph().as_default() as graph:
        x, y = tf.import_graph_def(
            graph_def, name="", return_elements=["image:0", "probabilities:0"]
        )
        with tf.Session() as sess:
            results.append(sess.run(y, {x: image}))
            print(x.name, y.op.name, len(tf.global_variables()))
    return results


def serve(folder, signature):
    with tf.Graph().as_default(), tf.Session() as sess:
        meta = tf.saved_model.loader.load(sess, [tf.saved_model.tag_constants.SERVING], folder)
        found = meta.signature_def[signature]
        print(sorted(found.inputs), sorted(found.outputs), found.method_name)
        sizes = [each.size for each in found.inputs["x"].tensor_shape.dim]
        print(sizes, found.inputs["x"].dtype, len(tf.global_variables()))
        x = np.linspace(0, 1, abs(int(np.prod(sizes)))).reshape([abs(n) for n in sizes])
        return sess.run([each.name for each in found.outputs.values()], {found.inputs["x"].name: x})


def main(prefix, folder, signature, path, out):
    image = np.random.default_rng(1).random((2, 28, 28, 1), np.float32)
    freeze(prefix, path)
    first, second = load(path, image)
    served = serve(folder, signature)
    np.savez(out, first, second, *served)


if __name__ == "__main__":
    main(*sys.argv[1:])
