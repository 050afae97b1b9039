"""Models that do more than compute, and ordinary ones, made by real TensorFlow.

    python -m tests.doctor.hostile_models FOLDER

writes a SavedModel or graph a case into the folder, and ``cases.json``: by case, which operations a
scan must find; an empty list for the ordinary ones.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import tensorflow as tf

tf1 = tf.compat.v1


class Counter(tf.Module):
    """An ordinary model: a variable and a function of it."""

    def __init__(self) -> None:
        self.v = tf.Variable([1.0, 2.0], name="v")

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32)])
    def __call__(self, x):
        return x * self.v


class WithAsset(tf.Module):
    """An ordinary model with a vocabulary."""

    def __init__(self, vocabulary: str) -> None:
        self.asset = tf.saved_model.Asset(vocabulary)
        initializer = tf.lookup.TextFileInitializer(
            self.asset, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )  # fmt: skip
        self.table = tf.lookup.StaticHashTable(initializer, -1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, x):
        return self.table.lookup(x)


def of_function(body, *specs):
    """A module with one function."""
    module = tf.Module()
    module.f = tf.function(body, input_signature=list(specs or [tf.TensorSpec([], tf.float32)]))
    return module


def writes(x):
    tf.io.write_file("/tmp/owned", tf.strings.as_string(x))
    return x


def reads(x):
    return tf.strings.length(tf.io.read_file("/etc/passwd"))


def matches(x):
    return tf.io.matching_files("/home/*/.ssh/*")


def runs_python(x):
    return tf.numpy_function(lambda y: y + 1, [x], tf.float32)


def prints_to_file(x):
    tf.print("owned", output_stream="file:///tmp/owned")
    return x


def prints(x):
    tf.print("hello")
    return x


def saves(x):
    tf.raw_ops.SaveV2(prefix="/tmp/stolen", tensor_names=["x"], shape_and_slices=[""], tensors=[x])
    return x


def in_branches(x):
    return tf.cond(x > 0, lambda: writes(x), lambda: x)


def reads_dataset(x):
    dataset = tf.data.TextLineDataset("/etc/shadow")
    return dataset.reduce(tf.constant(0, tf.int64), lambda n, _: n + 1)


def maps_dataset(x):
    """Writes in a function that only a dataset calls."""
    dataset = tf.data.Dataset.range(2).map(lambda n: writes(tf.cast(n, tf.float32)))
    return dataset.reduce(x, lambda total, y: total + y)


def in_a_loop(x):
    return tf.while_loop(lambda y: y < 3.0, lambda y: (writes(y) + 1.0,), (x,))[0]


@tf.custom_gradient
def _writes_backwards(x):
    def gradient(upstream):
        return writes(upstream)

    return x * x, gradient


def in_a_gradient(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = _writes_backwards(x)
    return tape.gradient(y, x)


def nested_twice(x):
    """A dataset whose graph holds, as a string, the graph of a dataset that reads a file."""
    with tf.init_scope():
        inner = tf.data.TextLineDataset("/etc/shadow")
        text = tf.raw_ops.DatasetToGraphV2(input_dataset=inner._variant_tensor).numpy()
        outer = tf.data.Dataset.from_tensors(tf.constant(text)).map(
            lambda each: tf.raw_ops.DatasetCardinality(
                input_dataset=tf.raw_ops.DatasetFromGraph(graph_def=tf.constant(text))
            )
        )
        graph = tf.raw_ops.DatasetToGraphV2(input_dataset=outer._variant_tensor).numpy()
    variant = tf.raw_ops.DatasetFromGraph(graph_def=tf.constant(graph))
    return tf.raw_ops.DatasetCardinality(input_dataset=variant)


def nested(x):
    """A dataset whose graph is a string in the graph; it reads a file."""
    with tf.init_scope():
        inner = tf.data.TextLineDataset("/etc/shadow")
        graph = tf.raw_ops.DatasetToGraphV2(input_dataset=inner._variant_tensor).numpy()
    variant = tf.raw_ops.DatasetFromGraph(graph_def=tf.constant(graph))
    return tf.raw_ops.DatasetCardinality(input_dataset=variant)


def with_main_op(folder: str) -> None:
    """A TensorFlow 1 model that saves a file of its choice when it is loaded."""
    with tf1.Graph().as_default(), tf1.Session() as session:
        v = tf1.get_variable("v", initializer=[1.0, 2.0])
        y = tf.identity(v * 2, name="y")
        session.run(tf1.global_variables_initializer())
        main = tf.raw_ops.SaveV2(
            prefix="/tmp/owned", tensor_names=["v"], shape_and_slices=[""], tensors=[v]
        )
        builder = tf1.saved_model.builder.SavedModelBuilder(folder)
        signature = tf1.saved_model.predict_signature_def({"x": v}, {"y": y})
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, main_op=main
        )
        builder.save()


def savers(folder: str) -> None:
    """An ordinary TensorFlow 1 checkpoint with several savers, one of them sharded."""
    with tf1.Graph().as_default() as graph, tf1.Session() as session:
        v = tf1.get_variable("v", initializer=[1.0, 2.0])
        saver = tf1.train.Saver({"v": v})
        tf1.train.Saver({"w": v}, sharded=True)
        tf1.train.Saver({"x": v}, write_version=tf1.train.SaverDef.V1)
        session.run(tf1.global_variables_initializer())
        saver.save(session, os.path.join(folder, "model.ckpt"), global_step=1)
        tf.io.write_graph(graph, folder, "graph.pb", as_text=False)


def as_text(folder: str) -> None:
    """A graph as text that writes a file."""
    with tf1.Graph().as_default() as graph:
        tf.io.write_file("/tmp/owned", "x")
        tf.io.write_graph(graph, folder, "graph.pbtxt", as_text=True)


def as_binary(folder: str) -> None:
    """A frozen graph that writes a file, without functions, signatures or savers."""
    with tf1.Graph().as_default() as graph:
        tf.io.write_file("/tmp/owned", tf.strings.as_string(tf1.placeholder(tf.float32, [])))
        tf.io.write_graph(graph, folder, "frozen.pb", as_text=False)


def of_two_graphs(folder: str) -> None:
    """A SavedModel whose second graph, which nobody serves, writes; it is kept as text."""
    from google.protobuf import text_format
    from tensorflow.core.protobuf import saved_model_pb2

    harmless, harmful = f"{folder}.a", f"{folder}.b"
    tf.saved_model.save(Counter(), harmless)
    tf.saved_model.save(of_function(writes), harmful)
    merged = saved_model_pb2.SavedModel()
    for each in (harmless, harmful):
        content = (Path(each) / "saved_model.pb").read_bytes()
        merged.MergeFrom(saved_model_pb2.SavedModel.FromString(content))
    merged.meta_graphs[1].meta_info_def.tags[:] = ["other"]
    shutil.rmtree(harmful)
    os.rename(harmless, folder)
    for name in ("saved_model.pb", "fingerprint.pb"):
        os.remove(os.path.join(folder, name))
    Path(folder, "saved_model.pbtxt").write_text(text_format.MessageToString(merged))


def leaving_asset(folder: str, filename: str) -> None:
    """An ordinary model whose asset is then said to lie elsewhere."""
    from tensorflow.core.protobuf import saved_model_pb2

    vocabulary = os.path.join(os.path.dirname(folder), "vocabulary.txt")
    tf.saved_model.save(WithAsset(vocabulary), folder)
    path = Path(folder) / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    message.meta_graphs[0].asset_file_def[0].filename = filename
    path.write_bytes(message.SerializeToString())


def main(folder: str) -> None:
    """Write all models."""
    with open(os.path.join(folder, "vocabulary.txt"), "w") as file:
        file.write("a\nb\n")
    vocabulary = os.path.join(folder, "vocabulary.txt")
    modules = {
        "counter": (Counter(), []),
        "asset": (WithAsset(vocabulary), []),
        "prints": (of_function(prints), []),
        "writes": (of_function(writes), ["WriteFile"]),
        "reads": (of_function(reads), ["ReadFile"]),
        "matches": (of_function(matches), ["MatchingFiles"]),
        "python": (of_function(runs_python), ["PyFunc"]),
        "prints_to_file": (of_function(prints_to_file), ["PrintV2"]),
        "saves": (of_function(saves), ["SaveV2"]),
        "in_branches": (of_function(in_branches), ["WriteFile"]),
        "reads_dataset": (of_function(reads_dataset), ["TextLineDataset"]),
        "nested": (of_function(nested), ["TextLineDataset"]),
        "nested_twice": (of_function(nested_twice), ["TextLineDataset"]),
        "maps_dataset": (of_function(maps_dataset), ["WriteFile"]),
        "in_a_loop": (of_function(in_a_loop), ["WriteFile"]),
        "in_a_gradient": (of_function(in_a_gradient), ["WriteFile"]),
    }
    cases = {}
    for name, (module, ops) in modules.items():
        tf.saved_model.save(module, os.path.join(folder, name))
        cases[name] = ops
    with_main_op(os.path.join(folder, "main_op"))
    savers(os.path.join(folder, "savers"))
    as_text(os.path.join(folder, "text"))
    as_binary(os.path.join(folder, "binary"))
    of_two_graphs(os.path.join(folder, "two_graphs"))
    leaving_asset(os.path.join(folder, "leaving_asset"), "../../vocabulary.txt")
    leaving_asset(os.path.join(folder, "absolute_asset"), "/etc/passwd")
    cases |= {
        "main_op": ["SaveV2"], "savers": [], "text": ["WriteFile"],
        "binary": ["WriteFile"], "two_graphs": ["WriteFile"],
        "leaving_asset": [""], "absolute_asset": [""],
    }  # fmt: skip
    with open(os.path.join(folder, "cases.json"), "w") as file:
        json.dump(cases, file)


if __name__ == "__main__":
    main(sys.argv[1])
