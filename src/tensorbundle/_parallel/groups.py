"""Groups of items for tasks: about as many bytes each, and few enough items to be sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from .runners import MAX_TASKS

TASK_BYTES: Final = 2 << 30
# What a task names, so that it is sent as some tens of kilobytes.
_TASK_LETTERS: Final = 48 << 10
_LETTERS_AN_ITEM: Final = 24  # beside its name
_Item = TypeVar("_Item")


def by_bytes(
    items: Iterable[tuple[_Item, int, int]], limit: int | None = None
) -> Iterator[list[_Item]]:
    """Group neighbours: each item with its bytes, and the letters that it is sent as.

    An item that is larger than the limit is a group of its own.

    Args:
        items: The items.
        limit: The bytes of a group; None: what makes at most `MAX_TASKS` groups, and 2 GiB or more.
    """
    given = list(items)
    if limit is None:
        limit = max(TASK_BYTES, -(-sum(size for _, size, _ in given) // MAX_TASKS))
    group: list[_Item] = []
    held = letters = 0
    for item, size, length in given:
        length += _LETTERS_AN_ITEM
        if group and (held + size > limit or letters + length > _TASK_LETTERS):
            yield group
            group, held, letters = [], 0, 0
        group.append(item)
        held += size
        letters += length
    if group:
        yield group
