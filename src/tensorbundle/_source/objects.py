"""Object stores through obstore: S3, GCS, Azure, HTTP and memory. The one place that imports it."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from .store import Buffer, Listed, Meta, NotOfferedError, OtherObjectError, SameObjectError, Store

_PART_BYTES: Final = 8 << 20
_UPLOADS: Final = 8


class ObjectStore(Store):
    """An obstore store."""

    def __init__(self, store: Any) -> None:
        import obstore

        self._api = obstore
        self._store = store
        # HTTP servers list by PROPFIND, which next to none of them answer.
        self.can_list = type(store).__name__ != "HTTPStore"  # type: ignore[misc]

    def head(self, key: str) -> Meta:
        """Describe an object; see `Store.head`."""
        with _translated():
            return _meta(self._api.head(self._store, key))

    def get(
        self, key: str, start: int, stop: int, *, etag: str | None = None
    ) -> tuple[Buffer, Meta]:
        """Read a range; see `Store.get`."""
        options: dict[str, Any] = {"range": (start, stop)}
        if etag is not None:
            options["if_match"] = etag
        return self._got(key, options)

    def get_tail(self, key: str, size: int, *, not_etag: str | None = None) -> tuple[Buffer, Meta]:
        """Read the end; see `Store.get_tail`."""
        options: dict[str, Any] = {"range": {"suffix": size}}
        if not_etag is not None:
            options["if_none_match"] = not_etag
        return self._got(key, options)

    def _got(self, key: str, options: Any) -> tuple[Buffer, Meta]:
        with _translated():
            result = self._api.get(self._store, key, options=options)
            meta = _meta(result.meta)
            return result.bytes(), meta

    def put(
        self, key: str, data: Buffer, *, if_absent: bool = False, etag: str | None = None
    ) -> str | None:
        """Write a small object; see `Store.put`."""
        mode: Any = "create" if if_absent else {"e_tag": etag} if etag is not None else None
        with _translated():
            # One request: with a mode, obstore sends no parts, whatever it is asked for.
            done: dict[str, str | None] = self._api.put(
                self._store, key, data, mode=mode, use_multipart=False
            )
        return done["e_tag"]

    def put_file(self, key: str, path: str) -> None:
        """Write a local file; see `Store.put_file`."""
        with _translated(), open(path, "rb") as file:
            self._api.put(self._store, key, file, chunk_size=_PART_BYTES, max_concurrency=_UPLOADS)

    def copy(self, source: str, target: str) -> None:
        """Copy an object inside of the store; see `Store.copy`."""
        with _translated():
            self._api.copy(self._store, source, target)

    def list(self, prefix: str) -> Iterator[Listed]:
        """List objects; see `Store.list`."""
        # Prefixes of obstore are whole directories.
        directory = prefix.rpartition("/")[0]
        with _translated():
            for batch in self._api.list(self._store, directory or None):
                for found in batch:
                    if found["path"].startswith(prefix):
                        yield Listed(found["path"], found["size"], found["e_tag"])

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; see `Store.delete`."""
        for key in keys:
            try:
                with _translated():
                    self._api.delete(self._store, key)
            except FileNotFoundError:
                continue


def _meta(found: Any) -> Meta:
    return Meta(int(found["size"]), found["e_tag"])


def first_line(error: Exception) -> str:
    """What obstore says, without the sources that it adds for its developers."""
    return str(error).partition("\n")[0]


@contextmanager
def _translated() -> Iterator[None]:
    """Raise errors of obstore as those that `Store` tells of."""
    from obstore import exceptions

    try:
        yield
    except exceptions.NotModifiedError:
        raise SameObjectError from None
    except exceptions.PreconditionError:
        raise OtherObjectError from None
    except exceptions.AlreadyExistsError as error:
        raise FileExistsError(errno.EEXIST, first_line(error)) from None
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise PermissionError(errno.EACCES, first_line(error)) from None
    except (exceptions.NotSupportedError, NotImplementedError) as error:
        raise NotOfferedError(first_line(error)) from None
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, first_line(error)) from None
    except exceptions.BaseError as error:
        raise OSError(errno.EIO, first_line(error)) from None
