"""The face of `train` beside ``tf.train``: what it has, how it is called, what it answers."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import train
from tests.train.savers import Savers

# What takes a graph, a session or devices; and protocol buffers, which are classes of their own.
ELSEWHERE = {"NewCheckpointReader", "CheckpointOptions"}
FACES = [name for name in train.__all__ if name not in ("errors", "DType", "as_dtype")]
# Arguments that have another name here, because something else is given.
RENAMED = {"sess": "variables"}
# More than TensorFlow has, by keyword only.
OURS_ALONE = {"SaverDef", "CheckpointState", "CheckpointReader", "wait_for_new_checkpoint"}


def members() -> dict[str, Any]:
    found = {}
    for name in FACES:
        face = getattr(train, name)
        if name in OURS_ALONE:
            continue
        if not isinstance(face, type):
            found[name] = face
            continue
        for each in dir(face):
            if each == "__init__" or not each.startswith("_"):
                found[f"{name}.{each}"] = getattr(face, each)
    return found


def test_arguments_are_those_of_tensorflow_in_its_order(tensorflow: Savers) -> None:
    theirs, ours = tensorflow.signatures(), members()
    differing = {}
    for name, expected in theirs.items():
        if name not in ours or not callable(ours[name]):
            continue
        parameters = inspect.signature(ours[name]).parameters.values()
        found = [
            each.name
            for each in parameters
            if each.kind in (each.POSITIONAL_OR_KEYWORD, each.POSITIONAL_ONLY)
        ]
        expected = [RENAMED.get(each, each) for each in expected if each != "kwargs"]
        if found != expected and not name.endswith("export_meta_graph"):
            differing[name] = (expected, found)
    assert differing == {}


def test_every_member_of_tensorflows_classes_is_there(tensorflow: Savers) -> None:
    ours, classes = members(), {"Saver", "Checkpoint", "CheckpointManager", "CheckpointView"}
    theirs = {name for name in tensorflow.signatures() if name.partition(".")[0] in classes}
    assert len(theirs) > 25
    assert theirs - ours.keys() == set()


TREE: Any = {"a": [1.0, 2.0], "inner": {"b": [[3.0]], "c": [4.0]}, "parts": [{"d": [5.0]}]}
OTHER: Any = {"a": [1.0, 2.0], "inner": {"b": [[3.0]], "e": [4.0]}, "new": [6.0]}


def arrays(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: arrays(each) for name, each in tree.items()}
    if tree and isinstance(tree[0], dict):
        return [arrays(each) for each in tree]
    return np.array(tree, np.float32)


@pytest.mark.parametrize("other", [TREE, OTHER, {}])
def test_view_says_what_tensorflows_says(tmp_path: Path, tensorflow: Savers, other: Any) -> None:
    path = tensorflow.write_objects(str(tmp_path / "ckpt"), TREE)
    children, descendants, both, theirs, ours = tensorflow.view(path, other)
    view = train.CheckpointView(path)
    assert {str(each): view.children(each) for each in view.descendants()} == children
    assert sorted(view.descendants()) == descendants
    # TensorFlow's own object counts its saves too.
    found = view.diff(train.Checkpoint({**arrays(other), "save_counter_": np.int64(0)}))
    assert set(found[0]) == set(both) - {number for number in both if is_counter(view, number)}
    assert set(theirs) <= set(found[1])
    assert len(found[2]) >= ours


def is_counter(view: train.CheckpointView, number: int) -> bool:
    return view.children(0).get("save_counter") == number


def test_view_of_named_variables_is_refused(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": 1})
    with pytest.raises(ValueError, match="is not object-based"):
        train.CheckpointView(tmp_path / "m")
    with pytest.raises(train.errors.NotFoundError, match="no checkpoint"):
        train.CheckpointView(tmp_path / "n")


def test_status_of_a_restore_tells_what_was_left_over(tmp_path: Path) -> None:
    path = train.Checkpoint(arrays(TREE)).save(tmp_path / "ckpt")
    whole = train.Checkpoint(arrays(TREE)).restore(path)
    assert whole.assert_consumed().assert_existing_objects_matched() is whole
    part = train.Checkpoint({"a": np.zeros(2, np.float32)}).restore(path)
    assert part.expect_partial().assert_nontrivial_match()["a"].tolist() == [1, 2]
    part.initialize_or_restore()
    part.run_restore_ops()
    with pytest.raises(AssertionError, match=r"3 of them: 'inner/b/\.ATTRIBUTES"):
        part.assert_consumed()
    with pytest.raises(AssertionError, match="nothing except the root"):
        train.Checkpoint({}).restore(None).assert_nontrivial_match()


def test_read_leaves_the_count_of_saves_alone(tmp_path: Path) -> None:
    checkpoint = train.Checkpoint(root=arrays(TREE))
    path = checkpoint.save(tmp_path / "ckpt")
    other = train.Checkpoint(arrays(TREE))
    other.read(path).assert_consumed()
    assert other.save_counter == 0
    other.restore(path)
    assert other.save_counter == 1
    other.sync()
    train.CheckpointManager(other, tmp_path, 3).sync()


def test_saver_is_described_and_made_of_its_description(tmp_path: Path) -> None:
    saver = train.Saver(None, False, True, 7, 2.5, meta_graph=b"graph")
    definition = saver.as_saver_def()
    assert definition == saver.to_proto()
    assert (definition.max_to_keep, definition.sharded, definition.version) == (7, True, 2)
    assert train.Saver.from_proto(definition).as_saver_def() == definition
    saver.build()
    assert saver.export_meta_graph(tmp_path / "m.meta") == b"graph"
    assert (tmp_path / "m.meta").read_bytes() == b"graph"
    with pytest.raises(ValueError, match="there is no graph"):
        train.Saver().export_meta_graph()
    with pytest.raises(tb.UnsupportedError, match="V1 checkpoints are read, not written"):
        train.Saver(write_version=train.SaverDef.V1)


def test_saver_of_no_checkpoint_raises_what_tensorflow_raises(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="The passed save_path is not valid") as caught:
        train.Saver().restore({}, tmp_path / "m")
    assert isinstance(caught.value, tb.MissingFileError)
    tb.save(tmp_path / "m", {"w": np.float32(1)})
    with pytest.raises(train.errors.NotFoundError, match="'v'"):
        train.Saver(["v"]).restore(None, tmp_path / "m")
    with pytest.raises(train.errors.InvalidArgumentError, match="does not fit"):
        train.Saver().restore({"w": np.zeros(3, np.float32)}, tmp_path / "m")


def test_state_prints_itself_as_tensorflows_message(tmp_path: Path) -> None:
    train.update_checkpoint_state(tmp_path, "m-1")
    state = train.get_checkpoint_state(tmp_path)
    path = tmp_path / "m-1"
    expected = f'model_checkpoint_path: "{path}"\nall_model_checkpoint_paths: "{path}"\n'
    assert str(state) == expected
