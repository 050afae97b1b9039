"""Any mapping of arrays, read as a checkpoint: what is to be exported need not lie in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._checkpoint.checkpoint import Checkpoint
from .._checkpoint.report import Report
from .._format import dtypes
from .._format.dtypes import Array
from .._format.names import as_bytes, as_name, as_new_name
from .._format.tensor_info import TensorInfo
from .._locate.location import Location
from .._progress import Progress
from .._write.values import value_of
from ..errors import ConversionError


class Arrays(Checkpoint):
    """The values of a mapping; each is asked for when it is needed, and none is kept."""

    def __init__(self, values: Mapping[Any, Any]) -> None:
        super().__init__(Location(requested="", kind="arrays", prefix="a mapping"), "r")
        by_name = {as_new_name(name): name for name in values}
        self._given = {name: by_name[name] for name in sorted(by_name, key=as_bytes)}
        self._values = values

    def __reduce__(self) -> tuple[object, ...]:
        return Arrays, (self._values,)

    def _list_names(self) -> list[str]:
        return list(self._given)

    def second_names(self) -> dict[str, str]:
        """Names of values that lie in the memory of another, in the mapping's order, with its name.

        So a state dict of torch has tensors that are tied.
        """
        first: dict[tuple[object, ...], str] = {}
        found = {}
        for given, value in self._values.items():
            array = value_of(value).array
            if array is not None and array.size:
                place = (array.ctypes.data, array.shape, array.strides, array.dtype)
                name = as_name(given)
                if (of := first.setdefault(place, name)) != name:
                    found[name] = of
        return found

    def _array(self, name: str) -> tuple[int, Array]:
        try:
            value = value_of(self._values[self._given[name]])
        except ConversionError as error:
            raise error.add_context(key=name) from None
        if value.array is not None:
            return value.number, value.array
        import numpy as np

        strings: Array = np.empty(len(value.elements or ()), dtype=object)
        strings[:] = value.elements
        return value.number, strings.reshape(value.shape)

    def _find(self, name: str) -> TensorInfo | None:
        if name not in self._given:
            return None
        number, array = self._array(name)
        nbytes = sum(map(len, array.reshape(-1))) if array.dtype == object else array.nbytes
        dtype = dtypes.numpy_dtype(number)
        return TensorInfo(name, dtype, array.shape, nbytes, None, None, None, (), number)

    def iter_infos(self) -> Iterator[TensorInfo]:
        """Describe all values one after the other; see `Checkpoint.iter_infos`."""
        return map(self.info, self._given)

    def _read(self, info: TensorInfo) -> Array:
        return self._array(info.name)[1]

    def _read_owned(self, info: TensorInfo) -> Array:
        return self._array(info.name)[1].copy()

    def verify(self, *, threads: int = 0, progress: Progress = None) -> Report:
        """Find nothing wrong: what is in memory has no checksums."""
        return Report(True, 0, 0, (), ("arrays in memory have no checksums",))
