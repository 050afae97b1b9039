"""Writes over an earlier result, every call to the system failing in turn: test_writer_crash.py.

Run with failing_calls.c preloaded: failing_saves.py DIRECTORY ERRNO VERB. Prints how many calls
there were, or what went wrong.
"""

import ctypes
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tensorbundle as tb

SHIM = ctypes.CDLL(None)
OLD, NEW = 1.0, 2.0
DEMO = Path(__file__).parents[1] / "golden" / "data" / "demo"


def content(value: float) -> dict[str, np.ndarray]:
    return {f"t{i}": np.full(300, value, np.float32) for i in range(20)}


# --- verbs: each writes from `sources` over what is in `out`, and something new by the second -----


def save(sources: Path, out: Path, value: float) -> None:
    tb.save(out / "m", content(value), overwrite=True)


def save_shards(sources: Path, out: Path, value: float) -> None:
    arrays = content(value)
    shards = {name: i % 2 for i, name in enumerate(arrays)} if value == NEW else None
    tb.save(out / "m", arrays, shards=shards, overwrite=True)


def rewrite(sources: Path, out: Path, value: float) -> None:
    tb.rewrite(sources / f"s{value:g}", out / "m", cast="float64", lossy=True, overwrite=True)


def merge(sources: Path, out: Path, value: float) -> None:
    tb.merge([sources / f"s{value:g}", sources / f"o{value:g}"], out / "m", overwrite=True)


def average(sources: Path, out: Path, value: float) -> None:
    tb.average([sources / f"s{value:g}", sources / f"again{value:g}"], out / "m", overwrite=True)


def salvage(sources: Path, out: Path, value: float) -> None:
    tb.salvage(sources / f"s{value:g}", out / "m", overwrite=True)


def export(sources: Path, out: Path, value: float) -> None:
    tb.export(tb.open(sources / f"s{value:g}"), out / "m.npz", overwrite=True)


def export_npy(sources: Path, out: Path, value: float) -> None:
    tb.export(tb.open(sources / f"s{value:g}"), f"{out}/m/", overwrite=True)


def freeze(sources: Path, out: Path, value: float) -> None:
    tb.freeze(DEMO, sources / f"d{value:g}", outputs="probabilities", path=out / "m.pb",
              overwrite=True)  # fmt: skip


VERBS: dict[str, Callable[[Path, Path, float], None]] = {
    each.__name__: each
    for each in (
        save, save_shards, rewrite, merge, average, salvage, export, export_npy, freeze,
    )
}  # fmt: skip


def make_sources(sources: Path) -> None:
    sources.mkdir()
    demo = tb.open(DEMO).load()
    for value in (OLD, NEW):
        tb.save(sources / f"s{value:g}", content(value))
        tb.save(sources / f"again{value:g}", content(value))
        tb.save(sources / f"o{value:g}", {"other": np.full(9, value)})
        moved = demo | {"dense/bias": np.full_like(demo["dense/bias"], value)}
        tb.save(sources / f"d{value:g}", moved)


def check(out: Path, expected: set[float]) -> None:
    """Whole, and of one generation."""
    (place,) = {path for path in out.iterdir() if path.suffix in (".index", ".npz", ".pb", "")
                and not path.name.startswith(".")}  # fmt: skip
    ckpt = tb.open(place)
    assert ckpt.verify().ok
    arrays = ckpt.load("dense/bias") if place.suffix == ".pb" else ckpt.load()
    values = {float(each) for array in arrays.values() for each in array.reshape(-1)}
    assert len(values) == 1, f"a mixture: {values}"
    assert values <= expected, f"{values}, expected {expected}"


def everything_in(out: Path) -> list[str]:
    return sorted(str(path.relative_to(out)) for path in out.rglob("*"))


def attempt(sources: Path, out: Path, number: int, error: int, verb: str) -> bool:
    """One write whose n-th call fails; whether there was such a call."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    VERBS[verb](sources, out, OLD)
    before = everything_in(out)
    raised = None
    SHIM.arm(number, error)
    try:
        VERBS[verb](sources, out, NEW)
    except OSError as caught:
        raised = caught
    happened = SHIM.disarm() >= number
    check(out, {OLD, NEW} if raised else {NEW})
    if raised is not None:
        assert raised.errno == error, raised
        left = [name for name in everything_in(out) if name not in before]
        # What could not be removed either is left to the next write.
        marks = (".tempstate", "-of-", ".tensorbundle-")
        assert all(any(mark in name for mark in marks) for name in left), left
    VERBS[verb](sources, out, NEW)
    check(out, {NEW})
    assert everything_in(out) == before or verb == "save_shards", everything_in(out)
    return happened


def main() -> None:
    directory, error, verb = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    make_sources(directory / "sources")
    number = 1
    while attempt(directory / "sources", directory / "out", number, error, verb):
        number += 1
    print(number - 1)


if __name__ == "__main__":
    main()
