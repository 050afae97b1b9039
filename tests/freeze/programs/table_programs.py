"""Lookup tables of both generations, filled in every way."""

import os
import shutil
import tempfile
from typing import Any

import numpy as np
import tensorflow as tf

from tests.freeze.programs.building import GraphProgram, ModuleProgram, numbers
from tests.freeze.programs.function_programs import saved
from tests.freeze.programs.sessions import v1
from tests.freeze.programs.variable_programs import variable

KEYS, VALUES = ["one", "two", "three"], [1, 2, 3]
WORDS = np.array([b"two", b"seven", b"one"], object)
Words = tf.TensorSpec([None], tf.string, name="words")


def static(default: int = -1) -> tf.lookup.StaticHashTable:
    filling = tf.lookup.KeyValueTensorInitializer(tf.constant(KEYS), tf.constant(VALUES, tf.int64))
    return tf.lookup.StaticHashTable(filling, default)


def graph_static() -> GraphProgram:
    words = v1.placeholder(tf.string, [None], "words")
    found = tf.cast(static().lookup(words), tf.float32)
    out = tf.multiply(found, variable("W", [], resource=False), name="out")
    return GraphProgram({words: WORDS}, [out])


def graph_mutable() -> GraphProgram:
    """A table that was given other values after those of its initializer."""
    words = v1.placeholder(tf.string, [None], "words")
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1, name="mutable")
    first = table.insert(tf.constant(KEYS), tf.constant(VALUES, tf.int64))
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, first)
    later = table.insert(tf.constant(["two", "seven"]), tf.constant([20, 70], tf.int64))
    out = tf.identity(table.lookup(words), name="out")
    variable("unused", [], resource=False)
    saver = v1.train.Saver()
    return GraphProgram({words: WORDS}, [out], saver, prepare=later, afterwards=tf.no_op())


def module_static() -> ModuleProgram:
    module = tf.Module()
    module.table = static()
    module.w = tf.Variable(2.5)

    def call(words: Any) -> Any:
        return {"out": tf.cast(module.table.lookup(words), tf.float32) * module.w}

    return saved(module, call, {"words": WORDS}, Words)


def vocabulary(buckets: int) -> ModuleProgram:
    """A table from a file that the SavedModel takes with it; the original is deleted."""
    path = os.path.join(tempfile.mkdtemp(), "words.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(KEYS) + "\n")
    module = tf.Module()
    module.rows = tf.Variable(numbers(6, 3, seed=3))
    if buckets:
        filling = tf.lookup.TextFileInitializer(
            path, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
        )  # fmt: skip
        module.table: Any = tf.lookup.StaticVocabularyTable(filling, buckets)
    else:
        filling = tf.lookup.TextFileInitializer(
            path, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
            tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
        )  # fmt: skip
        module.table = tf.lookup.StaticHashTable(filling, "none")

    def find(words: Any) -> Any:
        return {"out": tf.gather(module.rows, module.table.lookup(words))}

    def name(ids: Any) -> Any:
        return {"out": module.table.lookup(ids)}

    if buckets:
        program = saved(module, find, {"words": WORDS}, Words)
    else:
        ids = np.array([2, 9, 0], np.int64)
        spec = tf.TensorSpec([None], tf.int64, name="ids")
        program = saved(module, name, {"ids": ids}, spec)
    program.before_running = lambda: shutil.rmtree(os.path.dirname(path))
    return program


def module_mutable() -> ModuleProgram:
    module = tf.Module()
    module.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    module.table.insert(tf.constant(["one", "two"]), tf.constant([10, 20], tf.int64))

    def call(words: Any) -> Any:
        return {"out": module.table.lookup(words)}

    return saved(module, call, {"words": WORDS}, Words)


def module_dense() -> ModuleProgram:
    """A table that is saved with its buckets, the empty ones too."""
    module = tf.Module()
    module.table = tf.lookup.experimental.DenseHashTable(
        tf.int64, tf.float32, -1.0, -1, -2, initial_num_buckets=8
    )
    module.table.insert(tf.constant([1, 2], tf.int64), tf.constant([10.0, 20.0]))

    def call(ids: Any) -> Any:
        return {"out": module.table.lookup(ids)}

    ids = np.array([2, 9, 1], np.int64)
    return saved(module, call, {"ids": ids}, tf.TensorSpec([None], tf.int64, name="ids"))
