"""Names taken in a checkpoint in the making: none twice, and parts that agree."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .._format.dtypes import name_of
from ..errors import CompatibilityWarning, ConversionError

if TYPE_CHECKING:
    from .._core import SliceSpec

# The DataTypes, and the rank, that TensorFlow can put together from slices (format.md §6.4).
_JOINABLE: Final = frozenset((1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 18, 29, 30))
_JOINABLE_RANK: Final = 8


def by_name(tensors: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is given to be saved, having checked that it has names.

    Raises:
        TypeError: It is something else than a mapping.
    """
    if not isinstance(tensors, Mapping):
        raise TypeError(f"tensors are a mapping of values by name, not {tensors!r:.80}")
    return tensors


class WrittenNames:
    """Names of whole tensors, and of partitioned ones with the places of their parts."""

    def __init__(self) -> None:
        self._whole: set[str] = set()
        self._parts: dict[str, tuple[int, tuple[int, ...], set[SliceSpec]]] = {}

    def add(self, names: Sequence[str]) -> None:
        """Add names of whole tensors, all or none.

        Raises:
            ConversionError: There is one already, or one is empty.
        """
        new = set(names)
        if len(new) < len(names):
            raise ConversionError("two names are the same: one as str and one as bytes")
        if "" in new:
            raise ConversionError("a tensor needs a name: TensorFlow crashes on an empty one")
        if taken := (new & self._whole) | (new & self._parts.keys()):
            raise ConversionError(f"there is a tensor {min(taken)!r} already")
        self._whole |= new

    def add_part(
        self, name: str, number: int, full_shape: tuple[int, ...], place: SliceSpec
    ) -> None:
        """Add a part of a tensor.

        Raises:
            ValueError: It does not agree with earlier ones.
        """
        if not name or name in self._whole:
            self.add([name])
        first, shape, places = self._parts.setdefault(name, (number, full_shape, set()))
        if (first, shape) != (number, full_shape):
            raise ValueError(
                f"parts of {name!r} differ: {name_of(number)} of {list(full_shape)}, "
                f"expected {name_of(first)} of {list(shape)}"
            )
        if place in places:
            raise ValueError(f"there is a part {place} of {name!r} already")
        if not places:
            warn_unless_joinable(name, number, len(shape))
        places.add(place)


def warn_unless_joinable(name: str, number: int, rank: int) -> None:
    """Warn of a partitioned tensor whose parts TensorFlow cannot put together."""
    if number not in _JOINABLE or rank > _JOINABLE_RANK:
        warnings.warn(
            f"TensorFlow cannot join the parts of {name!r}: it is {name_of(number)} of rank {rank}",
            CompatibilityWarning,
            stacklevel=4,
        )


def warn_of_patterns(prefix: str) -> None:
    """Warn of a prefix that TensorFlow reads as a pattern of names."""
    if marks := sorted(set(prefix) & set("[]*?\\")):
        warnings.warn(
            f"TensorFlow takes {prefix!r} for a pattern, because of {' '.join(marks)}: "
            "it will not find this checkpoint, or not only this one",
            CompatibilityWarning,
            stacklevel=4,
        )
