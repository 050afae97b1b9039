"""A SavedModel of an estimator in all its modes, as `python -m …mode_programs FOLDER` writes it."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.arrays import write_arrays
from tests.freeze.programs.file_programs import signature
from tests.freeze.programs.sessions import tf, v1


def model(tags: str, session: Any) -> tuple[dict[str, Any], Any, Any]:
    x = v1.placeholder(tf.float32, [None, 3], "x")
    w = v1.get_variable("w", [3, 2], initializer=v1.ones_initializer())
    logits = tf.matmul(x, w, name="logits")
    inputs, outputs = {"x": x}, {"predictions/logits": logits}
    key = "serving_default"
    if tags != "serve":
        key = tags
        labels = v1.placeholder(tf.int64, [None], "labels")
        inputs["labels"] = labels
        value, update = v1.metrics.accuracy(labels, tf.argmax(logits, 1), name="accuracy")
        loss = v1.losses.sparse_softmax_cross_entropy(labels, logits)
        outputs |= {
            "loss": loss, "metrics/accuracy/value": value, "metrics/accuracy/update_op": update,
        }  # fmt: skip
    if tags == "train":
        step = v1.train.get_or_create_global_step()
        outputs = {"step": v1.assign_add(step, 1)}
        inputs = {"x": x}
    session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
    return {key: signature(inputs, outputs)}, x, logits


def main(folder: Path) -> None:
    v1.disable_resource_variables()
    builder = v1.saved_model.Builder(str(folder / "model"))
    for number, tags in enumerate(("serve", "eval", "train")):
        with tf.Graph().as_default(), v1.Session() as session:
            signatures, x, logits = model(tags, session)
            for each in v1.local_variables():
                v1.add_to_collection(v1.GraphKeys.GLOBAL_VARIABLES, each)
            if number:
                builder.add_meta_graph([tags], signatures)
                continue
            feeds = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
            write_arrays(folder / "feeds.npz", feeds)
            found = session.run(logits, {x: feeds["x"]})
            write_arrays(folder / "expected.npz", {"logits": found})
            for name in ("total", "count"):
                v1.get_variable(f"accuracy/{name}", [], initializer=v1.zeros_initializer())
            v1.get_variable("global_step", [], tf.int64, initializer=v1.zeros_initializer())
            session.run(v1.global_variables_initializer())
            builder.add_meta_graph_and_variables(session, [tags], signatures)
    builder.save()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
