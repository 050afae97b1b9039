"""Saves over a checkpoint with every call to the system failing in turn; see test_writer_crash.py.

Run with failing_calls.c preloaded: failing_saves.py DIRECTORY ERRNO. Prints how many calls there
were, or what went wrong.
"""

import ctypes
import os
import sys
from pathlib import Path

import numpy as np

import tensorbundle as tb

SHIM = ctypes.CDLL(None)
OLD, NEW = 1.0, 2.0


def content(value: float) -> dict[str, np.ndarray]:
    return {f"t{i}": np.full(300, value, np.float32) for i in range(20)}


def check(prefix: Path, expected: set[float]) -> None:
    ckpt = tb.open(prefix)
    assert ckpt.verify().ok
    values = {float(each) for array in ckpt.load().values() for each in array.reshape(-1)}
    assert len(values) == 1, f"a mixture: {values}"
    assert values <= expected, f"{values}, expected {expected}"


def attempt(directory: Path, number: int, error: int, shards: dict[str, int] | None) -> bool:
    """One save whose n-th call fails; whether there was such a call."""
    prefix = directory / "model.ckpt"
    for path in directory.iterdir():
        path.unlink()
    tb.save(prefix, content(OLD))
    before = sorted(os.listdir(directory))
    raised = None
    SHIM.arm(number, error)
    try:
        tb.save(prefix, content(NEW), shards=shards, overwrite=True)
    except OSError as caught:
        raised = caught
    happened = SHIM.disarm() >= number
    check(prefix, {OLD, NEW} if raised else {NEW})
    if raised is not None:
        assert raised.errno == error, raised
        left = [name for name in os.listdir(directory) if name not in before]
        # What could not be removed either is left to the next save.
        assert all(".tempstate" in name or "-of-" in name for name in left), left
    tb.save(prefix, content(NEW), overwrite=True)
    check(prefix, {NEW})
    assert sorted(os.listdir(directory)) == before or shards, os.listdir(directory)
    return happened


def main() -> None:
    directory, error = Path(sys.argv[1]), int(sys.argv[2])
    for shards in (None, {name: i % 2 for i, name in enumerate(content(NEW))}):
        number = 1
        while attempt(directory, number, error, shards):
            number += 1
        print(number - 1)


if __name__ == "__main__":
    main()
