"""Files and names as they are misspelled: lost dots, other cases, ports, parts of models."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.names import near
from tensorbundle.errors import FormatError
from tests.freeze.program import run

W = np.ones(3, np.float32)


@pytest.mark.parametrize(
    "name",
    ["m_data-00000-of-00001", "m.data", "m.data-00000_of_00001", "m-data-00000-of-00001.bin"],
)
def test_a_shard_whose_name_was_mangled_is_found(tmp_path: Path, name: str) -> None:
    tb.save(tmp_path / "m", {"w": W})
    (tmp_path / "m.data-00000-of-00001").rename(tmp_path / name)
    for other in ("m.database", "mdata-00000-of-00001", "n_data-00000-of-00001"):
        (tmp_path / other).touch()
    told = run("verify", tmp_path / "m", code=1).stdout
    assert f"beside it lies '{name}', expected" in told.replace("\n", " ")


@pytest.mark.parametrize(
    "name", ["dense/kernel:0", "Dense/Kernel", "/dense/kernel", "DENSE", "kernel"]
)
def test_names_of_operations_and_in_other_cases_are_near(name: str) -> None:
    names = ["dense/kernel", "dense/kernel/Adam", "step"]
    assert near(name, names)[0] == "dense/kernel"
    assert near(name, ["model/1/_kernel"]) == (() if name == "DENSE" else ("model/1/_kernel",))


def test_a_zip_archive_of_other_files_is_no_npz(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("run/model.ckpt-5.index", b"")
    with pytest.raises(FormatError, match=r"archive of others \('run/model.*'\): unpack it first"):
        tb.open(tmp_path / "model.zip")


def test_one_part_of_a_model_in_several_files_says_so(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", dict.fromkeys("abc", W))
    tb.export(tmp_path / "m", tmp_path / "x.safetensors", max_shard_bytes=12)
    part = tmp_path / "x-00002-of-00003.safetensors"
    (note,) = tb.open(part).location.notes
    assert note.startswith("one of 3 files")
    assert note.endswith("x.safetensors.index.json' for all")
    assert "one of 3 files" in run("save", part, tmp_path / "n").stderr
    (tmp_path / "x.safetensors.index.json").unlink()
    assert "write" not in tb.open(part).location.notes[0]
    shutil.copy(part, tmp_path / "y-00001-of-00001.safetensors")
    assert not tb.open(tmp_path / "y-00001-of-00001.safetensors").location.notes
