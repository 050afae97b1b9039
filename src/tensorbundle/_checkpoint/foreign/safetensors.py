"""`.safetensors`: one file, or several with the index that the Hugging Face libraries write."""

from __future__ import annotations

import os

from ..._core import File
from ..._format import dtypes
from ..._format.foreign.safetensors import (
    MAX_HEADER_BYTES,
    HeaderEntry,
    parse_header,
    parse_index,
)
from ..._locate.tensor_files import SHARDS_INDEX
from ..._look.amounts import format_count
from ...errors import FormatError, TensorBundleError
from .content import Held, Span
from .files import regular_file, whole_file


class SafetensorsFiles:
    """The tensors of a `.safetensors` file, or of those that an index names."""

    checksums = False

    def __init__(self, path: str) -> None:
        """Read the headers.

        Raises:
            FormatError: One is malformed, or the index names a tensor that is not in its file.
            MissingFileError: A file that the index names is not there.
        """
        places = parse_index(whole_file(path)) if path.endswith(SHARDS_INDEX) else None
        folder = os.path.dirname(path)
        files = [path] if places is None else sorted({*places.values()})
        paths = [path] if places is None else [os.path.join(folder, name) for name in files]
        self.files = tuple(paths) or (path,)
        self._entries: dict[str, tuple[int, File, HeaderEntry]] = {}
        for number, (name, place) in enumerate(zip(files, paths, strict=True)):
            file, entries = read_shard(place)
            for tensor, entry in entries.items():
                if places is None or places.get(tensor) == name:
                    self._entries[tensor] = number, file, entry
        lacking = [] if places is None else [each for each in places if each not in self._entries]
        if lacking:
            raise FormatError(
                f"the index names {format_count(len(lacking), 'tensor')} that no file has: "
                f"{lacking[0]!r} is not in {places[lacking[0]]!r}",  # type: ignore[index]
                key=lacking[0],
            )

    def names(self) -> list[str]:
        """Give the names; see `Format`."""
        return list(self._entries)

    def file_of(self, name: str) -> str:
        """Give the file of a tensor; see `Format`."""
        return self.files[self._entries[name][0]]

    def find(self, name: str) -> Held:
        """Describe a tensor; see `Format`."""
        shard, file, entry = self._entries[name]
        number = dtypes.number_named(entry.name) if entry.name else None
        dtype = dtypes.numpy_dtype(number) if number else None
        return Held(
            entry.word,
            None if dtype is None else dtype.newbyteorder("<"),
            number or 0,
            entry.shape,
            Span(file, entry.offset, entry.nbytes),
            shard=shard,
            offset=entry.offset,
        )


def read_shard(path: str) -> tuple[File, dict[str, HeaderEntry]]:
    """Open a file and read its header.

    Raises:
        FormatError: It is malformed.
        MissingFileError: There is no such file.
    """
    file = regular_file(path)
    try:
        if file.size < 8:
            raise FormatError(f"not a .safetensors file: it has {file.size} bytes")
        size = int.from_bytes(file.read(0, 8), "little")
        if size > min(MAX_HEADER_BYTES, file.size - 8):
            raise FormatError(
                f"not a .safetensors file, or one cut off: its header would take {size} bytes of "
                f"{file.size}"
            )
        return file, parse_header(file.read(8, size), file.size)
    except TensorBundleError as error:
        raise error.add_context(path=path) from None
