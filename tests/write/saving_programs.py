"""Real TensorFlow that saves and restores what it is told to; arrays of ml_dtypes pass."""

from typing import Any

import numpy as np
import tensorflow as tf

from tests.golden.fixture import dtype_of, merge_v2, save_v2, tensor


def save(prefix: str, items: list[tuple[bytes, str, Any, str]]) -> None:
    """Save (name, shape and slice, array, TensorFlow's dtype) with one SaveV2."""
    save_v2(prefix, [(name, spec, tensor(array, kind)) for name, spec, array, kind in items])


def save_bytes(prefix: str, saved: list[tuple[str, str, str, Any, Any]]) -> None:
    """Save (name, what slice it is, TensorFlow's dtype, shape, bytes or elements)."""
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=[item[0] for item in saved],
        shape_and_slices=[item[1] for item in saved],
        tensors=[_from_bytes(*item[2:]) for item in saved],
    )


def _from_bytes(dtype: str, shape: Any, content: Any) -> Any:
    if dtype == "string":
        return tf.constant(content, tf.string, shape=shape)
    return tf.constant(np.frombuffer(content, tf.as_dtype(dtype).as_numpy_dtype).reshape(shape))


def merge(parts: list[str], prefix: str) -> None:
    merge_v2(parts, prefix)


def restore(prefix: str, wanted: list[tuple[bytes, str, str]]) -> list[Any]:
    """Restore (name, shape and slice, dtype); quantised types as the integers they are."""
    names, specs, dtypes = zip(*wanted, strict=True)
    restored = tf.raw_ops.RestoreV2(
        prefix=prefix,
        tensor_names=list(names),
        shape_and_slices=list(specs),
        dtypes=[dtype_of(each) for each in dtypes],
    )
    return [
        (tf.bitcast(each, dtype_of(kind[1:])) if kind.startswith("q") else each).numpy()
        for each, kind in zip(restored, dtypes, strict=True)
    ]


def constant(value: Any) -> Any:
    return tf.constant(value).numpy()


def list_variables(path: str) -> list[tuple[str, list[int]]]:
    return tf.train.list_variables(path)
