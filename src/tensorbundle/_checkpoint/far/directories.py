"""Far directories of checkpoints: what lies in them, which is the newest, and what is deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ..._far.states import newest_by_state
from ..._format.filenames import INDEX_SUFFIX, META_SUFFIX, STATE_NAME, Path, split_shard_path
from ..._locate.listing import ListedCheckpoint
from ..._locate.listing import checkpoints as near_checkpoints
from ..._source.address import Address, is_far
from ..._source.client import Client
from ..._source.connect import connect
from ...errors import FormatError

_STEP: Final = re.compile(r"-(\d{1,18})$")


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
