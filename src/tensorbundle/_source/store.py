"""Protocol of a store: what is asked of object stores and file systems alike, and their errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple, TypeAlias

from ..errors import FormatError

# Bytes of a store, or in memory: whatever lends a contiguous buffer.
Buffer: TypeAlias = Any


class Meta(NamedTuple):
    """What a store says of an object.

    Attributes:
        size: Its bytes.
        etag: What another object at that key has not; None where the store knows nothing such.
    """

    size: int
    etag: str | None


class Listed(NamedTuple):
    """An object of a listing."""

    key: str
    size: int
    etag: str | None


class OtherObjectError(Exception):
    """Another object lies at a key than the one whose ETag was given."""


class SameObjectError(Exception):
    """The object at a key is still the one whose ETag was given."""


class NotOfferedError(Exception):
    """The store has no such request: suffixes, listings, or conditions."""


@contextmanager
def unreplaced(path: str) -> Iterator[None]:
    """Raise FormatError where what is read in this context is replaced meanwhile."""
    try:
        yield
    except OtherObjectError:
        raise FormatError("it was replaced while it was read: open it again", path=path) from None


class Store(ABC):
    """One bucket, container, server or file system.

    Keys are ``/``-separated, without a leading one. Every method may raise FileNotFoundError,
    PermissionError, and OSError for what may be tried again.

    Attributes:
        can_list: Whether listings are to be had.
    """

    can_list: ClassVar[bool] = True

    @abstractmethod
    def head(self, key: str) -> Meta:
        """Describe an object."""

    @abstractmethod
    def get(
        self, key: str, start: int, stop: int, *, etag: str | None = None
    ) -> tuple[Buffer, Meta]:
        """The bytes from ``start`` to before ``stop``, or as many as there are.

        Raises:
            OtherObjectError: The object has another ETag than ``etag``.
        """

    @abstractmethod
    def get_tail(self, key: str, size: int, *, not_etag: str | None = None) -> tuple[Buffer, Meta]:
        """The last ``size`` bytes, or all where there are fewer.

        Raises:
            SameObjectError: The object has the ETag ``not_etag``.
            NotOfferedError: The store cannot count from the end.
        """

    @abstractmethod
    def put(
        self, key: str, data: Buffer, *, if_absent: bool = False, etag: str | None = None
    ) -> str | None:
        """Write a small object; the ETag it then has.

        Raises:
            FileExistsError: ``if_absent``, and there is one.
            OtherObjectError: The object has another ETag than ``etag``.
            NotOfferedError: The store knows no such conditions.
        """

    @abstractmethod
    def put_file(self, key: str, path: str) -> None:
        """Write an object of any size from a local file; it appears whole or not at all."""

    def copy(self, source: str, target: str) -> None:
        """Copy an object inside of the store, whose bytes do not come here.

        Raises:
            NotOfferedError: The store cannot, or not of one so large.
        """
        raise NotOfferedError("this store copies nothing by itself")

    @abstractmethod
    def list(self, prefix: str) -> Iterator[Listed]:
        """The objects whose keys begin so, in any order."""

    @abstractmethod
    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are no error."""
