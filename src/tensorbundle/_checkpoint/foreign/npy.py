"""`.npy`: one file of one array, or the folder of an export with its index."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..._core import File
from ..._format import dtypes
from ..._format.foreign.npy import Header, read_header
from ..._format.foreign.safetensors import parse_json
from ..._locate.tensor_files import INDEX_NAME
from ...errors import FormatError, TensorBundleError
from .content import Held, Span
from .files import inside, regular_file, whole_file


class NpyFiles:
    """The array of a `.npy` file, named as the file is, or those of an export's folder."""

    checksums = False

    def __init__(self, path: str) -> None:
        """Read the index; the arrays' own headers are read when they are asked for.

        Raises:
            FormatError: The index is malformed, or names files outside its folder.
        """
        self._dtypes: dict[str, str] = {}
        if os.path.basename(path) == INDEX_NAME:
            folder = os.path.dirname(path)
            index = parse_index(whole_file(path))
            self._places = {name: inside(folder, entry["file"]) for name, entry in index.items()}
            self._dtypes = {name: entry["dtype"] for name, entry in index.items()}
            self.files = (*self._places.values(), path)
        else:
            name = os.path.splitext(os.path.basename(path))[0]
            self._places = {name: path}
            self.files = (path,)
        self._numbers = {name: number for number, name in enumerate(self._places)}

    def names(self) -> list[str]:
        """Give the names; see `Format`."""
        return list(self._places)

    def file_of(self, name: str) -> str:
        """Give the file of a tensor; see `Format`."""
        return self._places[name]

    def find(self, name: str) -> Held:
        """Read a tensor's header; see `Format`."""
        file, header = read_npy(self._places[name])
        content = Span(file, header.nbytes, file.size - header.nbytes)
        return held_of(header, content, self._dtypes.get(name), self._numbers[name], header.nbytes)


def parse_index(text: bytes) -> Mapping[str, Mapping[str, Any]]:
    """Read the index of a folder. Raises FormatError."""
    entries = parse_json(text)
    for name, entry in entries.items():
        match entry:
            case {"file": str(), "dtype": str(), "shape": list()}:
                pass
            case _:
                raise FormatError(
                    f"the index of a folder of .npy files is malformed: expected file, dtype and "
                    f"shape of tensor {name!r}"
                )
    return entries


def read_npy(path: str) -> tuple[File, Header]:
    """Open a file and read its header, which must fit the file's size."""
    file = regular_file(path)
    at = 0

    def read(size: int) -> bytes:
        nonlocal at
        piece = file.read(at, min(size, file.size - at))
        at += len(piece)
        return piece

    try:
        header = read_header(read)
        check(header, file.size - header.nbytes)
    except TensorBundleError as error:
        raise error.add_context(path=path) from None
    return file, header


def check(header: Header, nbytes: int) -> None:
    """Raise FormatError unless there is an array, and takes exactly the bytes that are there."""
    if header.word.strip("|<>=") == "O":
        raise FormatError(
            "not an array of numbers or strings: it holds pickled Python objects, which are never "
            "read"
        )
    expected = header.data_nbytes
    if expected is not None and expected != nbytes:
        raise FormatError(
            f"the size of an array does not fit: {header.word} {list(header.shape)} takes "
            f"{expected} bytes, {nbytes} are there"
        )


def held_of(
    header: Header, content: Any, noted: str | None, shard: int, offset: int | None
) -> Held:
    """Describe the tensor that a header tells of, and of which another place names the type."""
    dtype, number = header.dtype, header.number
    named = dtypes.number_named(noted) if noted else None
    if named and dtype is not None and dtypes.numpy_dtype(named) == dtypes.numpy_dtype(number):
        number = named
    elif named and dtype is None and header.word in ("|V1", "V1", "<V1"):
        # What np.save makes of a type of one byte that numpy has no name for.
        wanted = dtypes.numpy_dtype(named)
        if wanted is not None and wanted.itemsize == 1:
            dtype, number = wanted, named
    return Held(header.word, dtype, number, header.shape, content, header.fortran, shard, offset)
