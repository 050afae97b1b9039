"""Networks of the layers of TensorFlow 1 and of Keras 2, built for training and for use.

The same files as of `training_programs`: `python -m tests.freeze.programs.layer_programs FOLDER`.
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import sys
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras

from tests.freeze.programs.arrays import write_arrays
from tests.freeze.programs.sessions import fetch, new_session, tf, v1

RANDOM = np.random.default_rng(6)
NAMES = [f"{maker}_{mode}" for maker in ("layers", "keras") for mode in ("always", "switched")]


def network(maker: str, training: Any) -> None:
    x = v1.placeholder(tf.float32, [None, 6, 6, 2], "x")
    y = v1.layers.conv2d(x, 4, 3)
    if maker == "layers":
        y = v1.layers.batch_normalization(y, training=training, fused=True)
        y = v1.layers.flatten(tf.nn.relu(y))
        y = v1.layers.batch_normalization(y, training=training, fused=False)
        y = v1.layers.dropout(y, 0.4, training=training)
    else:
        y = tf_keras.layers.BatchNormalization(fused=True)(y, training=training)
        y = v1.layers.flatten(tf.nn.relu(y))
        y = tf_keras.layers.BatchNormalization(fused=False)(y, training=training)
        y = tf_keras.layers.Dropout(0.4)(y, training=training)
    tf.identity(v1.layers.dense(y, 3), name="out")


def build(name: str, folder: Path) -> None:
    folder.mkdir()
    maker, mode = name.split("_")
    x = RANDOM.standard_normal((3, 6, 6, 2)).astype(np.float32)
    with tf.Graph().as_default() as graph, new_session(graph) as session:
        network(maker, True if mode == "always" else v1.placeholder(tf.bool, [], "is_training"))
        session.run(v1.global_variables_initializer())
        for each in v1.global_variables():
            if "moving" in each.name:
                values = np.abs(RANDOM.standard_normal(each.shape)).astype(np.float32) + 0.5
                session.run(each.assign(values))
        v1.train.Saver().save(session, str(folder / "model.ckpt"))
    with tf.Graph().as_default() as graph, new_session(graph) as session:
        network(maker, False)
        v1.train.Saver().restore(session, str(folder / "model.ckpt"))
        expected = fetch(session, {"out": "out:0"}, {"x:0": x})
    write_arrays(folder / "feeds.npz", {"x:0": x})
    write_arrays(folder / "expected.npz", expected)


def main(folder: Path) -> None:
    v1.disable_eager_execution()
    v1.disable_control_flow_v2()
    for name in NAMES:
        build(name, folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
