"""Facts of a tensor that are known without reading it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..errors import UnsupportedError
from . import dtypes

if TYPE_CHECKING:
    import numpy as np

    from .._core import SliceSpec

# numpy's own limit; TensorFlow allows 254.
MAX_DIMENSIONS: Final = 64
_MAX_BYTES: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Facts of a tensor: where it lies and what it is; no data shard is touched to know it.

    Attributes:
        name: Its name; bytes of a key that are not UTF-8 are surrogate escapes.
        dtype: The dtype of the array it is read into: ``object`` for strings, None for what no
            array holds (variant, resource, and types from a later TensorFlow).
        shape: Its dimensions.
        nbytes: Stored bytes, of all slices for a partitioned tensor. A V1 file stores numbers in
            varying length: there it is the size of the array, and 0 for strings, whose lengths
            are not known before they are read.
        shard: Number of the data shard; None for a partitioned tensor and in V1 files.
        offset: First byte in that shard; None likewise.
        crc32c: The CRC-32C that the bytes must have, unmasked (the file stores it masked);
            None likewise. For strings it covers their lengths in another form (format of
            TensorFlow's tensor_bundle.cc), so it is not that of the stored bytes.
        slices: For a partitioned tensor, per slice the ``(start, length)`` of each dimension;
            a length of -1 is the whole dimension. Otherwise empty.
        data_type: TensorFlow's DataType number.

    Example:
        >>> import tensorbundle as tb
        >>> info = tb.open("tests/golden/data/demo/model.ckpt-2000").info("dense/bias")
        >>> info.dtype, info.tf_dtype, info.size == info.nbytes // 4
        (dtype('float32'), 'float32', True)
    """

    name: str
    dtype: np.dtype[Any] | None
    shape: tuple[int, ...]
    nbytes: int
    shard: int | None
    offset: int | None
    crc32c: int | None
    slices: tuple[SliceSpec, ...]
    data_type: int

    @property
    def tf_dtype(self) -> str:
        """TensorFlow's name of the dtype, such as ``float32``, ``qint8`` or ``string``."""
        return dtypes.name_of(self.data_type)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def array_dtype(self) -> np.dtype[Any]:
        """Return the dtype of the array that the tensor is read into.

        Raises:
            UnsupportedError: No array holds such elements, or numpy cannot hold the shape.

        Example:
            >>> import tensorbundle as tb
            >>> ckpt = tb.open("tests/golden/data/demo/model.ckpt-2000")
            >>> ckpt.info("dense/bias").array_dtype()
            dtype('float32')
        """
        if self.dtype is None:
            raise UnsupportedError(
                f"tensors of type {self.tf_dtype} cannot be read as arrays: "
                "they are listed, verified and left as they are",
                key=self.name,
            )
        if len(self.shape) > MAX_DIMENSIONS:
            raise UnsupportedError(
                f"numpy arrays have at most {MAX_DIMENSIONS} dimensions: "
                f"this tensor has {len(self.shape)}",
                key=self.name,
            )
        extent = math.prod(dim for dim in self.shape if dim)
        if self.size == 0 and extent > _MAX_BYTES // self.dtype.itemsize:
            raise UnsupportedError(
                f"numpy cannot hold this shape, even empty: {list(self.shape)}", key=self.name
            )
        return self.dtype
