"""Content of another program's file: what a tensor in it is, and where its bytes come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..._core import File


class Content(Protocol):
    """The bytes of one tensor as the file has them.

    That of strings of no fixed width has ``objects()`` beside, which gives an array of them.
    """

    @property
    def nbytes(self) -> int:
        """How many."""

    def fill(self, buffer: memoryview) -> None:
        """Read them all into a buffer of that size. Raises FormatError where they are damaged."""

    def pieces(self, nbytes: int) -> Iterator[memoryview]:
        """Give them in pieces; each is valid until the next is asked for."""


@dataclass(frozen=True, slots=True)
class Held:
    """One tensor of a file.

    Attributes:
        word: The file's own name of its type.
        dtype: The dtype in the file, byte order included; None if no array holds it.
        number: TensorFlow's DataType; 0 if there is none.
        shape: Its shape.
        content: Its bytes.
        fortran: Whether they are column-major.
        shard: The number of its file.
        offset: Its first byte there; None where it is compressed.
    """

    word: str
    dtype: np.dtype[Any] | None
    number: int
    shape: tuple[int, ...]
    content: Content
    fortran: bool = False
    shard: int = 0
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that lie in a file as they are."""

    file: File
    offset: int
    nbytes: int

    def fill(self, buffer: memoryview) -> None:
        """Read them; see `Content`."""
        if self.nbytes:
            self.file.readinto(self.offset, buffer)

    def pieces(self, nbytes: int) -> Iterator[memoryview]:
        """Read them in pieces; see `Content`."""
        buffer = memoryview(bytearray(min(nbytes, self.nbytes)))
        for start in range(0, self.nbytes, nbytes):
            piece = buffer[: min(nbytes, self.nbytes - start)]
            self.file.readinto(self.offset + start, piece)
            yield piece


class Format(Protocol):
    """The tensors of a file, or of several that belong together."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files, an index last."""

    @property
    def checksums(self) -> bool:
        """Whether reading all of a tensor notices that it was changed."""

    def names(self) -> list[str]:
        """Their names, in any order."""

    def find(self, name: str) -> Held:
        """One of them. Raises FormatError where it is malformed."""

    def file_of(self, name: str) -> str:
        """The file it lies in."""
