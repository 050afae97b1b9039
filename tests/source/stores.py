"""Store in memory for tests: every request is written down, and may be made to fail."""

import errno
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorbundle as tb
from tensorbundle._source.store import (
    Buffer,
    Listed,
    Meta,
    NotOfferedError,
    OtherObjectError,
    SameObjectError,
    Store,
)


@dataclass(frozen=True)
class Request:
    """One request: what was asked, of which key, from where, and how many bytes came back."""

    verb: str
    key: str
    start: int = 0
    nbytes: int = 0


class Memory(Store):
    """Objects in memory. ``fault`` is called before each answer with (number, verb, key, data): it
    may raise, or give other data."""

    def __init__(self, *, lists: bool = True, suffixes: bool = True, conditions: bool = True):
        self.can_list = lists
        self._suffixes = suffixes
        self._conditions = conditions
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.requests: list[Request] = []
        self.fault: Callable[[int, str, str, bytes], bytes] | None = None
        self._tags = itertools.count(1)
        self._lock = threading.Lock()

    # --- as tests see it ---

    def fill(self, directory: Path, prefix: str = "run/") -> None:
        """Put all files of a directory."""
        for path in directory.rglob("*"):
            if path.is_file():
                self.set(prefix + path.relative_to(directory).as_posix(), path.read_bytes())

    def set(self, key: str, data: bytes) -> None:
        """Put an object, unnoticed."""
        with self._lock:
            self.objects[key] = (data, f'"{next(self._tags)}"')

    def count(self) -> int:
        """How many requests there were since this was asked last."""
        with self._lock:
            found, self.requests = len(self.requests), []
        return found

    def address(self, key: str, **more: Any) -> tb.Address:
        """An address in this store."""
        return tb.Address(key, store=self, **more)

    # --- as the library sees it ---

    def _answer(self, verb: str, key: str, start: int, data: bytes) -> bytes:
        with self._lock:
            number = len(self.requests)
            self.requests.append(Request(verb, key, start, len(data)))
        return data if self.fault is None else self.fault(number, verb, key, data)

    def _at(self, key: str) -> tuple[bytes, str]:
        with self._lock:
            if key not in self.objects:
                raise FileNotFoundError(errno.ENOENT, "nothing there")
            return self.objects[key]

    def _missing(self, verb: str, key: str) -> None:
        if key not in self.objects:
            self._answer(verb, key, 0, b"")

    def head(self, key: str) -> Meta:
        self._answer("head", key, 0, b"")
        data, tag = self._at(key)
        return Meta(len(data), tag)

    def get(
        self, key: str, start: int, stop: int, *, etag: str | None = None
    ) -> tuple[Buffer, Meta]:
        self._missing("get", key)
        data, tag = self._at(key)
        if etag not in (None, tag):
            self._answer("get", key, start, b"")
            raise OtherObjectError
        if start >= len(data) and data:
            self._answer("get", key, start, b"")
            raise OSError(errno.EIO, "416: the range cannot be had")
        return self._answer("get", key, start, data[start:stop]), Meta(len(data), tag)

    def get_tail(self, key: str, size: int, *, not_etag: str | None = None) -> tuple[Buffer, Meta]:
        if not self._suffixes:
            raise NotOfferedError
        self._missing("tail", key)
        data, tag = self._at(key)
        if not_etag == tag:
            self._answer("tail", key, 0, b"")
            raise SameObjectError
        return self._answer("tail", key, 0, data[-size:]), Meta(len(data), tag)

    def put(
        self, key: str, data: Buffer, *, if_absent: bool = False, etag: str | None = None
    ) -> str | None:
        if (if_absent or etag is not None) and not self._conditions:
            raise NotOfferedError
        given = self._answer("put", key, 0, bytes(data))
        with self._lock:
            there = self.objects.get(key)
            if if_absent and there is not None:
                raise FileExistsError(errno.EEXIST, "there already")
            if etag is not None and (there is None or there[1] != etag):
                raise OtherObjectError
            self.objects[key] = (given, f'"{next(self._tags)}"')
            return self.objects[key][1]

    def put_file(self, key: str, path: str) -> None:
        data = self._answer("put_file", key, 0, Path(path).read_bytes())
        self.set(key, data)

    def copy(self, source: str, target: str) -> None:
        if not self._conditions:  # a plain store, which copies nothing either
            raise NotOfferedError
        self._answer("copy", source, 0, b"")
        self.set(target, self._at(source)[0])

    def list(self, prefix: str) -> Iterator[Listed]:
        if not self.can_list:
            raise NotOfferedError
        self._answer("list", prefix, 0, b"")
        with self._lock:
            found = list(self.objects.items())
        return (Listed(key, len(data), tag) for key, (data, tag) in found if key.startswith(prefix))

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._answer("delete", key, 0, b"")
            with self._lock:
                self.objects.pop(key, None)
