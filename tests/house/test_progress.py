"""Progress means the same everywhere: bytes done and in all, rising, the end told, stoppable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import _progress
from tests.golden.cases import DATA

DEMO = DATA / "demo" / "model.ckpt-2000"
Progress = Callable[[int, int], object]
Work = Callable[[Path, Progress], Any]

WORK: dict[str, Work] = {
    "verify": lambda _, told: tb.verify(DEMO, progress=told),
    "verify of V1": lambda tmp, told: tb.open(DATA / "v1").verify(progress=told),
    "load": lambda _, told: tb.open(DEMO).load(progress=told),
    "load some": lambda _, told: tb.open(DEMO).load("dense/*", progress=told),
    "load of V1": lambda _, told: tb.open(DATA / "v1").load(progress=told),
    "views": lambda _, told: tb.open(DEMO).views(progress=told),
    "save": lambda tmp, told: tb.save(tmp / "m", dict(tb.open(DEMO)), progress=told),
    "save of a checkpoint": lambda tmp, told: tb.save(tmp / "m", tb.open(DEMO), progress=told),
    "save to shards": lambda tmp, told: tb.save(
        tmp / "m", {"a": np.ones(3), "b": np.ones(5)}, shards={"a": 0, "b": 1}, progress=told
    ),
    "rewrite": lambda tmp, told: tb.rewrite(DEMO, tmp / "m", compact=True, progress=told),
    "merge": lambda tmp, told: tb.merge([DEMO, DATA / "strings"], tmp / "m", progress=told),
    "average": lambda tmp, told: tb.average(
        [DEMO, tb.rewrite(DEMO, tmp / "other").files[-1]], tmp / "m", progress=told
    ),
    "diff": lambda tmp, told: tb.diff(
        DEMO, tb.rewrite(DEMO, tmp / "other", compact=True).files[-1], exact=True, progress=told
    ),
    "export npz": lambda tmp, told: tb.export(DEMO, tmp / "m.npz", progress=told),
    "export safetensors": lambda tmp, told: tb.export(DEMO, tmp / "m.safetensors", progress=told),
    "verify of npz": lambda tmp, told: tb.open(_npz(tmp)).verify(progress=told),
    "freeze": lambda tmp, told: tb.freeze(
        DATA / "demo", outputs="probabilities", path=tmp / "m.pb", progress=told
    ),
    "freeze to memory": lambda tmp, told: tb.freeze(
        DATA / "demo", outputs="probabilities", progress=told
    ),
    "verify of a graph": lambda tmp, told: tb.open(_frozen(tmp)).verify(progress=told),
    "views of a graph": lambda tmp, told: tb.open(_frozen(tmp)).views(progress=told),
    "export_saved_model": lambda tmp, told: tb.export_saved_model(
        DATA / "demo", outputs="probabilities", path=tmp / "model", progress=told
    ),
    "salvage": lambda tmp, told: tb.salvage(DEMO, tmp / "m", progress=told),
}


def _npz(folder: Path) -> Path:
    tb.export(DEMO, folder / "w.npz")
    return folder / "w.npz"


def _frozen(folder: Path) -> Path:
    tb.freeze(DATA / "demo", outputs="probabilities", path=folder / "g.pb")
    return folder / "g.pb"


@pytest.fixture
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress, "_INTERVAL_S", 0.0)


@pytest.mark.usefixtures("told_at_once")
@pytest.mark.parametrize("work", WORK)
def test_progress_rises_to_the_whole(tmp_path: Path, work: str) -> None:
    told: list[tuple[int, int]] = []
    WORK[work](tmp_path, lambda *step: told.append(step))
    done, totals = zip(*told, strict=True)
    assert len(set(totals)) == 1
    assert totals[0] > 0
    assert list(done) == sorted(done)
    assert told[-1] == (totals[0], totals[0])
    assert told.count(told[-1]) == 1


@pytest.mark.usefixtures("told_at_once")
@pytest.mark.parametrize("work", WORK)
def test_progress_that_raises_stops_the_work(tmp_path: Path, work: str) -> None:
    def stop(done: int, total: int) -> None:
        raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        WORK[work](tmp_path, stop)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_progress_is_told_at_most_ten_times_a_second(tmp_path: Path) -> None:
    told: list[int] = []
    tb.save(
        tmp_path / "m", dict.fromkeys(map(str, range(20_000)), np.ones(4)),
        progress=lambda done, total: told.append(done), fsync=False,
    )  # fmt: skip
    assert 1 <= len(told) <= 30
