"""Journal of exports: what killed ones leave, and how it is undone or finished.

A journal lies in the hidden directory of an export while its files get their names. It knows files
by inode, size and time, so nothing of anybody else's is taken for one of them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Mapping
from typing import Any, Final

from .durable import Lock, copy_file, flush_directory, write_all

HIDDEN: Final = re.compile(r"\.tensorbundle-[0-9a-f]{8}")

# What lies in the hidden directory beside the files: of these names no file of an export is.
JOURNAL: Final = ".journal"
MOVED: Final = ".moved"
PREVIOUS: Final = ".previous"

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def recover(directory: str) -> None:
    """Undo or finish what killed processes began in a directory, and remove their leftovers."""
    try:
        names = os.listdir(directory or os.curdir)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if not HIDDEN.fullmatch(name):
            continue
        path = os.path.join(directory, name)
        lock = lock_hidden(path)
        if lock is None:
            continue
        with lock, contextlib.suppress(OSError):
            if os.fstat(lock.descriptor).st_uid == os.geteuid():
                _finish(directory, path)


def _finish(directory: str, hidden: str) -> None:
    """Undo or finish one killed export."""
    journal = _read_journal(hidden)
    if journal is not None:
        last = next(reversed(journal["staged"]), "")
        if _is_there(directory, last, journal["staged"].get(last)):
            roll_forward(directory, journal)
        else:
            roll_back(directory, hidden, journal)
    shutil.rmtree(hidden)


def _read_journal(hidden: str) -> dict[str, Any] | None:
    """Read a journal; one that no export can have written says nothing."""
    try:
        with open(os.path.join(hidden, JOURNAL), "rb") as file:
            journal = json.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    match journal:
        case {"staged": dict(staged), "earlier": dict(earlier), "moves": dict(moves), "moved": _}:
            second = re.compile(rf"{re.escape(os.path.basename(hidden))}-\d+\.\w+")
            is_ours = all(
                isinstance(each, str) and second.fullmatch(each) for each in moves.values()
            )
            names = {*staged, *earlier, *moves}
            is_inside = not any(os.path.isabs(n) or ".." in n.split(os.sep) for n in names)
            return journal if is_ours and is_inside else None
    return None


def roll_forward(directory: str, journal: Mapping[str, Any]) -> None:
    """Remove what the files that are now in place have made superfluous, the index first."""
    for name, identity in journal["earlier"].items():
        if name not in journal["staged"] and _is_there(directory, name, identity):
            os.unlink(os.path.join(directory, name))
            flush_directory(directory)
    for second in journal["moves"].values():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, second))


def roll_back(directory: str, hidden: str, journal: Mapping[str, Any]) -> None:
    """Remove those new files that have their names already, and give earlier ones theirs back."""
    index = next(reversed(journal["staged"]), "")
    for name, identity in journal["staged"].items():
        if _is_there(directory, name, identity):
            os.unlink(os.path.join(directory, name))
    if _is_there(directory, index, journal["moved"]):
        for name, second in journal["moves"].items():
            if not os.path.lexists(os.path.join(directory, name)):
                add_name(os.path.join(directory, second), os.path.join(directory, name))
        flush_directory(directory)
        os.replace(os.path.join(hidden, PREVIOUS), os.path.join(directory, index))
        flush_directory(directory)
    for second in journal["moves"].values():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, second))


def add_name(path: str, other: str) -> None:
    """Make a file available under another name too, by a copy where there are no links."""
    try:
        os.link(path, other, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EIO):
            raise
        copy_file(path, other)


def identity_of(directory: str, name: str) -> tuple[int, int, int] | None:
    try:
        status = os.lstat(os.path.join(directory, name))
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is_there(directory: str, name: str, identity: Any) -> bool:
    """Whether a file that is in place is the very one that a journal tells of."""
    found = identity_of(directory, name)
    return found is not None and identity is not None and [*found] == [*identity]


def lock_hidden(path: str) -> Lock | None:
    """Lock a hidden directory; None if its export is alive, or it is no longer there."""
    try:
        lock = Lock(os.open(path, _DIRECTORY))
    except OSError:
        return None
    with contextlib.suppress(FileNotFoundError):
        if lock.try_now() and os.path.samestat(os.fstat(lock.descriptor), os.stat(path)):
            return lock
    lock.close()
    return None


def write_new(path: str, content: bytes) -> None:
    """Write a small file that is not there yet, and have it on the disk."""
    descriptor = os.open(path, _NEW_FILE, 0o666)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
