"""V1 checkpoints: tables that hold the tensors themselves (format.md §8)."""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .. import _core
from .._format import boxes as _slices
from .._format import dtypes
from .._format.containers import bundle_in
from .._format.dtypes import Array
from .._format.names import as_bytes
from .._format.tensor_info import MAX_DIMENSIONS, TensorInfo
from .._format.v1_messages import decode_record, decode_values, numpy_dtype
from .._locate.location import Location
from .._progress import Progress
from ..errors import FormatError, TensorBundleError, UnsupportedError
from .checkpoint import Checkpoint, Mode
from .v1_headers import StoredTensor, read_headers

if TYPE_CHECKING:
    from .report import Report

# No value takes less than a byte, and snappy makes at most 64 bytes of 3.
_MAX_VALUES_PER_BYTE: Final = 22
# Larger blocks hold one large tensor, smaller ones many: the one read last is kept, checked and
# taken apart, so that its tensors cost one read together.
_KEPT_BLOCK_BYTES: Final = 1 << 20


class LegacyCheckpoint(Checkpoint):
    """A V1 checkpoint: one table file, or a set of shards.

    Values are stored in varying length, so no array borrows from a file: arrays are copies that
    are read-only in mode ``"r"`` and writable in the others. The checksums of the format are those
    of blocks, and are checked whenever a block is read.
    """

    def __init__(self, location: Location, mode: Mode) -> None:
        super().__init__(location, mode)
        self._files = [file for path in location.files for file in self._tables_in(path)]
        self._tables = [self._table(file) for file in self._files]
        self._tensors = read_headers(self._files, self._tables)
        self._kept: tuple[tuple[int, int], dict[bytes, tuple[int, bytes]]] | None = None

    def _table(self, file: _core.File) -> _core.Table:
        return _core.Table(file)

    def _tables_in(self, path: str) -> list[_core.File]:
        """The file itself, or those that a Magenta bundle holds, in memory."""
        if self.location.meta != path or (bundle := bundle_in(path)) is None:
            return [_core.File(path)]
        files = []
        for part in bundle.tables:
            descriptor = os.memfd_create(os.path.basename(path), os.MFD_CLOEXEC)
            weakref.finalize(self, os.close, descriptor)
            with open(descriptor, "wb", closefd=False) as copy:
                copy.write(part.read(path))
            files.append(_core.File(f"/proc/self/fd/{descriptor}"))
        return files

    # --- facts -----------------------------------------------------------------------------------

    def _list_names(self) -> list[str]:
        return list(self._tensors)

    def _find(self, name: str) -> TensorInfo | None:
        tensor = self._tensors.get(name)
        if tensor is None:
            return None
        dtype = numpy_dtype(tensor.data_type)
        itemsize = 0 if dtype is None or tensor.data_type == dtypes.STRING else dtype.itemsize
        slices = tuple(tensor.slices) if tensor.is_partitioned else ()
        info = TensorInfo(name, dtype, tensor.shape, 0, None, None, None, slices, tensor.data_type)
        return replace(info, nbytes=itemsize * info.stored_size)

    def iter_infos(self) -> Iterator[TensorInfo]:
        """Describe all tensors one after the other; see `Checkpoint.iter_infos`."""
        return map(self.info, self._tensors)

    # --- values ----------------------------------------------------------------------------------

    def _read(self, info: TensorInfo) -> Array:
        array = self._read_owned(info)
        array.flags.writeable = self.mode != "r"
        return array

    def _read_owned(self, info: TensorInfo) -> Array:
        _readable(info)
        info.refuse_gaps()
        return self._read_box(info, tuple((0, dim) for dim in info.shape))

    def read_slice(self, name: str | bytes, index: Any) -> Array:
        """Read part of a tensor; see `Checkpoint.read_slice`.

        A stored slice is read as a whole, and so is a tensor that is stored whole; its blocks'
        checksums are checked.
        """
        info = self.info(name)
        box, inner = _slices.basic_index(index, info.shape)
        # With the ellipsis a single element stays an array.
        return np.array(self._read_box(info, box)[(*inner, ...)])

    def _read_box(self, info: TensorInfo, target: _slices.Box) -> Array:
        dtype = _readable(info)
        tensor = self._tensors[info.name]
        try:
            if tensor.conflict is not None:
                raise FormatError(tensor.conflict)
            boxes = tensor.boxes()
            if problem := tensor.overlap(boxes, self._files):
                raise FormatError(problem)
            if boxes == [target]:
                return self._read_stored(info.name, tensor, 0, target)
            self._refuse_more_than_the_files_hold(target)
            return _slices.assemble(
                target,
                boxes,
                dtype,
                lambda position: self._read_stored(info.name, tensor, position, boxes[position]),
            )
        except TensorBundleError as error:
            raise error.add_context(path=self.location.prefix, key=info.name) from None

    def _refuse_more_than_the_files_hold(self, target: _slices.Box) -> None:
        held = sum(file.size for file in self._files)
        if _slices.volume(target) > held * _MAX_VALUES_PER_BYTE:
            raise FormatError(
                f"the tensor cannot be stored here: {_slices.volume(target)} elements "
                f"in {held} bytes"
            )

    def _read_stored(
        self, name: str, tensor: StoredTensor, position: int, box: _slices.Box
    ) -> Array:
        """One stored slice."""
        number, slice = tensor.files[position], tensor.slices[position]
        raw_name = as_bytes(name)
        try:
            found = self._find_record(number, _core.slice_key(raw_name, slice))
            if found is None:
                raise FormatError(
                    f"a slice is missing: the header lists {_slices.describe(box)}, "
                    "but there is no record of it"
                )
            offset, value = found
            record = decode_record(value, offset)
            if (record.name, record.slice) != (raw_name, slice):
                raise FormatError(
                    f"a record is of another slice than its key says: {record.slice} of "
                    f"{record.name[:200]!r}",
                    offset=offset,
                )
            values = decode_values(record, tensor.data_type, _slices.volume(box))
        except TensorBundleError as error:
            raise error.add_context(path=self._files[number].path) from None
        return values.reshape(_slices.shape_of(box))

    def _find_record(self, number: int, key: bytes) -> tuple[int, bytes] | None:
        """Where the value under a key begins, and the value."""
        table = self._tables[number]
        block = table.find_block(key)
        if block is None:
            return None
        kept = self._kept
        if kept is None or kept[0] != (number, block):
            records = {key: (offset, value) for key, offset, value in table.block(block)}
            kept = ((number, block), records)
            if table.block_range(block)[1] <= _KEPT_BLOCK_BYTES:
                self._kept = kept
        return kept[1].get(key)

    # --- verification ----------------------------------------------------------------------------

    def verify(self, *, threads: int = 0, progress: Progress = None) -> Report:
        """Check everything; see `Checkpoint.verify`. One thread is used."""
        from .v1_audit import audit

        return audit(self._files, self._tables, self._tensors, progress)


def _readable(info: TensorInfo) -> np.dtype[Any]:
    """The tensor's dtype, if V1 has a form for it and numpy can hold its shape."""
    if info.dtype is None:
        raise UnsupportedError(
            f"tensors of type {info.tf_dtype} cannot be read: V1 has no form for them",
            key=info.name,
        )
    if len(info.shape) > MAX_DIMENSIONS:
        raise UnsupportedError(
            f"numpy arrays have at most {MAX_DIMENSIONS} dimensions: "
            f"this tensor has {len(info.shape)}",
            key=info.name,
        )
    if math.prod(dim or 1 for dim in info.shape) * info.dtype.itemsize >= 1 << 63:
        raise UnsupportedError(
            f"numpy cannot hold an array of shape {list(info.shape)}", key=info.name
        )
    return info.dtype
