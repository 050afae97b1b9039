"""Copies of far files: brought here whole for those who need files, and put there whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from .address import Address
from .client import Client
from .connect import connect
from .far_file import FarFile
from .pool import in_order
from .store import Meta, NotOfferedError

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


class FarCopy(NamedTuple):
    """An object and where a copy of it is to be.

    Attributes:
        source: Its address.
        meta: What it was found as.
        target: The address of the copy.
    """

    source: Address
    meta: Meta
    target: Address


def copy_object(copy: FarCopy) -> int:
    """Copy an object to another key: inside of its store where that can be; its bytes.

    Raises:
        OtherObjectError: The object is another one by now.
    """
    source, meta, target = copy
    client = connect(source)
    if is_of_store(source, target):
        try:
            client.copy(source.key, target.key, meta)
        except NotOfferedError:
            pass
        else:
            return meta.size
    with private_directory() as directory:
        path = os.path.join(directory, "copy")
        fetch_file(client, source.key, path, meta)
        connect(target).put_file(target.key, path)
    return meta.size


def is_of_store(a: Address, b: Address) -> bool:
    """Whether two addresses are of one store, opened in the same way."""
    return (a.root, a.options) == (b.root, b.options) and a.store is b.store
