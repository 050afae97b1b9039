"""Two readings of one tensor, compared bit for bit while the second arrives in pieces.

Bytes are compared, never values: NaNs have payloads and zeros have signs.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._format.dtypes import canonical

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

_PIECE: Final = 8 << 20  # a multiple of every element's size
_SHOWN: Final = 64  # bytes of a string element


@dataclass(frozen=True, slots=True)
class Difference:
    """First element that differs, and how many do.

    Attributes:
        index: Where it is in the tensor; ``()`` in a scalar.
        ours: Its value as tensorbundle reads it, as text.
        theirs: Its value as TensorFlow reads it, as text.
        ours_hex: Its bytes as tensorbundle reads them, little-endian.
        theirs_hex: Its bytes as TensorFlow reads them.
        count: The number of elements that differ.
    """

    index: tuple[int, ...]
    ours: str
    theirs: str
    ours_hex: str
    theirs_hex: str
    count: int

    def __str__(self) -> str:
        return (
            f"element {list(self.index)}: {self.ours} (0x{self.ours_hex}) here, "
            f"{self.theirs} (0x{self.theirs_hex}) in tensorflow; {self.count} differ"
        )


class Tensor:
    """One tensor as tensorbundle reads it: its digest, and its comparison with what arrives."""

    def __init__(self, info: TensorInfo, array: np.ndarray[Any, Any]) -> None:
        self._info = info
        self._array = array
        self._strings = array.reshape(-1).tolist() if array.dtype.kind == "O" else None
        if self._strings is None:
            if not array.dtype.isnative or sys.byteorder == "big":
                self._array = array = array.astype(array.dtype.newbyteorder("<"))
            flat = np.ascontiguousarray(array).reshape(-1)
            self._bytes = flat.view(np.uint8) if flat.size else np.empty(0, np.uint8)

    @property
    def nbytes(self) -> int | None:
        """Number of bytes another reading must have; None for strings, which may have any."""
        return None if self._strings is not None else self._bytes.size

    def sha256(self) -> str:
        """Digest that the certificate holds."""
        sha256 = hashlib.sha256()
        if self._strings is not None:
            for element in self._strings:
                sha256.update(len(element).to_bytes(8, "little"))
                sha256.update(element)
        else:
            for start in range(0, self._bytes.size, _PIECE):
                sha256.update(self._bytes[start : start + _PIECE].data)
        return sha256.hexdigest()

    def compare(self, nbytes: int, read: Callable[[int], bytes]) -> Difference | None:
        """Compare with TensorFlow's bytes of a tensor of the same dtype and shape.

        Args:
            nbytes: How many bytes there are.
            read: Gives the next so many of them; all are read.

        Returns:
            The first difference, or None.
        """
        if self._strings is not None:
            return self._compare_strings(self._strings, read(nbytes))
        return self._compare_numbers(read)

    def _compare_numbers(self, read: Callable[[int], bytes]) -> Difference | None:
        count, first = 0, None
        dtype, number = self._array.dtype, self._info.data_type
        for start in range(0, self._bytes.size, _PIECE):
            ours = self._bytes[start : start + _PIECE]
            theirs = np.frombuffer(read(ours.size), dtype)
            theirs = canonical(theirs, number).view(np.uint8)
            if np.array_equal(ours, theirs):
                continue
            wrong = (ours != theirs).reshape(-1, dtype.itemsize).any(axis=1)
            count += int(wrong.sum())
            if first is None:
                at = int(wrong.argmax())
                element = slice(at * dtype.itemsize, (at + 1) * dtype.itemsize)
                first = start // dtype.itemsize + at, ours[element], theirs[element]
        if first is None:
            return None
        place, here, there = first
        return Difference(
            index=self._index_of(place),
            ours=str(here.view(dtype)[0]),
            theirs=str(there.view(dtype)[0]),
            ours_hex=here.tobytes().hex(),
            theirs_hex=there.tobytes().hex(),
            count=count,
        )

    def _compare_strings(self, ours: list[bytes], payload: bytes) -> Difference | None:
        theirs, at = [], 0
        while at < len(payload):
            end = at + 8 + int.from_bytes(payload[at : at + 8], "little")
            theirs.append(payload[at + 8 : end])
            at = end
        wrong = [i for i, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other]
        if not wrong:
            return None
        here, there = ours[wrong[0]], theirs[wrong[0]]
        return Difference(
            index=self._index_of(wrong[0]),
            ours=_abridge(here),
            theirs=_abridge(there),
            ours_hex=here[:_SHOWN].hex(),
            theirs_hex=there[:_SHOWN].hex(),
            count=len(wrong),
        )

    def _index_of(self, place: int) -> tuple[int, ...]:
        return tuple(int(each) for each in np.unravel_index(place, self._info.shape))


def _abridge(element: bytes) -> str:
    return repr(element) if len(element) <= _SHOWN else f"{element[:_SHOWN]!r}…"
