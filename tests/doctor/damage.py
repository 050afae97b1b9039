"""Checkpoints made and damaged for tests: bits flipped, ranges overwritten, files lost."""

from pathlib import Path

import numpy as np

import tensorbundle as tb


def small_values() -> dict[str, np.ndarray]:
    """Numbers, strings short and long, a scalar, an empty tensor: all of a few hundred bytes."""
    random = np.random.default_rng(0)
    return {
        "a/kernel": random.normal(size=(3, 4)).astype(np.float32),
        "b": np.array([b"hello", b"", b"x" * 130], dtype=object),
        "c/int": np.arange(5),
        "d": np.array(b"scalar", dtype=object),
        "e": np.zeros((0, 3), np.float32),
    }


def flip(raw: bytes, *bits: int) -> bytes:
    """Flip bits, counted from the lowest of the first byte."""
    flipped = bytearray(raw)
    for bit in bits:
        flipped[bit >> 3] ^= 1 << (bit & 7)
    return bytes(flipped)


def overwrite(path: Path, offset: int, content: bytes) -> None:
    """Write over a part of a file."""
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(content)


def assert_same(prefix: str, values: dict[str, np.ndarray]) -> None:
    """The checkpoint holds exactly these values, and verifies."""
    ckpt = tb.open(prefix)
    assert ckpt.verify().ok
    assert list(ckpt) == sorted(values)
    for name, value in values.items():
        np.testing.assert_array_equal(ckpt[name], value)
