"""The face of ``tf.train``: what differs from TensorFlow, and what happens when something is wrong.

That files are the same is for `compat/` to show, that TensorFlow restores them for
`test_tutorials.py`.
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
from _checkpoint_files import bundle, state, touch
from _golden import DATA, path_of
from _tensorflow import TensorFlow

import tensorbundle as tb
from tensorbundle import train

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
    assert dtypes["dense/bias"] == train.DType("float32", 1)
    assert dtypes["dense/bias"].as_numpy_dtype == np.float32
    assert train.DType("variant", 21).as_numpy_dtype is None


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
    assert "longer than" in caplog.text


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
    with pytest.raises(ValueError, match="would have the name of the checkpoint"):
        train.update_checkpoint_state(tmp_path, tmp_path / "checkpoint")
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


# --- Saver ------------------------------------------------------------------------------------


def test_saver_with_bad_paths_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    saver = train.Saver()
    with pytest.raises(ValueError, match="would have the name of its state file"):
        saver.save(variables(), tmp_path / "checkpoint")
    with pytest.raises(ValueError, match="must be a name, not the path 'a/b'"):
        saver.save(variables(), tmp_path / "m", latest_filename="a/b")
    with pytest.raises(ValueError, match="no path to save to"):
        saver.save(variables())
    with pytest.raises(TypeError, match="integer"):
        saver.save(variables(), tmp_path / "m", 1.5)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_saver_without_variables_is_refused_unless_allowed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`var_list` is empty"):
        train.Saver([])
    with pytest.raises(ValueError, match="no variables to save"):
        train.Saver().save({}, tmp_path / "m")
    saver = train.Saver(allow_empty=True, meta_graph=b"graph")
    assert saver.save({}, tmp_path / "m") is None
    assert os.listdir(tmp_path) == ["m.meta"]


def test_saver_with_odd_names_is_refused() -> None:
    with pytest.raises(TypeError, match="not the single name 'w'"):
        train.Saver("w")
    with pytest.raises(TypeError, match="'w' is 3"):
        train.Saver({"w": 3})  # type: ignore[dict-item]
    with pytest.raises(tb.TensorNotFoundError, match="did you mean 'step'"):
        train.Saver(["stepp"]).save(variables(), "m")


def test_saver_uses_its_filename(tmp_path: Path) -> None:
    assert train.Saver(filename=tmp_path / "m").save(variables()) == str(tmp_path / "m")


def test_save_without_state_removes_nothing(tmp_path: Path) -> None:
    saver = train.Saver(max_to_keep=1)
    for step in range(3):
        saver.save(variables(), tmp_path / "m", step, write_state=False)
    assert (len(os.listdir(tmp_path)), saver.last_checkpoints) == (6, [])


def test_save_removes_graphs_of_its_suffix(tmp_path: Path) -> None:
    saver = train.Saver(max_to_keep=1, meta_graph=b"graph")
    for step in range(2):
        saver.save(variables(), tmp_path / "m", step, meta_graph_suffix="graph")
    assert sorted(os.listdir(tmp_path)) == [
        "checkpoint",
        "m-1.data-00000-of-00001",
        "m-1.graph",
        "m-1.index",
    ]


def test_save_goes_on_when_an_old_checkpoint_cannot_be_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saver = train.Saver(max_to_keep=1)
    saver.save(variables(), tmp_path / "m", 1)
    (tmp_path / "m-1.index").unlink()
    (tmp_path / "m-1.index").mkdir()
    saver.save(variables(), tmp_path / "m", 2)
    assert train.latest_checkpoint(tmp_path) == str(tmp_path / "m-2")
    assert "could not be removed" in caplog.text


def test_failed_save_leaves_the_state_alone(tmp_path: Path) -> None:
    saver = train.Saver(max_to_keep=1)
    saver.save(variables(), tmp_path / "m", 1)
    with pytest.raises(tb.ConversionError, match="w"):
        saver.save({"w": object()}, tmp_path / "m", 2)
    assert saver.last_checkpoints == [str(tmp_path / "m-1")]
    assert train.latest_checkpoint(tmp_path) == str(tmp_path / "m-1")
    assert tb.open(tmp_path).verify().ok


def test_restore_without_variables_returns_all(tmp_path: Path) -> None:
    path = train.Saver().save(variables(), tmp_path / "m")
    restored = train.Saver().restore(None, path)
    assert list(restored) == ["step", "w"]
    assert restored["step"] == 7


def test_restore_fills_arrays_of_any_layout(tmp_path: Path) -> None:
    path = train.Saver().save(
        {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(3)}, tmp_path / "m"
    )
    into = {"a": np.zeros((3, 2)).T, "b": np.zeros(3, ">i8")}
    restored = train.Saver().restore(into, path)
    assert restored["a"] is into["a"]
    assert into["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert into["b"].tolist() == [0, 1, 2]


def test_restore_replaces_what_is_no_array(tmp_path: Path) -> None:
    path = train.Saver().save({"n": 3, "s": b"text"}, tmp_path / "m")
    into = {"n": 0, "s": b""}
    train.Saver().restore(into, path)
    assert (into["n"], into["s"].item()) == (3, b"text")  # type: ignore[attr-defined]


def test_restore_with_reshape_takes_another_shape(tmp_path: Path) -> None:
    path = train.Saver().save({"w": np.arange(6.0)}, tmp_path / "m")
    into = {"w": np.zeros((2, 3))}
    with pytest.raises(
        tb.ConversionError, match=r"float64\[2, 3\], but the tensor is float64\[6\]"
    ):
        train.Saver().restore(into, path)
    train.Saver(reshape=True).restore(into, path)
    assert into["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_restore_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    path = train.Saver().save(variables(), tmp_path / "m")
    read_only = np.zeros((1, 2), np.float32)
    read_only.flags.writeable = False
    for w, message in (
        (np.zeros((1, 2)), "variable 'w' does not fit"),
        (np.zeros((2, 1), np.float32), "variable 'w' does not fit"),
        (read_only, "variable 'w' cannot be restored"),
    ):
        into = {"step": np.array(0), "w": w}
        with pytest.raises(tb.ConversionError, match=message):
            train.Saver().restore(into, path)
        assert into["step"] == 0


def test_restore_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    path = train.Saver().save(variables(), tmp_path / "m")
    with pytest.raises(ValueError, match="`save_path` is None"):
        train.Saver().restore(None, None)
    with pytest.raises(tb.MissingFileError, match="no checkpoint"):
        train.Saver().restore(None, tmp_path / "n")
    with pytest.raises(tb.TensorNotFoundError, match="no tensor 'other'"):
        train.Saver().restore({"other": 1}, path)
    with pytest.raises(ValueError, match="two names for one variable"):
        train.Saver({"a": "w", "w": "w"}).restore(None, path)


def test_restore_reads_objects_by_variable_name_or_path() -> None:
    ckpt = tb.open(path_of("objects/keras"))
    assert ckpt.objects is not None
    known = next(
        each for each in ckpt.objects.variables if each.full_name == "sequential/dense/kernel"
    )
    names = [known.full_name, known.path, known.key]
    restored = train.Saver(names).restore(None, path_of("objects/keras"))
    for name in names:
        assert np.array_equal(restored[name], ckpt[known.key])


def test_recovered_checkpoints_are_those_that_exist(tmp_path: Path) -> None:
    saver = train.Saver(max_to_keep=2)
    paths = [str(saver.save(variables(), tmp_path / "m", step)) for step in range(2)]
    fresh = train.Saver(max_to_keep=2)
    fresh.recover_last_checkpoints([*paths, str(tmp_path / "gone")])
    assert fresh.last_checkpoints == paths
    fresh.set_last_checkpoints([paths[1]])
    assert fresh.last_checkpoints == [paths[1]]
    fresh.set_last_checkpoints_with_time([(paths[0], 0.0), (paths[1], 1.0)])
    fresh.save(variables(), tmp_path / "m", 2)
    assert not train.checkpoint_exists(paths[0])


# --- Checkpoint and CheckpointManager -----------------------------------------------------------


def test_checkpoint_takes_a_tree_or_keywords() -> None:
    with pytest.raises(ValueError, match="not both"):
        train.Checkpoint({"a": 1}, b=2)
    with pytest.raises(ValueError, match="counts the saves"):
        train.Checkpoint(save_counter=1)


def test_checkpoint_written_without_number_has_no_counter(tmp_path: Path) -> None:
    ckpt = train.Checkpoint(w=np.ones(2))
    path = ckpt.write(tmp_path / "a" / "b" / "w")
    assert [name for name, _ in train.list_variables(path)] == [
        "_CHECKPOINTABLE_OBJECT_GRAPH",
        "w/.ATTRIBUTES/VARIABLE_VALUE",
    ]
    assert ckpt.restore(None) == {}


def test_checkpoint_restores_files_with_plain_names(tmp_path: Path) -> None:
    path = train.Saver().save({"layer/w": np.arange(3)}, tmp_path / "m")
    tree: dict[str, Any] = {"layer": {"w": np.zeros(3, np.int64)}}
    train.Checkpoint(tree).restore(path)
    assert tree["layer"]["w"].tolist() == [0, 1, 2]
    with pytest.raises(tb.TensorNotFoundError, match="no tensor 'layer/b'"):
        train.Checkpoint(layer={"b": 1}).restore(path)


def test_checkpoint_sees_arrays_that_were_replaced(tmp_path: Path) -> None:
    tree = {"w": np.zeros(2)}
    ckpt = train.Checkpoint(tree)
    tree["w"] = np.ones(2)
    assert tb.open(ckpt.save(tmp_path / "c"))["w"].tolist() == [1, 1]


def test_manager_numbers_as_it_is_told(tmp_path: Path) -> None:
    manager = train.CheckpointManager({"w": np.ones(2)}, tmp_path, 2)
    manager.save(np.array(40))
    manager.save()
    manager.save(40)
    assert manager.checkpoints == [f"{tmp_path}/ckpt-2", f"{tmp_path}/ckpt-40"]
    assert manager.latest_checkpoint == f"{tmp_path}/ckpt-40"
    assert manager.checkpoint.save_counter == 3


def test_manager_saves_when_its_interval_is_over(tmp_path: Path) -> None:
    step = 0
    with pytest.raises(ValueError, match="needs a `step_counter`"):
        train.CheckpointManager({}, tmp_path, 1, checkpoint_interval=2)
    manager = train.CheckpointManager(
        {"w": 1}, tmp_path, 9, step_counter=lambda: step, checkpoint_interval=2
    )
    assert manager.save() is not None
    assert manager.save(check_interval=False) is None
    step = 1
    assert manager.save() is None
    assert manager.save(check_interval=False) is not None
    step = 3
    assert manager.save() is not None
    fresh = train.CheckpointManager(
        {"w": 1}, tmp_path, 9, step_counter=lambda: step, checkpoint_interval=2
    )
    assert fresh.restore_or_initialize() == f"{tmp_path}/ckpt-3"
    assert fresh.save() is None


def test_manager_of_empty_directory_initializes(tmp_path: Path) -> None:
    called = []
    manager = train.CheckpointManager(
        {"w": 1}, tmp_path / "new", 1, init_fn=lambda: called.append(1)
    )
    assert (manager.restore_or_initialize(), called) == (None, [1])
    assert train.CheckpointManager({"w": 1}, tmp_path, 1).restore_or_initialize() is None


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
