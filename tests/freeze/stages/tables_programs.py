"""Lookup tables: static, from files, mutable; in graphs of version 1 and in SavedModels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
lookup = tf.lookup
WORDS = [b"apple", b"pear", b"not there", b"plum"]


def words() -> Any:
    return v1.placeholder(tf.string, [None], name="words")


def static_table(name: str = "fruit") -> Any:
    initializer = lookup.KeyValueTensorInitializer(
        tf.constant(["apple", "pear"]), tf.constant([11, 12], tf.int64)
    )
    return lookup.StaticHashTable(initializer, -1, name=name)


def static() -> Any:
    """Two tables of which one is needed, and an old table that is a reference."""
    x, table = words(), static_table()
    static_table("another")
    old = v1.raw_ops.HashTable(key_dtype=tf.string, value_dtype=tf.int64, name="old")
    fill = v1.raw_ops.InitializeTable(
        table_handle=old, keys=["plum"], values=tf.constant([5], tf.int64)
    )
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, fill)
    found = v1.raw_ops.LookupTableFind(
        table_handle=old, keys=x, default_value=tf.constant(-2, tf.int64)
    )
    return [table.lookup(x), table.size(), found], {x: WORDS}


def from_variable() -> Any:
    """A table whose values are a variable's."""
    x = words()
    values = v1.Variable([3, 4], dtype=tf.int32, use_resource=True, name="values")
    table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int32, shared_name="t")
    fill = tf.raw_ops.InitializeTableV2(
        table_handle=table, keys=["apple", "plum"], values=values.read_value()
    )
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, fill)
    found = tf.raw_ops.LookupTableFindV2(table_handle=table, keys=x, default_value=-1)
    return [found], {x: WORDS}


class Lookups(tf.Module):
    """A module whose tables are captured by its function."""

    def __init__(self, *tables: Any) -> None:
        super().__init__()
        self.tables = list(tables)
        self.rows = tf.Variable(np.arange(20, dtype=np.float32).reshape(10, 2), name="rows")

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
        def serve(found: Any) -> Any:
            numbers = [table.lookup(found) for table in self.tables]
            at = tf.math.floormod(tf.cast(numbers[0], tf.int32), 10)
            results = {str(index): each for index, each in enumerate(numbers)}
            return {**results, "rows": tf.gather(self.rows, at)}

        self.serve = serve


def module(*tables: Any) -> Any:
    return Lookups(*tables), {"words": tf.constant(WORDS).numpy()}


def module_static() -> Any:
    return module(static_table())


def vocabulary_file(name: str, content: bytes) -> str:
    path = Path(tf.io.gfile.join(tf.compat.v1.test.get_temp_dir(), name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def text_table(name: str, content: bytes, key: Any, value: Any, **options: Any) -> Any:
    index = lookup.TextFileIndex
    initializer = lookup.TextFileInitializer(
        vocabulary_file(name, content),
        options.pop("key_dtype", tf.string),
        getattr(index, key) if isinstance(key, str) else key,
        options.pop("value_dtype", tf.int64),
        getattr(index, value) if isinstance(value, str) else value,
        **options,
    )
    default = -1 if initializer.value_dtype != tf.string else "?"
    return lookup.StaticHashTable(initializer, default)


def module_files() -> Any:
    """Lines and their numbers, columns, sizes, carriage returns, a last line without an end."""
    lines, columns = b"plum\npear\r\napple", b"apple;1.5;x\npear;2.5;y\nplum;-3;z\n"
    many = b"apple 1\npear 2\nplum 3\n"
    return module(
        text_table("lines.txt", lines, "WHOLE_LINE", "LINE_NUMBER"),
        text_table("columns.txt", columns, 0, 1, value_dtype=tf.float32, delimiter=";"),
        text_table("columns.txt", columns, 0, 2, value_dtype=tf.string, delimiter=";"),
        text_table("many.txt", many, 0, 1, delimiter=" ", vocab_size=2),
        text_table("lines.txt", lines, "WHOLE_LINE", "LINE_NUMBER", value_index_offset=5),
    )


def module_vocabulary() -> Any:
    """Words that are not in the file are hashed into buckets."""
    path = vocabulary_file("words.txt", b"plum\napple\n")
    initializer = lookup.TextFileInitializer(
        path, tf.string, lookup.TextFileIndex.WHOLE_LINE, tf.int64, lookup.TextFileIndex.LINE_NUMBER
    )
    return module(lookup.StaticVocabularyTable(initializer, num_oov_buckets=3))


def module_mutable() -> Any:
    """What it holds is saved with the variables."""
    table = lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(tf.constant(["apple", "plum"]), tf.constant([21, 22], tf.int64))
    return module(table)


def module_path() -> Any:
    """A file that something else than a table reads at run time."""
    made = tf.Module()
    made.file = tf.saved_model.Asset(vocabulary_file("text.txt", b"content of the file"))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
    def serve(found: Any) -> Any:
        return {"out": tf.strings.join([found, tf.io.read_file(made.file.asset_path)])}

    made.serve = serve
    return made, {"words": tf.constant(WORDS).numpy()}


def module_first_version() -> Any:
    """A SavedModel of version 1, whose asset is a constant that is fed the path."""
    return None, {"words": WORDS}


def save_first_version(path: str) -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        x = words()
        file = tf.constant(vocabulary_file("old.txt", b"pear\nplum\n"), name="file")
        table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name="v")
        fill = tf.raw_ops.InitializeTableFromTextFileV2(
            table_handle=table, filename=file, key_index=-2, value_index=-1
        )
        v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, file)
        y = tf.raw_ops.LookupTableFindV2(
            table_handle=table, keys=x, default_value=tf.constant(-1, tf.int64)
        )
        builder = v1.saved_model.Builder(path)
        signature = v1.saved_model.predict_signature_def({"words": x}, {"out": y})
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=fill,
        )
        builder.save()


module_first_version.save = save_first_version  # type: ignore[attr-defined]


PROGRAMS: dict[str, Callable[[], Any]] = {
    "static": static,
    "from_variable": from_variable,
    "module_static": module_static,
    "module_files": module_files,
    "module_vocabulary": module_vocabulary,
    "module_mutable": module_mutable,
    "module_path": module_path,
    "module_first_version": module_first_version,
}
