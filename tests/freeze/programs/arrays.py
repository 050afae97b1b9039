"""Arrays in a file, exactly: every dtype by its name, strings as bytes objects."""

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  (its dtypes get their names by this)
import numpy as np

HEADER = "header"


def as_array(value: Any) -> np.ndarray:
    """What a session returned; strings become an object array, also a single one."""
    array = np.asarray(value)
    if array.dtype.kind in "SU":
        array = np.asarray(value, object)
    return array


def items(array: np.ndarray) -> list[bytes]:
    return [each if isinstance(each, bytes) else each.encode() for each in array.ravel().tolist()]


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    header, parts = [], {}
    for number, (name, value) in enumerate(arrays.items()):
        array = as_array(value)
        lengths: list[int] = []
        if array.dtype == object:
            lengths = [len(each) for each in items(array)]
            raw = b"".join(items(array))
        else:
            raw = array.tobytes()
        header.append([name, array.dtype.name, array.shape, lengths])
        parts[str(number)] = np.frombuffer(raw, np.uint8)
    with open(path, "wb") as file:
        np.savez(file, **{HEADER: np.array(json.dumps(header))}, **parts)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    arrays = {}
    with np.load(path) as stored:
        for number, (name, dtype, shape, lengths) in enumerate(json.loads(str(stored[HEADER]))):
            raw = stored[str(number)].tobytes()
            if dtype == "object":
                ends = np.cumsum([0, *lengths])
                array = np.empty(len(lengths), object)
                array[:] = [raw[a:b] for a, b in itertools.pairwise(ends)]
            else:
                array = np.frombuffer(raw, np.dtype(dtype))
            arrays[name] = array.reshape(shape)
    return arrays


def exact(array: np.ndarray) -> tuple[str, tuple[int, ...], Any]:
    """Equal for arrays of equal bytes only: NaN equals itself, and 0 differs from -0."""
    content = items(array) if array.dtype == object else array.tobytes()
    return array.dtype.name, array.shape, content


def exactly(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {name: exact(array) for name, array in arrays.items()}
