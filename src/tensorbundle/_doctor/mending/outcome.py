"""Outcome of a salvage: tensors kept, mended, proved, unproved and lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..._look.outcomes import Outcome
from .tables import Mending

NOTABLE_DOUBT: Final = 0.01
"""From here on a mending is worth a second look, and is not made in place unasked."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A tensor that is not among the saved ones.

    Attributes:
        name: The tensor.
        why: What is wrong with it.
    """

    name: str
    why: str


@dataclass(frozen=True, slots=True, repr=False)
class Salvage(Outcome):
    """Outcome of `salvage`: what it found and wrote.

    Attributes:
        src: The damaged checkpoint's prefix.
        dst: The prefix of the good one; None if none was written.
        kept: The tensors in it, in key order.
        mended: Bits that were put right, in the index and in tensors.
        proved: Tensors that a damaged index no longer vouches for, but their checksum does.
        unproved: Tensors whose place is known but whose bytes nothing proves; in `kept` only if
            they were asked for.
        lost: Tensors that are not saved, as far as their names are known.
        ranges: Ranges of the index, or of a V1 file, that could not be read: (offset, bytes, why).
        notes: How it was done, where there was a choice.
    """

    src: str
    dst: str | None
    kept: tuple[str, ...]
    mended: tuple[Mending, ...] = ()
    proved: tuple[str, ...] = ()
    unproved: tuple[Lost, ...] = ()
    lost: tuple[Lost, ...] = ()
    ranges: tuple[tuple[int, int, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def doubtful(self) -> tuple[Mending, ...]:
        """Mendings for which other damage would look the same with more than one percent."""
        return tuple(each for each in self.mended if each.doubt > NOTABLE_DOUBT)

    @property
    def ok(self) -> bool:
        """Tell whether every tensor was saved, as far as can be known, and nothing is doubtful."""
        # Where nothing was saved and no tensor is known to be lost, the notes say what is.
        is_whole = not (self.lost or self.unproved or self.ranges or self.doubtful)
        return is_whole and bool(self.kept or not self.notes)
