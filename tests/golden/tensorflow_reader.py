"""Read tensors with RestoreV2, one line of JSON an answer: the oracle behind expected.json.

Started by make_golden.py in a process of its own, because TensorFlow aborts on some reads.
Usage: tensorflow_reader.py JOBS FIRST, in the directory that the jobs' paths are relative to.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

from tests.golden.cases import digest


def read(path: str, name: bytes, dtype: int, spec: str) -> dict[str, Any]:
    """Return dtype, shape and digest of one tensor (or slice), or TensorFlow's error."""
    wanted = tf.as_dtype(dtype)
    record: dict[str, Any] = {"dtype": wanted.name}
    try:
        (restored,) = tf.raw_ops.RestoreV2(
            prefix=path, tensor_names=[name], shape_and_slices=[spec], dtypes=[wanted]
        )
    except tf.errors.OpError as error:
        message = re.sub(r"\{\{.*?\}\} | \[Op:.*", "", error.message, flags=re.DOTALL)
        return {**record, "error": f"{type(error).__name__}: {message}"}
    record["shape"] = restored.shape.as_list()
    if wanted == tf.variant:
        return {**record, "opaque": True}
    array = restored.numpy()
    if wanted == tf.string:
        return {**record, "sha256_len64le_prefixed": digest(array)}
    return {**record, "nbytes": array.nbytes, "sha256": digest(array)}


def main() -> None:
    """Answer every job from number FIRST on."""
    jobs = json.loads(Path(sys.argv[1]).read_text())
    for path, name, dtype, spec in jobs[int(sys.argv[2]) :]:
        print(json.dumps(read(path, bytes.fromhex(name), dtype, spec)), flush=True)


if __name__ == "__main__":
    main()
