"""Strings mended: flipped bits in the lengths, their checksum or the bytes (format.md §5.4).

A string tensor is stored as all lengths, the checksum of the lengths, all bytes; its entry's
checksum is that of the same with lengths of fixed width. So what a flipped bit looks like depends
on where it is: a bit of a length's value or of the bytes is found by its syndrome; one that tells
whether another byte of a length follows moves everything after it, and is looked for by what the
lengths then come to. Two flipped bits are found in the bytes only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from ... import _core
from .blocks import different_bits
from .syndromes import Flips, Syndromes

_MORE: Final = 0x80  # another byte of the number follows
_MAX_NUMBER_BYTES: Final = 10
_SUM_BYTES: Final = 4


class _Number(NamedTuple):
    begin: int
    end: int
    value: int


class MendedStrings(NamedTuple):
    """Where a string tensor was wrong: bits of its stored bytes, and which part they are of."""

    flips: Flips
    what: str


@dataclass(frozen=True, slots=True)
class _Layout:
    """A tensor's stored bytes taken apart; the lengths fit the bytes."""

    order: Literal["little", "big"]
    numbers: list[_Number]
    head: int  # where the lengths end, and their checksum begins
    stored: bytes

    @property
    def fixed(self) -> bytes:
        return b"".join(
            number.value.to_bytes(8 if number.value >> 32 else 4, self.order)
            for number in self.numbers
        )

    @property
    def sum(self) -> bytes:
        return self.stored[self.head : self.head + _SUM_BYTES]

    @property
    def payload(self) -> bytes:
        return self.stored[self.head + _SUM_BYTES :]

    def is_proved(self, crc32c: int) -> bool:
        fixed = self.fixed
        expected = _core.crc32c_mask(_core.crc32c(fixed)).to_bytes(_SUM_BYTES, self.order)
        return expected == self.sum and _core.crc32c(fixed + self.sum + self.payload) == crc32c


def mend_strings(
    stored: bytes, count: int, crc32c: int, syndromes: Syndromes, *, big_endian: bool = False
) -> MendedStrings | None:
    """Find the flipped bits in a string tensor.

    Args:
        stored: Its bytes, as many as its entry says.
        count: How many strings it has.
        crc32c: The checksum of its entry, unmasked.
        syndromes: Where flipped bits are looked up.
        big_endian: Whether the bundle's numbers are.

    Returns:
        The bits; None when none, or more than one choice of them, explains the checksum.
    """
    order: Literal["little", "big"] = "big" if big_endian else "little"
    numbers = _numbers(stored, count)
    found: list[MendedStrings] = []
    if len(numbers) >= count:
        head = numbers[count - 1].end if count else 0
        layout = _Layout(order, numbers[:count], head, stored)
        found += filter(None, [_in_place(layout, crc32c, syndromes)])
    for bit in _moved(stored, numbers, count):
        if _is_right(stored, bit, count, crc32c, order):
            found.append(MendedStrings(Flips((bit,), 0.0), "string lengths"))
    return found[0] if len(found) == 1 else None


def _in_place(layout: _Layout, crc32c: int, syndromes: Syndromes) -> MendedStrings | None:
    """Bits that leave every length as many bytes as it has."""
    fixed = layout.fixed
    computed = _core.crc32c_mask(_core.crc32c(fixed)).to_bytes(_SUM_BYTES, layout.order)
    if sum(number.value for number in layout.numbers) == len(layout.payload):
        if computed == layout.sum:
            stream = fixed + layout.sum + layout.payload
            flips = syndromes.locate(_core.crc32c(stream) ^ crc32c, len(stream))
            moved = 8 * (layout.head - len(fixed))
            if flips is None or flips.bits[0] < 8 * (len(fixed) + _SUM_BYTES):
                return None
            bits = tuple(bit + moved for bit in flips.bits)
            return MendedStrings(Flips(bits, flips.doubt), "string bytes")
        if _core.crc32c(fixed + computed + layout.payload) == crc32c:
            bits = different_bits(layout.sum, computed, layout.head)
            return MendedStrings(Flips(bits, 0.0), "checksum of string lengths")
    stored_sum = _core.crc32c_unmask(int.from_bytes(layout.sum, layout.order))
    flips = syndromes.locate(_core.crc32c(fixed) ^ stored_sum, len(fixed))
    if flips is None or len(flips.bits) > 1:
        return None
    element, bit = divmod(flips.bits[0], 32)
    if layout.order == "big":
        bit ^= 0b11000
    if len(fixed) != 4 * len(layout.numbers):  # a length of 4 GiB or more
        return None
    place = 8 * (layout.numbers[element].begin + bit // 7) + bit % 7
    if place >= 8 * layout.numbers[element].end:
        return None
    if not _is_right(layout.stored, place, len(layout.numbers), crc32c, layout.order):
        return None
    return MendedStrings(Flips((place,), 0.0), "string lengths")


def _numbers(stored: bytes, count: int) -> list[_Number]:
    """As many numbers as begin the bytes, at most one more than there are strings."""
    numbers: list[_Number] = []
    begin = value = 0
    for at, byte in enumerate(stored):
        value |= (byte & 0x7F) << 7 * (at - begin)
        if byte < _MORE:
            numbers.append(_Number(begin, at + 1, value))
            begin, value = at + 1, 0
            if len(numbers) > count:
                break
        elif at - begin > _MAX_NUMBER_BYTES:
            break
    return numbers


def _moved(stored: bytes, numbers: list[_Number], count: int) -> Iterator[int]:
    """Bits that say whether a length goes on, whose flip makes the lengths fit the bytes."""
    if count == 0:
        return
    size = len(stored) - _SUM_BYTES
    if len(numbers) >= count - 1:
        # One length more than is seen: a number is divided.
        first = numbers[: count - 1]
        total = sum(number.value for number in first)
        end = first[-1].end if first else 0
        for number in first:
            for at in range(number.begin, number.end - 1):
                low, high = _divided(stored, number, at)
                if total - number.value + low + high == size - end:
                    yield 8 * at + 7
        last = _Number(end, min(len(stored), end + _MAX_NUMBER_BYTES), 0)
        for at in range(last.begin, last.end):
            if stored[at] < _MORE:
                break
            if total + _divided(stored, last, at)[0] == size - at - 1:
                yield 8 * at + 7
    if len(numbers) > count:
        # One less: two are one.
        total = sum(number.value for number in numbers)
        for one, two in pairwise(numbers):
            joined = one.value | two.value << 7 * (one.end - one.begin)
            if total - one.value - two.value + joined == size - numbers[-1].end:
                yield 8 * (one.end - 1) + 7


def _divided(stored: bytes, number: _Number, at: int) -> tuple[int, int]:
    """What a number's bytes up to one, and those after it, come to."""
    low = sum((stored[i] & 0x7F) << 7 * (i - number.begin) for i in range(number.begin, at + 1))
    high = sum((stored[i] & 0x7F) << 7 * (i - at - 1) for i in range(at + 1, number.end))
    return low, high


def _is_right(
    stored: bytes, bit: int, count: int, crc32c: int, order: Literal["little", "big"]
) -> bool:
    """Whether both checksums are right once a bit is flipped."""
    flipped = bytearray(stored)
    flipped[bit >> 3] ^= 1 << (bit & 7)
    mended = bytes(flipped)
    numbers = _numbers(mended, count)[:count]
    if len(numbers) < count:
        return False
    return _Layout(order, numbers, numbers[-1].end, mended).is_proved(crc32c)
