"""Tensors of a checkpoint written anew into a shard: as they are, or cast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .. import _core
from .._checkpoint.bundle import Bundle
from .._format import dtypes
from .._format.boxes import box_of
from .._format.names import as_bytes
from .._progress import Meter
from .._write.casting import Loss, converted
from .._write.shards import add_range, raw_chunks
from ..errors import UnsupportedError

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._core import BundleWriter, SliceSpec
    from .._format.tensor_info import TensorInfo
    from .plan import Step

_CHUNK_BYTES: Final = 8 << 20


class Copying:
    """Copies tensors of one checkpoint, and tells how far it is."""

    def __init__(
        self,
        ckpt: Checkpoint,
        loss: Loss,
        meter: Meter,
    ) -> None:
        self._ckpt = ckpt
        self._loss = loss
        self._meter = meter

    def write(self, step: Step, out: BundleWriter) -> None:
        """Write a tensor to the current shard.

        Raises:
            ChecksumError, FormatError: It is damaged.
            ConversionError: Values do not fit the dtype that it is cast to.
            UnsupportedError: It has no numbers, and cannot be copied as it is.
        """
        if step.data_type is not None:
            self._cast(step, out)
        elif isinstance(self._ckpt, Bundle) and not self._ckpt.big_endian:
            self._copy(self._ckpt, step, out)
        else:
            self._read(self._ckpt, step, out)

    def _copy(self, ckpt: Bundle, step: Step, out: BundleWriter) -> None:
        """A tensor's bytes as they are, whatever they mean; numbers are checked as they pass."""
        for piece, part in step.parts:
            key, chunks = _key(step, piece), self._meter.counted(_ranges(ckpt.file_of(part), part))
            if part.dtype is None or part.data_type == dtypes.STRING:
                add_range(out, key, part.data_type, part.shape, chunks, part.crc32c)
                sound = part.data_type != dtypes.STRING
            else:
                sound = add_range(out, key, part.data_type, part.shape, chunks) == part.crc32c
            if not sound:
                ckpt.load([part.name])  # which checks strings, and says what is wrong where
        _add_whole(step, step.source.data_type, out)

    def _read(self, ckpt: Checkpoint, step: Step, out: BundleWriter) -> None:
        """A tensor read and written: of V1, or of a checkpoint with its bytes the other way."""
        info = step.source
        if info.dtype is None:
            raise UnsupportedError(
                f"tensors of type {info.tf_dtype} cannot be written anew", key=info.name
            )
        array = ckpt.load([info.name])[info.name]
        if info.data_type == dtypes.STRING:
            out.add_strings(step.key, array.shape, array.reshape(-1).tolist())
        else:
            chunks = self._meter.counted(raw_chunks(array))
            add_range(out, _key(step), info.data_type, info.shape, chunks)

    def _cast(self, step: Step, out: BundleWriter) -> None:
        info, number = step.source, step.data_type or 0
        dtype = dtypes.numpy_dtype(number)
        if dtype is None or info.dtype is None:
            raise UnsupportedError(f"cannot cast {info.tf_dtype}", key=info.name)
        if not info.slices or not isinstance(self._ckpt, Bundle):
            chunks = self._meter.counted(self._cast_chunks(info, dtype))
            add_range(out, _key(step), number, info.shape, chunks)
            return
        for piece, part in step.parts:
            box = tuple(slice(*extent) for extent in box_of(piece, info.shape))
            array = self._converted(self._ckpt.read_slice(info.name, box), dtype, info.name)
            chunks = self._meter.counted(raw_chunks(array))
            add_range(out, _key(step, piece), number, part.shape, chunks)
        _add_whole(step, number, out)

    def _cast_chunks(self, info: TensorInfo, dtype: np.dtype[Any]) -> Iterator[memoryview]:
        for chunk in self._ckpt.chunks(info.name, nbytes=_CHUNK_BYTES // 16 * 16):
            values = np.frombuffer(chunk, info.dtype)
            yield from raw_chunks(self._converted(values, dtype, info.name))

    def _converted(
        self, values: np.ndarray[Any, Any], dtype: np.dtype[Any], name: str
    ) -> np.ndarray[Any, Any]:
        return converted(values, dtype, name, self._loss)


def _key(step: Step, piece: SliceSpec = ()) -> bytes:
    key = as_bytes(step.key)
    return _core.slice_key(key, piece) if piece else key


def _add_whole(step: Step, data_type: int, out: BundleWriter) -> None:
    """List a partitioned tensor, whose slices are written."""
    if step.source.slices:
        whole = (data_type, step.source.shape, 0, 0, 0, 0, step.source.slices)
        out.add_entries([(_key(step), whole)])


def _ranges(file: _core.File, part: TensorInfo) -> Iterator[memoryview]:
    buffer = np.empty(min(_CHUNK_BYTES, part.nbytes), np.uint8)
    for start in range(0, part.nbytes, _CHUNK_BYTES):
        piece = buffer[: min(_CHUNK_BYTES, part.nbytes - start)]
        file.readinto((part.offset or 0) + start, piece)
        yield piece.data
