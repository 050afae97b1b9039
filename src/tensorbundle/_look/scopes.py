"""Scopes of names, layers of one kind folded under one name: ``layer_#``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

_NUMBER: Final = re.compile(r"(?<![^/_.\-])\d+(?![^/_.\-])|(?<=[a-z])\d+(?![^/_.\-])")


def fold(name: str) -> str:
    """Name with its numbers as ``#``: those that stand alone, or end a word in small letters.

    Example:
        >>> fold("encoder/layer_11/kernel"), fold("block3/conv2d_7/w"), fold("x2y/AB12")
        ('encoder/layer_#/kernel', 'block#/conv2d_#/w', 'x2y/AB12')
    """
    return _NUMBER.sub("#", name)


def first_scopes(names: Iterable[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """Scopes that names begin with, folded: each with how many names it has, and their bytes.

    Scopes are those of the first level below what all names have in common, largest first.

    Args:
        names: Names with slashes, and the bytes of each.
    """
    listed = [(fold(name).split("/"), nbytes) for name, nbytes in names]
    depth = 0
    while listed and all(len(parts) > depth + 1 for parts, _ in listed):
        if len({parts[depth] for parts, _ in listed}) > 1:
            break
        depth += 1
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for parts, nbytes in listed:
        scope = "/".join(parts[: depth + 1])
        counts[scope] += 1
        sizes[scope] += nbytes
    return [(scope, counts[scope], nbytes) for scope, nbytes in sizes.most_common()]
