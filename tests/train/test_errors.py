"""Errors of `train` beside TensorFlow's: caught by its names, with its words, and by ours."""

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import train
from tests.golden.cases import DATA
from tests.oracle.client import TensorFlowError
from tests.train.savers import Savers

errors = train.errors


def made(folder: Path) -> Path:
    tb.save(folder / "m", {"w": np.arange(1000.0), "v": np.float32(1)})
    return folder / "m"


def damaged(folder: Path, how: str) -> str:
    """What is read; as TensorFlow would read it."""
    prefix = made(folder)
    data, index = Path(f"{prefix}.data-00000-of-00001"), Path(f"{prefix}.index")
    if how == "no checkpoint":
        return str(folder / "other")
    if how == "an empty directory":
        (folder / "empty").mkdir()
        return str(folder / "empty")
    if how == "a gone checkpoint named":
        (folder / "checkpoint").write_text('model_checkpoint_path: "gone"\n')
        index.unlink()
        return str(folder)
    if how == "a changed tensor":
        data.write_bytes(b"x" * data.stat().st_size)
    elif how == "a shard cut off":
        os.truncate(data, 40)
    elif how == "a shard lost":
        data.unlink()
    elif how == "no table":
        index.write_bytes(b"nothing of the kind" * 10)
    elif how == "a changed index":
        content = bytearray(index.read_bytes())
        content[30] ^= 1
        index.write_bytes(content)
    return str(prefix)


# The classes of TensorFlow that must catch it, and ours.
CASES: dict[str, tuple[str, tuple[type[BaseException], ...]]] = {
    "no checkpoint": ("NotFoundError", (errors.NotFoundError, tb.MissingFileError)),
    "an empty directory": ("ValueError", (ValueError, tb.MissingFileError)),
    "a gone checkpoint named": ("ValueError", (ValueError, tb.MissingFileError)),
    "a missing tensor": ("NotFoundError", (errors.NotFoundError, tb.TensorNotFoundError, KeyError)),
    "a changed tensor": ("OpError", (errors.DataLossError, tb.ChecksumError)),
    "a shard cut off": ("IndexError", (errors.OutOfRangeError, IndexError, tb.FormatError)),
    "a shard lost": ("OpError", (errors.OpError, tb.MissingFileError)),
    "no table": ("OpError", (errors.DataLossError, tb.FormatError)),
    "a changed index": ("OpError", (errors.DataLossError, tb.ChecksumError)),
}
WORDS = {
    "no checkpoint": "Failed to find any matching files for",
    "an empty directory": "Couldn't find 'checkpoint' file or checkpoints in given directory",
    "a missing tensor": "Key no/such not found in checkpoint",
}


@pytest.mark.parametrize("how", sorted(CASES))
def test_error_is_tensorflows_and_ours(tmp_path: Path, tensorflow: Savers, how: str) -> None:
    path = damaged(tmp_path, how)
    name = "no/such" if how == "a missing tensor" else "w"
    theirs, ours = CASES[how]
    with pytest.raises(TensorFlowError, match=f"^{theirs}:") as expected:
        tensorflow.load_variable(path, name)
    for catching in ours:
        with pytest.raises(catching, match=r"\w") as caught:
            train.load_variable(path, name)
    error = caught.value
    assert isinstance(error, tb.TensorBundleError)
    assert isinstance(error, errors.OpError) == (theirs != "ValueError")
    if how in WORDS:
        assert WORDS[how] in str(expected.value)
        assert WORDS[how] in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


def test_main_loop_of_a_tpu_program_goes_on_without_a_checkpoint(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "nowhere"):
        try:
            train.load_variable(directory, "global_step")
        except (TypeError, ValueError, errors.NotFoundError):
            continue
        pytest.fail("there is no checkpoint")


def test_classes_are_made_as_tensorflows_are() -> None:
    error = errors.OutOfRangeError(None, None, "the end")
    assert (str(error), error.message, error.error_code) == ("the end", "the end", 11)
    assert isinstance(error, errors.OpError)
    assert (error.node_def, error.op, error.experimental_payloads) == (None, None, {})
    assert type(pickle.loads(pickle.dumps(error))) is errors.OutOfRangeError
    assert errors.OpError(None, None, "x", errors.INTERNAL).error_code == 13


def test_every_class_and_code_of_tensorflow_is_there(tensorflow: Savers) -> None:
    theirs = tensorflow.error_classes()
    assert len(theirs) > 15
    ours = {
        name: each.error_code
        for name in theirs
        if isinstance(each := getattr(errors, name, None), type)
    }
    assert ours == theirs


# --- NewCheckpointReader --------------------------------------------------------------------------

SPELLINGS: dict[str, Callable[[Path], str]] = {
    "prefix": lambda folder: str(folder / "model.ckpt-2000"),
    "directory": str,
    "a data file": lambda folder: str(folder / "model.ckpt-2000.data-00000-of-00001"),
    "the graph": lambda folder: str(folder / "model.ckpt-2000.meta"),
    "nothing": lambda folder: str(folder / "model.ckpt-1"),
    "the state file": lambda folder: str(folder / "checkpoint"),
}


@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
def test_new_checkpoint_reader_takes_what_tensorflows_takes(
    tmp_path: Path, tensorflow: Savers, spelling: str
) -> None:
    folder = Path(shutil.copytree(DATA / "demo", tmp_path / "demo"))
    path = SPELLINGS[spelling](folder)
    expected = tensorflow.new_reader(path)
    try:
        found = train.NewCheckpointReader(path).get_variable_to_shape_map()
    except errors.OpError as error:
        found = next(
            each.__name__
            for each in type(error).__mro__
            if each.__module__ == errors.__name__ and each.__base__ is errors._Coded
        )
    assert found == expected


def test_reader_refuses_what_is_no_name() -> None:
    reader = train.NewCheckpointReader(str(DATA / "demo" / "model.ckpt-2000"))
    for call in (reader.has_tensor, reader.get_tensor, reader._HasTensor):
        with pytest.raises(TypeError, match="Expected binary or unicode string, got 3"):
            call(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Expected binary or unicode string"):
        train.NewCheckpointReader(DATA / "demo")  # type: ignore[arg-type]
    assert reader.CheckpointReader_GetTensor(b"dense/bias").shape == (16,)
    assert reader._GetVariableToDataTypeMap()["dense/bias"] == 1


def test_file_urls_are_local_paths(tensorflow: Savers) -> None:
    url = f"file://{DATA / 'demo' / 'model.ckpt-2000'}"
    listed = [[name, shape] for name, shape in train.list_variables(url)]
    assert listed == tensorflow.read(url)["listed"]


# --- the cache ------------------------------------------------------------------------------------


def test_reader_is_shared_while_nothing_changes_and_no_longer(tmp_path: Path) -> None:
    prefix = made(tmp_path)
    first = train.load_checkpoint(prefix)
    assert train.load_checkpoint(prefix) is first
    tb.save(prefix, {"w": np.arange(1000.0) + 1, "v": np.float32(1)}, overwrite=True)
    assert train.load_variable(prefix, "w")[0] == 1
    index = Path(f"{prefix}.index")
    before = train.load_checkpoint(prefix)
    index.write_bytes(index.read_bytes())  # in place: the same inode and size
    os.utime(index, ns=(1, 1))
    assert train.load_checkpoint(prefix) is not before


def test_relative_path_is_of_the_directory_at_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        tb.save(tmp_path / name / "m", {"w": ord(name)})
    for name in "aba":
        monkeypatch.chdir(tmp_path / name)
        assert train.load_variable("m", "w") == ord(name)
        assert train.load_variable(".", "w") == ord(name)


def test_arrays_of_one_reader_are_each_their_own(tmp_path: Path) -> None:
    prefix = made(tmp_path)
    train.load_variable(prefix, "w")[:] = 7
    assert train.load_variable(prefix, "w")[1] == 1
    opened = tb.open(prefix)
    train.CheckpointReader(opened).get_tensor("w")[:] = 7
    assert opened["w"][1] == 1
