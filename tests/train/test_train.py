"""The face of ``tf.train`` for directories: readers, state files, removing, waiting.

Saving is in `test_saver.py`, and in `compat/` and `test_tutorials.py` beside TensorFlow.
"""

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import train
from tests.checkpoint.files import bundle, state, touch
from tests.golden.cases import DATA, path_of
from tests.train.savers import Savers as TensorFlow

SAVER = DATA / "saver"


def variables() -> dict[str, Any]:
    return {"w": np.array([[1, 2]], np.float32), "step": np.array(7)}


# --- readers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fixture_id", ["dtypes", "strings", "objects/keras", "v1/dtypes", "saver"])
def test_reader_says_what_the_reader_of_tensorflow_says(
    fixture_id: str, tensorflow: TensorFlow
) -> None:
    theirs = tensorflow.read(path_of(fixture_id))
    reader = train.load_checkpoint(path_of(fixture_id))
    assert reader.get_variable_to_shape_map() == theirs["shapes"]
    assert {
        name: [dtype.name, dtype.as_datatype_enum]
        for name, dtype in reader.get_variable_to_dtype_map().items()
    } == theirs["dtypes"]
    assert [list(each) for each in train.list_variables(path_of(fixture_id))] == theirs["listed"]
    lines = reader.debug_string().decode("utf-8", "surrogateescape").splitlines()
    assert sorted(lines) == sorted(theirs["debug_string"].splitlines())
    assert len(theirs["values"]) > 0
    for name, (kind, value) in theirs["values"].items():
        mine = reader.get_tensor(name)
        assert (type(mine).__name__, repr(mine)) == (kind, value), name


def test_reader_gives_arrays_of_its_own() -> None:
    reader = train.load_checkpoint(SAVER)
    name, _ = train.list_variables(SAVER)[0]
    first, second = reader.get_tensor(name), reader.get_tensor(name.encode())
    first += 1
    assert not np.array_equal(first, second)
    assert first.flags.owndata or first.base is not None


def test_reader_tells_what_is_there() -> None:
    reader = train.load_checkpoint(DATA / "demo")
    assert reader.has_tensor("dense/bias")
    assert reader.has_tensor(b"dense/bias")
    assert not reader.has_tensor("dense/bia")
    with pytest.raises(tb.TensorNotFoundError, match="did you mean 'dense/bias'"):
        reader.get_tensor("dense/bia")
    with pytest.raises(tb.TensorNotFoundError, match=r"no tensor 'dense/\*'"):
        reader.get_tensor("dense/*")


def test_load_variable_leaves_out_the_output_number() -> None:
    assert train.load_variable(DATA / "demo", b"dense/bias:0").shape == (16,)


def test_load_checkpoint_of_directory_without_one_raises_missing_file(tmp_path: Path) -> None:
    with pytest.raises(tb.MissingFileError, match="no checkpoint"):
        train.load_checkpoint(tmp_path)


def test_dtype_names_its_numpy_dtype() -> None:
    dtypes = train.load_checkpoint(DATA / "demo").get_variable_to_dtype_map()
    assert dtypes["dense/bias"] == train.DType(1)
    assert dtypes["dense/bias"].as_numpy_dtype == np.float32


# --- the state file ---------------------------------------------------------------------------


def test_state_has_paths_joined_to_the_directory(tmp_path: Path) -> None:
    state(tmp_path, "ckpt-1", "/elsewhere/ckpt-2")
    found = train.get_checkpoint_state(os.fsencode(tmp_path))
    assert found == train.CheckpointState(
        "/elsewhere/ckpt-2", (f"{tmp_path}/ckpt-1", "/elsewhere/ckpt-2")
    )


@pytest.mark.parametrize("text", ["unknown: 1", "<html>", "model_checkpoint_path: 'a"])
def test_state_that_cannot_be_understood_is_ignored_and_logged(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "checkpoint").write_text(text)
    assert train.get_checkpoint_state(tmp_path) is None
    assert train.latest_checkpoint(tmp_path) is None
    assert "was ignored: malformed checkpoint state file" in caplog.text


def test_state_that_is_too_long_to_be_one_is_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "checkpoint").write_bytes(b"#" * ((1 << 24) + 1))
    assert train.get_checkpoint_state(tmp_path) is None
    assert "has more than" in caplog.text


def test_state_that_is_a_directory_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    assert train.get_checkpoint_state(tmp_path) is None


@pytest.mark.parametrize("text", ["", "all_model_checkpoint_paths: 'a'"])
def test_state_that_names_no_checkpoint_raises_format_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "checkpoint").write_text(text)
    with pytest.raises(tb.FormatError, match="names no checkpoint"):
        train.latest_checkpoint(tmp_path)


def test_latest_checkpoint_that_is_gone_is_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle(tmp_path, "ckpt-1")
    state(tmp_path, "ckpt-1", "ckpt-2")
    assert train.latest_checkpoint(tmp_path) is None
    assert "ckpt-2" in caplog.text
    assert train.latest_checkpoint(tmp_path / "nowhere") is None


def test_update_checkpoint_state_refuses_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 timestamps were given for 2 checkpoints"):
        train.update_checkpoint_state(
            tmp_path, "b", ["a", "b"], all_model_checkpoint_timestamps=[1.0]
        )
    assert list(tmp_path.iterdir()) == []


def test_update_checkpoint_state_leaves_the_list_alone(tmp_path: Path) -> None:
    paths = ["a"]
    train.update_checkpoint_state(tmp_path, "b", paths)
    assert paths == ["a"]


def test_update_checkpoint_state_into_nowhere_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        train.update_checkpoint_state(tmp_path / "nowhere", "a")


# --- files ------------------------------------------------------------------------------------


def test_files_are_found_as_tensorflow_finds_them(tmp_path: Path, tensorflow: TensorFlow) -> None:
    for fixture in ("saver", "saver_v1_sharded"):
        shutil.copytree(DATA / fixture, tmp_path / fixture)
    tables = str(tmp_path / "saver_v1_sharded/model.ckpt-3")
    paths = [
        str(tmp_path / "saver/model.ckpt-10"),
        str(tmp_path / "saver/model.ckpt-11"),
        str(tmp_path / "saver/model.ckpt"),
        tables,
        f"{tables}-?????-of-00003",
        f"{tables}-00001-of-00003",
        f"{tables}-?????-of-00002",
    ]
    assert [train.checkpoint_exists(path) for path in paths] == tensorflow.exists(paths)
    assert train.get_checkpoint_mtimes(paths) == tensorflow.mtimes(paths)


@pytest.mark.parametrize("version", [1, 2])
def test_remove_checkpoint_removes_what_tensorflow_removes(
    tmp_path: Path, tensorflow: TensorFlow, version: Any
) -> None:
    for side in ("theirs", "ours"):
        for base in ("m-1", "m-10", "m-1.data-00000-of-00001.old"):
            bundle(tmp_path / side, base, meta=True)
        touch(tmp_path / side / "m-1.data-00001-of-00002")
        touch(tmp_path / side / "m-1")
    tensorflow.remove(str(tmp_path / "theirs" / "m-1"), version)
    train.remove_checkpoint(tmp_path / "ours" / "m-1", checkpoint_format_version=version)
    theirs, ours = (sorted(os.listdir(tmp_path / side)) for side in ("theirs", "ours"))
    assert ours == theirs


def test_remove_checkpoint_takes_its_prefix_literally(tmp_path: Path) -> None:
    for base in ("m?-1", "mm-1", "m[1]-1"):
        bundle(tmp_path, base)
    train.remove_checkpoint(tmp_path / "m?-1")
    train.remove_checkpoint(tmp_path / "m[1]-1")
    assert sorted(os.listdir(tmp_path)) == ["mm-1.data-00000-of-00001", "mm-1.index"]


def test_remove_checkpoint_that_is_not_there_does_nothing(tmp_path: Path) -> None:
    train.remove_checkpoint(tmp_path / "nowhere" / "m-1")


# --- waiting ----------------------------------------------------------------------------------


def test_waiting_ends_when_time_is_up(tmp_path: Path) -> None:
    begun = time.monotonic()
    newest = str(SAVER / "model.ckpt-20")
    assert train.wait_for_new_checkpoint(SAVER) == newest
    assert train.wait_for_new_checkpoint(SAVER, newest, timeout=0.5) is None
    assert list(train.checkpoints_iterator(tmp_path, timeout=0.5)) == []
    assert time.monotonic() - begun < 0.5  # nobody sleeps when too little time is left


def test_iterator_sees_what_another_thread_saves(tmp_path: Path) -> None:
    def save() -> None:
        saver = train.Saver()
        for step in range(2):
            time.sleep(0.2)
            saver.save({"w": step}, tmp_path / "m", step)

    seen = []
    saving = threading.Thread(target=save)
    saving.start()
    for path in train.checkpoints_iterator(tmp_path, timeout_fn=lambda: len(seen) == 2):
        seen.append(tb.open(path)["w"].item())
        if seen[-1] == 1:
            break
    saving.join()
    assert seen in ([0, 1], [1])


def test_iterator_asks_whether_to_go_on_after_a_timeout(tmp_path: Path) -> None:
    answers = [False, True]
    found = train.checkpoints_iterator(tmp_path, timeout=0, timeout_fn=lambda: answers.pop(0))
    assert (list(found), answers) == ([], [])


# --- small files replaced ---------------------------------------------------------------------


def test_leftover_of_killed_state_update_is_removed(tmp_path: Path) -> None:
    touch(tmp_path / "checkpoint.tempstate123", b"model_che")
    touch(tmp_path / "checkpoint.tempstate", b"not ours")
    train.Saver().save(variables(), tmp_path / "m")
    assert sorted(os.listdir(tmp_path)) == [
        "checkpoint",
        "checkpoint.tempstate",
        "m.data-00000-of-00001",
        "m.index",
    ]


def test_state_of_process_that_lives_is_not_taken_for_a_leftover(tmp_path: Path) -> None:
    code = (
        "import fcntl, sys\n"
        "file = open(sys.argv[1], 'xb')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print(flush=True)\n"
        "input()\n"
    )
    other = tmp_path / "checkpoint.tempstate123"
    with subprocess.Popen(
        [sys.executable, "-c", code, other], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        train.Saver().save(variables(), tmp_path / "m")
        assert other.exists()
        process.communicate(b"\n")
    train.Saver().save(variables(), tmp_path / "m")
    assert not other.exists()


def test_state_in_a_full_directory_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train.update_checkpoint_state(tmp_path, "a")

    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"No space left on device: '.*/checkpoint'"):
        train.update_checkpoint_state(tmp_path, "b")
    assert os.listdir(tmp_path) == ["checkpoint"]
    assert train.get_checkpoint_state(tmp_path) == train.CheckpointState(
        str(tmp_path / "a"), (str(tmp_path / "a"),)
    )


def test_log_is_quiet_unless_asked(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    logging.getLogger("tensorbundle").setLevel(logging.CRITICAL)
    try:
        (tmp_path / "checkpoint").write_text("?")
        train.get_checkpoint_state(tmp_path)
    finally:
        logging.getLogger("tensorbundle").setLevel(logging.NOTSET)
    assert capfd.readouterr() == ("", "")
