"""Flipped bits from wrong checksums: every single one, pairs nearby, none invented."""

import random
import time

import pytest

from tensorbundle import _core
from tensorbundle._doctor.mending.strings import mend_strings
from tensorbundle._doctor.mending.syndromes import MAX_DISTANCE, syndromes
from tensorbundle._format.wire import encode_varint
from tests.doctor.damage import flip

LARGE = 256_000_000


@pytest.mark.parametrize("nbytes", [1, 2, 7, 64, 1000])
def test_every_single_bit_is_found(nbytes: int) -> None:
    message = random.Random(nbytes).randbytes(nbytes)
    good = _core.crc32c(message)
    for bit in range(8 * nbytes):
        found = syndromes().locate(good ^ _core.crc32c(flip(message, bit)), nbytes)
        assert found is not None
        assert found.bits == (bit,)
    print(f"{8 * nbytes} bits of {nbytes} bytes found")


def test_1000_random_bits_of_256_megabytes_are_found_each_within_a_second() -> None:
    """The damaged file's checksum is that of its parts put together, one of which was summed anew.

    The whole is summed once more at the end, to show that this is the same.
    """
    part = random.Random(0).randbytes(250_000)
    parts = LARGE // len(part)
    sum_of_part = _core.crc32c(part)
    before = [0]
    for _ in range(parts):
        before.append(_core.crc32c_combine(before[-1], sum_of_part, len(part)))
    draw = random.Random(1)
    slowest = 0.0
    for _ in range(1000):
        number, bit = draw.randrange(parts), draw.randrange(8 * len(part))
        rest = (parts - number - 1) * len(part)
        bad = _core.crc32c(flip(part, bit), before[number])
        bad = _core.crc32c_combine(bad, before[parts - number - 1], rest)
        start = time.perf_counter()
        found = syndromes().locate(before[parts] ^ bad, LARGE)
        slowest = max(slowest, time.perf_counter() - start)
        assert found is not None
        assert found.bits == (8 * number * len(part) + bit,)
        assert 0.9 < found.doubt < 1
    whole = part * parts
    assert _core.crc32c(whole) == before[parts]
    start = time.perf_counter()
    _core.crc32c(whole)
    summing = time.perf_counter() - start
    print(f"1000 bits of {LARGE} bytes: slowest {slowest:.3f} s, and {summing:.3f} s for the sum")
    assert slowest + summing < 1


def test_two_bits_at_most_64_apart_are_found_in_small_ranges() -> None:
    draw = random.Random(2)
    message = draw.randbytes(4000)
    good = _core.crc32c(message)
    found = 0
    for _ in range(300):
        first = draw.randrange(8 * len(message) - MAX_DISTANCE)
        pair = (first, first + draw.randint(1, MAX_DISTANCE))
        flips = syndromes().locate(good ^ _core.crc32c(flip(message, *pair)), len(message))
        if flips is not None:
            assert flips.bits == pair
            found += 1
    print(f"{found} of 300 pairs of bits found, none wrongly")
    assert found > 295  # the others are explained by two pairs


def test_other_damage_is_mended_as_rarely_as_the_doubt_says() -> None:
    draw = random.Random(3)
    message = draw.randbytes(100_000)
    good = _core.crc32c(message)
    mended, doubts = 0, []
    trials = 3000
    for _ in range(trials):
        found = syndromes().locate(good ^ draw.getrandbits(32), len(message))
        if found is not None:
            mended += 1
            doubts.append(found.doubt)
    print(f"{mended} of {trials} random checksums are explained; doubt at most {max(doubts):.2g}")
    # Half of them have an odd number of wrong bits and may look like one, half like two.
    assert mended <= 1.5 * trials * max(doubts)


def test_nothing_is_found_for_right_checksums_and_empty_messages() -> None:
    assert syndromes().locate(0, 100) is None
    assert syndromes().locate(0x1234, 0) is None


def test_beyond_256_mebibytes_what_two_bits_explain_is_not_mended() -> None:
    nbytes = (1 << 28) + 1000
    last = flip(b"\0" * 8, 60)
    syndrome = _core.crc32c(b"\0" * 8) ^ _core.crc32c(last)
    assert syndromes().locate(syndrome, nbytes) is None
    found = syndromes().locate(syndrome, 1 << 20)
    assert found is not None
    assert found.bits == (8 * ((1 << 20) - 8) + 60,)


# --- strings ----------------------------------------------------------------------------------


def encoded(texts: list[bytes], order: str) -> tuple[bytes, int]:
    """A string tensor's stored bytes and the checksum of its entry."""
    fixed = b"".join(len(text).to_bytes(4, order) for text in texts)
    stored = _core.crc32c_mask(_core.crc32c(fixed)).to_bytes(4, order)
    crc32c = _core.crc32c(b"".join(texts), _core.crc32c(stored, _core.crc32c(fixed)))
    return b"".join(encode_varint(len(text)) for text in texts) + stored + b"".join(texts), crc32c


@pytest.mark.parametrize("order", ["little", "big"])
def test_every_bit_of_string_tensors_is_found(order: str) -> None:
    draw = random.Random(5)
    tensors = [
        [b"a", b"", b"xyz"],
        [b""],
        [draw.randbytes(200), b"q", draw.randbytes(130), b""],
        [b"x" * draw.randrange(300) for _ in range(20)],
        [b"y" * 20_000],
    ]
    bits = 0
    for texts in tensors:
        stored, crc32c = encoded(texts, order)
        for bit in range(min(8 * len(stored), 1200)):
            found = mend_strings(
                flip(stored, bit), len(texts), crc32c, syndromes(), big_endian=order == "big"
            )
            assert found is not None, (len(texts), bit)
            assert found.flips.bits == (bit,)
            bits += 1
    print(f"{bits} bits of string tensors found")
