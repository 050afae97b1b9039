"""Files as ``tf.io.gfile`` opens them: local ones, and remote ones where fsspec is installed."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import functools
import glob as globbing
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Final, NamedTuple, TypeVar

from ...errors import UnsupportedError
from ...train import errors
from .text import as_bytes, as_str, path_to_str

_Result = TypeVar("_Result")

_ERRORS: Final = (
    (FileNotFoundError, errors.NotFoundError),
    (FileExistsError, errors.AlreadyExistsError),
    (PermissionError, errors.PermissionDeniedError),
    ((IsADirectoryError, NotADirectoryError), errors.FailedPreconditionError),
    (UnicodeDecodeError, ()),
)


class FileStatistics(NamedTuple):
    """Facts of a file, as ``tf.io.gfile.stat`` gives them."""

    length: int
    mtime_nsec: int
    is_directory: bool


@contextlib.contextmanager
def _as_tensorflow(path: str) -> Iterator[None]:
    """Raise what the system raises as TensorFlow's errors."""
    try:
        yield
    except OSError as error:
        kind: Any = next((ours for theirs, ours in _ERRORS if isinstance(error, theirs)), None)
        if error.errno == errno.ENOTEMPTY:
            kind = errors.FailedPreconditionError
        kind = kind or errors.UnknownError
        raise kind(None, None, f"{path}; {error.strerror or error}") from error


def _plain(path: Any) -> str:
    """A path as text, without ``file://``."""
    return as_str(path_to_str(path)).removeprefix("file://")


def _told(function: Callable[..., _Result]) -> Callable[..., _Result]:
    """A function of a path first, which becomes text, and whose errors become TensorFlow's."""

    @functools.wraps(function)
    def call(path: Any, *args: Any, **kwargs: Any) -> _Result:
        plain = _plain(path)
        with _as_tensorflow(plain):
            return function(plain, *args, **kwargs)

    return call


def _remote(path: str) -> tuple[Any, str] | None:
    """The file system that an address names, and the path there; None for local paths."""
    if "://" not in path:
        return None
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UnsupportedError(
            f"a remote file needs fsspec ({error}): pip install fsspec", path=path
        ) from None
    system, inner = url_to_fs(path)
    return system, inner


class GFile:
    """File, opened when it is first read or written.

    Args:
        name: Its path.
        mode: As of `open`; text is UTF-8.

    Raises:
        NotFoundError: When it is read: there is none.
    """

    def __init__(self, name: Any, mode: str = "r") -> None:
        self.name = _plain(name)
        self.mode = mode
        self._is_binary = "b" in mode
        self._file: IO[bytes] | None = None

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            mode = self.mode.replace("b", "").replace("t", "") + "b"
            with _as_tensorflow(self.name):
                if (remote := _remote(self.name)) is not None:
                    self._file = remote[0].open(remote[1], mode)
                else:
                    self._file = open(self.name, mode)  # noqa: SIM115  # closed by close()
        assert self._file is not None
        return self._file

    def _given(self, content: bytes) -> Any:
        return content if self._is_binary else as_str(content)

    def size(self) -> int:
        """Its size in bytes."""
        return stat(self.name).length

    def read(self, n: int = -1) -> Any:
        """Read so many bytes, or all that are left; text unless the mode is binary."""
        with _as_tensorflow(self.name):
            return self._given(self._opened().read(n))

    def readline(self) -> Any:
        """Read a line, with its end; carriage returns are left out, as TensorFlow does."""
        with _as_tensorflow(self.name):
            return self._given(self._opened().readline().replace(b"\r", b""))

    def readlines(self) -> list[Any]:
        """Read all lines that are left."""
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        while line := self.readline():
            yield line

    def __next__(self) -> Any:
        if line := self.readline():
            return line
        raise StopIteration

    next = __next__

    def write(self, file_content: Any) -> None:
        """Write text or bytes."""
        with _as_tensorflow(self.name):
            self._opened().write(as_bytes(file_content))

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Go to a place in the file."""
        self._opened().seek(
            position if offset is None and position is not None else offset or 0, whence
        )

    def seekable(self) -> bool:
        """Tell that it can be read from any place."""
        return True

    def tell(self) -> int:
        """Place in the file."""
        return self._opened().tell()

    def flush(self) -> None:
        """Write what is not written yet."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file; one that nothing was written into is not made, as in TensorFlow."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __del__(self) -> None:
        if self.__dict__.get("_file") is not None:  # programs do not close what they read
            self.close()

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


FastGFile = Open = Opener = GFile


def exists(path: Any) -> bool:
    """Tell whether there is a file or a directory."""
    plain = _plain(path)
    remote = _remote(plain)
    return bool(remote[0].exists(remote[1])) if remote else os.path.exists(plain)


def isdir(path: Any) -> bool:
    """Tell whether there is a directory."""
    plain = _plain(path)
    remote = _remote(plain)
    return bool(remote[0].isdir(remote[1])) if remote else os.path.isdir(plain)


@_told
def listdir(path: str) -> list[str]:
    """List the names in a directory.

    Raises:
        NotFoundError: There is none.
    """
    if (remote := _remote(path)) is not None:
        found = remote[0].ls(remote[1], detail=False)
        return [each.rstrip("/").rpartition("/")[2] for each in found]
    if not os.path.isdir(path):
        raise FileNotFoundError(errno.ENOENT, "Could not find directory", path)
    return os.listdir(path)


def glob(pattern: Any) -> list[str]:
    """List the files that a pattern fits, or several patterns."""
    if isinstance(pattern, (list, tuple)):
        return [path for each in pattern for path in glob(each)]
    plain = _plain(pattern)
    if (remote := _remote(plain)) is not None:
        return sorted(map(remote[0].unstrip_protocol, remote[0].glob(remote[1])))
    # A leading dot is nothing special to TensorFlow, nor is "**".
    folder, name = os.path.split(plain)
    if not globbing.has_magic(folder):
        if not os.path.isdir(folder or os.curdir):
            return []
        names = os.listdir(folder or os.curdir)
        return sorted(os.path.join(folder, each) for each in fnmatch.filter(names, name))
    return sorted(
        path for each in glob(folder) for path in glob(os.path.join(globbing.escape(each), name))
    )


@_told
def stat(path: str) -> FileStatistics:
    """Tell size and time of change.

    Raises:
        NotFoundError: There is no such file.
    """
    if (remote := _remote(path)) is not None:
        info = remote[0].info(remote[1])
        changed = info.get("mtime") or 0
        nanoseconds = int(getattr(changed, "timestamp", lambda: changed)() * 1_000_000_000)
        return FileStatistics(info["size"] or 0, nanoseconds, info["type"] == "directory")
    found = os.stat(path)
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(path))


@_told
def makedirs(path: str) -> None:
    """Make a directory and those above it."""
    remote = _remote(path)
    if remote:
        remote[0].makedirs(remote[1], exist_ok=True)
    else:
        os.makedirs(path, exist_ok=True)


@_told
def mkdir(path: str) -> None:
    """Make a directory, unless it is there.

    Raises:
        NotFoundError: The one above it is not there.
    """
    remote = _remote(path)
    if remote:
        remote[0].mkdir(remote[1], create_parents=False)
    elif not os.path.isdir(path):
        os.mkdir(path)


@_told
def remove(path: str) -> None:
    """Remove a file.

    Raises:
        NotFoundError: There is none.
    """
    remote = _remote(path)
    if remote:
        remote[0].rm_file(remote[1])
    else:
        os.remove(path)


@_told
def rmtree(path: str) -> None:
    """Remove a directory with all that is in it."""
    remote = _remote(path)
    if remote:
        remote[0].rm(remote[1], recursive=True)
    else:
        shutil.rmtree(path)


@_told
def rename(src: str, dst: Any, overwrite: bool = False) -> None:
    """Give a file another name.

    Raises:
        AlreadyExistsError: That is there, and ``overwrite`` was not asked for.
    """
    target = _free(dst, overwrite)
    remote = _remote(src)
    if remote:
        remote[0].mv(remote[1], target)
    else:
        os.replace(src, target)


@_told
def copy(src: str, dst: Any, overwrite: bool = False) -> None:
    """Copy a file.

    Raises:
        AlreadyExistsError: There is one already, and ``overwrite`` was not asked for.
    """
    target = _free(dst, overwrite)
    if not (_remote(src) or _remote(target)):
        shutil.copyfile(src, target)
        return
    with GFile(src, "rb") as source, GFile(target, "wb") as written:
        while block := source.read(1 << 20):
            written.write(block)


def _free(path: Any, overwrite: bool) -> str:
    if not overwrite and exists(path):
        raise FileExistsError(errno.EEXIST, "file already exists", path)
    return _plain(path)


def walk(
    top: Any, topdown: bool = True, onerror: Callable[[Exception], object] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield a directory, the names of directories and of files in it; then for each of those."""
    plain = _plain(top)
    try:
        names = listdir(plain)
    except errors.NotFoundError as error:
        if onerror is not None:
            onerror(error)
        return
    inner = [name for name in names if isdir(join(plain, name))]
    here = (plain, inner, [name for name in names if name not in set(inner)])
    if topdown:
        yield here
    for name in inner:
        yield from walk(join(plain, name), topdown, onerror)
    if not topdown:
        yield here


def join(path: Any, *paths: Any) -> Any:
    """Join parts of a path."""
    return os.path.join(path, *paths)


# --- as TensorFlow 1 calls them --------------------------------------------------------------


def Walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield as `walk`."""
    return walk(top, in_order)


Exists = file_exists = exists
IsDirectory = is_directory = isdir
ListDirectory = list_directory = listdir
Glob = get_matching_files = glob
Stat = stat
MakeDirs = recursive_create_dir = makedirs
MkDir = create_dir = mkdir
Remove = delete_file = remove
Rename = rename
Copy = copy
DeleteRecursively = delete_recursively = rmtree
FileIO = GFile


def read_file_to_string(filename: Any, binary_mode: bool = False) -> Any:
    """Read a whole file."""
    with GFile(filename, "rb" if binary_mode else "r") as file:
        return file.read()


def write_string_to_file(filename: Any, file_content: Any) -> None:
    """Write a whole file."""
    with GFile(filename, "w") as file:
        file.write(file_content)


def exists_all(paths: Iterable[Any]) -> bool:
    """Tell whether all of them are there."""
    return all(map(exists, paths))
