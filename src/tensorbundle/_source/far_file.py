"""Files that lie far away, as the core and those who read files see them."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import numpy as np

from .. import _core
from ..errors import FormatError
from .client import Client
from .fetch import MAX_GAP, part_bytes, parts
from .pool import in_order
from .store import Buffer, Meta

_T = TypeVar("_T")
_MOST_FAULTS: Final = 10_000
# What is read in order is fetched ahead, twice as much each time.
_FIRST_AHEAD: Final = 1 << 20
_MOST_AHEAD: Final = 64 << 20


class FarFile(_core.File):
    """A far file of known size: read by requests, and by the core as far as bytes are held.

    All requests are for the one object that was found first: another one at its key is noticed by
    its ETag.
    """

    def __init__(
        self, client: Client, key: str, meta: Meta, first: tuple[int, Buffer] | None = None
    ) -> None:
        """See the class; ``first``: where the bytes began by which it was found, and these."""
        super().__init__(client.url(key), meta.size)
        self._first = first
        self._client = client
        self._key = key
        self.etag = meta.etag
        self._reading = threading.Lock()
        self._next = -1  # where the read before ended
        self._ahead = 0
        self._kept: list[int] = []  # of what is held because it was fetched ahead

    def fetch(self, start: int, stop: int) -> Buffer:
        """Read a range by one request.

        Raises:
            FormatError: The object ends before.
            OtherObjectError: It is another one by now.
        """
        if stop > self.size:
            raise FormatError(
                f"the file is cut off: it has {self.size} bytes, {stop} were expected",
                path=self.path,
                offset=start,
                nbytes=stop - start,
            )
        if start == stop:
            return b""
        first, self._first = self._first, None
        if first is not None and first[0] <= start and stop <= first[0] + len(first[1]):
            return memoryview(first[1])[start - first[0] : stop - first[0]]
        return self._client.get(self._key, start, stop, etag=self.etag)[0]

    def stream(self, start: int, stop: int) -> Iterator[tuple[int, Buffer]]:
        """Read a range of any length by parts, several at a time: where each begins, and it."""
        if start == stop:
            return
        cut = list(parts(start, stop, part_bytes(stop - start)))
        if len(cut) == 1:
            yield start, self.fetch(start, stop)
            return
        fetched = in_order(lambda part: self.fetch(*part), cut)
        for (begin, _), data in zip(cut, fetched, strict=True):
            yield begin, data

    def read(self, offset: int, size: int) -> bytes:
        """Read exactly that range, or raise."""
        if offset + size > self.size:
            self.fetch(offset, offset + size)
        into = np.empty(size, np.uint8)
        self.readinto(offset, into)
        return into.tobytes()

    def readinto(self, offset: int, buffer: Any) -> None:
        """Fill a buffer from that offset on, or raise."""
        into = np.frombuffer(buffer, np.uint8)
        try:
            super().readinto(offset, into)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
        else:
            return
        end = offset + len(into)
        with self._reading:
            stop = self._stop_of_window(offset, end)
        ahead = []
        for begin, data in self.stream(offset, stop):
            reach = min(begin + len(data), end)
            if begin < reach:
                into[begin - offset : reach - offset] = np.frombuffer(data, np.uint8)[
                    : reach - begin
                ]
            if begin + len(data) > end:
                ahead.append((begin, data))
        with self._reading:
            kept, self._kept = self._kept, [self.hold(*piece) for piece in ahead]
        for token in kept:
            self.release(token)

    def _stop_of_window(self, start: int, stop: int) -> int:
        """How far to read: ahead of what is asked for, where it follows what was."""
        follows = 0 <= start - self._next <= MAX_GAP and self._next >= 0
        self._ahead = min(max(_FIRST_AHEAD, 2 * self._ahead), _MOST_AHEAD) if follows else 0
        # What was fetched ahead last time has been used up by now.
        self._next = min(self.size, max(stop, start + self._ahead))
        return self._next

    @contextmanager
    def holding(self, pieces: Iterable[tuple[int, Buffer]]) -> Iterator[None]:
        """Lend bytes to the core for as long as the context lasts."""
        held = []
        try:
            for offset, data in pieces:
                held.append(self.hold(offset, data))
            yield
        finally:
            for token in held:
                self.release(token)

    def answered(self, call: Callable[[], _T], *, keep: bool = False) -> _T:
        """Call into the core, and fetch what it asks for until it has what it needs.

        Args:
            call: What to call, perhaps several times.
            keep: Whether what was fetched stays held.
        """
        held = []
        try:
            for _ in range(_MOST_FAULTS):
                try:
                    return call()
                except OSError as error:
                    if error.errno != errno.EAGAIN:
                        raise
                # Another thread may have missed something, and this one's with it.
                missed = self.take_missed() or (0, 0)
                for begin, data in self.stream(missed[0], sum(missed)):
                    held.append(self.hold(begin, data))
        finally:
            for token in () if keep else held:
                self.release(token)
        raise FormatError("more ranges are asked for than a file can need", path=self.path)
