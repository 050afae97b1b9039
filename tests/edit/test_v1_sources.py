"""Checkpoints of the first format, averaged and merged as they are, beside those of the second."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError, TensorNotFoundError
from tests.freeze.program import document, run
from tests.golden.cases import DATA

DEMO = DATA / "demo" / "model.ckpt-2000"
OLD = ["saver_v1", "saver_v1_sharded"]


def folder_of(tmp_path: Path, name: str) -> Path:
    copy = tmp_path / name
    shutil.copytree(DATA / name, copy)
    return copy


def doubled(src: Path, dst: Path) -> dict[str, np.ndarray]:
    """Write the floats of a checkpoint twice as large, in the V2 format."""
    arrays = tb.open(src).load()
    twice = {k: v * 2 if v.dtype.kind == "f" else v for k, v in arrays.items()}
    tb.save(dst, twice)
    return arrays


@pytest.mark.parametrize("name", OLD)
def test_v1_is_averaged_with_v2(tmp_path: Path, name: str) -> None:
    old = folder_of(tmp_path, name)
    arrays = doubled(old, tmp_path / "twice")
    before = sorted(os.listdir(tmp_path))
    done = tb.average([old, tmp_path / "twice"], tmp_path / "mean")
    assert done.averaged
    assert str(old) in done.sources[0]
    mean = tb.open(tmp_path / "mean")
    for key, array in arrays.items():
        expected = (array * 1.5).astype(array.dtype) if array.dtype.kind == "f" else array
        np.testing.assert_array_equal(mean[key], expected)
    added = set(os.listdir(tmp_path)) - set(before)
    assert added == {"mean.index", "mean.data-00000-of-00001"}


def test_steps_of_v1_are_found_in_a_directory(tmp_path: Path) -> None:
    old = folder_of(tmp_path, "saver_v1")
    file = tb.open(old).location.files[0]
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    for step in (90, 200, 1000):
        shutil.copy(file, run_folder / f"model.ckpt-{step}")
        (run_folder / f"model.ckpt-{step}.meta").write_bytes(b"")
    done = document("average", run_folder, tmp_path / "mean", "--last", "2", "--json")
    assert [os.path.basename(each) for each in done["sources"]] == [
        "model.ckpt-200",
        "model.ckpt-1000",
    ]
    assert tb.diff(old, tmp_path / "mean").same


@pytest.mark.parametrize("name", OLD)
def test_v1_is_merged_with_v2(tmp_path: Path, name: str) -> None:
    old = folder_of(tmp_path, name)
    tb.save(tmp_path / "more", {"more": np.arange(3.0)})
    done = tb.merge([old, tmp_path / "more"], tmp_path / "all")
    assert str(old) in done.prefixes[0]
    assert done.shards[0] == done.prefixes[0]
    merged, arrays = tb.open(tmp_path / "all"), tb.open(old).load()
    assert merged.verify().ok
    assert set(merged) == {*arrays, "more"}
    for key, array in arrays.items():
        np.testing.assert_array_equal(merged[key], array)
    assert not [each for each in os.listdir(tmp_path) if each.startswith(".")]


def test_dry_runs_over_v1_write_nothing(tmp_path: Path) -> None:
    old = folder_of(tmp_path, "saver_v1")
    tb.save(tmp_path / "more", {"more": np.arange(3.0)})
    shutil.copytree(old, tmp_path / "again")
    before = sorted(os.listdir(tmp_path))
    assert tb.merge([old, tmp_path / "more"], tmp_path / "new" / "all", dry_run=True).tensors
    assert tb.average([old, tmp_path / "again"], tmp_path / "new" / "mean", dry_run=True).averaged
    assert sorted(os.listdir(tmp_path)) == before


def test_damaged_v1_leaves_nothing(tmp_path: Path) -> None:
    old = folder_of(tmp_path, "saver_v1")
    file = Path(tb.open(old).location.files[0])
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 3] ^= 0xFF
    file.write_bytes(raw)
    tb.save(tmp_path / "more", {"more": np.arange(3.0)})
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(tb.TensorBundleError, match="checksum"):
        tb.merge([old, tmp_path / "more"], tmp_path / "all")
    assert sorted(os.listdir(tmp_path)) == before


def test_a_frozen_graph_is_no_source(tmp_path: Path) -> None:
    graph = DATA / "demo" / "model.ckpt-2000.meta"
    tb.freeze(graph, DEMO, outputs="auto", path=tmp_path / "frozen.pb")
    for work in (tb.merge, tb.average):
        with pytest.raises(ConversionError, match="is of kind 'graph'; 'tensorbundle save'"):
            work([DEMO, tmp_path / "frozen.pb"], tmp_path / "out")


def test_merge_without_a_target_advises_no_force(tmp_path: Path) -> None:
    for name in "ab":
        tb.save(tmp_path / name, {name: np.zeros(3)})
    kept = (tmp_path / "b.index").read_bytes()
    told = run("merge", tmp_path / "a", tmp_path / "b", code=2).stderr
    assert "--force" not in told
    assert f"'{tmp_path}/b', given last, is where the result would be written" in told
    assert (tmp_path / "b.index").read_bytes() == kept
    with pytest.raises(ConversionError, match="expected at least two checkpoints: found one"):
        tb.merge([tmp_path / "a"], tmp_path / "b")
    tb.merge([tmp_path / "a"], tmp_path / "c")  # a copy that shares its shards
    assert list(tb.open(tmp_path / "c")) == ["a"]


@pytest.mark.parametrize("chosen", ["nope*", ["nope*", "never/*"], re.compile("^x$")])
def test_patterns_that_choose_nothing_are_told(tmp_path: Path, chosen: object) -> None:
    ckpt = tb.open(DEMO)
    for mode in ("r", "read"):
        for read in (tb.open(DEMO, mode=mode).load, tb.open(DEMO, mode=mode).views):
            with pytest.raises(TensorNotFoundError, match="no tensor matches"):
                read(chosen)
    with pytest.raises(TensorNotFoundError, match="no tensor matches"):
        tb.export(ckpt, tmp_path / "out.npz", names=chosen)
    with pytest.raises(TensorNotFoundError, match="no tensor matches"):
        tb.diff(DEMO, DEMO, names=chosen)
    assert not os.listdir(tmp_path)
    # Who asks what there is, is told: nothing. And nothing asked for is nothing.
    assert ckpt.infos(chosen) == []
    assert ckpt.select(chosen) == []
    assert ckpt.load([]) == {}
    assert ckpt.load(iter(())) == {}
    assert list(ckpt.load(["nope*", "*e/bias"])) == ["dense/bias"]
