"""Private copies of what an address means, for those who need files on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from .. import _core
from .._format.filenames import (
    INDEX_SUFFIX,
    META_SUFFIX,
    STATE_NAME,
    shard_path,
    spelled_prefix,
    split_shard_path,
    split_table_glob,
)
from .._source.address import Address
from .._source.client import Client
from .._source.connect import connect
from .._source.copies import Tick, fetch_file
from .._source.far_file import FarFile
from .._source.store import Meta
from ..errors import FormatError, MissingFileError
from .states import newest_by_state

_MOST_INDEX: Final = 1 << 32
# Where the values of a SavedModel are.
VARIABLES_PREFIX: Final = "variables/variables"


def files_of(client: Client, address: Address) -> tuple[str, dict[str, Meta]]:
    """The files that an address means: the key to open them by, and all keys.

    Raises:
        MissingFileError: There are none.
    """
    key = address.key.rstrip("/")
    if key.rpartition("/")[2] == STATE_NAME and client.find(key) is not None:
        key = key.rpartition("/")[0]
    key = spelled_prefix(key) or key
    state = f"{key}/{STATE_NAME}".lstrip("/")
    if client.find(state) is not None:
        named, places = newest_by_state(client, address.at(key))
        for place, _ in places:
            if found := dict(_beginning_with(client, place)):
                return place, found
        raise MissingFileError(f"the state file names {named!r}, which is not there", path=state)
    found = dict(_beginning_with(client, key))
    if not found:
        raise MissingFileError(f"no checkpoint and no file at {address.url!r}", path=address.url)
    return key, found


def _beginning_with(client: Client, key: str) -> Iterator[tuple[str, Meta]]:
    """What belongs to a key: itself, what has it as a prefix, what lies in it as a directory."""
    stem = (split_table_glob(key) or (key, None))[0]
    if client.can_list:
        for found in client.list(stem):
            rest = found.key[len(stem) :]
            if not rest or rest[0] in "./" or (rest[0] == "-" and "-of-" in rest):
                yield found.key, Meta(found.size, found.etag)
        return
    if (whole := client.find(key)) is not None:
        yield key, whole
    index = client.find(key + INDEX_SUFFIX)
    if index is None:
        return
    yield key + INDEX_SUFFIX, index
    if (meta := client.find(key + META_SUFFIX)) is not None:
        yield key + META_SUFFIX, meta
    for shard in shards_of(client, key, index):
        yield shard, client.head(shard)


def header_of(client: Client, key: str, meta: Meta) -> _core.Index:
    """The index of a far bundle, as far as its header, held whole."""
    if meta.size > _MOST_INDEX:
        raise FormatError(f"an index of {meta.size} bytes", path=client.url(key))
    file = FarFile(client, key, meta)
    return file.answered(lambda: _core.Index(file), keep=True)


def shards_of(client: Client, prefix: str, meta: Meta) -> list[str]:
    """The keys of the data shards that the entries of a far index name."""
    key = prefix + INDEX_SUFFIX
    file = FarFile(client, key, meta)
    index = file.answered(lambda: _core.Index(file), keep=True)
    entries = file.answered(index.entries, keep=True)
    return [shard_path(prefix, n, index.num_shards) for n in sorted(entries.shard_counts())]


def bring_graph(address: Address, directory: str) -> tuple[str, Address | None]:
    """Copy the graph that an address means into a directory, and all beside it but values.

    Returns:
        The path to open it by, and where its values are.

    Raises:
        MissingFileError: There is nothing.
        OtherObjectError: It was replaced while it was copied.
    """
    client = connect(address)
    key, files = files_of(client, address)
    inside = f"{key.rstrip('/')}/{VARIABLES_PREFIX}"
    values = next((each for each in (key, inside) if each + INDEX_SUFFIX in files), None)
    rest = {
        k: m for k, m in files.items() if not k.endswith(INDEX_SUFFIX) and not split_shard_path(k)
    }
    if key + META_SUFFIX in rest:
        address = address.at(key + META_SUFFIX)
        rest = {address.key: rest[address.key]}
    if not rest:
        raise MissingFileError(
            f"no graph lies beside the values at {address.url!r}", path=address.url
        )
    path = _brought(client, address, key, rest, directory)
    return path, None if values is None else address.at(values)


def bring(address: Address, directory: str, tick: Tick | None = None) -> str:
    """Copy what an address means into a directory; the path to open it by.

    Raises:
        MissingFileError: There is nothing.
        OtherObjectError: It was replaced while it was copied.
    """
    client = connect(address)
    key, files = files_of(client, address)
    return _brought(client, address, key, files, directory, tick)


def _brought(
    client: Client,
    address: Address,
    key: str,
    files: Mapping[str, Meta],
    directory: str,
    tick: Tick | None = None,
) -> str:
    parent = key.rpartition("/")[0]
    for each, meta in files.items():
        path = local_path(directory, each[len(parent) :].lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        fetch_file(client, each, path, meta, tick)
    opened = address.key if address.key in files else key
    return os.path.join(directory, opened[len(parent) :].lstrip("/"))


def local_path(directory: str, name: str) -> str:
    """Where a far file of that name goes; never outside of the directory.

    Raises:
        FormatError: The name leads out of it.
    """
    parts = name.split("/")
    if any(part in ("", os.curdir, os.pardir) or "\0" in part or os.sep in part for part in parts):
        raise FormatError(f"a far file has a name that is none here: {name!r}")
    return os.path.join(directory, *parts)
