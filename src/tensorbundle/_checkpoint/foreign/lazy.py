"""Lazy arrays of Dask over a checkpoint: chunks are ranges, read by whoever computes them."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import ConversionError, UnsupportedError

if TYPE_CHECKING:
    from ..._format.tensor_info import TensorInfo
    from ..checkpoint import Checkpoint

_UNITS: Final = {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6}


class LazySource:
    """A tensor by its place: what a worker opens, and of which it reads what it is asked for.

    It is small when it is pickled: a path or address, a name, a dtype and a shape.
    """

    def __init__(self, path: Any, info: TensorInfo) -> None:
        self._path = path
        self._name = info.name
        self._opened: Checkpoint | None = None
        self.dtype = info.array_dtype()
        self.shape = info.shape
        self.ndim = len(info.shape)

    def __getitem__(self, index: Any) -> np.ndarray[Any, Any]:
        if self._opened is None:
            # By the door of the package: this room lies below what opens, and a worker begins here.
            self._opened = importlib.import_module("tensorbundle").open(self._path)
        assert self._opened is not None
        return self._opened.read_slice(self._name, index)

    def __getstate__(self) -> dict[str, Any]:
        """All but the opened checkpoint, which each process opens for itself."""
        return {**self.__dict__, "_opened": None}


class LazyArrays(Mapping[str, Any]):
    """Arrays of Dask by name, each made when it is asked for; made by `Checkpoint.to_dask`."""

    def __init__(self, ckpt: Checkpoint, names: list[str], chunk_bytes: int) -> None:
        self._ckpt = ckpt
        self._names = dict.fromkeys(names)
        self._chunk_bytes = chunk_bytes
        address = getattr(ckpt, "address", None)
        # Workers may be started elsewhere.
        self._path = os.path.abspath(ckpt.location.prefix) if address is None else address
        if ckpt.location.index is not None and address is None:
            self._path = os.path.abspath(ckpt.location.index)

    def __getitem__(self, name: str) -> Any:
        from dask import array

        made: Any = array.from_array
        if name not in self._names:
            raise KeyError(name)
        info = self._ckpt.info(name)
        tensor = LazySource(self._path, info)
        rows = _rows_of(info, self._chunk_bytes)
        chunks = (rows, *info.shape[1:]) if info.shape else ()
        return made(tensor, chunks=chunks, asarray=False, name=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def lazy_arrays(ckpt: Checkpoint, names: list[str], chunk_bytes: int | str) -> LazyArrays:
    """Give arrays of Dask; see `Checkpoint.to_dask`."""
    try:
        import dask.array  # noqa: F401
    except ImportError:
        raise UnsupportedError("to_dask needs a library: pip install 'dask[array]'") from None
    return LazyArrays(ckpt, names, nbytes_of(chunk_bytes))


def nbytes_of(text: int | str) -> int:
    """Bytes as people write them.

    Raises:
        ConversionError: They are no positive number.
    """
    if isinstance(text, int):
        number = text
    else:
        spelled = text.strip().lower()
        unit = next((unit for unit in _UNITS if spelled.endswith(unit)), "")
        digits = spelled[: len(spelled) - len(unit)].strip()
        number = int(digits) * _UNITS.get(unit, 1) if digits.isdigit() else 0
    if number < 1:
        raise ConversionError(f"chunks are a number of bytes, such as '128MiB': found {text!r}")
    return number


def _rows_of(info: TensorInfo, chunk_bytes: int) -> int:
    """How many rows a chunk has."""
    rows = info.shape[0] if info.shape else 1
    row_bytes = max(1, info.nbytes // max(rows, 1))
    return max(1, min(rows, chunk_bytes // row_bytes))
