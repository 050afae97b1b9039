"""Opening of what an address means, in as few requests as may be."""

from __future__ import annotations

import importlib
import os
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..._far.states import newest_by_state
from ..._format.filenames import (
    INDEX_SUFFIX,
    STATE_NAME,
    spelled_prefix,
    split_table_glob,
    split_table_path,
)
from ..._locate.damage import is_table_footer
from ..._locate.location import SAVED_MODELS, VARIABLES, Location
from ..._source.address import Address
from ..._source.client import Client
from ..._source.connect import connect
from ..._source.copies import fetch_file, private_directory, renamed
from ..._source.far_file import FarFile
from ..._source.store import Meta, unreplaced
from ...errors import FormatError, MissingFileError
from .bundle import FarBundle
from .index import FarIndex
from .tables import FarLegacyCheckpoint

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint

# Endings of files that are no checkpoints of TensorFlow, and no prefixes either.
_FILES: Final = (".pb", ".pbtxt", ".npz", ".npy", ".safetensors", ".h5", ".hdf5", ".keras", ".json")
_FOOTER_BYTES: Final = 48


def open_far(address: Address) -> Checkpoint:
    """Open what lies at an address; see `tensorbundle.open`.

    Raises:
        MissingFileError: Nothing that could be meant is there.
        PermissionError: The store refuses.
        OSError: It does not answer.
    """
    with unreplaced(address.url):
        return _opened(connect(address), address)


def _opened(client: Client, address: Address) -> Checkpoint:
    key = address.key
    requested = address.url
    if key.endswith(_FILES):
        return _file(client, address, client.head(key))
    if key.rpartition("/")[2] == STATE_NAME:
        return _by_state(client, address.at(key.rpartition("/")[0]), requested)
    prefix = spelled_prefix(key) or key
    found = None
    if prefix.endswith("/") and client.find(prefix + STATE_NAME) is not None:
        return _by_state(client, address.at(prefix.rstrip("/")), requested)
    if prefix:
        found = _bundle(client, address.at(prefix), requested)
    if found is None and prefix == key and not key.endswith("/"):
        found = _at_key(client, address)
    if found is None:
        found = _in_directory(client, address.at(key.rstrip("/")), requested)
    if found is None:
        raise MissingFileError(
            f"no checkpoint at {requested!r}: there is no {prefix + INDEX_SUFFIX!r}, no state file "
            "and no SavedModel",
            path=requested,
        )
    return found


def _bundle(
    client: Client, address: Address, requested: str, state: str | None = None
) -> Checkpoint | None:
    """The V2 checkpoint with exactly this prefix."""
    try:
        index = FarIndex(client, address.at(address.key + INDEX_SUFFIX))
    except MissingFileError:
        return None
    place = address.key.rpartition(f"{VARIABLES}/{VARIABLES}")
    location = Location(
        requested=requested,
        kind="v2",
        prefix=address.url,
        index=address.url + INDEX_SUFFIX,
        state=state,
        saved_model=address.at(place[0].rstrip("/")).url if place[1] and not place[2] else None,
    )
    return FarBundle(location, address, client, index)


def _at_key(client: Client, address: Address) -> Checkpoint | None:
    """What the object at the key itself is, or the V1 shards whose prefix or glob it names."""
    meta = client.find(address.key)
    if meta is not None:
        return _file(client, address, meta)
    stem = (split_table_glob(address.key) or (address.key, None))[0]
    if not client.can_list or not stem:
        return None
    shards = {
        found.key: found
        for found in client.list(f"{stem}-")
        if (split := split_table_path(found.key)) is not None and split[0] == stem
    }
    if not shards:
        return None
    totals = {total for _, _, total in map(_split, shards)}
    if len(totals) > 1:
        raise MissingFileError(f"several sets of shards at {address.url!r}: name one by its glob")
    if len(shards) != next(iter(totals)):
        raise MissingFileError(
            f"shards of the V1 checkpoint {address.url!r} are missing: {len(shards)} of "
            f"{next(iter(totals))} are there",
            path=address.url,
        )
    metas = {key: Meta(shards[key].size, shards[key].etag) for key in sorted(shards)}
    return _tables(client, address, metas)


def _split(key: str) -> tuple[str, int, int]:
    found = split_table_path(key)
    assert found is not None
    return found


def _file(client: Client, address: Address, meta: Meta) -> Checkpoint:
    """One far file: a V1 table is read by its blocks, anything else is copied here whole."""
    file = FarFile(client, address.key, meta)
    if meta.size >= _FOOTER_BYTES:
        footer = bytes(file.fetch(meta.size - _FOOTER_BYTES, meta.size))
        if is_table_footer(footer):
            return _tables(client, address, {address.key: meta})
    # By the door of the package: what opens local files lies above this room.
    open_near = importlib.import_module("tensorbundle").open
    context = private_directory()
    directory = context.__enter__()
    try:
        path = os.path.join(directory, address.key.rpartition("/")[2])
        fetch_file(client, address.key, path, meta)
        ckpt: Checkpoint = open_near(path, mode="read")
    except (FormatError, MissingFileError) as error:
        context.__exit__(None, None, None)
        error.message = renamed(error.message, {directory: address.url.rpartition("/")[0]})
        error.path = address.url
        raise
    except BaseException:
        context.__exit__(None, None, None)
        raise
    # Arrays that borrow from it keep what they need: a file that is gone stays mapped.
    weakref.finalize(ckpt, context.__exit__, None, None, None)
    return ckpt


def _tables(client: Client, address: Address, metas: dict[str, Meta]) -> Checkpoint:
    files = {client.url(key): FarFile(client, key, meta) for key, meta in metas.items()}
    location = Location(
        requested=address.url, kind="v1", prefix=address.url, files=tuple(sorted(files))
    )
    return FarLegacyCheckpoint(location, "read", files, address)


def _in_directory(client: Client, address: Address, requested: str) -> Checkpoint | None:
    """A directory: what its state file names, or the variables of a SavedModel."""
    state = client.find(_below(address.key, STATE_NAME))
    if state is not None:
        return _by_state(client, address, requested)
    variables = address.at(_below(address.key, f"{VARIABLES}/{VARIABLES}"))
    if found := _bundle(client, variables, requested):
        return found
    for name in SAVED_MODELS:
        graph = address.at(_below(address.key, name))
        if (meta := client.find(graph.key)) is not None:
            return _file(client, graph, meta)
    return None


def _below(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _by_state(client: Client, directory: Address, requested: str) -> Checkpoint:
    """The newest checkpoint by a state file, which may only name what lies in its directory."""
    state = directory.at(_below(directory.key, STATE_NAME))
    named, places = newest_by_state(client, directory)
    for key, note in places:
        place = directory.at(key)
        found = _bundle(client, place, requested, state.url) or _at_key(client, place)
        if found is not None:
            notes = (note,) if note else ()
            found.location = replace(
                found.location, requested=requested, state=state.url, notes=notes
            )
            return found
    raise MissingFileError(
        f"the state file {state.url!r} names {named!r}, which is not there", path=state.url
    )
