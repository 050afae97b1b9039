"""What tests compare of a value, on both sides of the border to TensorFlow's process."""

import hashlib
from typing import Any

import numpy as np


def digest(value: Any) -> list[Any]:
    """Dtype, shape, and the SHA-256 of the bytes: of strings, of each length and content."""
    array = np.asarray(value)
    if array.dtype == object:
        content = b"".join(len(b).to_bytes(8, "little") + b for b in array.reshape(-1))
    else:
        content = np.ascontiguousarray(array).tobytes()
    return [array.dtype.name, list(array.shape), hashlib.sha256(content).hexdigest()]
