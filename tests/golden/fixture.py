"""What a maker hands over, and the few ways in which makers save tensors."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

# DataType numbers with a raw stored value (format.md §4.2), by TensorFlow's own names.
NUMERIC = [
    *("float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "int64", "bool"),
    *("qint8", "quint8", "qint32", "bfloat16", "qint16", "quint16", "uint16", "complex128"),
    *("float16", "uint32", "uint64", "float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz"),
    *("float8_e4m3b11fnuz", "float8_e5m2fnuz", "int4", "uint4", "int2", "uint2", "float4_e2m1fn"),
]
_LARGEST_BYTE = {"bool": 1, "int2": 3, "uint2": 3, "int4": 15, "uint4": 15, "float4_e2m1fn": 15}


@dataclass
class Fixture:
    """One checkpoint below data/, and the values that were given to its writer.

    Attributes:
        id: its name in expected.json.
        path: what a user opens, relative to data/ (default: the id).
        written: values by raw name; None where no whole value exists (gaps, overlaps, variants).
            Empty: every tensor that the file lists, as TensorFlow reads it.
        spellings: other paths, relative to data/, that lead to the same checkpoint.
        specs: for partitioned tensors, the stored slices by raw name.
        damaged: what is wrong; no value is promised where TensorFlow cannot read one.
        never_read: raw names that TensorFlow must not be asked for (it aborts the process).
        note: a sentence for whoever reads expected.json.
        digest_only: keep one digest of all tensors and a sample of them, for very many tensors.
    """

    id: str
    path: str = ""
    written: dict[bytes, Any] = field(default_factory=dict)
    spellings: list[str] = field(default_factory=list)
    specs: dict[bytes, list[str]] = field(default_factory=dict)
    damaged: str = ""
    never_read: set[bytes] = field(default_factory=set)
    note: str = ""
    digest_only: bool = False

    def __post_init__(self) -> None:
        self.path = self.path or self.id


def dtype_of(name: str) -> tf.DType:
    """Return the TensorFlow dtype of that name, also of those that tf.dtypes does not show."""
    return tf.as_dtype(name)


def numpy_dtype(name: str) -> np.dtype:
    """Return the numpy dtype of a TensorFlow dtype; a quantised one is its integer."""
    return np.dtype(dtype_of(name.removeprefix("q")).as_numpy_dtype)


def pattern(dtype: str, shape: tuple[int, ...], seed: str = "") -> np.ndarray:
    """Return an array of arbitrary bits (NaNs and denormals among them), the same on every run."""
    kind = numpy_dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    blocks = [hashlib.sha256(f"{seed or dtype}{shape}{i}".encode()) for i in range(count // 32 + 1)]
    stream = np.frombuffer(b"".join(block.digest() for block in blocks)[:count], np.uint8)
    return (stream & np.uint8(_LARGEST_BYTE.get(dtype, 255))).view(kind).reshape(shape)


def strings(*elements: bytes, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return an object array of byte strings; `shape` defaults to a vector."""
    array = np.empty(len(elements), object)
    array[:] = elements
    return array if shape is None else array.reshape(shape)


def tensor(array: Any, dtype: str | None = None) -> tf.Tensor:
    """Return a TensorFlow tensor of exactly these bits."""
    if isinstance(array, tf.Tensor):
        return array
    if array.dtype == object:
        return tf.constant(array.tolist(), tf.string, shape=array.shape)
    if dtype is not None and dtype.startswith("q"):
        return tf.bitcast(tf.constant(array), dtype_of(dtype))
    return tf.constant(array)


def make_parent(prefix: str) -> None:
    """Create the directory that a prefix lies in."""
    Path(prefix).parent.mkdir(parents=True, exist_ok=True)


def save_v2(prefix: str, saved: list[tuple[bytes, str, Any]]) -> None:
    """Write (name, shape_and_slice, tensor or array) items as one bundle with SaveV2."""
    make_parent(prefix)
    names, specs, tensors = zip(*saved, strict=True)
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(names),
        shape_and_slices=list(specs),
        tensors=[tensor(item) for item in tensors],
    )


def merge_v2(parts: list[str], prefix: str) -> None:
    """Merge bundles into one with a shard each; the parts are used up."""
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=parts, destination_prefix=prefix, delete_old_dirs=False
    )


def cut(array: np.ndarray, spec: str) -> np.ndarray:
    """Return the part of an array that a spec such as "0,2:-" names."""
    box = []
    for extent in spec.split(":"):
        start, _, length = extent.partition(",")
        box.append(slice(None) if extent == "-" else slice(int(start), int(start) + int(length)))
    return array[tuple(box)]


def slice_items(
    name: bytes, array: np.ndarray, specs: list[str], dtype: str | None = None
) -> list[tuple[bytes, str, Any]]:
    """Return `save_v2` items that store an array in slices, in the given order."""
    extent = " ".join(str(size) for size in array.shape)
    return [(name, f"{extent} {spec}", tensor(cut(array, spec), dtype)) for spec in specs]
