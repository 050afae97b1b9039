"""Facts of a tensor that are known without reading it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .._printable import printable
from ..errors import FormatError, UnsupportedError
from . import dtypes
from .boxes import Box, box_of, describe, first_overlap
from .wording import Worded

if TYPE_CHECKING:
    import numpy as np

    from .._core import SliceSpec

# numpy's own limit; TensorFlow allows 254.
MAX_DIMENSIONS: Final = 64
_MAX_BYTES: Final = 2**63 - 1
_SHOWN_SLICES: Final = 3


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Facts of a tensor: where it lies and what it is; no data shard is touched to know it.

    Attributes:
        name: Its name; bytes of a key that are not UTF-8 are surrogate escapes.
        dtype: The dtype of the array it is read into: ``object`` for strings, None for what no
            array holds (variant, resource, and types from a later TensorFlow).
        shape: Its dimensions.
        nbytes: Stored bytes, for a partitioned tensor of the slices that it lists. A V1 file
            stores numbers in varying length: there it is the size of the array, and 0 for strings,
            whose lengths are not known before they are read.
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
        >>> info = tb.open(tb.demo()).info("dense/bias")
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

    def __str__(self) -> str:
        from .._look.tensors import COLUMNS, row

        facts = [
            f"{title} {fact}" for title, fact in zip(COLUMNS, row(self), strict=True) if fact != ""
        ]
        return printable(", ".join(facts).removeprefix("name "))

    def _repr_html_(self) -> str:
        from .._look.markup import block, table
        from .._look.tensors import COLUMNS, row

        return block(table(COLUMNS, [row(self)]))

    @property
    def tf_dtype(self) -> str:
        """TensorFlow's name of the dtype, such as ``float32``, ``qint8`` or ``string``."""
        return dtypes.name_of(self.data_type)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def stored_size(self) -> int:
        """Number of elements that are stored: of a partitioned tensor, those in its slices.

        Example:
            >>> import tensorbundle as tb
            >>> info = tb.open(tb.demo("slices")).info("gap")
            >>> info.size, info.stored_size, info.complete
            (24, 18, False)
        """
        if not self.slices:
            return self.size
        listed = 0
        for piece in self.slices:
            extents = (
                dim if length < 0 else min(length, dim)
                for (_, length), dim in zip(piece, self.shape, strict=False)
            )
            listed += math.prod(extents)
        return min(listed, self.size)

    @property
    def complete(self) -> bool:
        """Completeness: false where slices are missing, as TensorFlow itself leaves some out."""
        return self.stored_size == self.size

    @property
    def obstacle(self) -> str | None:
        """Reason why no array can hold the whole tensor, as far as its entry tells; or None."""
        if self.dtype is None:
            return f"tensors of type {self.tf_dtype} cannot be read as arrays"
        if len(self.shape) > MAX_DIMENSIONS:
            return f"it has {len(self.shape)} dimensions, arrays at most {MAX_DIMENSIONS}"
        if self._is_beyond_numpy(self.dtype):
            return f"numpy cannot hold this shape, even empty: {list(self.shape)}"
        if self._boxes_with_gaps():
            missing = self.size - self.stored_size
            return f"{missing:,} of {self.size:,} elements are in none of its slices"
        return None

    def _is_beyond_numpy(self, dtype: np.dtype[Any]) -> bool:
        """Whether it is empty, but of dimensions that numpy multiplies all the same."""
        extent = math.prod(dim for dim in self.shape if dim)
        return self.size == 0 and extent > _MAX_BYTES // dtype.itemsize

    def _boxes_with_gaps(self) -> list[Box]:
        """Its slices, where gaps are all that is wrong with them; the rest whoever reads tells."""
        if self.complete:
            return []
        try:
            boxes = [box_of(piece, self.shape) for piece in self.slices]
        except FormatError:
            return []
        return boxes if first_overlap(boxes) is None else []

    def refuse_gaps(self) -> None:
        """Raise FormatError for parts that are missing; it names those that are there."""
        boxes = self._boxes_with_gaps()
        if not boxes:
            return
        there = list(map(describe, boxes[:_SHOWN_SLICES]))
        more = len(self.slices) - len(there)
        stored = ", ".join(there) + (f" and {more} more" if more else "")
        raise FormatError(
            Worded.of(
                f"slices leave a gap: {self.obstacle}; stored: {stored}. read_slice() reads what "
                "is there; load(), views() and export() of all tensors leave this one out",
                f"slices leave a gap: {self.obstacle}; stored: {stored}. Choose others by name "
                "or pattern, or leave it out: --exclude, edit --drop",
            ),
            key=self.name,
        )

    def array_dtype(self) -> np.dtype[Any]:
        """Return the dtype of the array that the tensor is read into.

        Raises:
            UnsupportedError: No array holds such elements, or numpy cannot hold the shape.

        Example:
            >>> import tensorbundle as tb
            >>> ckpt = tb.open(tb.demo())
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
        if self._is_beyond_numpy(self.dtype):
            raise UnsupportedError(
                f"numpy cannot hold this shape, even empty: {list(self.shape)}", key=self.name
            )
        return self.dtype
