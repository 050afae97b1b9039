"""Stored ranges: one tensor's or slice's bytes in a shard, checked, mended and copied."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ... import _core
from ..._format import dtypes
from ...errors import ChecksumError, FormatError, TensorBundleError
from .strings import mend_strings
from .syndromes import Syndromes
from .tables import Mending

if TYPE_CHECKING:
    from ..._format.tensor_info import TensorInfo

_CHUNK_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class Patient:
    """A stored range whose checksum is wrong, or of which that is not known.

    Attributes:
        info: What the index says of it.
        file: Its shard.
        big_endian: Whether the bundle's numbers are.
    """

    info: TensorInfo
    file: _core.File
    big_endian: bool = False

    @property
    def offset(self) -> int:
        """Where it begins in the shard."""
        return self.info.offset or 0

    def mend(self, syndromes: Syndromes) -> Mending | None:
        """Find the flipped bits that explain its checksum.

        Returns:
            The bits; one without bits when the checksum is right after all; None when nothing
            explains it.

        Raises:
            FormatError: The range is not in the file, or its size is not that of the tensor.
        """
        info = self.info
        self._refuse_unfit()
        if info.data_type == dtypes.STRING:
            if self._strings_are_sound():
                return Mending(self.file.path, self.offset, (), "data", info.name, 0.0)
            stored = self.file.read(self.offset, info.nbytes)
            found = mend_strings(
                stored, info.size, info.crc32c or 0, syndromes, big_endian=self.big_endian
            )
            if found is None:
                return None
            flips, what = found
        elif info.data_type == dtypes.VARIANT:
            return None
        else:
            computed = 0
            for chunk in self._chunks():
                computed = _core.crc32c(chunk, computed)
            if computed == info.crc32c:
                return Mending(self.file.path, self.offset, (), "data", info.name, 0.0)
            located = syndromes.locate(computed ^ (info.crc32c or 0), info.nbytes)
            if located is None:
                return None
            flips, what = located, "data"
        bits = tuple(8 * self.offset + bit for bit in flips.bits)
        return Mending(self.file.path, bits[0] // 8, bits, what, info.name, flips.doubt)

    def _refuse_unfit(self) -> None:
        info = self.info
        if self.offset + info.nbytes > self.file.size:
            raise FormatError(
                f"the shard is cut off: it ends at byte {self.file.size}, "
                f"the tensor at byte {self.offset + info.nbytes}"
            )
        dtype = info.dtype
        if info.data_type in (dtypes.STRING, dtypes.VARIANT):
            if info.nbytes < math.prod(info.shape):
                raise FormatError(f"{info.nbytes} bytes cannot hold {info.size} strings")
        elif dtype is not None and info.nbytes != info.size * dtype.itemsize:
            raise FormatError(
                f"the entry's size is wrong: {info.nbytes} bytes, "
                f"but its dtype and shape need {info.size * dtype.itemsize}"
            )

    def _strings_are_sound(self) -> bool:
        info = self.info
        try:
            _, crc32c, taken = _core.read_strings(
                self.file, self.offset, info.size, self.big_endian
            )
        except TensorBundleError:
            return False
        return crc32c == info.crc32c and taken == info.nbytes

    def _chunks(self) -> Iterator[memoryview]:
        buffer = np.empty(min(_CHUNK_BYTES, self.info.nbytes), np.uint8)
        for start in range(0, self.info.nbytes, _CHUNK_BYTES):
            piece = buffer[: min(_CHUNK_BYTES, self.info.nbytes - start)]
            self.file.readinto(self.offset + start, piece)
            yield piece.data

    def chunks(self, mending: Mending | None) -> Iterator[memoryview]:
        """Give its bytes in pieces, mended; each is valid until the next is asked for.

        Raises:
            ChecksumError: After the last piece of numbers: the file has changed meanwhile.
        """
        wrong = [bit - 8 * self.offset for bit in (mending.bits if mending else ())]
        crc32c = start = 0
        for piece in self._chunks():
            for bit in wrong:
                if start <= bit >> 3 < start + len(piece):
                    piece[(bit >> 3) - start] ^= 1 << (bit & 7)
            crc32c = _core.crc32c(piece, crc32c)
            start += len(piece)
            yield piece
        kind = self.info.data_type
        if kind not in (dtypes.STRING, dtypes.VARIANT) and crc32c != self.info.crc32c:
            raise ChecksumError(
                "the tensor changed while it was copied", path=self.file.path, key=self.info.name
            )
