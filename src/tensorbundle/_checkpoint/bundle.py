"""V2 checkpoints: an index and its data shards."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .. import _core
from .._format import boxes as _slices
from .._format import dtypes as _dtypes
from .._format.dtypes import Array
from .._format.names import as_bytes
from .._format.tensor_info import TensorInfo
from .._locate.damage import explain_not_a_table
from .._locate.location import Location
from ..errors import FormatError, MissingFileError, TensorBundleError, UnsupportedError
from .checkpoint import DEFAULT_CHUNK_BYTES, Checkpoint, Mode, fitting
from .selection import Filter
from .shards import DataShards, checksum_error, explain

if TYPE_CHECKING:
    from .report import Report

# What a bulk call gives: arrays by name, and the names that it left to Python.
_Batch: TypeAlias = tuple[dict[str, Array], list[str]]

# numpy's own limit; TensorFlow allows 254.
_MAX_DIMENSIONS = 64
_MAX_BYTES = 2**63 - 1
# Entries are described so many at a time.
_BATCH = 10_000
# Up to so many tensors are looked up one by one for the shards they need.
_FEW = 1000


class Bundle(Checkpoint):
    """A V2 checkpoint (``P.index`` and ``P.data-…``)."""

    def __init__(self, location: Location, mode: Mode, verify: bool) -> None:
        super().__init__(location, mode)
        path = location.index or ""
        try:
            self._index = _core.Index(_core.File(path))
        except FormatError as error:
            if found := explain_not_a_table(path):
                error.message = f"not a checkpoint index: {path!r} is {found}"
                error.offset = None
            raise
        self._shards = DataShards(location.prefix, self._index.num_shards, writable=mode == "c")
        # Names whose bytes need no further check; None: no names do.
        self._verified: set[str] | None = set() if verify else None

    @property
    def num_shards(self) -> int:
        """How many data shards the index header says there are."""
        return self._index.num_shards

    # --- facts -----------------------------------------------------------------------------------

    def _list_names(self) -> list[str]:
        return self._index.entries().names()

    def _find(self, name: str) -> TensorInfo | None:
        key = as_bytes(name)
        entry = self._index.find(key)
        # A look-up by bisection can miss in a table that is out of order, and it sees the slices of
        # partitioned tensors, which are no tensors: the list of names knows better.
        if (entry is None or name.startswith("\0")) and name not in self._known:
            return None
        entry = entry or self._index.find(key)
        return None if entry is None else TensorInfo.from_entry(name, entry)

    def iter_infos(self) -> Iterator[TensorInfo]:
        """Describe all tensors one after the other; see `Checkpoint.iter_infos`."""
        entries = self._index.entries()
        for begin in range(0, len(entries), _BATCH):
            names = entries.names(begin, begin + _BATCH)
            yield from map(TensorInfo.from_entry, names, entries.tuples(begin, begin + _BATCH))

    def __len__(self) -> int:
        return self._index.entries().num_tensors

    # --- single tensors --------------------------------------------------------------------------

    def _read(self, info: TensorInfo) -> Array:
        dtype = self._readable(info)
        if self.mode == "read":
            return self._read_owned(info)
        array = self._view(info, dtype)
        array.flags.writeable = self.mode == "c"
        return array

    def _view(self, info: TensorInfo, dtype: np.dtype[Any]) -> Array:
        """The mapped bytes themselves, or a copy where they are no array as they are."""
        if info.shard is None or info.data_type == _dtypes.STRING or self._is_swapped(dtype):
            return self._read_owned(info)
        if _dtypes.is_exotic(info.data_type):
            # Whether its bytes are canonical must be looked at, and the map is not ours to look at.
            return self._read_owned(info)
        file = self.checked_range(info, dtype)
        verified = self._verified
        if verified is not None and info.name not in verified:
            self._read_range(file, info, None)
            verified.add(info.name)
        if info.nbytes == 0:
            return np.ndarray(info.shape, dtype)
        bytes_of_shard: Any = self._shards.map(info.shard)  # a buffer, which numpy's stubs ask not
        return np.ndarray(info.shape, dtype, bytes_of_shard, info.offset or 0)

    def _read_owned(self, info: TensorInfo, out: Array | None = None) -> Array:
        dtype = self._readable(info)
        if info.shard is None:
            return self._assemble(info, tuple((0, dim) for dim in info.shape))
        if info.data_type == _dtypes.STRING:
            return self._read_strings(info)
        file = self.checked_range(info, dtype)
        array = _core.empty(info.shape, dtype) if out is None else out
        self._read_range(file, info, array.reshape(-1).view(np.uint8))
        return self._native(array, info)

    def _readable(self, info: TensorInfo) -> np.dtype[Any]:
        """The tensor's dtype, if it has one here and numpy can hold its shape."""
        if info.dtype is None:
            raise UnsupportedError(
                f"tensors of type {info.tf_dtype} cannot be read as arrays: "
                "they are listed, verified and left as they are",
                key=info.name,
            )
        if len(info.shape) > _MAX_DIMENSIONS:
            raise UnsupportedError(
                f"numpy arrays have at most {_MAX_DIMENSIONS} dimensions: "
                f"this tensor has {len(info.shape)}",
                key=info.name,
            )
        extent = math.prod(dim for dim in info.shape if dim)
        if info.size == 0 and extent > _MAX_BYTES // info.dtype.itemsize:
            raise UnsupportedError(
                f"numpy cannot hold this shape, even empty: {list(info.shape)}", key=info.name
            )
        return info.dtype

    def checked_range(self, info: TensorInfo, dtype: np.dtype[Any]) -> _core.File:
        """The shard of a numeric tensor; FormatError if its range is not in it, or of no fit."""
        needed = info.size * dtype.itemsize
        file = self._file_of(info)
        if needed != info.nbytes:
            raise FormatError(
                f"the entry's size is wrong: {info.nbytes} bytes, "
                f"but its dtype and shape need {needed}",
                path=file.path,
                key=info.name,
            )
        if needed and (info.offset or 0) + needed > file.size:
            raise explain(
                FormatError(
                    f"the shard is cut off: it ends at byte {file.size}",
                    path=file.path,
                    key=info.name,
                    offset=info.offset,
                    nbytes=needed,
                ),
                file.path,
            )
        return file

    def _file_of(self, info: TensorInfo) -> _core.File:
        try:
            return self._shards.file(info.shard or 0)
        except TensorBundleError as error:
            raise error.add_context(key=info.name) from None

    def _read_range(self, file: _core.File, info: TensorInfo, into: Array | None) -> None:
        try:
            _core.read_range(file, info.offset or 0, info.nbytes, info.crc32c or 0, into, 0)
        except TensorBundleError as error:
            raise explain(error.add_context(key=info.name), file.path) from None

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
        file = self._file_of(info)
        try:
            elements, crc32c, _ = _core.read_strings(
                file, info.offset or 0, info.size, self._index.big_endian
            )
        except TensorBundleError as error:
            raise explain(error.add_context(path=file.path, key=info.name), file.path) from None
        if crc32c != info.crc32c:
            raise checksum_error(info, crc32c, file.path)
        array = np.empty(len(elements), dtype=object)
        array[:] = elements
        return array.reshape(info.shape)

    # --- partitioned tensors ---------------------------------------------------------------------

    def _assemble(self, info: TensorInfo, target: _slices.Box) -> Array:
        dtype = self._readable(info)
        key = as_bytes(info.name)
        parts: dict[int, TensorInfo] = {}
        try:
            boxes = [_slices.box_of(slice, info.shape) for slice in info.slices]

            def prepare(positions: Sequence[int]) -> None:
                for i in positions:
                    parts[i] = self._slice_info(info, key, i, _slices.shape_of(boxes[i]))
                self._refuse_more_than_the_files_hold(parts.values(), dtype)

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

    def _refuse_more_than_the_files_hold(
        self, parts: Iterable[TensorInfo], dtype: np.dtype[Any]
    ) -> None:
        """Refuse slices that share bytes: few of them can ask for terabytes."""
        wanted = 0
        held: dict[str, int] = {}
        for part in parts:
            if part.data_type == _dtypes.STRING:
                file = self._file_of(part)
                wanted += part.size  # each has a length of at least a byte
            else:
                file = self.checked_range(part, dtype)
                wanted += part.nbytes
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
    ) -> dict[str, Array]:
        """Read many tensors into arrays of their own; see `Checkpoint.load`."""
        if names is None and out is not None:
            names = list(out)
        labels = None if names is None else self._chosen(names)
        chosen = None if labels is None else list(dict.fromkeys(labels.values()))
        into: dict[str, Array] | None = None
        if out is not None and labels is not None:
            into = {key: fitting(out, label, self.info(key)) for label, key in labels.items()}
        arrays, others = self._in_bulk(
            chosen, lambda files, dtypes: self._index.load(files, dtypes, chosen, into, threads)
        )
        for key in others:
            array = self._read_owned(self.info(key))
            if into is None:
                arrays[key] = array
            else:
                into[key][...] = array
                arrays[key] = into[key]
        return arrays if labels is None else _labelled(arrays, labels, out)

    def views(self, names: Filter = None, *, threads: int = 0) -> dict[str, Array]:
        """Give many tensors at once; see `Checkpoint.views`."""
        if self.mode == "read":
            return self.load(names, threads=threads)
        labels = None if names is None else self._chosen(names)
        chosen = None if labels is None else list(dict.fromkeys(labels.values()))

        verified = self._verified
        unchecked = verified is not None and (chosen is None or not verified.issuperset(chosen))

        def view(files: dict[int, _core.File | None], dtypes: Any) -> _Batch:
            maps = {n: self._shards.map(n) for n, file in files.items() if file is not None}
            return self._index.views(files, maps, dtypes, chosen, unchecked, threads)

        arrays, others = self._in_bulk(chosen, view)
        for name in others:
            arrays[name] = self[name]
        if chosen is None:
            self._verified = None
        elif verified is not None:
            verified.update(chosen)
        return arrays if labels is None else {name: arrays[key] for name, key in labels.items()}

    def _in_bulk(self, chosen: list[str] | None, work: Callable[[Any, Any], _Batch]) -> _Batch:
        """Run a bulk call on the shards that it needs and the dtypes that occur."""
        entries = self._index.entries()
        shards: Iterable[int] = entries.shard_counts()
        if chosen is not None and len(chosen) <= _FEW:
            shards = sorted(
                {info.shard for info in map(self.info, chosen) if info.shard is not None}
            )
        try:
            return work(self._shards.present(shards), _dtypes.plain_dtypes(entries.dtype_counts()))
        except MissingFileError as error:
            # The core knows only the shard's number: opening it says what is missing where.
            self._file_of(self.info(error.key or ""))
            raise
        except TensorBundleError as error:
            raise explain(error, error.path) if error.path else error from None

    # --- parts -----------------------------------------------------------------------------------

    def read_slice(self, name: str | bytes, index: Any) -> Array:
        """Read part of a tensor; see `Checkpoint.read_slice`."""
        info = self.info(name)
        dtype = self._readable(info)
        box, inner = _slices.basic_index(index, info.shape)
        if info.slices:
            return np.array(self._assemble(info, box)[inner], dtype)
        if info.data_type == _dtypes.STRING:
            return np.array(self._read_strings(info)[index], dtype)
        file = self.checked_range(info, dtype)
        array = _slices.read_box(file, info.offset or 0, info.shape, dtype, box)
        return np.array(self._native(array, info)[inner], dtype)

    def chunks(
        self, name: str | bytes, *, nbytes: int = DEFAULT_CHUNK_BYTES
    ) -> Iterator[memoryview]:
        """Give a tensor's bytes in pieces; see `Checkpoint.chunks`."""
        info = self.info(name)
        dtype = self._readable(info)
        if info.shard is None or info.data_type == _dtypes.STRING or self._is_swapped(dtype):
            yield from super().chunks(name, nbytes=nbytes)
            return
        file = self.checked_range(info, dtype)
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
            raise explain(checksum_error(info, crc32c, file.path), file.path)

    # --- verification ----------------------------------------------------------------------------

    def verify(
        self, *, threads: int = 0, progress: Callable[[int, int], object] | None = None
    ) -> Report:
        """Check everything; see `Checkpoint.verify`."""
        from .audit import audit

        path = self.location.index or ""
        return audit(self._index, path, self._shards, threads, progress)


def _labelled(
    arrays: Mapping[str, Array], labels: Mapping[str, str], out: Mapping[str, Array] | None
) -> dict[str, Array]:
    """Arrays by the names that were asked for, each one's own, read into ``out`` if it is given."""
    found: dict[str, Array] = {}
    given: set[str] = set()
    for label, key in labels.items():
        array = arrays[key]
        if key in given:
            array = array.copy()
        if out is not None and (target := out[label]) is not arrays[key]:
            target[...] = array
            array = target
        found[label] = array
        given.add(key)
    return found
