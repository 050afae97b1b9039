"""Headers of all files of a V1 checkpoint, put together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .. import _core
from .._format import boxes as _slices
from .._format import dtypes
from .._format.names import as_text
from .._format.v1_messages import ListedTensor, decode_header
from ..errors import FormatError, TensorBundleError

if TYPE_CHECKING:
    from .._core import SliceSpec

# Keys are not stored in the header, but made from it: a long name of many slices could make far
# more of them than any file that a writer of tables leaves behind.
_MAX_KEY_GROWTH: Final = 32
_KEY_ALLOWANCE: Final = 1 << 20


@dataclass(slots=True)
class StoredTensor:
    """A tensor and where its slices are; a tensor that is stored whole has one.

    Attributes:
        data_type: TensorFlow's DataType number.
        shape: Its dimensions.
        slices: Its slices in all files.
        files: For each slice, the number of the file that holds it.
        conflict: How headers disagree on it, if they do: it cannot be read then.
    """

    data_type: int
    shape: tuple[int, ...]
    slices: list[SliceSpec] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    conflict: str | None = None

    def boxes(self) -> list[_slices.Box]:
        """The box of each slice. Raises FormatError for one that does not fit the shape."""
        return [_slices.box_of(slice, self.shape) for slice in self.slices]

    @property
    def is_partitioned(self) -> bool:
        """Whether it is stored otherwise than as one slice that covers it."""
        if len(self.slices) != 1 or len(self.slices[0]) != len(self.shape):
            return True
        extents = zip(self.slices[0], self.shape, strict=True)
        return any(extent not in ((0, -1), (0, dim)) for extent, dim in extents)

    def overlap(self, boxes: Sequence[_slices.Box], files: Sequence[_core.File]) -> str | None:
        """Which two slices share elements, with the files that hold them."""
        clash = _slices.first_overlap(boxes) if self.shape else None
        if not self.shape and len(boxes) > 1:  # a scalar stored twice
            clash = (0, 1)
        if clash is None:
            return None
        one, other = (
            f"{_slices.describe(boxes[i])} in {os.path.basename(files[self.files[i]].path)!r}"
            for i in clash
        )
        return f"slices overlap: {one} and {other} share elements"


def read_headers(
    files: Sequence[_core.File], tables: Sequence[_core.Table]
) -> dict[str, StoredTensor]:
    """Read the header of every file; tensors in key order.

    Raises:
        ChecksumError, FormatError: A header's block is damaged, or the header is malformed.
        UnsupportedError: A file asks for readers of another version.
    """
    merged: dict[bytes, StoredTensor] = {}
    for number, (file, table) in enumerate(zip(files, tables, strict=True)):
        try:
            key_bytes = 0
            for listed in decode_header(*_header_of(table)):
                _add(merged, listed, number, files)
                key_bytes += len(listed.name) * len(listed.slices)
            if key_bytes > _KEY_ALLOWANCE + _MAX_KEY_GROWTH * file.size:
                raise FormatError("names take far more room than the file that holds them")
        except TensorBundleError as error:
            raise error.add_context(path=file.path) from None
    return {as_text(name): merged[name] for name in sorted(merged)}


def _header_of(table: _core.Table) -> tuple[bytes, int]:
    if table.block_count == 0:
        raise FormatError("the file holds no records, not even a header")
    first = table.block(0)[:1]
    if not first or first[0][0] != b"":
        raise FormatError("the header is missing: the first key is not the empty one")
    return first[0][2], first[0][1]


def _add(
    merged: dict[bytes, StoredTensor],
    listed: ListedTensor,
    number: int,
    files: Sequence[_core.File],
) -> None:
    known = merged.setdefault(listed.name, StoredTensor(listed.data_type, listed.shape))
    if (known.data_type, known.shape) != (listed.data_type, listed.shape) and not known.conflict:
        known.conflict = (
            f"headers disagree: {_described(known)}, "
            f"but {_described(listed)} in {os.path.basename(files[number].path)!r}"
        )
    known.slices += listed.slices
    known.files += [number] * len(listed.slices)


def _described(tensor: StoredTensor | ListedTensor) -> str:
    return f"{dtypes.name_of(tensor.data_type)}{list(tensor.shape)}"
