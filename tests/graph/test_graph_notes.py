"""What a graph could not ask is told, not swallowed."""

import shutil
from pathlib import Path

import pytest

import tensorbundle as tb
from tests.freeze.program import document, run
from tests.golden.cases import DATA


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A graph beside a checkpoint whose index is cut off."""
    for path in (DATA / "demo").iterdir():
        shutil.copy(path, tmp_path / path.name)
    index = tmp_path / "model.ckpt-2000.index"
    index.write_bytes(index.read_bytes()[:100])
    return tmp_path / "model.ckpt-2000.meta"


def test_a_damaged_checkpoint_beside_a_graph_is_told(model: Path) -> None:
    graph = tb.load_graph(model)
    assert {each.in_checkpoint for each in graph.variables.values()} == {None}
    (note,) = graph.notes
    assert "the checkpoint was not asked for the variables: not a checkpoint index" in note
    assert document("graph", model)["notes"] == [note]
    assert "was not asked" in run("graph", model).stdout


def test_a_sound_one_has_no_notes() -> None:
    assert tb.load_graph(DATA / "demo" / "model.ckpt-2000.meta").notes == ()


def test_another_file_where_the_values_belong_is_told(model: Path) -> None:
    state = model.parent / "checkpoint"
    for path in model.parent.glob("model.ckpt-2000.*"):
        if path != model:
            path.unlink()
    state.unlink(missing_ok=True)
    (model.parent / "model.ckpt-2000").write_bytes(b"<html>not found")
    graph = tb.load_graph(model)
    assert graph.checkpoint is None
    assert "is an HTML page" in graph.notes[0]


def test_malformed_objects_of_a_saved_model_are_told(tmp_path: Path) -> None:
    shutil.copytree(DATA / "saved_model", tmp_path / "m")
    graph = tb.load_graph(tmp_path / "m")
    raw = bytes(graph.meta.object_graph)
    path = tmp_path / "m" / "saved_model.pb"
    whole = path.read_bytes()
    assert whole.count(raw) == 1
    path.write_bytes(whole.replace(raw, b"\x0a\xff" + raw[2:]))
    damaged = tb.load_graph(tmp_path / "m")
    assert damaged.variables.keys() == graph.variables.keys()
    assert "which variables are trained is not known: the objects are malformed" in damaged.notes[0]


def test_several_variables_that_are_not_there_are_told_in_english(tmp_path: Path) -> None:
    source = DATA / "demo" / "model.ckpt-2000"
    kept = dict(list(tb.open(source).load().items())[:2])
    tb.save(tmp_path / "model.ckpt-2000", kept)
    shutil.copy(f"{source}.meta", tmp_path / "model.ckpt-2000.meta")
    lines = run("graph", tmp_path / "model.ckpt-2000.meta").stdout.splitlines()
    (line,) = [each for each in lines if "not there" in each]
    assert line.split("  ")[1] == "not there"
