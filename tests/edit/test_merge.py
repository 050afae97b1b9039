"""Merged checkpoints: what TensorFlow's own merge makes of them, byte for byte."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError, MissingFileError
from tests.freeze.program import document
from tests.golden.cases import DATA
from tests.objects.keras import tensorflow


def files(folder: Path, base: str) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name.startswith(base)}


def part(folder: Path, number: int, total: int, tensors: dict[str, object]) -> Path:
    prefix = folder / f"part-{number:05d}-of-{total:05d}"
    tb.save(prefix, tensors)
    return prefix


def test_result_is_byte_for_byte_that_of_tensorflow(tmp_path: Path) -> None:
    first = {"w": [[0, 1, 2]], "b": [1.5], "z": [[9.0] * 40]}
    second = {"w": [[3, 4, 5]], "a": 2.5}
    tensorflow().save_part(tmp_path / "one", first, {"w": "2 3 0,1:0,3"})
    tensorflow().save_part(tmp_path / "two", second, {"w": "2 3 1,1:0,3"})
    done = tb.merge([tmp_path / "one", tmp_path / "two"], tmp_path / "ours" / "all")
    assert done.tensors == 4
    inputs = [str(tmp_path / "one"), str(tmp_path / "two")]
    tensorflow().merge(inputs, str(tmp_path / "theirs" / "all"))
    assert files(tmp_path / "ours", "all") == files(tmp_path / "theirs", "all")
    read = tensorflow().tensors(tmp_path / "ours" / "all")
    assert read == {"w": [[0, 1, 2], [3, 4, 5]], "b": [1.5], "z": [[9.0] * 40], "a": 2.5}


def test_merge_of_merged_inputs_is_byte_for_byte_that_of_tensorflow(tmp_path: Path) -> None:
    for number in range(4):
        tb.save(tmp_path / str(number), {f"t{9 - number}": np.full(5, number), f"u{number}": 1.0})
    tb.merge([tmp_path / "3", tmp_path / "0"], tmp_path / "x")
    tb.merge([tmp_path / "1", tmp_path / "2"], tmp_path / "y")
    tb.merge([tmp_path / "y", tmp_path / "x"], tmp_path / "ours" / "all")
    inputs = [str(tmp_path / "y"), str(tmp_path / "x")]
    tensorflow().merge(inputs, str(tmp_path / "theirs" / "all"))
    assert files(tmp_path / "ours", "all") == files(tmp_path / "theirs", "all")


def test_inputs_are_kept(tmp_path: Path) -> None:
    tb.save(tmp_path / "a", {"x": 1.0})
    tb.save(tmp_path / "b", {"y": 2.0})
    before = files(tmp_path, "")
    tb.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    after = files(tmp_path, "")
    assert {name: after[name] for name in before} == before
    assert tb.open(tmp_path / "c").verify().ok


def test_shards_are_copied_where_they_cannot_be_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: str, target: str) -> None:
        raise OSError(errno.EXDEV, "another file system", source)

    for name in "ab":
        (tmp_path / name).mkdir()
        tb.save(tmp_path / name / "m", {name: np.arange(1000.0)})
    monkeypatch.setattr(os, "link", link)
    done = tb.merge([tmp_path / name / "m" for name in "ab"], tmp_path / "out")
    for name in "ab":
        shutil.rmtree(tmp_path / name)
    assert {os.path.dirname(path) for path in done.files} == {str(tmp_path)}
    assert tb.open(tmp_path / "out").verify().ok
    assert list(tb.open(tmp_path / "out")) == ["a", "b"]


def test_collisions_are_listed(tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        tb.save(tmp_path / name, {"x": 1.0 + number, "y": 2.0 + number, "z": 3.0})
    told = "2 tensors are in several inputs with different values: 'x', 'y'; --prefer"
    with pytest.raises(ConversionError, match=told):
        tb.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert not (tmp_path / "c.index").exists()


def test_tensors_without_some_of_their_slices_are_left_out_and_told(tmp_path: Path) -> None:
    with tb.Writer(tmp_path / "a") as writer:
        writer.add_slice("w", np.zeros((1, 3)), (2, 3), "0,1:-")
    tb.save(tmp_path / "b", {"x": 1.0})
    with pytest.warns(tb.LeftOutWarning, match="slices leave gaps in these tensors: 'w'; partial="):
        done = tb.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert (done.tensors, done.incomplete, len(done.shards)) == (1, ("w",), 1)
    assert list(tb.open(tmp_path / "c")) == ["x"]
    done = tb.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "d", partial=True)
    assert (done.tensors, done.incomplete) == (2, ())
    assert tb.open(tmp_path / "d").incomplete == ("w",)
    with pytest.raises(ConversionError, match="slices leave gaps in these tensors: 'w'"):
        tb.merge([tmp_path / "a"], tmp_path / "e")


def test_parts_of_an_interrupted_save_are_gathered_from_several_hosts(tmp_path: Path) -> None:
    for number in range(3):
        folder = tmp_path / f"host{number % 2}" / "model_temp"
        folder.mkdir(parents=True, exist_ok=True)
        part(folder, number, 3, {f"t{number}": np.full(4, number)})
    folders = [tmp_path / "host1" / "model_temp", tmp_path / "host0" / "model_temp"]
    tb.merge(folders, tmp_path / "model")
    assert [tb.open(tmp_path / "model")[f"t{n}"][0] for n in range(3)] == [0, 1, 2]
    assert len(tensorflow().tensors(tmp_path / "model")) == 3
    with pytest.raises(MissingFileError, match=r"2 of 3 parts are missing: .*00000.*00002"):
        tb.merge(folders[:1], tmp_path / "other")
    tb.merge(folders[:1], tmp_path / "other", partial=True)


def test_parts_whose_shards_were_moved_already_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "model_temp"
    folder.mkdir()
    for number in range(2):
        part(folder, number, 2, {f"t{number}": np.full(4, number)})
    os.replace(
        folder / "part-00000-of-00002.data-00000-of-00001", tmp_path / "model.data-00000-of-00002"
    )
    tb.merge([folder], tmp_path / "model")
    assert tb.open(tmp_path / "model").verify().ok
    assert tb.open(tmp_path / "model")["t1"][0] == 1


def test_missing_shards_are_listed(tmp_path: Path) -> None:
    for name in "ab":
        tb.save(tmp_path / name, {name: 1.0})
        (tmp_path / f"{name}.data-00000-of-00001").unlink()
    with pytest.raises(MissingFileError, match=r"2 data shards are missing: .*a\.data.*b\.data"):
        tb.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")


def test_merge_command_dry_run_writes_nothing(tmp_path: Path) -> None:
    tb.save(tmp_path / "a", {"x": 1.0})
    arguments = ("merge", tmp_path / "a", DATA / "strings", tmp_path / "c")
    assert len(document(*arguments, "--dry-run")["shards"]) == 2
    assert not (tmp_path / "c.index").exists()
    assert len(document(*arguments)["files"]) == 3
