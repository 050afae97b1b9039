"""Tables from files, and tables that functions make.

`python -m tests.freeze.programs.vocabulary_programs FOLDER` writes `estimator/` (one of
TensorFlow 2, loaded into a graph, exported again), `graph/model.ckpt` with `graph/words.txt`
beside it, `asset/` (a SavedModel with a vocabulary), and of each `expected.npz`.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.arrays import write_arrays
from tests.freeze.programs.sessions import fetch, new_session, tf, v1

WORDS = np.array([b"two", b"seven", b"one"], object)
LINES = "one\ntwo\nthree\n"


def table(path: Path) -> Any:
    filling = tf.lookup.TextFileInitializer(
        str(path), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
    )  # fmt: skip
    return tf.lookup.StaticHashTable(filling, -1)


def written(folder: Path) -> Path:
    folder.mkdir()
    path = folder / "words.txt"
    path.write_text(LINES)
    return path


def asset(folder: Path) -> None:
    path = written(folder)
    module = tf.Module()
    module.table = table(path)
    spec = tf.TensorSpec([None], tf.string, name="words")
    module.call = tf.function(lambda words: {"out": module.table.lookup(words)}, [spec])
    tf.saved_model.save(module, str(folder / "model"), signatures=module.call)
    write_arrays(folder / "expected.npz", {"out": module.call(tf.constant(WORDS))["out"].numpy()})


def estimator(source: Path, folder: Path) -> None:
    folder.mkdir()
    with tf.Graph().as_default(), new_session() as session:
        loaded = tf.saved_model.load(str(source))
        words = v1.placeholder(tf.string, [None], "words")
        out = tf.identity(loaded.signatures["serving_default"](words)["out"], name="out")
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        v1.saved_model.simple_save(
            session, str(folder / "model"), {"words": words}, {"out": out},
            legacy_init_op=v1.tables_initializer(),
        )  # fmt: skip
        write_arrays(folder / "expected.npz", fetch(session, {"out": "out"}, {"words": WORDS}))


def graph(folder: Path) -> None:
    path = written(folder)
    with tf.Graph().as_default(), new_session() as session:
        words = v1.placeholder(tf.string, [None], "words")
        found = tf.cast(table(path).lookup(words), tf.float32)
        w = v1.get_variable("w", [], initializer=v1.ones_initializer())
        tf.multiply(found, w, name="out")
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        v1.train.Saver().save(session, str(folder / "model.ckpt"))
        write_arrays(folder / "expected.npz", fetch(session, {"out": "out"}, {"words": WORDS}))


def main(folder: Path) -> None:
    asset(folder / "asset")
    estimator(folder / "asset" / "model", folder / "estimator")
    graph(folder / "graph")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
