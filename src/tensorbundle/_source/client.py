"""Requests to a store: counted, tried again for a while, and refused in forked children."""

from __future__ import annotations

import errno
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from ..errors import FormatError, MissingFileError
from .store import (
    Buffer,
    Listed,
    Meta,
    NotOfferedError,
    OtherObjectError,
    SameObjectError,
    Store,
)

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_ATTEMPTS: Final = 4
_DEADLINE_S: Final = 120.0
# What S3 copies by one request.
_MOST_COPIED: Final = 5 << 30
_FIRST_PAUSE_S: Final = 0.1
_CREDENTIALS: Final = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, the role of the machine",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, the account of gcloud, the account of the machine",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and _KEY or _SAS_TOKEN, the identity of the machine",
}


class Client:
    """A store, as all who read and write far away use it.

    Attributes:
        root: The address of the store, as messages tell it.
        requests: How many have been sent.
        nbytes: How many bytes have come back.
    """

    def __init__(self, store: Store, root: str, secrets: Sequence[str] = ()) -> None:
        self._store = store
        self._secrets = [secret for secret in secrets if secret]
        self._process = os.getpid()
        self._counting = threading.Lock()
        self.root = root
        self.requests = 0
        self.nbytes = 0

    @property
    def can_list(self) -> bool:
        """Whether the store can list."""
        return self._store.can_list

    def url(self, key: str) -> str:
        """The address of a key."""
        return f"{self.root}/{key}"

    def head(self, key: str) -> Meta:
        """Describe an object. Raises MissingFileError where there is none."""
        return self._ask(key, lambda: self._store.head(key))

    def find(self, key: str) -> Meta | None:
        """Describe an object, if there is one."""
        try:
            return self.head(key)
        except MissingFileError:
            return None

    def get(
        self, key: str, start: int, stop: int, *, etag: str | None = None
    ) -> tuple[Buffer, Meta]:
        """Read exactly a range, or as much as there is of an object that is shorter.

        Raises:
            MissingFileError, PermissionError: There is no such object, or it is not for us.
            OtherObjectError: It is not the one with that ETag.
            OSError: All attempts have failed.
        """

        def ask() -> tuple[Buffer, Meta]:
            data, meta = self._store.get(key, start, stop, etag=etag)
            expected = max(0, min(stop, meta.size) - start)
            if len(data) != expected:
                raise OSError(errno.EIO, f"a short answer: {len(data)} bytes of {expected}")
            self._count(len(data))
            return data, meta

        return self._ask(key, ask)

    def get_tail(self, key: str, size: int, *, not_etag: str | None = None) -> tuple[Buffer, Meta]:
        """Read the end of an object, or all of a small one, in one request where that is offered.

        Raises:
            SameObjectError: It has the ETag ``not_etag``.
        """

        def ask() -> tuple[Buffer, Meta]:
            data, meta = self._store.get_tail(key, size, not_etag=not_etag)
            if len(data) != min(size, meta.size):
                raise OSError(errno.EIO, f"a short answer: {len(data)} bytes of {meta.size}")
            self._count(len(data))
            return data, meta

        try:
            return self._ask(key, ask)
        except NotOfferedError:
            data, meta = self.get(key, 0, size)
            if not_etag is not None and meta.etag == not_etag:
                raise SameObjectError from None
            if meta.size <= size:
                return data, meta
            return self.get(key, meta.size - size, meta.size, etag=meta.etag)

    def read(self, key: str, limit: int) -> tuple[bytes, Meta]:
        """Read all of a small object.

        Raises:
            FormatError: It is larger than ``limit``.
        """
        data, meta = self.get(key, 0, limit + 1)
        if meta.size > limit:
            raise FormatError(f"too large: {meta.size} bytes, at most {limit}", path=self.url(key))
        return bytes(data), meta

    def put(
        self, key: str, data: Buffer, *, if_absent: bool = False, etag: str | None = None
    ) -> str | None:
        """Write a small object; see `Store.put`."""
        return self._ask(key, lambda: self._store.put(key, data, if_absent=if_absent, etag=etag))

    def put_file(self, key: str, path: str) -> None:
        """Write an object from a local file; see `Store.put_file`."""
        self._ask(key, lambda: self._store.put_file(key, path))

    def copy(self, source: str, target: str, meta: Meta) -> None:
        """Copy the object that was found as ``meta`` inside of the store; see `Store.copy`.

        Raises:
            OtherObjectError: It is another one by now.
            NotOfferedError: The store cannot.
        """
        if meta.size > _MOST_COPIED:
            raise NotOfferedError("too large to be copied by one request")
        self._ask(source, lambda: self._store.copy(source, target))
        if self.head(source) != meta:
            raise OtherObjectError

    def list(self, prefix: str) -> Iterator[Listed]:
        """List objects; see `Store.list`."""
        return iter(self._ask(prefix, lambda: list(self._store.list(prefix))))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; see `Store.delete`."""
        if keys:
            self._ask(keys[0], lambda: self._store.delete(keys))

    def _count(self, nbytes: int) -> None:
        with self._counting:
            self.nbytes += nbytes

    def _ask(self, key: str, ask: Callable[[], _T]) -> _T:
        """One request, tried again where that may help, its errors told with the address."""
        if os.getpid() != self._process:
            raise OSError(
                errno.EINVAL,
                "a store was opened before this process was forked from its parent, and its "
                "connections are the parent's: open it again here, or start processes by 'spawn'",
                self.url(key),
            )
        began = time.monotonic()
        pause = _FIRST_PAUSE_S
        for attempt in range(1, _ATTEMPTS + 1):
            with self._counting:
                self.requests += 1
            _log.debug("request to %s, attempt %d", self.url(key), attempt)
            try:
                return ask()
            except FileNotFoundError:
                raise MissingFileError("there is no such object", path=self.url(key)) from None
            except PermissionError as error:
                raise self._refused(error, key) from None
            except FileExistsError:
                raise FileExistsError(errno.EEXIST, "it exists already", self.url(key)) from None
            except OSError as error:
                elapsed_s = time.monotonic() - began
                if attempt == _ATTEMPTS or elapsed_s + pause > _DEADLINE_S:
                    what = self._shown(error)
                    raise OSError(
                        errno.EIO,
                        f"no answer after {attempt} attempts in {elapsed_s:.1f} s: {what}",
                        self.url(key),
                    ) from None
            time.sleep(pause)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")

    def _refused(self, error: OSError, key: str) -> PermissionError:
        scheme = self.root.partition(":")[0]
        looked = _CREDENTIALS.get(scheme[:2])
        where = f" (looked for: options, {looked})" if looked else ""
        return PermissionError(
            errno.EACCES, f"the store refuses{where}: {self._shown(error)}", self.url(key)
        )

    def _shown(self, error: OSError) -> str:
        """What an error says, without queries of addresses and without what has to stay secret."""
        text = re.sub(r"\?[^\s\"']+", "?...", error.strerror or str(error))
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
