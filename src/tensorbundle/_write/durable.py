"""Files that appear whole and stay: temporary names, locks, flushes, and the step to the name.

What a killed process leaves is known by the lock that it no longer holds. A lock ends with its
holder, not with the children that were forked meanwhile: they close it, and it is taken off before
it is closed. Nothing here waits for a named pipe.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import re
import secrets
import stat
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Final

_LONGEST_NAME: Final = 255  # bytes, on every file system of today
_TOLD_AFTER_S: Final = 1.0
_COPIED_BYTES: Final = 8 << 20
_NO_LOCKS: Final = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF)
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_SUFFIX_BYTES: Final = len(".tempstate") + 20

_log = logging.getLogger(__name__)


class Lock:
    """A descriptor with an exclusive lock, or about to get one.

    Args:
        descriptor: An open file; it is closed with the lock.
        temporary: Its path, when it is to go if nobody closes the lock.
    """

    def __init__(self, descriptor: int, temporary: str | None = None) -> None:
        self.descriptor = descriptor
        self._temporary = temporary
        _HELD.add(self)

    def __del__(self) -> None:
        # A signal may come between any two steps: also between making a file and entering a block.
        if not self.closed:
            if self._temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(self._temporary)
            self.close()

    @property
    def closed(self) -> bool:
        """Whether it is given up."""
        return self.descriptor < 0

    def try_now(self) -> bool:
        """Take the lock if nobody has it; True also where the file system has no locks.

        Raises:
            OSError: The file system refuses.
        """
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        return True

    def wait(self, path: str) -> None:
        """Take the lock when it is free; after a second, the log says who has it."""
        start, pause = time.monotonic(), 0.001
        while not self.try_now():
            if time.monotonic() - start >= _TOLD_AFTER_S:
                _log.warning("waiting to save into %s: %s is saving there", path, self._holder())
                fcntl.flock(self.descriptor, fcntl.LOCK_EX)
                return
            time.sleep(pause)
            pause = min(2 * pause, 0.05)

    def _holder(self) -> str:
        """Who has the lock, as Linux tells it."""
        inode = str(os.fstat(self.descriptor).st_ino)
        with contextlib.suppress(OSError):
            for line in read_text("/proc/locks").splitlines():
                words = line.split()
                if "->" not in words and words[1] == "FLOCK" and words[5].endswith(f":{inode}"):
                    with contextlib.suppress(OSError):
                        name = read_text(f"/proc/{words[4]}/comm").strip()
                        return f"process {words[4]} ({name})"
                    return f"process {words[4]}"
        return "another process"

    def close(self) -> None:
        """Give up the lock, for forked children that share it too, and close the file."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


# The locks of this process: the one thing that a forked child must know of its parent's saves.
_HELD: Final[weakref.WeakSet[Lock]] = weakref.WeakSet()


def _leave_to_parent() -> None:
    for lock in list(_HELD):
        descriptor, lock.descriptor = lock.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


os.register_at_fork(after_in_child=_leave_to_parent)


def read_text(path: str) -> str:
    """Read a small file of the system."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def temporary_stem(path: str, longest: int) -> str:
    """What temporary names of a file begin with: its path, or a short one if they were too long.

    Args:
        path: The file.
        longest: How many bytes are appended at most.
    """
    directory, base = os.path.split(path)
    if len(os.fsencode(base)) + longest <= _LONGEST_NAME:
        return path
    import hashlib

    digest = hashlib.sha256(os.fsencode(base)).hexdigest()[:16]
    return os.path.join(directory, f".tensorbundle-{digest}")


def reserve(name_of: Callable[[str], str]) -> tuple[str, Lock]:
    """Make a file of a temporary name, whose lock says that its writer is alive.

    Args:
        name_of: Gives the file's name for a suffix.

    Returns:
        The suffix, and the open file.

    Raises:
        OSError: The directory cannot be written to.
    """
    while True:
        suffix = f".tempstate{secrets.randbits(64)}"
        path = name_of(suffix)
        lock = None
        try:
            lock = Lock(os.open(path, _NEW_FILE, 0o666), path)
            if lock.try_now() and os.path.samestat(os.fstat(lock.descriptor), os.stat(path)):
                return suffix, lock
        except FileNotFoundError:
            if lock is None:
                raise
            # Another save took it for a leftover before it was locked.
        except BaseException as error:
            if lock is not None:
                lock.close()
            if not isinstance(error, FileExistsError):
                with contextlib.suppress(OSError):
                    os.unlink(path)
            raise
        lock.close()


@contextlib.contextmanager
def abandoned(path: str) -> Iterator[bool]:
    """Whether the process that wrote a temporary file is gone; only one caller is told so."""
    try:
        lock = Lock(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except FileNotFoundError:
        yield True
        return
    except OSError:
        yield False
        return
    with lock:
        is_ours = stat.S_ISREG(os.fstat(lock.descriptor).st_mode)
        try:
            fcntl.flock(lock.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # it is alive, or this file system has no locks to tell
            is_ours = False
        yield is_ours


@contextlib.contextmanager
def locked_directory(directory: str) -> Iterator[None]:
    """One commit at a time: two would mix the index of one with the data of the other."""
    descriptor = os.open(directory or os.curdir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with Lock(descriptor) as lock:
        lock.wait(directory or os.curdir)
        yield


def replace_file(path: str, content: bytes) -> None:
    """Replace a small file in one step: whoever looks finds the old content or the new.

    It is on the disk before this returns. What killed processes left of earlier attempts at the
    same file is removed.

    Raises:
        OSError: It could not be done; the old content is still there.
    """
    directory = os.path.dirname(path)
    stem = temporary_stem(path, _SUFFIX_BYTES)
    leftover = re.compile(re.escape(os.path.basename(stem)) + r"\.tempstate\d+")
    temporary = stem
    try:
        for left in filter(leftover.fullmatch, os.listdir(directory or os.curdir)):
            other = os.path.join(directory, left)
            with abandoned(other) as is_abandoned, contextlib.suppress(OSError):
                if is_abandoned:
                    os.unlink(other)
        suffix, lock = reserve(lambda suffix: stem + suffix)
        temporary = stem + suffix
        with lock:
            try:
                write_all(lock.descriptor, content)
                os.fsync(lock.descriptor)
                os.replace(temporary, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
    except OSError as error:
        if error.filename is None or str(error.filename).startswith(stem):
            error.filename = path  # the name that the user knows
            error.filename2 = None
        raise
    flush_directory(directory)


def write_all(descriptor: int, content: bytes) -> None:
    """Write bytes, unbuffered: a forked child has nothing of them that it could write again."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def make_directory(directory: str, *, durable: bool) -> None:
    """Make a directory and its parents, as an export does; TensorFlow makes the last level only."""
    if os.path.isdir(directory or os.curdir):
        return
    parent = os.path.dirname(directory.rstrip(os.sep))
    make_directory(parent, durable=durable)
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory)
    if durable:
        flush_directory(parent)


def copy_file(path: str, other: str, *, durable: bool = True) -> None:
    """Copy a file to a new one; an error of writing names the new one, not what is copied."""
    at_work = path
    try:
        with open(path, "rb", 0) as old, open(os.open(other, _NEW_FILE, 0o666), "wb", 0) as new:
            while piece := old.read(_COPIED_BYTES):
                at_work = other
                write_all(new.fileno(), piece)
                at_work = path
            at_work = other
            if durable:
                os.fsync(new.fileno())
    except OSError as error:
        if error.filename is None:
            error.filename = at_work
        raise


def flush_path(path: str) -> None:
    """Have a file on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_directory(directory: str) -> None:
    """Have a directory's names on the disk."""
    descriptor = os.open(directory or os.curdir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # cannot, and then need not
            raise
    finally:
        os.close(descriptor)
