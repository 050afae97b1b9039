"""Casts on the way out: a checkpoint as it is read, but some tensors in another dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checkpoint.checkpoint import DEFAULT_CHUNK_BYTES, Checkpoint
from .._checkpoint.report import Report
from .._format import dtypes
from .._format.dtypes import Array
from .._format.tensor_info import TensorInfo
from .._format.wording import listed
from .._write.casting import Cast, Loss, converted, number_of
from ..errors import ConversionError

if TYPE_CHECKING:
    from .._objects.graph import ObjectGraph


class CastCheckpoint(Checkpoint):
    """A checkpoint, some of whose tensors are read in another dtype; each value is rounded once.

    Args:
        ckpt: The checkpoint.
        numbers: DataTypes of these tensors, by key.
        loss: What may be lost beside digits.

    Attributes:
        numbers: DataTypes of the tensors that are cast, by key.
    """

    def __init__(self, ckpt: Checkpoint, numbers: Mapping[str, int], loss: Loss) -> None:
        super().__init__(ckpt.location, ckpt.mode)
        self._ckpt = ckpt
        self.numbers = numbers
        self._loss = loss

    @property
    def objects(self) -> ObjectGraph | None:
        """See `Checkpoint.objects`."""
        return self._ckpt.objects

    def _list_names(self) -> list[str]:
        return list(self._ckpt)

    def _find(self, name: str) -> TensorInfo | None:
        info = self._ckpt._find(name)
        number = self.numbers.get(name)
        if info is None or number is None:
            return info
        info = replace(info, dtype=dtypes.numpy_dtype(number), data_type=number, crc32c=None)
        return replace(info, nbytes=info.size * info.array_dtype().itemsize)

    def iter_infos(self) -> Iterator[TensorInfo]:
        """Describe all tensors one after the other; see `Checkpoint.iter_infos`."""
        return map(self.info, self._ckpt)

    def _cast(self, array: Array, info: TensorInfo) -> Array:
        if info.name not in self.numbers:
            return array
        return converted(array, info.array_dtype(), info.name, self._loss)

    def _read(self, info: TensorInfo) -> Array:
        return self._cast(self._ckpt[info.name], info)

    def _read_owned(self, info: TensorInfo) -> Array:
        return np.array(self._cast(self._ckpt.load([info.name])[info.name], info))

    def chunks(
        self, name: str | bytes, *, nbytes: int = DEFAULT_CHUNK_BYTES
    ) -> Iterator[memoryview]:
        """Give a tensor's bytes in pieces; see `Checkpoint.chunks`."""
        info = self.info(name)
        source = self._ckpt.info(info.name).array_dtype()
        # Whole elements, whichever is the larger.
        step = max(1, nbytes // max(source.itemsize, info.array_dtype().itemsize))
        for piece in self._ckpt.chunks(info.name, nbytes=step * source.itemsize):
            array = self._cast(np.frombuffer(piece, source), info)
            yield array.view(np.uint8).data

    def verify(
        self, *, threads: int = 0, progress: Callable[[int, int], object] | None = None
    ) -> Report:
        """Verify the checkpoint; see `Checkpoint.verify`."""
        return self._ckpt.verify(threads=threads, progress=progress)


def cast_as_asked(ckpt: Checkpoint, cast: Cast, loss: Loss) -> Checkpoint:
    """Have tensors of a checkpoint read in other dtypes.

    Raises:
        TensorNotFoundError: Nothing is called as a part of ``cast`` says.
        ConversionError: There is no such dtype, or a tensor that is named has no numbers.
    """
    by_part: Mapping[Any, Any] = cast if isinstance(cast, Mapping) else {None: cast}
    numbers: dict[str, int] = {}
    # What is said of all comes first, of names last.
    for part, dtype in sorted(by_part.items(), key=lambda each: _exactness(ckpt, each[0])):
        number = number_of(dtype)
        infos = ckpt.iter_infos() if part is None else ckpt.infos([part])
        for info in infos:
            if part is not None or info.data_type in dtypes.FLOATING:
                numbers[info.name] = number
    infos = [ckpt.info(name) for name in numbers]
    if wrong := [i.name for i in infos if i.dtype is None or i.data_type == dtypes.STRING]:
        raise ConversionError(f"only numbers can be cast: {listed(wrong)}")
    changed = {i.name: numbers[i.name] for i in infos if i.data_type != numbers[i.name]}
    return CastCheckpoint(ckpt, changed, loss) if changed else ckpt


def _exactness(ckpt: Checkpoint, part: Any) -> int:
    return 0 if part is None else 2 if isinstance(part, str) and part in ckpt else 1
