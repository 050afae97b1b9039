"""Files that appear together and whole, or not at all.

They are written into a hidden directory on the same file system and moved to their place when all
of them are complete and on the disk. Whatever goes wrong before that leaves no trace, and a file
that is replaced keeps its content for those who have it open or mapped.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from .._format.wording import already_there

if TYPE_CHECKING:
    from typing_extensions import Self


class Staging:
    """A context in which files are made; leaving it without an error puts them in place."""

    def __init__(self, directory: str, *, earlier: Iterable[str], overwrite: bool) -> None:
        """Prepare to write.

        Args:
            directory: Where the files are to be. If it does not exist it appears with them.
            earlier: Files in ``directory`` that an earlier export left: they are replaced or, when
                this one has no file of that name, removed.
            overwrite: Whether that is allowed.

        Raises:
            FileExistsError: There are earlier files, and they are not to be replaced.
        """
        self._directory = directory
        self._is_new = not os.path.isdir(directory or os.curdir)
        self._earlier = tuple(earlier)
        if self._earlier and not overwrite:
            taken = os.path.join(directory, self._earlier[0])
            raise FileExistsError(already_there(taken))
        parent = os.path.dirname(directory) if self._is_new else directory
        self._hidden = os.path.join(parent, f".tensorbundle-{secrets.token_hex(4)}")
        self._names: list[str] = []

    @property
    def files(self) -> tuple[str, ...]:
        """Final paths of the files, in the order in which they were made."""
        return tuple(os.path.join(self._directory, name) for name in self._names)

    def create(self, name: str) -> BinaryIO:
        """Open a new file for writing; ``name`` may hold directories."""
        return open(self.place(name), "xb")

    def place(self, name: str) -> str:
        """Say where the caller is to make a new file; ``name`` may hold directories."""
        path = os.path.join(self._hidden, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._names.append(name)
        return path

    def __enter__(self) -> Self:
        os.mkdir(self._hidden)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._publish()
        finally:
            shutil.rmtree(self._hidden, ignore_errors=True)

    def _publish(self) -> None:
        # After the last file, not after each: the first flush carries most of the others along.
        for name in self._names:
            _flush(os.path.join(self._hidden, name))
        if self._is_new:
            for folder in {os.path.dirname(os.path.join(self._hidden, n)) for n in self._names}:
                _flush_directory(folder)
            os.rename(self._hidden, self._directory)
            _flush_directory(os.path.dirname(self._directory))
            return
        for name, path in zip(self._names, self.files, strict=True):
            os.makedirs(os.path.dirname(path) or os.curdir, exist_ok=True)
            os.replace(os.path.join(self._hidden, name), path)
        for name in set(self._earlier).difference(self._names):
            os.unlink(os.path.join(self._directory, name))
        for folder in {os.path.dirname(path) for path in (*self.files, self._hidden)}:
            _flush_directory(folder)


def _flush(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_directory(path: str) -> None:
    with contextlib.suppress(OSError):  # some file systems cannot, and then need not
        _flush(path or os.curdir)


def check_target(path: str, *, is_directory: bool) -> str:
    """Follow a symbolic link, and refuse early what the last step could only fail or harm."""
    path = path.rstrip(os.sep) or path if is_directory else path
    if os.path.islink(path):
        path = os.path.realpath(path)
    parent = os.path.dirname(path)
    if not os.path.isdir(parent or os.curdir):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), parent)
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return path
    if is_directory and not stat.S_ISDIR(mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    if not is_directory and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not is_directory and not stat.S_ISREG(mode):
        # Renaming over a device or pipe would replace it by a file.
        raise FileExistsError(f"{path!r} is no regular file, it cannot be replaced")
    return path
