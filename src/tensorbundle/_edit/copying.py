"""Tensors of a checkpoint written anew into a shard: as they are, or cast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .. import _core
from .._checkpoint.bundle import Bundle
from .._format import dtypes
from .._format.boxes import box_of
from .._format.names import as_bytes
from .._write.shards import DataFile, raw_chunks
from ..errors import UnsupportedError
from .casting import Loss, converted

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._core import Entry
    from .._format.tensor_info import TensorInfo
    from .plan import Step

_CHUNK_BYTES: Final = 8 << 20


class Copying:
    """Copies tensors of one checkpoint, and tells how far it is."""

    def __init__(
        self,
        ckpt: Checkpoint,
        loss: Loss,
        progress: Callable[[int, int], object] | None,
        total: int,
    ) -> None:
        self._ckpt = ckpt
        self._loss = loss
        self._progress = progress
        self._total = total
        self._done = 0

    def entries(self, step: Step, new: DataFile) -> Iterator[tuple[bytes, Entry]]:
        """Write a tensor; gives its entries.

        Raises:
            ChecksumError, FormatError: It is damaged.
            ConversionError: Values do not fit the dtype that it is cast to.
            UnsupportedError: It has no numbers, and cannot be copied as it is.
        """
        if step.data_type is not None:
            return self._cast(step, new)
        if isinstance(self._ckpt, Bundle) and not self._ckpt.big_endian:
            return self._copied(self._ckpt, step, new)
        return self._read(self._ckpt, step, new)

    def _told(self, chunks: Iterable[memoryview]) -> Iterator[memoryview]:
        """Pass chunks on, and tell of those that are written."""
        for chunk in chunks:
            yield chunk
            self._done += chunk.nbytes
            if self._progress is not None:
                self._progress(min(self._done, self._total), self._total)

    def _copied(self, ckpt: Bundle, step: Step, new: DataFile) -> Iterator[tuple[bytes, Entry]]:
        """A tensor's bytes as they are, whatever they mean; numbers are checked as they pass."""
        key = as_bytes(step.key)
        for piece, part in step.parts:
            part_key = _core.slice_key(key, piece) if piece else key
            opaque = part.dtype is None or part.data_type == dtypes.STRING
            entry = new.add(
                part.data_type,
                part.shape,
                self._told(_ranges(ckpt.file_of(part), part)),
                part.crc32c if opaque else None,
            )
            if entry[5] != part.crc32c or part.data_type == dtypes.STRING:
                ckpt.load([part.name])  # which checks strings, and says what is wrong where
            yield part_key, entry
        if step.source.slices:
            whole = step.source
            yield key, (whole.data_type, whole.shape, 0, 0, 0, 0, whole.slices)

    def _read(self, ckpt: Checkpoint, step: Step, new: DataFile) -> Iterator[tuple[bytes, Entry]]:
        """A tensor read and written: of V1, or of a checkpoint with its bytes the other way."""
        info = step.source
        if info.dtype is None:
            raise UnsupportedError(
                f"tensors of type {info.tf_dtype} cannot be written anew", key=info.name
            )
        key = as_bytes(step.key)
        array = ckpt.load([info.name])[info.name]
        if info.data_type == dtypes.STRING:
            yield key, new.add_strings(array)
        else:
            yield key, new.add(info.data_type, info.shape, self._told(raw_chunks(array)))

    def _cast(self, step: Step, new: DataFile) -> Iterator[tuple[bytes, Entry]]:
        info, number = step.source, step.data_type or 0
        key = as_bytes(step.key)
        dtype = dtypes.numpy_dtype(number)
        if dtype is None or info.dtype is None:
            raise UnsupportedError(f"cannot cast {info.tf_dtype}", key=info.name)
        if not info.slices or not isinstance(self._ckpt, Bundle):
            yield key, new.add(number, info.shape, self._told(self._cast_chunks(info, dtype)))
            return
        for piece, part in step.parts:
            box = tuple(slice(*extent) for extent in box_of(piece, info.shape))
            array = self._converted(self._ckpt.read_slice(info.name, box), dtype, info.name)
            chunks = self._told(raw_chunks(array))
            yield _core.slice_key(key, piece), new.add(number, part.shape, chunks)
        yield key, (number, info.shape, 0, 0, 0, 0, info.slices)

    def _cast_chunks(self, info: TensorInfo, dtype: np.dtype[Any]) -> Iterator[memoryview]:
        for chunk in self._ckpt.chunks(info.name, nbytes=_CHUNK_BYTES // 16 * 16):
            values = np.frombuffer(chunk, info.dtype)
            yield from raw_chunks(self._converted(values, dtype, info.name))

    def _converted(
        self, values: np.ndarray[Any, Any], dtype: np.dtype[Any], name: str
    ) -> np.ndarray[Any, Any]:
        return converted(values, dtype, name, self._loss)


def _ranges(file: _core.File, part: TensorInfo) -> Iterator[memoryview]:
    buffer = np.empty(min(_CHUNK_BYTES, part.nbytes), np.uint8)
    for start in range(0, part.nbytes, _CHUNK_BYTES):
        piece = buffer[: min(_CHUNK_BYTES, part.nbytes - start)]
        file.readinto((part.offset or 0) + start, piece)
        yield piece.data
