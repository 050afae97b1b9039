"""The saving examples of TensorFlow's tutorials, as they are written with this library.

Each test is one example; where the tutorial has ``sess`` stands a mapping of arrays. TensorFlow
restores every result into variables of its own, which began with other values.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tests.train.savers import Savers as TensorFlow


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tutorials save to relative paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program() -> dict[str, Any]:
    """The variables of a small program."""
    return {
        "dense/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
        "dense/bias": np.array([1, 2, 3], np.float32),
    }


def untrained() -> dict[str, Any]:
    """The same in TensorFlow, with the values that restoring must replace."""
    return {"dense/kernel": [[-1.0] * 3] * 2, "dense/bias": [-1.0] * 3}


def values(variables: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(each).tolist() for name, each in variables.items()}


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_save_and_restore(folder: Path, tensorflow: TensorFlow) -> None:
    saver = tb.train.Saver()
    save_path = saver.save(program(), "./model.ckpt")
    assert save_path == "./model.ckpt"
    assert tensorflow.restore(str(folder / "model.ckpt"), untrained()) == values(program())

    fresh = {"dense/kernel": np.zeros((2, 3), np.float32), "dense/bias": np.zeros(3, np.float32)}
    saver.restore(fresh, save_path)
    assert values(fresh) == values(program())


def test_save_with_global_step(folder: Path, tensorflow: TensorFlow) -> None:
    variables = program()
    saver = tb.train.Saver()
    for step in range(3):
        variables["dense/bias"] += 1
        saver.save(variables, "my-model", global_step=step)
    assert tb.train.latest_checkpoint(".") == "./my-model-2"
    for step in range(3):
        restored = tensorflow.restore(str(folder / f"my-model-{step}"), untrained())
        assert restored["dense/bias"] == [2.0 + step, 3.0 + step, 4.0 + step]


def test_max_to_keep_4_over_30_saves(folder: Path, tensorflow: TensorFlow) -> None:
    variables = program()
    saver = tb.train.Saver(max_to_keep=4)
    for step in range(30):
        variables["dense/kernel"] += 1
        saver.save(variables, "run/model.ckpt", step)
    kept = [f"model.ckpt-{step}{end}" for step in range(26, 30) for end in ENDINGS]
    assert files(folder / "run") == sorted([*kept, "checkpoint"])
    assert tb.train.latest_checkpoint("run") == "run/model.ckpt-29"
    newest = tensorflow.latest_checkpoint(str(folder / "run"))
    assert newest == str(folder / "run/model.ckpt-29")
    assert tensorflow.restore(newest, untrained()) == values(variables)


def test_keep_checkpoint_every_n_hours(
    folder: Path, tensorflow: TensorFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = 0.0
    monkeypatch.setattr("time.time", lambda: 1e9 + hour * 3600)
    variables = program()
    saver = tb.train.Saver(max_to_keep=4, keep_checkpoint_every_n_hours=2)
    for step in range(30):  # one every half hour
        hour += 0.5
        variables["dense/bias"] += 1
        saver.save(variables, "run/model.ckpt", step)
    steps = [4, 8, 12, 16, 20, 24, 26, 27, 28, 29]
    kept = [f"model.ckpt-{step}{end}" for step in steps for end in ENDINGS]
    assert files(folder / "run") == sorted([*kept, "checkpoint"])
    for step in steps:
        restored = tensorflow.restore(str(folder / f"run/model.ckpt-{step}"), untrained())
        assert restored["dense/bias"] == [2.0 + step, 3.0 + step, 4.0 + step]


def test_save_a_subset_of_variables(folder: Path, tensorflow: TensorFlow) -> None:
    saver = tb.train.Saver(["dense/bias"])
    path = saver.save(program(), "subset.ckpt")
    assert tb.train.list_variables(path) == [("dense/bias", [3])]
    restored = tensorflow.restore(str(folder / "subset.ckpt"), untrained(), ["dense/bias"])
    assert restored == untrained() | {"dense/bias": [1.0, 2.0, 3.0]}


def test_save_a_dict_of_names(folder: Path, tensorflow: TensorFlow) -> None:
    v1, v2 = np.array([1, 2], np.float32), np.array([[3]], np.float32)
    saver = tb.train.Saver({"my_v1": v1, "my_v2": v2})
    saver.save(None, "named.ckpt")
    names = {"my_v1": "v1", "my_v2": "v2"}
    restored = tensorflow.restore(
        str(folder / "named.ckpt"), {"v1": [0.0, 0.0], "v2": [[0.0]]}, names
    )
    assert restored == {"v1": [1.0, 2.0], "v2": [[3.0]]}

    v1[:] = 0
    saver.restore(None, "named.ckpt")
    assert v1.tolist() == [1.0, 2.0]


def test_restore_moving_averages_onto_their_variables(folder: Path, tensorflow: TensorFlow) -> None:
    shadow = "dense/bias/ExponentialMovingAverage"
    tb.train.Saver().save(program() | {shadow: np.array([7, 8, 9], np.float32)}, "ema.ckpt")
    names = {shadow: "dense/bias", "dense/kernel": "dense/kernel"}
    restored = tb.train.Saver(names).restore(program(), "ema.ckpt")
    assert restored["dense/bias"].tolist() == [7.0, 8.0, 9.0]
    assert tensorflow.restore(str(folder / "ema.ckpt"), untrained(), names) == values(restored)


def test_write_meta_graph_only_once(folder: Path, tensorflow: TensorFlow) -> None:
    tensorflow.meta_graph(untrained(), str(folder / "program.meta"))
    graph = (folder / "program.meta").read_bytes()
    saver = tb.train.Saver(meta_graph=graph)
    saver.save(program(), "my-model", global_step=1000)
    saver.save(program(), "my-model", global_step=2000, write_meta_graph=False)
    assert (folder / "my-model-1000.meta").read_bytes() == graph
    assert not (folder / "my-model-2000.meta").exists()
    assert tensorflow.import_meta_graph(str(folder / "my-model-1000")) == values(program())
    assert tensorflow.restore(str(folder / "my-model-2000"), untrained()) == values(program())


def test_restore_the_latest_and_resume(folder: Path, tensorflow: TensorFlow) -> None:
    def train(steps: int) -> dict[str, Any]:
        variables = program() | {"global_step": np.array(0, np.float32)}
        saver = tb.train.Saver(max_to_keep=2)
        if latest := tb.train.latest_checkpoint("run"):
            saver.restore(variables, latest)
            state = tb.train.get_checkpoint_state("run")
            saver.recover_last_checkpoints(state.all_model_checkpoint_paths if state else [])
        for _ in range(steps):
            variables["dense/bias"] += 1
            variables["global_step"] += 1
            saver.save(variables, "run/model.ckpt", int(variables["global_step"]))
        return variables

    train(3)
    variables = train(2)
    assert variables["global_step"] == 5
    assert files(folder / "run") == sorted(
        ["checkpoint", *(f"model.ckpt-{step}{end}" for step in (4, 5) for end in ENDINGS)]
    )
    newest = tensorflow.latest_checkpoint(str(folder / "run"))
    restored = tensorflow.restore(newest, untrained() | {"global_step": 0.0})
    assert restored == values(variables)


def test_two_savers_with_state_files_of_their_own(folder: Path, tensorflow: TensorFlow) -> None:
    often, best = tb.train.Saver(max_to_keep=2), tb.train.Saver(max_to_keep=1)
    for step in range(4):
        often.save(program(), "run/model.ckpt", step)
        best.save(program(), "run/best.ckpt", step, latest_filename="best")
    run = str(folder / "run")
    assert tensorflow.latest_checkpoint(run) == f"{run}/model.ckpt-3"
    assert tensorflow.latest_checkpoint(run, "best") == f"{run}/best.ckpt-3"
    assert tb.train.latest_checkpoint("run", "best") == "run/best.ckpt-3"
    assert tensorflow.restore(f"{run}/best.ckpt-3", untrained()) == values(program())


def test_save_one_shard_a_device(folder: Path, tensorflow: TensorFlow) -> None:
    devices = {"dense/kernel": "/device:GPU:1", "dense/bias": "/device:GPU:0"}
    path = tb.train.Saver(sharded=True, devices=devices).save(program(), "sharded.ckpt")
    assert files(folder) == [
        "checkpoint",
        "sharded.ckpt.data-00000-of-00002",
        "sharded.ckpt.data-00001-of-00002",
        "sharded.ckpt.index",
    ]
    assert tb.open(path or "").info("dense/kernel").shard == 1
    assert tensorflow.restore(str(folder / "sharded.ckpt"), untrained()) == values(program())


def test_moved_directory_with_relative_paths(folder: Path, tensorflow: TensorFlow) -> None:
    saver = tb.train.Saver(save_relative_paths=True, pad_step_number=True)
    saver.save(program(), folder / "run" / "model.ckpt", 12)
    (folder / "run").rename(folder / "moved")
    newest = tensorflow.latest_checkpoint(str(folder / "moved"))
    assert newest == str(folder / "moved/model.ckpt-00000012")
    assert tensorflow.restore(newest, untrained()) == values(program())


def test_checkpoint_manager(folder: Path, tensorflow: TensorFlow) -> None:
    def train(steps: int) -> tuple[str | None, list[str]]:
        step = np.array(0, np.float32)
        net = {"l1": {"kernel": np.zeros((1, 5), np.float32), "bias": np.zeros(5, np.float32)}}
        ckpt = tb.train.Checkpoint(step=step, net=net)
        manager = tb.train.CheckpointManager(ckpt, "./tf_ckpts", max_to_keep=3)
        ckpt.restore(manager.latest_checkpoint)
        begun = manager.latest_checkpoint
        for _ in range(steps):
            net["l1"]["kernel"] += 0.5
            step += 1
            if int(step) % 10 == 0:
                manager.save()
        return begun, manager.checkpoints

    assert train(50) == (None, [f"./tf_ckpts/ckpt-{number}" for number in (3, 4, 5)])
    begun, kept = train(50)
    assert begun == "./tf_ckpts/ckpt-5"
    assert kept == [f"./tf_ckpts/ckpt-{number}" for number in (8, 9, 10)]
    assert files(folder / "tf_ckpts") == sorted(
        ["checkpoint", *(f"ckpt-{number}{end}" for number in (8, 9, 10) for end in ENDINGS)]
    )
    newest = tensorflow.latest_checkpoint(str(folder / "tf_ckpts"))
    tree = {"step": 0.0, "net": {"l1": {"kernel": [[0.0] * 5], "bias": [1.0] * 5}}}
    restored, counter = tensorflow.restore_objects(newest, tree)
    assert restored == {"step": 100.0, "net": {"l1": {"kernel": [[50.0] * 5], "bias": [0.0] * 5}}}
    assert counter == 10


def test_checkpoint_manager_every_two_hundred_steps(folder: Path, tensorflow: TensorFlow) -> None:
    tree = {"step": np.array(0, np.float32)}
    step = np.array(0)
    manager = tb.train.CheckpointManager(
        tree, "run", max_to_keep=None, step_counter=step, checkpoint_interval=200
    )
    for _ in range(1000):
        tree["step"] += 1
        step += 1
        manager.save()
    assert len(manager.checkpoints) == 5
    restored = tensorflow.restore_objects(str(folder / "run/ckpt-5"), {"step": 0.0})
    assert restored == [{"step": 801.0}, 5]


def test_write_an_object_and_restore_it_into_another(folder: Path, tensorflow: TensorFlow) -> None:
    layers = [{"w": np.array([1, 2], np.float32)}, {"w": np.array([3, 4], np.float32)}]
    path = tb.train.Checkpoint(layers=layers).save("./objects/ckpt")
    assert path == "./objects/ckpt-1"
    tree = {"layers": [{"w": [0.0, 0.0]}, {"w": [0.0, 0.0]}]}
    restored, _ = tensorflow.restore_objects(str(folder / "objects/ckpt-1"), tree)
    assert restored == {"layers": [{"w": [1.0, 2.0]}, {"w": [3.0, 4.0]}]}


def test_restore_what_checkpoint_of_tensorflow_wrote(folder: Path, tensorflow: TensorFlow) -> None:
    tree = {"layers": [{"w": [1.0, 2.0]}, {"w": [3.0, 4.0]}], "step": 5.0}
    path = tensorflow.write_objects(str(folder / "theirs"), tree)
    mine = {"layers": [{"w": np.zeros(2, np.float32)}, {"w": None}], "step": None}
    ckpt = tb.train.Checkpoint(mine)
    assert list(ckpt.restore(path)) == ["layers/0/w", "layers/1/w", "step"]
    assert mine["layers"][0]["w"].tolist() == [1.0, 2.0]
    assert mine["layers"][1]["w"].tolist() == [3.0, 4.0]
    assert (mine["step"], ckpt.save_counter) == (5.0, 1)


ENDINGS = (".index", ".data-00000-of-00001")
