"""Programs of real TensorFlow that save variables in many ways, and what their graphs restore.

Values are what a session reads of every variable node once the graph's own saver has restored it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tests.graph.mapping_digest import digest

v1 = tf.compat.v1
v1.logging.set_verbosity(v1.logging.FATAL)


# --- what TensorFlow restores -----------------------------------------------------------------


def session(graph: Any) -> Any:
    # Two devices, so that sharded savers have two shards.
    return v1.Session(graph=graph, config=v1.ConfigProto(device_count={"CPU": 2}))


def read_all(sess: Any) -> dict[str, list[Any]]:
    """Every variable node of the session's graph that has a value."""
    has_value, value = {}, {}
    with sess.graph.as_default(), tf.device(None):
        for op in sess.graph.get_operations():
            if op.type == "VarHandleOp":
                handle, dtype = op.outputs[0], op.get_attr("dtype")
                has_value[op.name] = tf.raw_ops.VarIsInitializedOp(resource=handle)
                value[op.name] = tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)
            elif op.type in ("Variable", "VariableV2"):
                has_value[op.name] = v1.is_variable_initialized(op.outputs[0])
                value[op.name] = tf.identity(op.outputs[0])
    restored = [name for name, found in sess.run(has_value).items() if found]
    return {name: digest(each) for name, each in sess.run({n: value[n] for n in restored}).items()}


def restore_meta(meta: str, prefix: str) -> dict[str, list[Any]]:
    with tf.Graph().as_default() as graph, session(graph) as sess:
        v1.train.import_meta_graph(meta, clear_devices=True).restore(sess, prefix)
        return read_all(sess)


def restore_saved_model(directory: str) -> dict[str, list[Any]]:
    with tf.Graph().as_default() as graph, session(graph) as sess:
        v1.saved_model.load(sess, ["serve"], directory)
        return read_all(sess)


def restored(path: str, prefix: str) -> dict[str, Any]:
    try:
        return {"values": restore_meta(path, prefix) if prefix else restore_saved_model(path)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}


# --- programs with savers ---------------------------------------------------------------------


def numbers(*shape: int, start: int = 0) -> Any:
    return np.arange(start, start + int(np.prod(shape)), dtype=np.float32).reshape(shape)


def variable(name: str, value: Any, resource: bool = False, **options: Any) -> Any:
    return v1.get_variable(name, initializer=value, use_resource=resource, **options)


def save(folder: Path, saver: Any) -> None:
    with session(v1.get_default_graph()) as sess:
        sess.run(v1.global_variables_initializer())
        saver.save(sess, str(folder / "model"))


def dense(folder: Path, resource: bool) -> None:
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    w, b = variable("w", numbers(3, 2), resource), variable("b", numbers(2, start=9), resource)
    tf.nn.softmax(x @ w + b, name="out")
    v1.train.AdamOptimizer().minimize(tf.reduce_sum(x @ w + b))
    save(folder, v1.train.Saver())


def ref(folder: Path) -> None:
    dense(folder, False)


def resource(folder: Path) -> None:
    dense(folder, True)


def sharded(folder: Path) -> None:
    for at in range(4):
        with tf.device(f"/cpu:{at % 2}"):
            variable(f"v{at}", numbers(2, 3, start=at), resource=at > 1)
    save(folder, v1.train.Saver(sharded=True))


def v1_format(folder: Path) -> None:
    variable("w", numbers(3, 2))
    variable("r", numbers(4, start=3), resource=True)
    save(folder, v1.train.Saver(write_version=v1.train.SaverDef.V1))


def v1_sharded(folder: Path) -> None:
    partitioned_variables()
    with tf.device("/cpu:1"):
        variable("other", numbers(4, start=3))
    save(folder, v1.train.Saver(write_version=v1.train.SaverDef.V1, sharded=True))


def two_savers(folder: Path) -> None:
    a, b = variable("a", numbers(3)), variable("b", numbers(3, start=5))
    v1.train.Saver()
    save(folder, v1.train.Saver({"first": b, "second": a}))


def renamed(folder: Path) -> None:
    a, b = variable("a", numbers(3)), variable("b", numbers(2, 3, start=5), resource=True)
    save(folder, v1.train.Saver({"model/a": a, "model/b": b}))


def swapped(folder: Path) -> None:
    a, b = variable("a", numbers(3)), variable("b", numbers(3, start=5))
    c, d = variable("c", numbers(3, start=1), True), variable("d", numbers(3, start=7), True)
    save(folder, v1.train.Saver({"a": b, "b": a, "c": d, "d": c}))


def twins(folder: Path) -> None:
    """A second node of one variable, which no saver knows."""
    a = variable("a", numbers(3), True)
    v1.raw_ops.VarHandleOp(dtype=tf.float32, shape=[3], shared_name="a", name="again")
    v1.raw_ops.VarHandleOp(dtype=tf.float32, shape=[3], shared_name="b", name="other")
    save(folder, v1.train.Saver({"model/a": a}))


def averages(folder: Path, restoring: bool) -> None:
    a, b = variable("a", numbers(3)), variable("b", numbers(3, start=5), resource=True)
    variable("plain", numbers(2), trainable=False)
    average = tf.train.ExponentialMovingAverage(0.5)
    update = average.apply([a, b])
    saver = v1.train.Saver()
    with session(v1.get_default_graph()) as sess:
        sess.run(v1.variables_initializer([a, b]))  # averages begin with these
        sess.run(v1.global_variables_initializer())
        for each in (a, b):
            each.load(sess.run(each) * 3, sess)
        sess.run(update)
        saver.save(sess, str(folder / "model"))
    if restoring:
        v1.train.Saver(average.variables_to_restore()).export_meta_graph(str(folder / "model.meta"))


def ema(folder: Path) -> None:
    averages(folder, True)


def ema_plain(folder: Path) -> None:
    averages(folder, False)


def rows(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
    """The initial value of a part of a partitioned variable."""
    first = partition_info.var_offset[0] if partition_info else 0
    return tf.constant(numbers(*shape, start=first * shape[1]))


def partitioned_variables(parts: int = 3) -> None:
    for resource in (False, True):
        with v1.variable_scope("resource" if resource else "ref"):
            v1.get_variable(
                "emb",
                shape=(10, 4),
                initializer=rows,
                partitioner=v1.fixed_size_partitioner(parts),
                use_resource=resource,
            )


def partitioned(folder: Path) -> None:
    partitioned_variables()
    save(folder, v1.train.Saver())


def repartitioned(folder: Path) -> None:
    """Saved in two parts, restored in three: no stored slice is a wanted one."""
    partitioned_variables(2)
    save(folder, v1.train.Saver())
    with tf.Graph().as_default():
        partitioned_variables(3)
        v1.train.Saver().export_meta_graph(str(folder / "model.meta"))


def reshaped(folder: Path) -> None:
    variable("w", numbers(2, 6))
    variable("r", numbers(2, 6, start=2), resource=True)
    save(folder, v1.train.Saver())
    with tf.Graph().as_default():
        variable("w", np.zeros((3, 4), np.float32))
        variable("r", np.zeros((12,), np.float32), resource=True)
        v1.train.Saver(reshape=True).export_meta_graph(str(folder / "model.meta"))


def not_all_saved(folder: Path) -> None:
    a = variable("a", numbers(3))
    variable("counter", np.float32(7))
    variable("large", tf.zeros((50, 40)), resource=True)
    variable("random", tf.random.normal((3,)))
    v1.get_variable(
        "local", initializer=numbers(2), collections=["local_variables"], trainable=False
    )
    save(folder, v1.train.Saver([a]))


def trained_before(folder: Path) -> None:
    """What another model calls as this one calls one variable, it restores into another."""
    with tf.Graph().as_default():
        variable("a", numbers(3, start=100))
        variable("old/b", numbers(3, start=200))
        (folder / "before").mkdir()
        save(folder / "before", v1.train.Saver())
    a, b = variable("a", numbers(3)), variable("b", numbers(3))
    v1.train.init_from_checkpoint(str(folder / "before/model"), {"a": b})
    save(folder, v1.train.Saver([a]))


def no_static_shape(folder: Path) -> None:
    value = v1.placeholder_with_default(numbers(2, 3), None)
    v1.Variable(value, validate_shape=False, name="w", use_resource=False)
    v1.Variable(
        value, validate_shape=False, name="r", use_resource=True, shape=tf.TensorShape(None)
    )
    save(folder, v1.train.Saver())


def dtypes(folder: Path) -> None:
    for name in ("float64", "int64", "bool", "uint8", "complex64", "float16", "bfloat16"):
        for resource in (False, True):
            value = tf.cast(tf.constant([[0, 1, 1]]), name)
            v1.Variable(value, name=f"{name}{int(resource)}", use_resource=resource)
    v1.Variable(tf.constant([b"a\0\xff", b""]), name="text", use_resource=False)
    v1.Variable(np.float32(3), name="scalar", use_resource=True)
    save(folder, v1.train.Saver())


def by_object(folder: Path) -> None:
    """A graph with a name-based saver, and a checkpoint by objects whose names say who is who."""
    a = variable("net/a", numbers(3), resource=True)
    b = variable("net/b", numbers(3, start=4), resource=True)
    v1.train.Saver().export_meta_graph(str(folder / "model.meta"))
    with session(v1.get_default_graph()) as sess:
        sess.run(v1.global_variables_initializer())
        v1.train.Checkpoint(one=b, two=a).write(str(folder / "model"), session=sess)


def mutable_table(folder: Path) -> None:
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1, name="words")
    variable("w", numbers(2))
    saver = v1.train.Saver()
    with session(v1.get_default_graph()) as sess:
        sess.run(v1.global_variables_initializer())
        sess.run(table.insert(["a", "b"], tf.constant([1, 2], tf.int64)))
        saver.save(sess, str(folder / "model"))


# --- SavedModels ------------------------------------------------------------------------------


class Named(tf.Module):
    """A module whose variable has the name that the other ones' have."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self.w = tf.Variable(numbers(3, 3, start=start), name="kernel")


class Kernels(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [Named(0), Named(10), Named(20)]
        self.frozen = tf.Variable(1.5, trainable=False, name="rate")
        self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        self.table.insert(["x"], tf.constant([5], tf.int64))

    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([None], tf.string)])
    def __call__(self, x: Any, words: Any) -> Any:
        for each in self.layers:
            x = x @ each.w
        return x * self.frozen + tf.cast(self.table.lookup(words)[:, None], tf.float32)


def sm_module(folder: Path) -> None:
    tf.saved_model.save(Kernels(), str(folder))


def embedding_model(api: Any) -> Any:
    return api.Sequential(
        [
            api.Input((4,), dtype="int32"),
            api.layers.Embedding(7, 3),
            api.layers.Bidirectional(api.layers.LSTM(2)),
            api.layers.BatchNormalization(),
            api.layers.Dense(2),
        ]
    )


def sm_keras3(folder: Path) -> None:
    import keras

    keras.utils.set_random_seed(1)
    embedding_model(keras).export(str(folder), verbose=False)


def sm_keras2(folder: Path) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(2)
    model = embedding_model(tf_keras)
    model.compile("adam", "mse")
    model.fit(np.ones((4, 4), np.int32), np.ones((4, 2), np.float32), verbose=0)
    model.save(str(folder), save_format="tf")


def sm_v1(folder: Path) -> None:
    with tf.Graph().as_default() as graph, session(graph) as sess:
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        y = x @ variable("w", numbers(3, 2)) + variable("b", numbers(2, start=9), True)
        partitioned_variables()
        sess.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(sess, str(folder / "model"), {"x": x}, {"y": y})


SAVERS = [
    *(ref, resource, sharded, v1_format, v1_sharded, two_savers, renamed, swapped, twins),
    *(ema, ema_plain),
    *(partitioned, repartitioned, reshaped, not_all_saved, trained_before, no_static_shape),
    *(dtypes, by_object, mutable_table),
]
SAVED_MODELS = [sm_module, sm_keras3, sm_keras2, sm_v1]


def restore(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Restore graphs, each from its checkpoint (``""`` for a SavedModel's): values by graph."""
    return {path: restored(path, prefix) for path, prefix in pairs}


def save_all(folder: Path) -> dict[str, Any]:
    """Make a folder for each program: values by program."""
    values: dict[str, Any] = {}
    for program in SAVERS:
        (folder / program.__name__).mkdir()
        with tf.Graph().as_default():
            program(folder / program.__name__)
        path = str(folder / program.__name__ / "model")
        # The shards of the old format are named by a pattern.
        shards = "-?????-of-00002" if program is v1_sharded else ""
        values[program.__name__] = restored(path + ".meta", path + shards)
    for program in SAVED_MODELS:
        program(folder / program.__name__)
        nested = folder / program.__name__ / "model"
        values[program.__name__] = restored(str(nested if nested.exists() else nested.parent), "")
    return values
