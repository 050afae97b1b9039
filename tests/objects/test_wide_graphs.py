"""Objects with very many children: a path is found among them without trying each."""

from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._objects import graph as rooms
from tensorbundle._objects.message import TrackedObject

COUNT = 3_000


def test_paths_are_found_without_trying_every_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [f"net/layers/{n}/w.b" for n in range(COUNT)]
    graph = tb.ObjectGraph.of(paths)
    tried = []

    def counted(name: str) -> str:
        tried.append(name)
        return escape(name)

    escape = rooms.escape
    monkeypatch.setattr(rooms, "escape", counted)
    assert [graph.key_of(path) for path in paths[:5]] == [
        f"net/layers/{n}/w..b/.ATTRIBUTES/VARIABLE_VALUE" for n in range(5)
    ]
    for path in paths:
        assert graph.key_of(path) is not None
    assert len(tried) < 5 * COUNT


def test_all_of_a_wide_object_is_renamed(tmp_path: Path) -> None:
    graph = tb.ObjectGraph.of([f"net/layers/{n}" for n in range(COUNT)])
    values = {graph.key_of(f"net/layers/{n}"): np.float32(n) for n in range(COUNT)}
    tb.save(tmp_path / "m", values | {rooms.GRAPH_KEY: graph.encode()})
    tb.rewrite(tmp_path / "m", tmp_path / "n", rename={"net/layers": "model/blocks"})
    moved = tb.open(tmp_path / "n")
    assert [moved[f"model/blocks/{n}"] for n in (0, 17, COUNT - 1)] == [0, 17, COUNT - 1]


def test_raw_names_with_slashes_are_found_among_many() -> None:
    graph = tb.ObjectGraph(
        (
            TrackedObject(children=tuple((f"a/{n}", n + 1) for n in range(40))),
            *(TrackedObject(children=((f"b/c.{n}", 41),)) for n in range(40)),
            TrackedObject(),
        )
    )
    assert graph.find("a/7/b/c.7") == 41
    assert graph.find("a.S7/b.Sc..7") == 41
    assert graph.find("a/7") == 8
    assert graph.find("a/7/b/c.8") is None
    assert graph.find("a") is None


def test_casts_of_many_names_look_at_each_name_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"layer_{n}/w" for n in range(200)]
    tb.save(tmp_path / "m", {name: np.ones(1, np.float32) for name in names})
    asked = []
    infos = tb.Checkpoint.infos
    monkeypatch.setattr(
        tb.Checkpoint, "infos", lambda self, *a, **k: asked.append(a) or infos(self, *a, **k)
    )
    done = tb.rewrite(tmp_path / "m", tmp_path / "n", cast=dict.fromkeys(names, "float16"))
    assert len(done.cast) == 200
    assert len(asked) < 20
