"""Files that appear together and whole, or not at all: the old ones or the new, at every moment.

They are written into a hidden directory on the same file system and moved to their place when all
of them are complete and on the disk. Whatever goes wrong before that leaves no trace, and a file
that is replaced keeps its content for those who have it open or mapped. A process may be killed at
any moment:

1.  One file is one rename.
2.  A directory as a whole (`FolderStaging`) changes places with the new one, in one step.
3.  Files side by side belong together by an index, which gets its name last. Where new files need
    the names of earlier ones, these get second names first, and the index one rename that moves the
    earlier files, whole, out of the way.
4.  What a killed process leaves, the next one to write there removes: its hidden directory, which
    nobody locks any more, and what the journal in it says had already been moved. The journal knows
    files by inode, size and time, so nothing of anybody else's is taken for it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from .._format.wording import already_there
from ..errors import ConversionError, TensorBundleError
from .durable import Lock, flush_directory, flush_path, locked_directory
from .journal import (
    HIDDEN,
    JOURNAL,
    MOVED,
    PREVIOUS,
    add_name,
    identity_of,
    lock_hidden,
    recover,
    roll_back,
    roll_forward,
    write_new,
)
from .syscalls import exchange, flush_file_system

if TYPE_CHECKING:
    from typing_extensions import Self

_FLUSHED_ONE_BY_ONE: Final = 8
# Of a file that is written; an error of reading bears the name of what was read.
_WRITE_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


class TargetExistsError(FileExistsError):
    """A file lies where one is to be written, and is not to be replaced.

    Attributes:
        path: It.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path
        self.message = already_there(path)

    def __str__(self) -> str:
        return str(self.message)


class Staging:
    """A context in which files are made; leaving it without an error puts them in place.

    The last of several is the index of the others.
    """

    def __init__(
        self,
        directory: str,
        *,
        earlier: Iterable[str],
        overwrite: bool,
        moved: Callable[[Mapping[str, str]], bytes] | None = None,
    ) -> None:
        """Prepare to write.

        Args:
            directory: Where the files are to be. It is made, if it does not exist.
            earlier: Files in ``directory`` that an earlier export left, an index first: they are
                replaced or, when this one has no file of that name, removed.
            overwrite: Whether that is allowed.
            moved: Writes the index of the earlier files for other names of theirs.

        Raises:
            TargetExistsError: There are earlier files, and they are not to be replaced.
        """
        self._directory = directory
        self._earlier = tuple(earlier)
        if self._earlier and not overwrite:
            taken = os.path.join(directory, self._earlier[0])
            raise TargetExistsError(taken)
        self._moved = moved
        self._names: list[str] = []
        self._made: list[str] = []
        self._hidden = ""
        self._lock: Lock | None = None
        self._mode = 0

    @property
    def files(self) -> tuple[str, ...]:
        """Final paths of the files, in the order in which they were made."""
        return tuple(os.path.join(self._directory, name) for name in self._names)

    def create(self, name: str) -> BinaryIO:
        """Open a new file for writing; ``name`` may hold directories."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return open(os.open(self.place(name), flags, 0o666), "wb")

    def place(self, name: str) -> str:
        """Say where the caller is to make a new file; ``name`` may hold directories."""
        path = os.path.join(self._hidden, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._names.append(name)
        return path

    def scratch(self) -> str:
        """Make a folder for what is needed only meanwhile; it goes, however this ends."""
        path = os.path.join(self._hidden, "scratch")
        os.mkdir(path)
        return path

    def __enter__(self) -> Self:
        try:
            return self._begin()
        except BaseException as error:  # a signal too: nobody would call __exit__
            self._undo(error)
            raise

    def _begin(self) -> Self:
        parent = self._parent()
        self._made = _make_directories(parent)
        while True:
            self._hidden = os.path.join(parent, f".tensorbundle-{secrets.token_hex(4)}")
            os.mkdir(self._hidden)
            self._mode = stat.S_IMODE(os.stat(self._hidden).st_mode)
            os.chmod(self._hidden, 0o700)
            self._lock = lock_hidden(self._hidden)
            if self._lock is not None:  # else another one took it for a leftover
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
        except BaseException as failure:
            self._undo(failure)
            raise
        else:
            self._undo(error)
        finally:
            if self._lock is not None:
                self._lock.close()

    def _undo(self, error: BaseException | None) -> None:
        """Remove what is hidden, and tell an error of names that the user knows."""
        shutil.rmtree(self._hidden, ignore_errors=True)
        if error is None:
            return
        for made in reversed(self._made):
            with contextlib.suppress(OSError):
                os.rmdir(made)
        if isinstance(error, OSError) and not isinstance(error, TensorBundleError):
            if error.filename is None and error.errno in _WRITE_ERRORS:
                error.filename = self.files[-1] if self._names else self._directory
            for attribute in ("filename", "filename2"):
                if isinstance(name := getattr(error, attribute), str):
                    setattr(error, attribute, self._known(name))
        elif isinstance(error, TensorBundleError) and error.path:
            error.path = self._known(error.path)

    def _known(self, path: str) -> str:
        """The path that the user knows of what is hidden."""
        if not self._hidden or not path.startswith(self._hidden):
            return path
        inside = path[len(self._hidden) :].lstrip(os.sep)
        return os.path.join(self._directory, inside) if inside else self._directory or os.curdir

    def _parent(self) -> str:
        """The directory that is to hold the hidden one."""
        return self._directory

    def _publish(self) -> None:
        self._flush()
        if not self._names:
            return
        for made in self._made:
            flush_directory(os.path.dirname(made))
        with locked_directory(self._directory):
            journal = self._journal()
            if len(self._names) > 1 or set(self._earlier).difference(self._names):
                write_new(os.path.join(self._hidden, JOURNAL), json.dumps(journal).encode())
                flush_directory(self._hidden)
            try:
                self._move_away(journal["moves"])
                for name, path in zip(self._names, self.files, strict=True):
                    os.makedirs(os.path.dirname(path) or os.curdir, exist_ok=True)
                    if name == self._names[-1]:
                        self._flush_folders()
                    os.replace(os.path.join(self._hidden, name), path)
            except BaseException:
                roll_back(self._directory, self._hidden, journal)
                raise
            self._flush_folders()
            roll_forward(self._directory, journal)

    def _journal(self) -> dict[str, Any]:
        """Say what is going to be done; the earlier index, and one for second names, lie ready."""
        index = self._names[-1]
        taken = [name for name in self._names[:-1] if name in self._earlier]
        moves: dict[str, str] = {}
        if self._moved is not None and taken and index in self._earlier:
            token = os.path.basename(self._hidden)
            for number, name in enumerate(taken):
                moves[name] = f"{token}-{number}{os.path.splitext(name)[1]}"
            write_new(os.path.join(self._hidden, MOVED), self._moved(moves))
            add_name(os.path.join(self._directory, index), os.path.join(self._hidden, PREVIOUS))
        return {
            "staged": {name: identity_of(self._hidden, name) for name in self._names},
            "earlier": {name: identity_of(self._directory, name) for name in self._earlier},
            "moves": moves,
            "moved": identity_of(self._hidden, MOVED),
        }

    def _flush(self) -> None:
        # After the last file, not after each: the first flush carries most of the others along.
        paths = [os.path.join(self._hidden, name) for name in self._names]
        if len(paths) > _FLUSHED_ONE_BY_ONE and flush_file_system(self._hidden):
            return
        for path in paths:
            flush_path(path)
        for folder in {os.path.dirname(path) for path in paths}:
            flush_directory(folder)

    def _flush_folders(self) -> None:
        for folder in {os.path.dirname(path) for path in self.files}:
            flush_directory(folder)

    def _move_away(self, moves: Mapping[str, str]) -> None:
        for name, second in moves.items():
            add_name(os.path.join(self._directory, name), os.path.join(self._directory, second))
        if moves:
            flush_directory(self._directory)
            moved = os.path.join(self._hidden, MOVED)
            os.replace(moved, os.path.join(self._directory, self._names[-1]))
            flush_directory(self._directory)


class FolderStaging(Staging):
    """A context in which the files of a whole directory are made.

    An earlier directory of that name changes places with the new one and is removed; it holds
    nothing but ``earlier`` files, as far as the caller saw.
    """

    def _parent(self) -> str:
        parent = os.path.dirname(os.path.abspath(self._directory))
        if not os.path.isdir(self._directory or os.curdir):
            return parent
        # An empty directory is kept, and filled; so is one that cannot or should not be renamed.
        is_kept = (
            not self._earlier
            or os.path.ismount(self._directory)
            or os.path.samefile(self._directory, os.curdir)
            or not os.access(parent, os.W_OK | os.X_OK)
        )
        return self._directory if is_kept else parent

    def _publish(self) -> None:
        if self._parent() == self._directory:
            super()._publish()
            return
        self._flush()
        target = os.path.abspath(self._directory)
        if self._earlier:
            self._mode = stat.S_IMODE(os.stat(target).st_mode)
        os.chmod(self._hidden, self._mode)
        if not self._earlier:
            os.rename(self._hidden, target)
        elif not exchange(self._hidden, target):
            # No one step of this system is enough: the earlier folder is away for a moment.
            aside = f"{self._hidden}.earlier"
            os.rename(target, aside)
            os.rename(self._hidden, target)
            os.rename(aside, self._hidden)
        flush_directory(os.path.dirname(target))
        if self._earlier:
            self._retire(target)

    def _retire(self, target: str) -> None:
        """Empty the earlier directory; what came there meanwhile moves to the new one."""
        known = set(self._earlier)
        for folder, folders, names in os.walk(self._hidden):
            folders[:] = [each for each in folders if not HIDDEN.fullmatch(each)]
            for name in names:
                path = os.path.join(folder, name)
                place = os.path.relpath(path, self._hidden)
                if place not in known and not os.path.lexists(os.path.join(target, place)):
                    os.makedirs(os.path.dirname(os.path.join(target, place)), exist_ok=True)
                    os.rename(path, os.path.join(target, place))


# --- targets --------------------------------------------------------------------------------------


def _make_directories(path: str) -> list[str]:
    """Make a directory and its parents; those that were made, the outermost first."""
    missing: list[str] = []
    while path and not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    made: list[str] = []
    for folder in reversed(missing):
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise NotADirectoryError(
                    errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder
                ) from None
        else:
            made.append(folder)
    return made


def nearest_directory(path: str) -> str:
    """Give the innermost directory of a path that there is."""
    while path and not os.path.isdir(path):
        path = os.path.dirname(path)
    return path or os.curdir


def check_target(path: str, *, is_directory: bool) -> str:
    """Follow a symbolic link, and refuse early what the last step could only fail or harm."""
    if path in ("", "-"):
        raise ConversionError(f"cannot write to {path!r}: the name of a file or folder is needed")
    path = path.rstrip(os.sep) or path if is_directory else path
    refuse_special(path)  # before links are followed: what /dev/stdout leads to has no name
    if os.path.islink(path):
        path = os.path.realpath(path)
    recover(os.path.dirname(path))
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return path
    if is_directory and not stat.S_ISDIR(mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    if is_directory:
        recover(path)
    if not is_directory and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return path


def refuse_special(path: str) -> None:
    """Raise FileExistsError for a device or pipe: a renaming would put a file in its place."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FileExistsError(f"{path!r} is no regular file, it cannot be replaced")
