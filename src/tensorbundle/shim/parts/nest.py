"""Nested structures of lists, tuples and mappings: flattened, mapped, packed again.

Mappings go in the order of their sorted keys, as in TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def is_nested(structure: Any) -> bool:
    """Tell whether it is a structure, or a leaf.

    Example:
        >>> is_nested([1]), is_nested("ab")
        (True, False)
    """
    return isinstance(structure, (list, tuple, Mapping))


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """List the leaves.

    Example:
        >>> flatten({"b": 1, "a": [2, (3,)]})
        [2, 3, 1]
    """
    return list(_leaves(structure))


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """Put leaves into a structure that has as many.

    Raises:
        ValueError: There are more of them, or fewer.

    Example:
        >>> pack_sequence_as({"b": 0, "a": [0]}, [1, 2])
        {'b': 2, 'a': [1]}
    """
    flat = flatten(flat_sequence)
    count = len(flatten(structure))
    if len(flat) != count:
        raise ValueError(
            "Could not pack sequence. Structure had "
            f"{count} atoms, but flat_sequence had {len(flat)} items."
        )
    return _packed(structure, iter(flat))


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Call a function with the leaves of structures that are alike, and pack what it returns.

    Raises:
        TypeError: It cannot be called.
        ValueError: They are not alike, or there is none.

    Example:
        >>> map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)])
        [11, (22,)]
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    first, *others = structure
    for other in others:
        _check_alike(first, other)
    results = [func(*leaves, **kwargs) for leaves in zip(*map(_leaves, structure), strict=True)]
    return _packed(first, iter(results))


def _leaves(structure: Any) -> Iterator[Any]:
    if not is_nested(structure):
        yield structure
    elif isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from _leaves(structure[key])
    else:
        for each in structure:
            yield from _leaves(each)


def _packed(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_nested(structure):
        return next(leaves)
    if isinstance(structure, Mapping):
        packed = {key: _packed(structure[key], leaves) for key in sorted(structure)}
        pairs = [(key, packed[key]) for key in structure]
        made: Callable[..., Any] = type(structure)
        if hasattr(structure, "default_factory"):
            return made(structure.default_factory, pairs)
        return made(pairs)
    items = [_packed(each, leaves) for each in structure]
    made = type(structure)
    return made(*items) if hasattr(structure, "_fields") else made(items)


def _check_alike(first: Any, other: Any) -> None:
    """Check that two structures have their leaves in the same places.

    Raises:
        TypeError: They are of different kinds.
        ValueError: They are of different sizes, keys or depths.
    """
    if is_nested(first) != is_nested(other):
        raise ValueError("The two structures don't have the same nested structure.")
    if not is_nested(first):
        return
    if isinstance(first, Mapping):
        if not isinstance(other, Mapping):
            raise TypeError("The two structures don't have the same sequence type.")
        if set(first) != set(other):
            raise ValueError("The two dictionaries don't have the same set of keys.")
        pairs = [(first[key], other[key]) for key in first]
    else:
        if type(first) is not type(other):
            raise TypeError("The two structures don't have the same sequence type.")
        if len(first) != len(other):
            raise ValueError("The two structures don't have the same number of elements.")
        pairs = list(zip(first, other, strict=True))
    for pair in pairs:
        _check_alike(*pair)
