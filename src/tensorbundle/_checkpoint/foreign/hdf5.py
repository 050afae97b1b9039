"""HDF5 (`.h5`): the datasets of a file by their paths; read by h5py, which is optional.

Keras writes its weights so, and exports do. A dataset's attribute ``tensorflow_name`` is the name
of the tensor where that is another, and ``dtype`` the type where HDF5 lacks it (as in Keras).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from ..._format import dtypes
from ...errors import FormatError, UnsupportedError
from .content import Held
from .files import regular_file

NAME_ATTRIBUTE: Final = "tensorflow_name"
TYPE_ATTRIBUTE: Final = "dtype"

# All that h5py raises for files that are damaged; it has no class of its own.
_DAMAGE: Final = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError)
_MOST_SAVED: Final = 1032  # by deflate
_SLACK_BYTES: Final = 1 << 16


class Hdf5File:
    """The datasets of an HDF5 file. Links to other files are not followed."""

    checksums = False

    def __init__(self, path: str) -> None:
        """Read the tree of groups.

        Raises:
            FormatError: It is damaged.
            UnsupportedError: h5py is not installed.
        """
        try:
            import h5py
        except ImportError:
            raise UnsupportedError(
                "reading HDF5 needs a library: pip install h5py", path=path
            ) from None
        self.files: tuple[str, ...] = (path,)
        self._datasets: dict[str, Any] = {}
        regular_file(path)

        def visit(place: str, each: Any) -> None:
            if isinstance(each, h5py.Dataset):
                name = _name_of(place, each)
                if name in self._datasets:
                    raise FormatError(f"two datasets are called {name!r}")
                self._datasets[name] = each

        with _refusing("the HDF5 file"):
            self._file = h5py.File(path, "r")
            self._file.visititems(visit)

    def names(self) -> list[str]:
        """Give the names; see `Format`."""
        return list(self._datasets)

    def file_of(self, name: str) -> str:
        """Give the file; see `Format`."""
        return self.files[0]

    def find(self, name: str) -> Held:
        """Describe a dataset; see `Format`."""
        dataset = self._datasets[name]
        with _refusing(f"dataset {name!r}"):
            stored, shape = dataset.dtype, dataset.shape
            size = dataset.id.get_storage_size()
            # Those lie in other files, which a file that was downloaded has no business to read.
            if dataset.external or dataset.is_virtual:
                raise UnsupportedError(f"dataset {name!r} lies in another file: that is not read")
            noted = dataset.attrs.get(TYPE_ATTRIBUTE)
        if shape is None:
            return Held("empty", None, 0, (), Dataset(dataset, name, 0))
        dtype, number = _type_of(stored, noted)
        if dtype is not None and dtype.kind == "O":
            return Held("string", dtype, number, shape, Dataset(dataset, name, size))
        nbytes = math.prod(shape) * stored.itemsize
        if nbytes > size * _MOST_SAVED + _SLACK_BYTES:
            raise FormatError(f"dataset {name!r} claims {nbytes} bytes and has {size}")
        return Held(str(stored), dtype, number, shape, Dataset(dataset, name, nbytes))


class Dataset:
    """The bytes of a dataset, and the strings of one that holds such."""

    def __init__(self, dataset: Any, name: str, nbytes: int) -> None:
        self.nbytes = nbytes
        self._dataset = dataset
        self._name = name

    def fill(self, buffer: memoryview) -> None:
        """Read them; see `Content`."""
        if not self.nbytes:
            return
        stored = self._dataset.dtype
        array: np.ndarray[Any, Any] = np.ndarray(self._dataset.shape, stored, buffer)
        with _refusing(f"dataset {self._name!r}"):
            self._dataset.read_direct(array)

    def pieces(self, nbytes: int) -> Iterator[memoryview]:
        """Read them, all at once; see `Content`."""
        if self._dataset.dtype == object:
            return
        whole = memoryview(bytearray(self.nbytes))
        self.fill(whole)
        for start in range(0, self.nbytes, nbytes):
            yield whole[start : start + nbytes]

    def objects(self) -> np.ndarray[Any, Any]:
        """Read strings, as bytes."""
        with _refusing(f"dataset {self._name!r}"):
            value = self._dataset[()]
        array: np.ndarray[Any, Any] = np.empty(self._dataset.shape, dtype=object)
        flat = np.asarray(value, dtype=object).reshape(-1).tolist()
        array.reshape(-1)[:] = [each.encode() if isinstance(each, str) else each for each in flat]
        return array


def _name_of(place: str, dataset: Any) -> str:
    name = dataset.attrs.get(NAME_ATTRIBUTE)
    return name if isinstance(name, str) else place


def _type_of(stored: np.dtype[Any], noted: object) -> tuple[np.dtype[Any] | None, int]:
    """The dtype of the values, and TensorFlow's number for them."""
    import h5py

    if h5py.check_string_dtype(stored) is not None:
        return (stored, dtypes.STRING) if stored.kind in "SO" else (None, 0)
    if isinstance(noted, str) and (named := dtypes.number_named(noted)):
        wanted = dtypes.numpy_dtype(named)
        if wanted is not None and not wanted.hasobject and wanted.itemsize == stored.itemsize:
            return wanted.newbyteorder("<"), named
    number = dtypes.number_of(stored) if stored.kind in "biufc" else None
    return (stored, number) if number else (None, 0)


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Turn what h5py raises into a FormatError that names the dataset."""
    try:
        yield
    except (FormatError, UnsupportedError):
        raise
    except _DAMAGE as error:
        raise FormatError(f"{what} is damaged: {error}") from None
