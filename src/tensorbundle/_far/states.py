"""Far state files: read, replaced, and the keys at which what they name may lie."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from typing import Final

from .._format.filenames import STATE_NAME
from .._format.state import CheckpointState, mentions_state, named_places, parse_edited_state
from .._source.address import Address
from .._source.client import Client
from .._source.connect import connect
from .._source.store import NotOfferedError, OtherObjectError
from ..errors import FormatError

_STATE_LIMIT: Final = 1 << 24
_MOST_TRIES: Final = 10


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
