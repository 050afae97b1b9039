"""Files that are called what they are not: told by their content, or refused by it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError, FormatError
from tests.freeze.program import run
from tests.golden.cases import DATA

V1 = next(path for path in (DATA / "saver_v1").iterdir() if path.suffix not in (".meta", ""))
META = DATA / "demo" / "model.ckpt-2000.meta"
VALUES = {"w": np.arange(3, dtype=np.float32)}


@pytest.mark.parametrize("name", ["m.h5", "m.npz", "m.safetensors", "m.npy", "m.hdf5"])
def test_v1_checkpoint_with_another_s_suffix_opens(tmp_path: Path, name: str) -> None:
    shutil.copy(V1, tmp_path / name)
    assert tb.open(tmp_path / name).location.kind == "v1"
    assert list(tb.open(tmp_path / name)) == list(tb.open(V1))


@pytest.mark.parametrize(
    ("made", "name"), [("a.npz", "w.safetensors"), ("a.safetensors", "w.npz"), ("a.h5", "w.npy")]
)
def test_file_of_tensors_with_another_s_suffix_opens(tmp_path: Path, made: str, name: str) -> None:
    tb.export(VALUES, tmp_path / made)
    (tmp_path / made).rename(tmp_path / name)
    np.testing.assert_array_equal(tb.open(tmp_path / name)["w"], VALUES["w"])


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".safetensors", ".npy"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (META.read_bytes, "a MetaGraph"),
        (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git-LFS"),
        (lambda: b"<!DOCTYPE html><html>404</html>", "an HTML page"),
        (lambda: b"\x1f\x8b" + bytes(range(100)), "a gzip archive: unpack it first"),
    ],
)
def test_other_file_with_a_suffix_of_tensors_is_told(
    tmp_path: Path, content: Callable[[], bytes], told: str, suffix: str
) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content())
    with pytest.raises(FormatError, match=rf"not a {suffix} file: .* is .*{told}"):
        tb.open(path)


def test_v1_checkpoint_called_as_a_state_file_says_how_it_opens(tmp_path: Path) -> None:
    shutil.copy(V1, tmp_path / "checkpoint")
    with pytest.raises(FormatError, match="open it by its full name"):
        tb.open(tmp_path)
    assert list(tb.open(tmp_path / "checkpoint")) == list(tb.open(V1))


def test_name_with_slashes_is_no_path_between_dots(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", **{"x/": np.ones(1), "a.b": np.ones(1)})
    done = run("save", tmp_path / "w.npz", tmp_path / "m", "--objects", "--separator", ".", code=2)
    assert "a name has an empty part" in done.stderr


def test_salvage_onto_itself_is_refused_in_one_line(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", VALUES)
    with pytest.raises(ConversionError, match="dst must be another prefix"):
        tb.salvage(tmp_path / "m", tmp_path / "m")
    done = run("salvage", tmp_path / "m", tmp_path / "m", code=2)
    assert done.stderr.count("\n") == 1


def test_graph_that_is_cut_off_is_not_called_the_index(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(DATA / "saved_model", model)
    content = (model / "saved_model.pb").read_bytes()
    (model / "saved_model.pb").write_bytes(content[: len(content) // 2])
    printed = run("verify", model, code=1).output
    assert "malformed: saved_model.pb" in printed
    assert "the index" not in printed
