"""Writes a file of events with a graph, as programs of TensorFlow 1 do."""

import tensorflow as tf

v1 = tf.compat.v1


def write(directory: str) -> None:
    graph = tf.Graph()
    with graph.as_default():
        tf.identity(v1.placeholder(tf.float32, name="x"), name="y")
        writer = v1.summary.FileWriter(directory, graph)
        writer.close()
