"""Far directories of checkpoints: what a state file names, and what lies in them."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator
from typing import Final

from .._format.filenames import INDEX_SUFFIX, META_SUFFIX, STATE_NAME, Path, split_shard_path
from .._format.state import CheckpointState, parse_edited_state
from .._locate.listing import ListedCheckpoint
from .._locate.listing import checkpoints as near_checkpoints
from .._locate.states import mentions_state, named_places
from .._source.address import Address, is_far
from .._source.client import Client
from .._source.connect import connect
from .._source.store import NotOfferedError, OtherObjectError
from ..errors import FormatError

_STATE_LIMIT: Final = 1 << 24
_MOST_TRIES: Final = 10
_STEP: Final = re.compile(r"-(\d{1,18})$")


def state_at(client: Client, directory: Address) -> CheckpointState:
    """Read the state file of a far directory.

    Raises:
        MissingFileError: There is none.
        FormatError: It is something else.
    """
    key = f"{directory.key}/{STATE_NAME}".lstrip("/")
    content, _ = client.read(key, _STATE_LIMIT)
    if not mentions_state(content):
        raise FormatError("not a checkpoint state file", path=client.url(key))
    try:
        return parse_edited_state(content)[0]
    except FormatError as error:
        raise error.add_context(path=client.url(key)) from None


def far_state(path: str) -> bytes:
    """The content of a far state file, by its address.

    Raises:
        MissingFileError: There is none.
        FormatError: It is too large for one.
    """
    address = Address(path)
    return connect(address).read(address.key, _STATE_LIMIT)[0]


def put_state(directory: Address, content: bytes, name: str = STATE_NAME) -> None:
    """Replace a far state file by what one writer has made of it; of two at once, the last stays.

    Raises:
        OSError: It cannot be written, or others go on replacing it.
    """
    client = connect(directory)
    key = f"{directory.key.rstrip('/')}/{name}".lstrip("/")
    for _ in range(_MOST_TRIES):
        before = client.find(key)
        try:
            client.put(
                key, content, if_absent=before is None, etag=None if before is None else before.etag
            )
        except NotOfferedError:
            client.put(key, content)
        except (OtherObjectError, FileExistsError):
            continue
        return
    raise OSError(errno.EBUSY, "others go on replacing the state file", client.url(key))


def remove_far(address: Address, suffixes: Iterable[str]) -> None:
    """Delete a far checkpoint: what has these suffixes, its index, then its data."""
    client = connect(address)
    client.delete([address.key + suffix for suffix in (*suffixes, INDEX_SUFFIX)])
    if client.can_list:
        found = [each.key for each in client.list(f"{address.key}.data-")]
        client.delete([key for key in found if split_shard_path(key)])


def is_there(address: Address) -> bool:
    """Whether a V2 checkpoint lies at a far prefix, or a V1 table."""
    client = connect(address)
    return any(client.find(address.key + suffix) is not None for suffix in (INDEX_SUFFIX, ""))


def places_in(directory: Address, name: str) -> Iterator[tuple[str, str | None]]:
    """Keys at which what a state file names may lie: of its directory, and no others, each once."""
    below = f"{directory.url.rstrip('/')}/"
    if name.startswith(below):
        name = name[len(below) :]
    given = set()
    for place, note in named_places(below.rstrip("/"), name):
        key = place.removeprefix(directory.root + "/")
        inside = place.startswith(below) and ".." not in key.split("/") and "://" not in key
        if inside and key not in given:
            given.add(key)
            yield key, note


def newest_by_state(
    client: Client, directory: Address
) -> tuple[str, Iterable[tuple[str, str | None]]]:
    """What a state file calls the newest, and the keys at which that may lie, likeliest first.

    Raises:
        MissingFileError: There is no state file.
        FormatError: It names none, or is none.
    """
    name = state_at(client, directory).model_checkpoint_path
    if not name:
        raise FormatError("the state file names no checkpoint", path=directory.url)
    return name, places_in(directory, name)


def checkpoints(directory: Path) -> list[ListedCheckpoint]:
    """List the checkpoints of a directory, oldest first; of an address, by their steps.

    Only indexes are read; of an address nothing is: it is listed once.

    Args:
        directory: The directory; ones in it are not looked into.

    Raises:
        OSError: It cannot be listed.

    Example:
        >>> import tensorbundle as tb
        >>> [(each.step, each.newest) for each in tb.checkpoints(tb.demo("saver"))]
        [(10, False), (20, True)]
    """
    if is_far(directory):
        return far_checkpoints(Address.of(directory))
    return near_checkpoints(directory)


def far_checkpoints(address: Address) -> list[ListedCheckpoint]:
    """List the V2 checkpoints of a far directory, by their steps and names.

    One listing is asked for, and the state file; no index is read, so that shards are counted by
    their names alone.
    """
    client = connect(address)
    directory = address.key.rstrip("/")
    below = f"{directory}/" if directory else ""
    sizes = {
        found.key: found.size for found in client.list(below) if "/" not in found.key[len(below) :]
    }
    newest = _newest(client, address.at(directory), sizes)
    found = []
    for key in sizes:
        if not key.endswith(INDEX_SUFFIX):
            continue
        prefix = key[: -len(INDEX_SUFFIX)]
        shards = [
            split for each in sizes if (split := split_shard_path(each)) and split[0] == prefix
        ]
        total = max((split[2] for split in shards), default=0)
        numbers = {split[1] for split in shards if split[2] == total}
        missing = tuple(
            client.url(f"{prefix}.data-{n:05d}-of-{total:05d}")
            for n in range(total)
            if n not in numbers
        )
        files = [
            key,
            f"{prefix}{META_SUFFIX}",
            *(k for k in sizes if k.startswith(f"{prefix}.data-")),
        ]
        step = _STEP.search(prefix)
        found.append(
            ListedCheckpoint(
                client.url(prefix),
                "v2",
                int(step[1]) if step else None,
                0.0,
                sum(sizes.get(each, 0) for each in files),
                prefix == newest,
                missing,
            )
        )
    return sorted(found, key=lambda each: (-1 if each.step is None else each.step, each.prefix))


def _newest(client: Client, directory: Address, there: Iterable[str]) -> str | None:
    key = f"{directory.key}/{STATE_NAME}".lstrip("/")
    if key not in there:
        return None
    try:
        _, places = newest_by_state(client, directory)
    except FormatError:
        return None
    return next((key for key, _ in places if key + INDEX_SUFFIX in there), None)


def far_latest(address: Address) -> str | None:
    """The newest checkpoint that the state file of a far directory names, if that is there."""
    client = connect(address)
    directory = address.at(address.key.rstrip("/"))
    try:
        _, places = newest_by_state(client, directory)
    except (FileNotFoundError, FormatError):
        return None
    for key, _ in places:
        if client.find(key + INDEX_SUFFIX) is not None or client.find(key) is not None:
            return client.url(key)
    return None
