"""`Saver`, `Checkpoint` and `CheckpointManager`: what they take, fill, refuse and leave alone.

That files are the same as TensorFlow's is for `compat/` to show, that TensorFlow restores them for
`test_tutorials.py`.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import train
from tests.golden.cases import path_of


def variables() -> dict[str, Any]:
    return {"w": np.array([[1, 2]], np.float32), "step": np.array(7)}


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
