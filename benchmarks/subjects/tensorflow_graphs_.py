"""TensorFlow's importer and its two freezers."""

from collections import Counter

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants
from tensorflow.python.tools import freeze_graph

v1 = tf.compat.v1


def freeze_meta(data):
    target = str(data.scratch / "frozen.pb")

    def run():
        with tf.Graph().as_default():
            freeze_graph.freeze_graph(
                input_graph="", input_saver="", input_binary=True, input_checkpoint=data.prefix,
                output_node_names="out", restore_op_name="save/restore_all",
                filename_tensor_name="save/Const:0", output_graph=target, clear_devices=True,
                initializer_nodes="", input_meta_graph=data.meta,
            )  # fmt: skip
        return target

    return run


def freeze_saved_model(data):
    target = str(data.scratch / "frozen.pb")

    def run():
        model = tf.saved_model.load(data.prefix)  # to be kept: its function does not
        function = model.signatures["serving_default"]
        frozen = convert_to_constants.convert_variables_to_constants_v2(function)
        tf.io.write_graph(frozen.graph, str(data.scratch), "frozen.pb", as_text=False)
        return target

    return run


def constants(path):
    graph = v1.GraphDef()
    with open(path, "rb") as file:
        graph.ParseFromString(file.read())
    tensors = (node.attr["value"].tensor for node in graph.node if node.op == "Const")
    arrays = [tf.make_ndarray(each) for each in tensors if len(each.tensor_content) > 1 << 20]
    return dict(enumerate(sorted(arrays, key=lambda array: array[0, :4].tolist())))


def import_meta(data):
    def run():
        with tf.Graph().as_default() as graph:
            v1.train.import_meta_graph(data.meta)
        return graph

    return run


def counted(graph):
    return dict(Counter(operation.type for operation in graph.get_operations()))
