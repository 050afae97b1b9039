"""Tables that functions make are filled; vocabularies go in, if they are the model's own files."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.computing import computed
from tests.freeze.models import in_tensorflow
from tests.freeze.program import run
from tests.freeze.programs.arrays import read_arrays
from tests.graph.small_graphs import loaded

WORDS = np.array([b"two", b"seven", b"one"], object)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocabularies")
    in_tensorflow("vocabulary_programs", "main", folder)
    return folder


@pytest.fixture
def copied(programs: Path, tmp_path: Path) -> Path:
    """The models, for who changes them."""
    return Path(shutil.copytree(programs, tmp_path / "models", symlinks=True))


def expected(programs: Path, name: str) -> np.ndarray:
    return read_arrays(programs / name / "expected.npz")["out"]


def fed(frozen: tb.Frozen) -> dict[str, np.ndarray]:
    return {each.name: WORDS for each in frozen.inputs}


@pytest.mark.parametrize("name", ["estimator", "asset"])
def test_tables_of_functions_are_filled_in_both_forms(
    programs: Path, tmp_path: Path, name: str
) -> None:
    frozen = [
        tb.freeze(programs / name / "model", functions=functions)
        for functions in ("inline", "keep")
    ]
    assert all(each.init_op is not None for each in frozen)
    for found in computed(tmp_path, [(each, fed(each)) for each in frozen]):
        assert np.array_equal(found["out"], expected(programs, name))


def test_vocabulary_beside_the_graph_goes_in(copied: Path, programs: Path, tmp_path: Path) -> None:
    # The path in the graph is where it was made: it is the same file only there.
    frozen = tb.freeze(programs / "graph" / "model.ckpt", outputs="out")
    assert not any("TextFile" in node.op for node in loaded(frozen).nodes.values())
    assert not any("needed at run time" in each for each in frozen.warnings)
    (found,) = computed(tmp_path, [(frozen, fed(frozen))])
    assert np.array_equal(found["out"], expected(programs, "graph"))


def test_vocabulary_outside_the_model_goes_in_only_when_asked(
    copied: Path, programs: Path, tmp_path: Path
) -> None:
    elsewhere = copied / "graph" / "model.ckpt"
    (copied / "graph" / "words.txt").unlink()
    frozen = tb.freeze(elsewhere, outputs="out")
    assert any("TextFile" in node.op for node in loaded(frozen).nodes.values())
    (told,) = [each for each in frozen.warnings if "needed at run time" in each]
    assert "lies outside the model: follow_links=True puts it in" in told
    asked = tb.freeze(elsewhere, outputs="out", follow_links=True)
    assert asked.data == tb.freeze(programs / "graph" / "model.ckpt", outputs="out").data
    said = run("freeze", elsewhere, tmp_path / "a.pb", "-o", "out").stderr
    assert "--follow-links puts it in" in said
    run("freeze", elsewhere, tmp_path / "b.pb", "-o", "out", "--follow-links")
    assert (tmp_path / "b.pb").read_bytes() == asked.data


@pytest.mark.parametrize("link", ["file", "folder"])
def test_asset_that_is_a_link_out_of_the_model_is_refused(
    copied: Path, tmp_path: Path, link: str
) -> None:
    model = copied / "asset" / "model"
    (tmp_path / "secret").mkdir()
    secret = tmp_path / "secret" / "words.txt"
    secret.write_text("password\none\n")
    if link == "file":
        (model / "assets" / "words.txt").unlink()
        (model / "assets" / "words.txt").symlink_to(secret)
    else:
        shutil.rmtree(model / "assets")
        (model / "assets").symlink_to(secret.parent)
    with pytest.raises(tb.ConversionError, match="is a link that leads out of the model"):
        tb.freeze(model)
    with pytest.raises(tb.ConversionError, match="follow_links=True"):
        tb.export_saved_model(model, path=tmp_path / "out")
    said = run("freeze", model, tmp_path / "f.pb", code=2).stderr
    assert "--follow-links reads it all the same" in said
    assert b"password" in (tb.freeze(model, follow_links=True).data or b"")


def test_links_within_the_model_and_to_it_are_followed(copied: Path, tmp_path: Path) -> None:
    model = copied / "asset" / "model"
    (model / "assets" / "words.txt").rename(model / "assets" / "real.txt")
    (model / "assets" / "words.txt").symlink_to("real.txt")
    (tmp_path / "latest").symlink_to(model)
    assert b"three" in (tb.freeze(tmp_path / "latest").data or b"")
