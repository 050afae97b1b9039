"""V2 checkpoints: an index and its data shards."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import _core
from .._format import boxes as _slices
from .._format import dtypes as _dtypes
from .._format.dtypes import Array
from .._format.names import as_bytes
from .._format.tensor_info import TensorInfo
from .._locate.conversions import explain_table
from .._locate.damage import explain_not_a_table
from .._locate.location import Location
from .._progress import Meter, Progress
from ..errors import FormatError, TensorBundleError
from .checkpoint import DEFAULT_CHUNK_BYTES, Checkpoint, Mode, fitting
from .selection import Filter, count_of, labelled, without_left_out
from .shards import checksum_error, explain

if TYPE_CHECKING:
    from .report import Report

# Entries are described so many at a time.
_BATCH = 10_000


class Bundle(Checkpoint):
    """A V2 checkpoint (``P.index`` and ``P.data-…``)."""

    is_near: ClassVar[bool] = True  # whether the core may read its shards by itself

    def __init__(self, location: Location, mode: Mode, verify: bool, index: _core.File) -> None:
        super().__init__(location, mode)
        self._verify = verify
        self._core = self._open(location, mode, verify, index)
        self._index = self._core.index

    def _open(
        self, location: Location, mode: Mode, verify: bool, index: _core.File
    ) -> _core.Bundle:
        """Read the header of the index; what is no index is told as what it is."""
        try:
            return _core.Bundle(
                index, location.prefix, mode, verify, _dtypes.array_type, TensorInfo
            )
        except FormatError as error:
            if found := explain_not_a_table(index.path):
                error.message = f"not a checkpoint index: {index.path!r} is {found}"
                error.offset = None
            elif done := explain_table(index.path):
                error.message = f"{error.message}; {done}"
            raise

    def sizes_of(self, shards: Iterable[int]) -> dict[int, int | None]:
        """The bytes of data shards; None of those that are not there."""
        found: dict[int, int | None] = {}
        for n in shards:
            path = _core.shard_path(self.location.prefix, n, self.num_shards)
            found[n] = os.path.getsize(path) if os.path.isfile(path) else None
        return found

    @property
    def core(self) -> _core.Bundle:
        """The core's bundle, for those who plan by it."""
        return self._core

    def __reduce__(self) -> tuple[object, ...]:
        return _reopened, (self.location.absolute(), self.mode, self._verify)

    @property
    def num_shards(self) -> int:
        """How many data shards the index header says there are."""
        return self._index.num_shards

    # --- facts -----------------------------------------------------------------------------------

    def _list_names(self) -> list[str]:
        return self._index.entries().names()

    def _find(self, name: str) -> TensorInfo | None:
        return self._core.find(name)

    def _has(self, name: str) -> bool:
        return self._core.has(name)

    def infos(self, names: Filter = None, *, exclude: Filter = None) -> list[TensorInfo]:
        """Describe tensors; see `Checkpoint.infos`."""
        if names is None and exclude is None:
            return self._core.infos(0, len(self._index.entries()))
        return super().infos(names, exclude=exclude)

    def iter_infos(self) -> Iterator[TensorInfo]:
        """Describe all tensors one after the other; see `Checkpoint.iter_infos`."""
        for begin in range(0, len(self._index.entries()), _BATCH):
            yield from self._core.infos(begin, begin + _BATCH)

    def __len__(self) -> int:
        return self._index.entries().num_tensors

    def _sweep(self) -> Iterator[tuple[str, Array]]:
        if self.mode == "read":  # what nobody asks for yet would take memory
            yield from super()._sweep()
            return
        begin, end = 0, len(self._index.entries())
        while begin < end:
            pairs, begin, whole = self._core.sweep(begin)
            if whole:
                yield from pairs
            else:
                yield from ((n, self[n] if array is None else array) for n, array in pairs)

    # --- single tensors --------------------------------------------------------------------------

    def __getitem__(self, name: str | bytes) -> Array:
        try:
            array = self._core.view(name)
        except TensorBundleError as error:
            raise explain(error) from None
        return self._read(self.info(name)) if array is None else array

    def _read(self, info: TensorInfo) -> Array:
        """The tensor, its name being another than was asked for, or its bytes no array as such."""
        try:
            array = self._core.view(info.name)
        except TensorBundleError as error:
            raise explain(error) from None
        if array is None:
            array = self._read_owned(info)
            array.flags.writeable = self.mode != "r"
        return array

    def _read_owned(self, info: TensorInfo, out: Array | None = None) -> Array:
        dtype = info.array_dtype()
        if info.shard is None:
            self._refuse_gaps(info)
            return self._assemble(info, tuple((0, dim) for dim in info.shape))
        if info.data_type == _dtypes.STRING:
            return self._read_strings(info)
        self.file_of(info)  # before memory is taken for what an entry claims
        array = _core.empty(info.shape, dtype) if out is None else out
        self.read_range(info, array.reshape(-1).view(np.uint8))
        return self._native(array, info)

    def read_range(self, info: TensorInfo, into: Array | None = None) -> None:
        """Check the bytes of a stored range, and read them where there is somewhere to go.

        Raises:
            ChecksumError, FormatError, MissingFileError: They are not what was written, or not
                there.
        """
        try:
            self._core.read(info, into)
        except TensorBundleError as error:
            raise explain(error) from None

    def file_of(self, info: TensorInfo) -> _core.File:
        """Open the shard of a stored range, having checked that the range is in it.

        That of strings, whose size says little, is left to whoever reads them.
        """
        try:
            if info.data_type == _dtypes.STRING:
                return self._core.shard(info.shard or 0)
            return self._core.file_of(info)
        except TensorBundleError as error:
            raise explain(error.add_context(key=info.name)) from None

    def _is_swapped(self, dtype: np.dtype[Any]) -> bool:
        return self._index.big_endian and dtype.itemsize > 1

    def _native(self, array: Array, info: TensorInfo) -> Array:
        """Stored bytes in this machine's order and in canonical form."""
        if self._is_swapped(array.dtype):
            # Each half of a complex number is swapped by itself.
            width = array.dtype.itemsize // (2 if array.dtype.kind == "c" else 1)
            array.reshape(-1).view(f"u{width}").byteswap(inplace=True)
        return _dtypes.canonical(array, info.data_type)

    def _read_strings(self, info: TensorInfo) -> Array:
        file = self.file_of(info)
        try:
            elements, crc32c, _ = _core.read_strings(
                file, info.offset or 0, info.size, self._index.big_endian
            )
        except TensorBundleError as error:
            raise explain(error.add_context(path=file.path, key=info.name)) from None
        if crc32c != info.crc32c:
            raise explain(checksum_error(info, crc32c, file.path))
        array = np.empty(len(elements), dtype=object)
        array[:] = elements
        return array.reshape(info.shape)

    # --- partitioned tensors ---------------------------------------------------------------------

    def _refuse_gaps(self, info: TensorInfo) -> None:
        try:
            info.refuse_gaps()
        except TensorBundleError as error:
            raise error.add_context(path=self.location.index) from None

    def _assemble(self, info: TensorInfo, target: _slices.Box) -> Array:
        dtype = info.array_dtype()
        key = as_bytes(info.name)
        parts: dict[int, TensorInfo] = {}
        try:
            boxes = [_slices.box_of(slice, info.shape) for slice in info.slices]

            def prepare(positions: Sequence[int]) -> None:
                for i in positions:
                    parts[i] = self._slice_info(info, key, i, _slices.shape_of(boxes[i]))
                self._refuse_more_than_the_files_hold(parts.values())

            return _slices.assemble(
                target, boxes, dtype, lambda i: self._read_owned(parts[i]), prepare
            )
        except TensorBundleError as error:
            raise error.add_context(path=self.location.index, key=info.name) from None

    def stored(self, info: TensorInfo) -> list[tuple[_core.SliceSpec, TensorInfo]]:
        """The ranges in which a tensor is stored, each as if it were a tensor of its own.

        Returns:
            One with an empty slice, or one for each slice of a partitioned tensor.

        Raises:
            FormatError: A slice does not lie in the tensor, or is missing, or of another kind.
        """
        if not info.slices:
            return [((), info)]
        key = as_bytes(info.name)
        try:
            shapes = [_slices.shape_of(_slices.box_of(s, info.shape)) for s in info.slices]
            parts = [self._slice_info(info, key, i, shape) for i, shape in enumerate(shapes)]
            return list(zip(info.slices, parts, strict=True))
        except TensorBundleError as error:
            raise error.add_context(path=self.location.index, key=info.name) from None

    @property
    def big_endian(self) -> bool:
        """Whether numbers are stored with their first byte highest."""
        return self._index.big_endian

    def _slice_info(
        self, whole: TensorInfo, key: bytes, position: int, shape: tuple[int, ...]
    ) -> TensorInfo:
        """One stored slice, as if it were a tensor of its own."""
        entry = self._index.find(_core.slice_key(key, whole.slices[position]))
        if entry is None:
            raise FormatError(
                f"a slice is missing: the index has no entry for slice {position} "
                f"of {len(whole.slices)}"
            )
        number, stored_shape, nbytes, shard, offset, crc32c, slices = entry
        if number != whole.data_type or stored_shape != shape or slices:
            raise FormatError(
                f"slice {position} is not what the tensor lists: "
                f"{_dtypes.name_of(number)}{list(stored_shape)}, "
                f"expected {whole.tf_dtype}{list(shape)}"
            )
        return TensorInfo(whole.name, whole.dtype, shape, nbytes, shard, offset, crc32c, (), number)

    def _refuse_more_than_the_files_hold(self, parts: Iterable[TensorInfo]) -> None:
        """Refuse slices that share bytes: few of them can ask for terabytes."""
        wanted = 0
        held: dict[str, int] = {}
        for part in parts:
            file = self.file_of(part)
            # Each string has a length of at least a byte.
            wanted += part.size if part.data_type == _dtypes.STRING else part.nbytes
            held[file.path] = file.size
        if wanted > sum(held.values()):
            raise FormatError(
                f"slices share bytes: they claim {wanted} of shards that have {sum(held.values())}"
            )

    # --- many tensors ----------------------------------------------------------------------------

    def load(
        self,
        names: Filter = None,
        *,
        out: Mapping[str, Array] | None = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> dict[str, Array]:
        """Read many tensors into arrays of their own; see `Checkpoint.load`."""
        if names is None and out is not None:
            names = list(out)
        labels, needed = self._wanted(names)
        chosen = None if labels is None else list(dict.fromkeys(labels.values()))
        into: dict[str, Array] | None = None
        if out is not None and labels is not None:
            into = {key: fitting(out, label, self.info(key)) for label, key in labels.items()}
        meter = self._meter(chosen, progress)
        try:
            arrays, others = self._load_plain(
                chosen, into, count_of(threads), progress and meter.at
            )
        except TensorBundleError as error:
            raise explain(error) from None
        kept = without_left_out(others, needed, self.info)
        for key in set(others).difference(kept):
            del arrays[key]  # which kept the place
        for key in kept:
            array = self._read_owned(self.info(key))
            if into is None:
                arrays[key] = array
            else:
                into[key][...] = array
                arrays[key] = into[key]
        meter.finish()
        return arrays if labels is None else labelled(arrays, labels, out)

    def _load_plain(
        self,
        names: Sequence[str] | None,
        out: Mapping[str, Array] | None,
        threads: int,
        tick: Callable[[int], object] | None,
    ) -> tuple[dict[str, Array], list[str]]:
        """Arrays of what is stored as plain bytes, and the names of the rest."""
        return self._core.load(names, out, threads, tick)

    def views(
        self, names: Filter = None, *, threads: int = 0, progress: Progress = None
    ) -> dict[str, Array]:
        """Give many tensors at once; see `Checkpoint.views`."""
        if self.mode == "read":
            return self.load(names, threads=threads, progress=progress)
        labels, needed = self._wanted(names)
        chosen = None if labels is None else list(dict.fromkeys(labels.values()))
        meter = self._meter(chosen, progress)
        try:
            arrays, others = self._core.views(chosen, count_of(threads), progress and meter.at)
        except TensorBundleError as error:
            raise explain(error) from None
        kept = without_left_out(others, needed, self.info)
        for key in set(others).difference(kept):
            del arrays[key]  # which kept the place
        for key in kept:
            arrays[key] = self[key]
        meter.finish()
        if labels is None:
            return arrays
        return {name: arrays[key] for name, key in labels.items() if key in arrays}

    def _meter(self, keys: list[str] | None, progress: Progress) -> Meter:
        """What tells of tensors that are read, if anybody listens: their sizes cost a look each."""
        if progress is None:
            return Meter(None, 0)
        infos = self.iter_infos() if keys is None else map(self.info, keys)
        return Meter(progress, sum(info.nbytes for info in infos))

    # --- parts -----------------------------------------------------------------------------------

    def read_slice(self, name: str | bytes, index: Any) -> Array:
        """Read part of a tensor; see `Checkpoint.read_slice`."""
        info = self.info(name)
        dtype = info.array_dtype()
        box, inner = _slices.basic_index(index, info.shape)
        if info.slices:
            return np.array(self._assemble(info, box)[inner], dtype)
        if info.data_type == _dtypes.STRING:
            return np.array(self._read_strings(info)[index], dtype)
        file = self.file_of(info)
        array = _slices.read_box(file, info.offset or 0, info.shape, dtype, box)
        return np.array(self._native(array, info)[inner], dtype)

    def chunks(
        self, name: str | bytes, *, nbytes: int = DEFAULT_CHUNK_BYTES
    ) -> Iterator[memoryview]:
        """Give a tensor's bytes in pieces; see `Checkpoint.chunks`."""
        info = self.info(name)
        dtype = info.array_dtype()
        if info.shard is None or info.data_type == _dtypes.STRING or self._is_swapped(dtype):
            yield from super().chunks(name, nbytes=nbytes)
            return
        file = self.file_of(info)
        buffer = np.empty(min(nbytes, info.nbytes), np.uint8)
        crc32c = 0
        for start in range(0, info.nbytes, nbytes):
            piece = buffer[: min(nbytes, info.nbytes - start)]
            file.readinto((info.offset or 0) + start, piece)
            crc32c = _core.crc32c(piece, crc32c)
            if _dtypes.is_exotic(info.data_type):
                piece = _dtypes.canonical(piece.view(dtype), info.data_type).view(np.uint8)
            yield piece.data
        if crc32c != info.crc32c:
            raise explain(checksum_error(info, crc32c, file.path))

    # --- verification ----------------------------------------------------------------------------

    def verify(self, *, threads: int = 0, progress: Progress = None) -> Report:
        """Check everything; see `Checkpoint.verify`."""
        from .audit import audit

        return audit(self._core, self.location.index or "", count_of(threads), progress)


def _reopened(location: Location, mode: Mode, verify: bool) -> Bundle:
    """A bundle that was pickled."""
    return Bundle(location, mode, verify, _core.File(location.index or ""))
