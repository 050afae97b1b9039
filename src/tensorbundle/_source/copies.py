"""Copies of far files: brought here whole for those who need files, and put there whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from .client import Client
from .far_file import FarFile
from .pool import in_order
from .store import Meta

# Told of bytes that have come or gone.
Tick: TypeAlias = Callable[[int], object]


@contextmanager
def private_directory() -> Iterator[str]:
    """A directory of this user's alone, which is gone when the context ends."""
    directory = tempfile.mkdtemp(prefix="tensorbundle-")
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def renamed(text: str, places: Mapping[str, str]) -> str:
    """A text with the names of what private directories are copies of, in place of theirs."""
    for directory, url in places.items():
        text = text.replace(directory, url)
    return text


def fetch_file(client: Client, key: str, path: str, meta: Meta, tick: Tick | None = None) -> None:
    """Copy a far file to a path where there is none, in parts."""
    file = FarFile(client, key, meta)
    with open(path, "xb") as out:
        for _, data in file.stream(0, meta.size):
            out.write(data)
            if tick is not None:
                tick(len(data))


def put_files(client: Client, files: Iterable[tuple[str, str]], tick: Tick | None = None) -> None:
    """Write local files to keys, several at a time: pairs of a path and a key."""
    given = list(files)
    for path, _ in zip(
        (path for path, _ in given),
        in_order(lambda pair: client.put_file(pair[1], pair[0]), given, threads=4),
        strict=True,
    ):
        if tick is not None:
            tick(os.path.getsize(path))
