"""File systems of fsspec as stores, whatever they are of."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from .store import Buffer, Listed, Meta, NotOfferedError, OtherObjectError, SameObjectError, Store


class FileSystem(Store):
    """An fsspec file system.

    Args:
        filesystem: The ``AbstractFileSystem``.
        root: What stands before every key: the bucket, say; empty, or with a slash at its end.
    """

    def __init__(self, filesystem: Any, root: str = "") -> None:
        self._fs = filesystem
        self._root = root

    def head(self, key: str) -> Meta:
        """Describe an object; see `Store.head`."""
        # What is listed once is remembered by file systems, and may be old.
        self._fs.invalidate_cache()
        return _meta(self._fs.info(self._root + key))

    def get(
        self, key: str, start: int, stop: int, *, etag: str | None = None
    ) -> tuple[Buffer, Meta]:
        """Read a range; see `Store.get`."""
        # No request of fsspec has a condition, so that of what is known already is looked at
        # beside the bytes; the checksums tell a mixture.
        meta = self.head(key)
        if etag is not None and meta.etag != etag:
            raise OtherObjectError
        stop = min(stop, meta.size)
        if start >= stop:
            return b"", meta
        return self._fs.cat_file(self._root + key, start=start, end=stop), meta

    def get_tail(self, key: str, size: int, *, not_etag: str | None = None) -> tuple[Buffer, Meta]:
        """Read the end; see `Store.get_tail`."""
        meta = self.head(key)
        if not_etag is not None and meta.etag == not_etag:
            raise SameObjectError
        return self.get(key, max(0, meta.size - size), meta.size)

    def put(
        self, key: str, data: Buffer, *, if_absent: bool = False, etag: str | None = None
    ) -> str | None:
        """Write a small object; see `Store.put`."""
        if etag is not None:
            raise NotOfferedError("file systems of fsspec replace nothing on a condition")
        if if_absent:
            try:
                self._fs.pipe_file(self._root + key, bytes(data), mode="create")
            except FileExistsError as error:
                raise FileExistsError(errno.EEXIST, str(error)) from None
            except TypeError:
                raise NotOfferedError("this file system creates nothing on a condition") from None
        else:
            self._fs.pipe_file(self._root + key, bytes(data))
        return self.head(key).etag

    def put_file(self, key: str, path: str) -> None:
        """Write a local file; see `Store.put_file`."""
        self._fs.put_file(path, self._root + key)

    def copy(self, source: str, target: str) -> None:
        """Copy an object inside of the store; see `Store.copy`."""
        self._fs.cp_file(self._root + source, self._root + target)

    def list(self, prefix: str) -> Iterator[Listed]:
        """List objects; see `Store.list`."""
        self._fs.invalidate_cache()
        directory = (self._root + prefix).rpartition("/")[0]
        try:
            found = self._fs.find(directory, detail=True)
        except FileNotFoundError:
            return
        for name, info in found.items():
            at = name.find(self._root) if self._root else 0
            key = name[at + len(self._root) :].lstrip("/")
            if key.startswith(prefix):
                yield Listed(key, *_meta(info))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; see `Store.delete`."""
        for key in keys:
            try:
                self._fs.rm_file(self._root + key)
            except FileNotFoundError:
                continue


def _meta(info: Any) -> Meta:
    if info.get("type") == "directory":
        raise FileNotFoundError(errno.ENOENT, "this is a directory, not a file")
    tags = ("ETag", "etag", "md5Hash", "generation", "mtime", "created", "LastModified")
    tag = next((info[name] for name in tags if info.get(name)), None)
    if isinstance(tag, datetime):  # asked for one file; of a listing the memory's is a number
        tag = tag.timestamp()
    return Meta(int(info["size"]), None if tag is None else str(tag))
