"""SavedModels with several signatures: equal keys without a default, metrics that nobody saved.

`FOLDER/equal` has `one` and `two`, both from `x` to `y`; `FOLDER/metrics` is tagged `eval`.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.arrays import write_arrays
from tests.freeze.programs.file_programs import signature
from tests.freeze.programs.sessions import tf, v1

X = np.arange(6, dtype=np.float32).reshape(3, 2)


def equal(folder: Path) -> None:
    """Two signatures that differ in all but their keys."""
    model = tf.Module()
    model.weights = [tf.Variable([[1.0], [2.0]]), tf.Variable([[2.0], [-1.0]])]

    def function(weights: Any) -> Any:
        spec = [tf.TensorSpec([None, 2], tf.float32, "x")]
        return tf.function(lambda x: {"y": tf.tanh(x @ weights)}, spec, autograph=False)

    functions = dict(zip(("one", "two"), map(function, model.weights), strict=True))
    model.one, model.two = functions.values()
    tf.saved_model.save(model, str(folder / "equal"), functions)
    expected = {key: each(tf.constant(X))["y"].numpy() for key, each in functions.items()}
    write_arrays(folder / "equal.npz", expected)


def metrics(folder: Path) -> None:
    """An estimator's graph for evaluation: its metrics' variables are local, so not saved."""
    builder = v1.saved_model.Builder(str(folder / "metrics"))
    with tf.Graph().as_default(), v1.Session() as session:
        x, labels = (
            v1.placeholder(tf.float32, [None, 2], "x"),
            v1.placeholder(tf.int64, [None], "l"),
        )
        w = v1.get_variable("w", [2, 2], initializer=v1.random_normal_initializer(seed=2))
        logits = tf.matmul(x, w)
        value, update = v1.metrics.accuracy(labels, tf.argmax(logits, 1), name="accuracy")
        outputs = {
            "logits": logits, "metrics/accuracy/value": value, "metrics/accuracy/update_op": update,
        }  # fmt: skip
        session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
        signatures = {"eval": signature({"x": x, "labels": labels}, outputs)}
        builder.add_meta_graph_and_variables(session, ["eval"], signatures)
        write_arrays(folder / "metrics.npz", {"logits": session.run(logits, {x: X})})
    builder.save()


def main(folder: Path) -> None:
    equal(folder)
    metrics(folder)
