"""Cache on disk of far indexes, by the ETag of what each is a copy of.

A file an index: a line of JSON that says what it is of, then the bytes. Addresses and credentials
are not written down: the name is a hash of the address, which the options for opening it are no
part of, but its endpoint.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Final

from .address import Address

# ``off``, or another directory.
CACHE_VARIABLE: Final = "TENSORBUNDLE_INDEX_CACHE"
_MOST_BYTES: Final = 1 << 30
_MOST_HEAD: Final = 4096
_ENDPOINTS: Final = ("endpoint", "endpoint_url")


class IndexCache:
    """The indexes that were read before, in a directory that is the user's alone."""

    def __init__(self, address: Address) -> None:
        self._directory = _directory(address.cache)
        endpoint = next((str(address.options[n]) for n in _ENDPOINTS if n in address.options), "")
        named = f"{endpoint}\n{address.url}".encode("utf-8", "surrogateescape")
        self._name = hashlib.sha256(named).hexdigest()
        # What was opened by hand may be anything under that name.
        self._is_used = self._directory is not None and address.store is None

    @property
    def _path(self) -> Path | None:
        return self._directory / self._name if self._directory and self._is_used else None

    def find(self) -> tuple[bytes, str] | None:
        """The index as it was when it was read last, and its ETag."""
        path = self._path
        if path is None:
            return None
        try:
            with open(path, "rb") as file:
                head = json.loads(file.readline(_MOST_HEAD))
                data = file.read()
            if len(data) != head["size"] or not isinstance(head["etag"], str):
                return None
            os.utime(path)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return data, head["etag"]

    def keep(self, data: bytes, etag: str | None) -> None:
        """Keep an index; a full disk or a directory that cannot be written is no error."""
        path = self._path
        if path is None or etag is None or len(data) > _MOST_BYTES // 4:
            return
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            head = json.dumps({"etag": etag, "size": len(data)}).encode() + b"\n"
            descriptor, name = tempfile.mkstemp(dir=path.parent)
            try:
                with open(descriptor, "wb") as file:
                    file.write(head + data)
                os.replace(name, path)
            except BaseException:
                os.unlink(name)
                raise
            _forget_oldest(path.parent)


def _directory(cache: bool | str | os.PathLike[str]) -> Path | None:
    if cache is False:
        return None
    if cache is not True:
        return Path(cache)
    if given := os.environ.get(CACHE_VARIABLE):
        return None if given == "off" else Path(given)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home, "tensorbundle", "indexes") if os.path.isabs(home) else None


def _forget_oldest(directory: Path) -> None:
    """Delete what was used longest ago, until the rest is of the size that is allowed."""
    kept = sorted(
        (
            (found.st_mtime, found.st_size, entry.path)
            for entry in os.scandir(directory)
            for found in [entry.stat()]
            if entry.is_file()
        ),
        reverse=True,
    )
    total = 0
    for _, size, path in kept:
        total += size
        if total > _MOST_BYTES:
            os.unlink(path)
