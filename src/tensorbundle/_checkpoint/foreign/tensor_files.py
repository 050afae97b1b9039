"""Files of tensors of other programs, read as a checkpoint: names, dtypes, arrays, verification."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

from ..._core import MappedFile
from ..._format import dtypes
from ..._format.dtypes import Array
from ..._format.names import as_bytes
from ..._format.tensor_info import TensorInfo
from ..._locate.location import Location
from ..._progress import Meter, Progress
from ...errors import FormatError, TensorBundleError, UnsupportedError
from ..checkpoint import DEFAULT_CHUNK_BYTES, Checkpoint, Mode
from ..report import Fault, Report, fault_of
from .content import Format, Held, Span

_REPORT_INTERVAL_S: Final = 0.1


class TensorFiles(Checkpoint):
    """The tensors of a `.npz`, `.npy`, `.safetensors`, HDF5 or `.pt` file, or of several.

    Names are those of the file; a `.npy` folder's and a sharded `.safetensors`' are in the index.
    Arrays are read-only views of the file in mode ``"r"`` where it holds their bytes as they are.
    Only `.npz` has checksums; they are checked whenever a tensor is read.
    """

    def __init__(self, location: Location, mode: Mode) -> None:
        self._format = _format_of(location)
        super().__init__(replace(location, files=self._format.files), mode)
        self._ordered = sorted(self._format.names(), key=as_bytes)
        self._members = frozenset(self._ordered)
        self._maps: dict[str, MappedFile] = {}

    # --- facts -----------------------------------------------------------------------------------

    def _list_names(self) -> list[str]:
        return self._ordered

    def _held(self, name: str) -> Held:
        try:
            return self._format.find(name)
        except TensorBundleError as error:
            raise error.add_context(path=self._format.file_of(name), key=name) from None

    def _find(self, name: str) -> TensorInfo | None:
        if name not in self._members:
            return None
        held = self._held(name)
        dtype = None if held.dtype is None else dtypes.numpy_dtype(held.number)
        return TensorInfo(
            name,
            dtype,
            held.shape,
            held.content.nbytes,
            held.shard,
            held.offset,
            None,
            (),
            held.number,
        )

    def iter_infos(self) -> Iterator[TensorInfo]:
        """Describe all tensors one after the other; see `Checkpoint.iter_infos`."""
        return map(self.info, self._ordered)

    # --- values ----------------------------------------------------------------------------------

    def _read(self, info: TensorInfo) -> Array:
        held = self._held(info.name)
        span = held.content
        if self.mode == "r" and isinstance(span, Span) and span.nbytes and _is_plain(held):
            return self._view(info, span)
        array = self._read_owned(info)
        if self.mode == "r":
            array.flags.writeable = False
        return array

    def _view(self, info: TensorInfo, span: Span) -> Array:
        path = span.file.path
        if span.file.on_network:  # where a map may fault
            array = self._read_owned(info)
            array.flags.writeable = False
            return array
        if path not in self._maps:
            self._maps[path] = MappedFile(span.file)
        if span.offset + span.nbytes > len(self._maps[path]):
            raise FormatError("the file was cut off", path=path, key=info.name)
        buffer = memoryview(self._maps[path])
        array = np.ndarray(info.shape, info.dtype, buffer, span.offset)
        array.flags.writeable = False
        return array

    def _read_owned(self, info: TensorInfo) -> Array:
        held = self._held(info.name)
        if held.dtype is None:
            raise UnsupportedError(
                f"no array holds the type {held.word!r}",
                path=self._format.file_of(info.name),
                key=info.name,
            )
        try:
            return _read_array(held)
        except TensorBundleError as error:
            path = self._format.file_of(info.name)
            raise error.add_context(path=path, key=info.name) from None

    def chunks(
        self, name: str | bytes, *, nbytes: int = DEFAULT_CHUNK_BYTES
    ) -> Iterator[memoryview]:
        """Give a tensor's bytes in pieces; see `Checkpoint.chunks`."""
        info = self.info(name)
        held = self._held(info.name)
        if not _is_plain(held):
            yield from super().chunks(name, nbytes=nbytes)
            return
        try:
            yield from held.content.pieces(nbytes)
        except TensorBundleError as error:
            path = self._format.file_of(info.name)
            raise error.add_context(path=path, key=info.name) from None

    # --- verification ----------------------------------------------------------------------------

    def verify(self, *, threads: int = 0, progress: Progress = None) -> Report:
        """Read every tensor, and check the checksums of those formats that have them.

        See `Checkpoint.verify`; one thread is used.
        """
        faults: list[Fault] = []
        sizes: dict[str, int] = {}
        for name in self._ordered:
            try:
                sizes[name] = self._held(name).content.nbytes
            except TensorBundleError as error:
                faults.append(fault_of(error, "malformed", name=name))
        checked = 0
        meter = Meter(progress, sum(sizes.values()))
        for name, nbytes in sizes.items():
            try:
                for _ in self._held(name).content.pieces(DEFAULT_CHUNK_BYTES):
                    pass
                checked += 1
            except TensorBundleError as error:
                kind = "checksum" if self._format.checksums else "truncated"
                faults.append(
                    fault_of(error.add_context(path=self._format.file_of(name)), kind, name=name)
                )
            meter.add(nbytes)
        meter.finish()
        notes = (
            ()
            if self._format.checksums
            else (f"{self.location.kind} has no checksums: damage within values is not seen",)
        )
        return Report(not faults, checked, meter.total, tuple(faults), notes)


def _format_of(location: Location) -> Format:
    """Open the files of a location."""
    path = location.prefix
    try:
        if location.kind == "npz":
            from .npz import Archive

            return Archive(path)
        if location.kind == "safetensors":
            from .safetensors import SafetensorsFiles

            return SafetensorsFiles(path)
        if location.kind == "npy":
            from .npy import NpyFiles

            return NpyFiles(path)
        if location.kind == "torch":
            from .torch import TorchFile

            return TorchFile(path)
        from .hdf5 import Hdf5File

        return Hdf5File(path)
    except TensorBundleError as error:
        raise error.add_context(path=path) from None


def _is_plain(held: Held) -> bool:
    """Whether the bytes in the file are those of the array as it is read."""
    return (
        held.dtype is not None
        and held.dtype.kind not in "SUO"
        and held.dtype.newbyteorder("<") == held.dtype
        and not held.fortran
        and not dtypes.is_exotic(held.number)
    )


def _read_array(held: Held) -> Array:
    if held.dtype == object:
        strings: Array = held.content.objects()  # type: ignore[attr-defined]
        return strings
    array: Array = np.empty(held.shape, held.dtype, order="F" if held.fortran else "C")
    # Flat before it is bytes: of no elements, and of no dimensions, there is no byte view.
    held.content.fill(array.reshape(-1, order="A").view(np.uint8).data)
    return _as_stored(array, held.number)


def _as_stored(array: np.ndarray[Any, Any], number: int) -> Array:
    """Turn what a file holds into what a checkpoint gives: native, canonical, strings as bytes."""
    if array.dtype.kind == "S":
        return array.astype(object)
    if array.dtype.kind == "U":
        points = array.reshape(-1).view(array.dtype.str[0] + "u4")
        # numpy would ask Python for characters that there are none of, which is no plain error.
        if points.size and points.max() > sys.maxunicode:
            raise FormatError(f"a text holds the code point {points.max():#x}: there is none")
        try:
            flat = [text.encode() for text in array.reshape(-1).tolist()]
        except UnicodeEncodeError as error:
            raise FormatError(f"a text is malformed: {error.reason}") from None
        strings = np.empty(len(flat), dtype=object)
        strings[:] = flat
        return strings.reshape(array.shape)
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)
    return np.asarray(dtypes.canonical(native, number))
