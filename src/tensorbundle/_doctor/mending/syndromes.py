"""Syndromes of CRC-32C: from the difference of two checksums to the bits that were flipped.

The checksum is linear: a flipped bit changes it by a power of x modulo the polynomial P, whose
exponent says how far the bit lies from the end of the message. So the place of a flipped bit is a
discrete logarithm, and baby steps and giant steps find it in milliseconds, however long the
message.

P is (x + 1) Q with Q primitive of degree 31. Modulo Q every remainder but 0 is a power of x, and
powers repeat after 2^31 - 1: in messages of more than 256 MiB two places give one checksum. The
factor x + 1 tells whether an even or an odd number of bits is wrong.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

_Words: TypeAlias = np.ndarray[Any, np.dtype[np.uint32]]

# Reflected: bit i of a word is the coefficient of x^(31-i), so a shift to the right multiplies.
_POLYNOMIAL: Final = 0x82F63B78
_PERIOD: Final = (1 << 31) - 1
_BABY_BITS: Final = 17
_GIANT_BITS: Final = 31 - _BABY_BITS

MAX_DISTANCE: Final = 64
"""Two flipped bits are looked for at most so far apart."""
MAX_DOUBT: Final = 0.01
"""Two flipped bits are looked for as far as other damage is less likely than this to look so."""


class Flips(NamedTuple):
    """Flipped bits that explain a wrong checksum.

    Attributes:
        bits: Their places: number 8 * byte + bit of that byte, counted from its lowest.
        doubt: How likely damage of another kind is to have a checksum that some flipped bit, or
            pair of bits, explains as well.
    """

    bits: tuple[int, ...]
    doubt: float


class Syndromes:
    """The tables of a search; making them takes some 50 ms.

    Example:
        >>> from tensorbundle import _core
        >>> good, bad = b"weights", b"weiwhts"
        >>> syndrome = _core.crc32c(good) ^ _core.crc32c(bad)
        >>> [divmod(bit, 8) for bit in Syndromes().locate(syndrome, 7).bits]
        [(3, 4)]
    """

    def __init__(self) -> None:
        one = _modulo_q(np.array([1], np.uint32))
        babies = one
        power = _operator(1)
        for _ in range(_BABY_BITS):
            babies = np.concatenate([babies, _modulo_q(_apply(power, babies))])
            power = _apply(power, power)
        self._order = np.argsort(babies)
        self._babies = babies[self._order]
        # x to the power of minus the baby steps, and of twice that, and so on.
        self._giants = [_operator(_PERIOD - (1 << _BABY_BITS))]
        for _ in range(_GIANT_BITS - 1):
            self._giants.append(_apply(self._giants[-1], self._giants[-1]))

    @cached_property
    def _pairs(self) -> list[int]:
        """By distance, the logarithm of 1 + x^distance."""
        return [
            self._logarithm(1 ^ _power(distance), _PERIOD) or 0
            for distance in range(MAX_DISTANCE + 1)
        ]

    def locate(self, syndrome: int, nbytes: int) -> Flips | None:
        """Find the one flipped bit, or the two bits near each other, that explain a syndrome.

        Args:
            syndrome: The checksum that the message should have, xor the one it has; unmasked.
            nbytes: The length of the message.

        Returns:
            The bits; None when nothing, or more than one thing, explains the syndrome.
        """
        nbits = 8 * nbytes
        if syndrome == 0 or nbits == 0:
            return None
        is_odd = syndrome.bit_count() % 2 == 1
        logarithm = self._logarithm(syndrome, nbits if is_odd else _PERIOD)
        if logarithm is None:
            return None
        if is_odd:
            ends = range(logarithm or _PERIOD, nbits + 1, _PERIOD)
            if len(ends) != 1:
                return None
            return Flips((nbits - ends[0],), min(1.0, nbits / _PERIOD))
        return self._pair(logarithm, nbits)

    def _pair(self, logarithm: int, nbits: int) -> Flips | None:
        farthest = min(MAX_DISTANCE, int(MAX_DOUBT * _PERIOD / nbits))
        found = []
        for distance in range(1, farthest + 1):
            end = (logarithm - self._pairs[distance]) % _PERIOD
            if 1 <= end <= nbits - distance:
                found.append((nbits - end - distance, nbits - end))
        if len(found) != 1:
            return None
        return Flips(found[0], farthest * nbits / _PERIOD)

    def _logarithm(self, value: int, most: int) -> int | None:
        """How many zero bits after a flipped last bit give this syndrome modulo Q.

        None for 0, and perhaps for more than `most`.
        """
        giants = _modulo_q(np.array([value], np.uint32))
        for power in self._giants[: (most >> _BABY_BITS).bit_length()]:
            giants = np.concatenate([giants, _modulo_q(_apply(power, giants))])
        places = np.searchsorted(self._babies, giants)
        places[places == len(self._babies)] = 0
        hits = np.flatnonzero(self._babies[places] == giants)
        if not len(hits):
            return None
        giant = int(hits[0])
        return ((giant << _BABY_BITS) + int(self._order[places[giant]])) % _PERIOD


@cache
def syndromes() -> Syndromes:
    """The tables, made once."""
    return Syndromes()


def _factor() -> int:
    """Q, reflected to 32 bits like the words: P divided by x + 1."""
    dividend = 1 << 32 | int(f"{_POLYNOMIAL:032b}"[::-1], 2)
    quotient = 0
    for at in range(32, 0, -1):
        if dividend >> at & 1:
            quotient |= 1 << at - 1
            dividend ^= 0b11 << at - 1
    return int(f"{quotient:032b}"[::-1], 2)


_Q: Final = _factor()


def _modulo_q(words: _Words) -> _Words:
    """Remainders modulo Q: x^31, which is the lowest bit, gives way to the rest of Q."""
    return words ^ ((words & np.uint32(1)) * np.uint32(_Q))


def _power(exponent: int) -> int:
    """A flipped last bit followed by so many zero bits."""
    word = 1
    for _ in range(exponent):
        word = word >> 1 ^ (_POLYNOMIAL if word & 1 else 0)
    return word


def _operator(exponent: int) -> _Words:
    """Multiplication by x^exponent modulo P: the images of the 32 bits."""
    result = np.array([1 << bit for bit in range(32)], np.uint32)
    square = np.array([1 << bit >> 1 if bit else _POLYNOMIAL for bit in range(32)], np.uint32)
    while exponent:
        if exponent & 1:
            result = _apply(square, result)
        square = _apply(square, square)
        exponent >>= 1
    return result


def _apply(operator: _Words, words: _Words) -> _Words:
    """Multiply each word, by a table for each of its bytes; of operators, one after the other."""
    result = np.zeros_like(words)
    for byte in range(4):
        table = np.zeros(1, np.uint32)
        for bit in range(8 * byte, 8 * byte + 8):
            table = np.concatenate([table, table ^ operator[bit]])
        result ^= table[words >> np.uint32(8 * byte) & np.uint32(0xFF)]
    return result
