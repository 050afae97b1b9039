"""A checkpoint made of arrays, for tests of what only reads from one."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tensorbundle._checkpoint.checkpoint import Checkpoint
from tensorbundle._format import dtypes
from tensorbundle._format.tensor_info import TensorInfo
from tensorbundle.errors import ChecksumError


def strings(*values: bytes) -> np.ndarray[Any, Any]:
    """Return what a string tensor is read into."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def content(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


NUMBERS = {dtypes.name_of(number): number for number in range(34)}


class FakeCheckpoint(Checkpoint):
    """Serves arrays; None is a variant; the ``damaged`` one fails after its last piece."""

    def __init__(self, arrays: Mapping[str, Any], *, damaged: str | None = None) -> None:
        self.arrays = {
            name: None if arrays[name] is None else np.asarray(arrays[name])
            for name in sorted(arrays, key=lambda name: name.encode("utf-8", "surrogateescape"))
        }
        self.damaged = damaged

    def _list_names(self) -> list[str]:
        return list(self.arrays)

    def _find(self, name: str) -> TensorInfo | None:
        if name not in self.arrays:
            return None
        array = self.arrays[name]
        if array is None:
            return TensorInfo(name, None, (), 7, 0, 0, 0, (), dtypes.VARIANT)
        if array.dtype == object:
            nbytes = sum(len(each) for each in array.reshape(-1))
            return TensorInfo(name, array.dtype, array.shape, nbytes, 0, 0, 0, (), dtypes.STRING)
        number = NUMBERS[array.dtype.name]
        return TensorInfo(name, array.dtype, array.shape, array.nbytes, 0, 0, 0, (), number)

    def iter_infos(self) -> Iterator[TensorInfo]:
        return map(self.info, self.arrays)

    def _read(self, info: TensorInfo) -> np.ndarray[Any, Any]:
        return self.arrays[info.name]

    _read_owned = _read

    def chunks(self, name: str | bytes, *, nbytes: int = 1 << 10) -> Iterator[memoryview]:
        yield from super().chunks(name, nbytes=nbytes)
        if name == self.damaged:
            raise ChecksumError(f"checksum mismatch in tensor {name!r}")

    def verify(self, **_: Any) -> Any:
        raise NotImplementedError
