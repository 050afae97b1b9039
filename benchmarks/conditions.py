"""What numbers depend on: the page cache, and how much of the host's memory is at hand."""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

_PAGE = mmap.PAGESIZE
TMPFS = Path("/dev/shm")
_DROP_CACHES = "/proc/sys/vm/drop_caches"


def resident_share(paths: Iterable[str]) -> float | None:
    """Which share of the files' pages the page cache holds, as `mincore` says; None if unknown."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "mincore"):
        return None
    held = pages = 0
    for path in paths:
        if not (size := os.path.getsize(path)):
            continue
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as map:
            vector = (ctypes.c_ubyte * -(-size // _PAGE))()
            start = ctypes.c_char.from_buffer(map)
            failed = libc.mincore(ctypes.byref(start), ctypes.c_size_t(size), vector)
            del start  # or the map could not be closed
            if failed:
                return None
            held += sum(byte & 1 for byte in bytes(vector))
            pages += len(vector)
    return held / pages if pages else None


def evict(paths: Iterable[str]) -> None:
    """Leave nothing of the files in the page cache; raises where that cannot be done."""
    paths = list(paths)
    for _ in range(5):  # a page that somebody just reads stays for once
        _let_go(paths)
        if not (share := resident_share(paths)):
            return
        if os.access(_DROP_CACHES, os.W_OK):
            with open(_DROP_CACHES, "w") as file:
                file.write("1")
    if share > 0.001:
        raise RuntimeError(f"{share:.1%} of {paths} stays in the page cache: no cold read")


def _let_go(paths: Iterable[str]) -> None:
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())  # only clean pages can go
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def warm(paths: Iterable[str]) -> None:
    """Bring all of the files into the page cache, always in the same way: evicted, then read."""
    paths = list(paths)
    _let_go(paths)
    buffer = bytearray(1 << 20)
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def peak_rss(usage: Any) -> int:
    """Peak memory in bytes. A child begins with its parent's peak: who starts it must be small."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def current_rss() -> int | None:
    """Memory of this process now, in bytes; None if unknown."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * _PAGE
    except FileNotFoundError:
        return None


def scratch(directory: str | os.PathLike[str], where: Literal["disk", "tmpfs"]) -> Path:
    """The folder that tasks write into: beside the data, or in memory."""
    return Path(directory) / "scratch" if where == "disk" else TMPFS / "tensorbundle-benchmarks"


def empty(folder: Path) -> None:
    """Empty a folder, and wait for all disks: nobody pays for what others wrote."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.sync()


# In huge pages: the kernel hands out what small ones leave behind only to small ones.
_TOUCH = """
import mmap, sys
memory = mmap.mmap(-1, int(sys.argv[1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_HUGEPAGE) if hasattr(mmap, "MADV_HUGEPAGE") else None
piece = b"x" * (1 << 20)
while memory.tell() < len(memory):
    memory.write(piece[: len(memory) - memory.tell()])
"""


def fetch_memory(nbytes: int) -> None:
    """Have another process use and free so much memory.

    A virtual machine may give free memory back to its host, from where it comes back at a tenth of
    the speed: what is measured next would pay for that, or not, by chance.
    """
    subprocess.run([sys.executable, "-S", "-c", _TOUCH, str(nbytes)], check=True)
