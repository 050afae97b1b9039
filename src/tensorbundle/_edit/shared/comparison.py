"""Comparison of tensors of two checkpoints: what of one differs from that of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..._checkpoint.bundle import Bundle
from ..._format import dtypes
from ..distance import Sums, Tolerance, ValueDifference

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint
    from ..._format.tensor_info import TensorInfo

_CHUNK_BYTES: Final = 256 << 10  # small enough for the cache to hold what is made of it


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """One tensor that differs.

    Attributes:
        name: Its name.
        kind: ``"dtype"``, ``"shape"`` or ``"values"``.
        a: Dtype and shape in the first checkpoint.
        b: Dtype and shape in the second.
        values: How values differ; of two dtypes where both are numbers.
    """

    name: str
    kind: str
    a: str
    b: str
    values: ValueDifference | None = None


def _shown(info: TensorInfo) -> str:
    return f"{info.tf_dtype}[{','.join(map(str, info.shape))}]"


def is_swapped(ckpt: Checkpoint, info: TensorInfo) -> bool:
    """Whether a tensor is stored with the bytes of its numbers the other way round."""
    return (
        isinstance(ckpt, Bundle)
        and ckpt.big_endian
        and (info.dtype is None or info.dtype.itemsize > 1)
    )


def is_equal(one: Checkpoint, other: Checkpoint, a: str, b: str) -> bool:
    info = one.info(a)
    if info.dtype is None:
        return True  # variants: their checksums are all that can be compared
    if info.data_type == dtypes.STRING:
        return bool(np.array_equal(one[a], other[b]))
    streams = (one.chunks(a, nbytes=_CHUNK_BYTES), other.chunks(b, nbytes=_CHUNK_BYTES))
    return all(x == y for x, y in zip(*streams, strict=True))


class PairComparison:
    """Compares tensors of one name."""

    def __init__(
        self,
        one: Checkpoint,
        other: Checkpoint,
        tolerance: Tolerance,
        ignore_dtype: bool,
        exact: bool,
    ) -> None:
        self._one, self._other = one, other
        self._tolerance = tolerance
        self._ignore_dtype = ignore_dtype
        self._exact = exact
        self.by_checksum = 0

    def __call__(self, a: TensorInfo, b: TensorInfo) -> TensorDifference | None:
        """What differs, if anything does."""
        shown = _shown(a), _shown(b)
        if a.shape != b.shape:
            return TensorDifference(a.name, "shape", *shown)
        if a.data_type != b.data_type:
            values = self._values(a, b) if _is_number(a) and _is_number(b) else None
            if not self._ignore_dtype or values is None:
                return TensorDifference(a.name, "dtype", *shown, values)
        elif self._has_same_checksum(a, b) and (
            not self._exact or a.dtype is None or not a.complete
        ):
            self.by_checksum += 1
            return None
        elif a.dtype is None:
            values = ValueDifference(1, 1, None, None, None, None, None)
        elif a.data_type == dtypes.STRING:
            values = _compare_strings(self._one[a.name], self._other[a.name])
        else:
            values = self._values(a, b)
        return TensorDifference(a.name, "values", *shown, values) if values.count else None

    def is_hindered(self, a: TensorInfo, b: TensorInfo) -> bool:
        """Whether parts are missing, unless the same parts of both are there and alike."""
        return not (a.complete and b.complete) and not self._has_same_checksum(a, b)

    def _has_same_checksum(self, a: TensorInfo, b: TensorInfo) -> bool:
        """Whether what is stored is the same: bytes that mean the same, as far as sums tell."""
        one, other = self._one, self._other
        if is_swapped(one, a) != is_swapped(other, b):
            return False
        if not (a.slices and b.slices and isinstance(one, Bundle) and isinstance(other, Bundle)):
            return a.crc32c is not None and (a.crc32c, a.nbytes) == (b.crc32c, b.nbytes)
        here, there = (
            {p: (i.crc32c, i.nbytes) for p, i in c.stored(x)} for c, x in ((one, a), (other, b))
        )
        return here == there

    def _values(self, a: TensorInfo, b: TensorInfo) -> ValueDifference:
        sums = Sums(self._tolerance)
        assert a.dtype is not None
        assert b.dtype is not None
        # So many elements of each at a time, whatever their width.
        step = _CHUNK_BYTES // max(a.dtype.itemsize, b.dtype.itemsize)
        for x, y in zip(
            self._one.chunks(a.name, nbytes=step * a.dtype.itemsize),
            self._other.chunks(b.name, nbytes=step * b.dtype.itemsize),
            strict=True,
        ):
            sums.add(np.frombuffer(x, a.dtype), np.frombuffer(y, b.dtype))
        return sums.result()


def _is_number(info: TensorInfo) -> bool:
    return info.dtype is not None and info.data_type != dtypes.STRING


def _compare_strings(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> ValueDifference:
    return ValueDifference(int(np.count_nonzero(x != y)), x.size, None, None, None, None, None)
