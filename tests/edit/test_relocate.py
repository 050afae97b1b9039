"""State files repaired after a move, and checkpoints made from other files."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import FormatError
from tests.freeze.program import document, run
from tests.objects.keras import tensorflow


def moved(tmp_path: Path, *, absolute: bool = True) -> Path:
    """A directory that TensorFlow would not find its checkpoints in any more."""
    old = tmp_path / "old"
    lines = []
    for number in (1, 2, 3):
        tb.save(old / f"ckpt-{number}", {"w": float(number)})
        lines.append(f'all_model_checkpoint_paths: "{old / f"ckpt-{number}"}"\n')
    times = "".join(f"all_model_checkpoint_timestamps: {n}.5\n" for n in (1, 2, 3))
    newest = f'model_checkpoint_path: "{old / "ckpt-3"}"\n'
    (old / "checkpoint").write_text(newest + "".join(lines) + times)
    shutil.move(old, tmp_path / "new")
    return tmp_path / "new"


def test_moved_directory_is_repaired(tmp_path: Path) -> None:
    folder = moved(tmp_path)
    (folder / "ckpt-1.index").unlink()
    done = tb.relocate(folder)
    assert done.found[str(tmp_path / "old" / "ckpt-2")] == "ckpt-2"
    assert done.lost == (str(tmp_path / "old" / "ckpt-1"),)
    assert (folder / "checkpoint").read_text() == (
        'model_checkpoint_path: "ckpt-3"\n'
        'all_model_checkpoint_paths: "ckpt-2"\n'
        'all_model_checkpoint_paths: "ckpt-3"\n'
        "all_model_checkpoint_timestamps: 2.5\n"
        "all_model_checkpoint_timestamps: 3.5\n"
    )
    assert not tb.relocate(folder).changed


def test_dry_run_changes_nothing(tmp_path: Path) -> None:
    folder = moved(tmp_path)
    before = (folder / "checkpoint").read_bytes()
    assert document("relocate", folder, "--dry-run")["changed"]
    assert (folder / "checkpoint").read_bytes() == before
    assert "wrote" in run("relocate", folder / "checkpoint").stdout
    assert "needs no repair" in run("relocate", folder).stdout


# --- save -----------------------------------------------------------------------------------------


def test_npz_is_saved_with_objects(tmp_path: Path) -> None:
    arrays = {"model/w": np.float32([1, 2]), "model/table/a.Sb": np.float32(3)}
    np.savez(tmp_path / "in.npz", **arrays, step=np.int64(4))
    run("save", tmp_path / "in.npz", tmp_path / "out", "--objects")
    assert tensorflow().objects(tmp_path / "out") == [[1, 2], 3, 4]
    assert "--force" in run("save", tmp_path / "in.npz", tmp_path / "out", code=2).stderr
    done = document("save", tmp_path / "in.npz", tmp_path / "other", "--dry-run")
    assert done == {
        "schema": 1, "prefix": str(tmp_path / "other"), "tensors": 3, "nbytes": 20
    }  # fmt: skip
    assert not (tmp_path / "other.index").exists()


def test_safetensors_are_saved(tmp_path: Path) -> None:
    import ml_dtypes
    import safetensors.numpy

    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.ones(3, ml_dtypes.bfloat16)}
    safetensors.numpy.save_file(arrays, tmp_path / "in.safetensors")
    run("save", tmp_path / "in.safetensors", tmp_path / "out", "--max-shard-bytes", "40")
    ckpt = tb.open(tmp_path / "out")
    assert ckpt.num_shards == 2
    for name, array in arrays.items():
        assert ckpt[name].dtype == array.dtype
        np.testing.assert_array_equal(ckpt[name].astype("f"), array.astype("f"))


@pytest.mark.parametrize("name", ["in.npz", "in.safetensors"])
def test_other_files_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind")
    error = run("save", tmp_path / name, tmp_path / "out", code=2).stderr
    assert "not a" in error
    assert not (tmp_path / "out.index").exists()


def test_objects_in_npz_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", a=np.array([{}], dtype=object))
    assert (
        "not a .npz file of arrays"
        in run("save", tmp_path / "in.npz", tmp_path / "out", code=2).stderr
    )


def test_state_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_text("hello")
    with pytest.raises(FormatError, match="not a checkpoint state file"):
        tb.relocate(tmp_path)
