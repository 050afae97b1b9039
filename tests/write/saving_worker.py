"""Real TensorFlow that saves and restores what it is told to; see `saving.py`.

Orders and answers are pickles, one after the other, on stdin and stdout: arrays of ml_dtypes pass.
"""

import os
import pickle
import sys
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf

from tests.golden.fixture import dtype_of, merge_v2, save_v2, tensor


class Oracle:
    """Each method is an order."""

    def save(self, prefix: str, items: list[tuple[bytes, str, Any, str]]) -> None:
        """Save (name, shape and slice, array, TensorFlow's dtype) with one SaveV2."""
        save_v2(prefix, [(name, spec, tensor(array, kind)) for name, spec, array, kind in items])

    def merge(self, parts: list[str], prefix: str) -> None:
        merge_v2(parts, prefix)

    def restore(self, prefix: str, wanted: list[tuple[bytes, str, str]]) -> list[Any]:
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

    def constant(self, value: Any) -> Any:
        return tf.constant(value).numpy()

    def list(self, path: str) -> list[tuple[str, list[int]]]:
        return tf.train.list_variables(path)


def main() -> None:
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what TensorFlow prints is no answer
    while True:
        try:
            order, arguments = pickle.load(orders)
        except EOFError:
            return
        try:
            answer = (getattr(Oracle(), order)(*arguments), None)
        except Exception as error:
            answer = (None, f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
