"""Checkpoints with their graphs whose tables are filled from files, in the folders of a project.

Written are `project/run/model.ckpt-1` and, by the same program, `project/data/words.txt`,
`project/data/classes.tsv` and `project/run/labels.txt`; and `expected.npz`.
"""

from pathlib import Path

import numpy as np

from tests.freeze.programs.arrays import write_arrays
from tests.freeze.programs.sessions import fetch, new_session, tf, v1

WORDS = np.array([b"tea", b"milk", b"salt"], object)


def write(folder: Path) -> None:
    data, run = folder / "project" / "data", folder / "project" / "run"
    data.mkdir(parents=True)
    run.mkdir()
    (data / "words.txt").write_text("sugar\ntea\r\nmilk\n")
    (data / "classes.tsv").write_text("0;cold\n1;hot\n2;none\n")
    (run / "labels.txt").write_text("drink\nfood\n")
    lines, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    with tf.Graph().as_default(), new_session() as session:
        words = v1.placeholder(tf.string, [None], "words")
        path = f"{run}/../data/words.txt"
        read = tf.lookup.TextFileInitializer(path, tf.string, lines, tf.int64, number)
        ids = tf.lookup.StaticVocabularyTable(read, 2).lookup(words)
        read = tf.lookup.TextFileInitializer(
            str(data / "classes.tsv"), tf.int64, 0, tf.string, 1, delimiter=";"
        )
        kinds = tf.lookup.StaticHashTable(read, "?").lookup(ids % 3)
        read = tf.lookup.TextFileInitializer(
            str(run / "labels.txt"), tf.int64, number, tf.string, lines
        )
        labels = tf.lookup.StaticHashTable(read, "other").lookup(ids)
        w = v1.get_variable("w", initializer=np.arange(5, dtype=np.float32))
        outputs = {"ids": ids, "kinds": kinds, "labels": labels, "out": tf.gather(w, ids)}
        for key, tensor in outputs.items():
            tf.identity(tensor, key)
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        v1.train.Saver().save(session, str(run / "model.ckpt"), global_step=1)
        found = fetch(session, {key: key for key in outputs}, {"words": WORDS})
        write_arrays(folder / "expected.npz", found)
