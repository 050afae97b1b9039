"""What is asked of every type, here and in TensorFlow: a worker, and the questions for both sides.

python -m tests.train.dtype_probes prints TensorFlow's answers.
"""

import json
import pickle
import sys
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

NUMBERS = [*range(-1, 36), 100, 101, 107, 108, 111, 119, 120, 133, 134, 200, 201]
FACTS = [
    *("name", "as_datatype_enum", "size", "is_bool", "is_floating", "is_complex", "is_integer"),
    *("is_quantized", "is_unsigned", "is_numeric", "is_numpy_compatible", "min", "max", "limits"),
    *("real_dtype", "base_dtype", "as_numpy_dtype"),
]
OTHERS: dict[str, Any] = {
    **{repr(name): name for name in ("float32", "half", "double", "float", "float_ref", "int",
       "float32_ref", "qint8", "string", "str", "bool", "object", "resource", "bfloat16", "FLOAT",
       "invalid", "unknown(99)", "", "half_ref", "int64", "uint4", "O", "f4", "<f4")},
    **{f"number {number}": number for number in (0, 1, 7, 10, 33, 34, 101, -1, 1.0, True, 10**30)},
    **{str(each): each for each in (float, int, bool, object, str, bytes, complex, None, list)},
    **{str(each): each for each in (
        np.float16, np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8,
        np.uint16, np.uint32, np.uint64, np.bool_, np.complex64, np.complex128, np.object_,
        np.str_, np.bytes_, np.longlong, np.intc, np.longdouble, np.void, np.datetime64,
        ml_dtypes.bfloat16, ml_dtypes.int4, ml_dtypes.float8_e5m2, ml_dtypes.float4_e2m1fn)},
    **{f"dtype {text}": np.dtype(text) for text in
       ("float32", ">f4", "S3", "U3", "O", "longlong", "M8[s]", "complex128", "bool")},
    "dtype bfloat16": np.dtype(ml_dtypes.bfloat16),
    "dtype qint8": np.dtype([("qint8", np.int8)]),
    "dtype record": np.dtype([("x", np.int8)]),
    "an array": np.zeros(2, np.float32),
    "a scalar": np.float32(1),
    "an int scalar": np.int32(1),
    "a list": [1],
}  # fmt: skip


def show(value: Any) -> str:
    """A value as both sides print it."""
    if isinstance(value, tuple):
        return f"({', '.join(map(show, value))})"
    if isinstance(value, np.generic):
        return f"{type(value).__name__} {value!r}"
    return repr(value)


def answer(question: Callable[[], Any]) -> str:
    """What is answered, or the class of what is raised."""
    try:
        return show(question())
    except Exception as error:
        return type(error).__name__


def answers(dtype: Callable[[int], Any], as_dtype: Callable[[Any], Any]) -> dict[str, str]:
    """Everything that is asked, with the answers of one side."""
    found = {}
    for number in NUMBERS:
        found[f"DType({number})"] = answer(lambda n=number: dtype(n))  # type: ignore[misc]
        if found[f"DType({number})"] == "TypeError":
            continue
        one = as_dtype(number)
        for fact in FACTS:
            found[f"{number} {fact}"] = answer(lambda o=one, f=fact: getattr(o, f))  # type: ignore[misc]
        found[f"{number} str"], found[f"{number} hash"] = str(one), str(hash(one))
        found[f"{number} int"] = answer(lambda o=one: int(o))  # type: ignore[misc]
        found[f"{number} pickle"] = str(pickle.loads(pickle.dumps(one)) is one)
        found[f"{number} interned"] = str(as_dtype(one) is one is as_dtype(one.name))
        found[f"{number} numpy"] = answer(lambda o=one: np.dtype(o))  # type: ignore[misc]
        for name, other in OTHERS.items():
            found[f"{number} == {name}"] = answer(lambda o=one, x=other: o == x)  # type: ignore[misc]
            found[f"{number} != {name}"] = answer(lambda o=one, x=other: o != x)  # type: ignore[misc]
    for name, other in OTHERS.items():
        found[f"as_dtype({name})"] = answer(lambda x=other: as_dtype(x))  # type: ignore[misc]
        for number in (1, 7, 101):
            key = f"{number} is_compatible_with {name}"
            found[key] = answer(lambda n=number, x=other: as_dtype(n).is_compatible_with(x))  # type: ignore[misc]
    return found


if __name__ == "__main__":
    import tensorflow as tf

    json.dump(answers(tf.DType, tf.as_dtype), sys.stdout)
