"""Vocabularies of a checkpoint's own graph, which was moved with them, or without."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.computing import computed
from tests.freeze.program import run
from tests.freeze.programs.arrays import read_arrays
from tests.graph.small_graphs import loaded
from tests.oracle.client import in_tensorflow

WORDS = np.array([b"tea", b"milk", b"salt"], object)
OUTPUTS = ["ids", "kinds", "labels", "out"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the project was moved to: nothing is where the graph says."""
    folder = tmp_path_factory.mktemp("made")

    in_tensorflow("tests.freeze.programs.moved_vocabularies", "write", folder)
    moved = tmp_path_factory.mktemp("moved") / "here"
    (folder / "project").rename(moved)
    shutil.copy(folder / "expected.npz", moved)
    return moved


def of_files(frozen: tb.Frozen) -> list[str]:
    return [node.name for node in loaded(frozen).nodes.values() if "TextFile" in node.op]


@pytest.mark.parametrize("place", ["", "data", "assets", "in/data"])
def test_vocabularies_that_lie_beside_a_moved_graph_go_in(
    project: Path, tmp_path: Path, place: str
) -> None:
    model = Path(shutil.copytree(project / "run", tmp_path / "run"))
    beside = model / place
    beside.mkdir(parents=True, exist_ok=True)
    for each in (project / "data").iterdir():
        shutil.copy(each, beside)
    frozen = tb.freeze(model / "model.ckpt-1", outputs=OUTPUTS)
    told = [each for each in frozen.warnings if "lookup table" in each]
    if place == "in/data":  # as much of its path as no graph says
        assert len(of_files(frozen)) == 2
        assert (
            sum("is not there: a file of that name beside the graph" in each for each in told) == 2
        )
        return
    assert not of_files(frozen)
    assert len(told) == 3
    assert all("which lies beside the graph, in place of" in each for each in told)
    (found,) = computed(tmp_path, [(frozen, {each.name: WORDS for each in frozen.inputs})])
    expected = read_arrays(project / "expected.npz")
    for key in OUTPUTS:
        assert np.array_equal(found[key], expected[key]), key


def test_vocabularies_that_are_nowhere_are_named(project: Path, tmp_path: Path) -> None:
    frozen = tb.freeze(project / "run", outputs=OUTPUTS)
    assert len(of_files(frozen)) == 2  # labels.txt has come along
    told = "\n".join(each for each in frozen.warnings if "needed at run time" in each)
    assert "data/words.txt', which is not there" in told
    assert "data/classes.tsv', which is not there" in told
    said = run("freeze", project / "run", tmp_path / "f.pb", "-o", "out").stderr
    assert "words.txt', which is not there: a file of that name beside the graph goes in" in said
    assert "classes.tsv" not in said  # another output's


def test_link_beside_the_graph_that_leads_out_of_it_is_not_read(
    project: Path, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(project / "run", tmp_path / "run"))
    for each in (project / "data").iterdir():
        (model / each.name).symlink_to(each)
    assert len(of_files(tb.freeze(model, outputs=OUTPUTS))) == 2
    assert not of_files(tb.freeze(model, outputs=OUTPUTS, follow_links=True))


def test_vocabulary_beside_the_graph_that_is_another_is_refused(
    project: Path, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(project / "run", tmp_path / "run"))
    (model / "words.txt").write_text("sugar\n\nmilk\n")
    (model / "classes.tsv").write_text("0;cold\n")
    with pytest.raises(tb.FormatError, match=r"words.txt' has an empty line: line 2"):
        tb.freeze(model, outputs="ids")
