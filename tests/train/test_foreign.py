"""Rotations remove what they made; what a state file names elsewhere stays, files and name."""

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import train
from tests.train.savers import Savers

TREE = {"w": np.float32(1)}


def victim(folder: Path) -> Path:
    tb.save(folder / "ckpt-1", {"w": np.float32(7)})
    return folder / "ckpt-1"


def write_state(folder: Path, newest: str, *names: str, times: tuple[float, ...] = ()) -> None:
    lines = [f'model_checkpoint_path: "{newest}"\n']
    lines += [f'all_model_checkpoint_paths: "{name}"\n' for name in names]
    lines += [f"all_model_checkpoint_timestamps: {time}\n" for time in times]
    (folder / "checkpoint").write_text("".join(lines))


def spellings(tmp_path: Path, kind: str) -> str:
    """A path in a state file of ``run`` that leads to the checkpoint in ``elsewhere``."""
    if kind == "through a link":
        os.symlink(tmp_path / "elsewhere", tmp_path / "run" / "inner")
    return {
        "absolute": str(tmp_path / "elsewhere" / "ckpt-1"),
        "with dots": "../elsewhere/ckpt-1",
        "through a link": "inner/ckpt-1",
    }[kind]


@pytest.mark.parametrize("kind", ["absolute", "with dots", "through a link"])
@pytest.mark.parametrize("timed", [True, False])
def test_manager_keeps_what_lies_outside_files_and_name(
    tmp_path: Path, kind: str, timed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    there = victim(tmp_path / "elsewhere")
    (tmp_path / "run").mkdir()
    written = spellings(tmp_path, kind)
    write_state(tmp_path / "run", written, written, times=(1e9,) if timed else ())
    with caplog.at_level(logging.WARNING):
        manager = train.CheckpointManager(TREE, tmp_path / "run", max_to_keep=1)
        for _ in range(3):
            manager.save()
    assert tb.open(there)["w"] == 7
    text = (tmp_path / "run" / "checkpoint").read_text()
    assert text.count(f'all_model_checkpoint_paths: "{written}"\n') == 1
    assert text.startswith('model_checkpoint_path: "ckpt-3"\n')
    assert [os.path.basename(path) for path in manager.checkpoints] == ["ckpt-3"]
    assert sorted(os.listdir(tmp_path / "run" / ".")).count("ckpt-2.index") == 0
    assert caplog.text.count("is kept") == 1


def test_saver_keeps_what_lies_outside_files_and_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there = victim(tmp_path / "elsewhere")
    (tmp_path / "run").mkdir()
    write_state(tmp_path / "run", str(there), str(there))
    saver = train.Saver(max_to_keep=1)
    state = train.get_checkpoint_state(tmp_path / "run")
    saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
    with caplog.at_level(logging.WARNING):
        for step in range(3):
            saver.save(TREE, tmp_path / "run" / "m", step)
    assert tb.open(there)["w"] == 7
    assert f'paths: "{there}"' in (tmp_path / "run" / "checkpoint").read_text()
    assert not (tmp_path / "run" / "m-1.index").exists()
    assert caplog.text.count("is kept") == 1


def test_saver_removes_its_own_from_another_directory(tmp_path: Path) -> None:
    saver = train.Saver(max_to_keep=1)
    saver.save(TREE, tmp_path / "a" / "m", 1)
    saver.save(TREE, tmp_path / "b" / "m", 2)
    assert not (tmp_path / "a" / "m-1.index").exists()


def test_tensorflow_goes_on_in_a_directory_that_names_others(
    tmp_path: Path, tensorflow: Savers
) -> None:
    there = victim(tmp_path / "elsewhere")
    (tmp_path / "run").mkdir()
    write_state(tmp_path / "run", str(there), str(there))
    train.CheckpointManager(TREE, tmp_path / "run", max_to_keep=1).save()
    tensorflow.start_manager(str(tmp_path / "run"), {"w": 1.0}, max_to_keep=1)
    tensorflow.manage()
    assert tb.open(there)["w"] == 7


# --- a checkpoint that has the state file's name --------------------------------------------------


@pytest.mark.parametrize("sharded", [True, False])
def test_checkpoint_called_checkpoint_lies_beside_its_state_file(
    tmp_path: Path, tensorflow: Savers, sharded: bool
) -> None:
    prefix = str(tmp_path / "checkpoint")
    if sharded:
        train.Saver(sharded=True).save(TREE, prefix)
    else:
        tb.save(prefix, TREE)
        train.update_checkpoint_state(tmp_path, prefix, save_relative_paths=True)
    assert tensorflow.latest_checkpoint(str(tmp_path)) == prefix
    assert train.latest_checkpoint(tmp_path) == prefix
    assert tb.open(prefix)["w"] == tb.open(tmp_path)["w"] == 1
    with pytest.raises(ValueError, match="would have the name of its state file"):
        train.Saver().save(TREE, prefix)


# --- V1 shards as TensorFlow's documentation writes them ------------------------------------------


def test_v1_shards_with_both_numbers_open_exist(tmp_path: Path, tensorflow: Savers) -> None:
    from tests.checkpoint.files import TABLE, touch

    for shard in range(2):
        touch(tmp_path / f"m-0000{shard}-of-00002", TABLE)
    paths: Any = [str(tmp_path / name) for name in ("m-?????-of-?????", "m-?????-of-00002", "n")]
    assert [train.checkpoint_exists(path) for path in paths] == tensorflow.exists(paths)
    ours, theirs = train.get_checkpoint_mtimes(paths), tensorflow.mtimes(paths)
    assert ours == [int(each) for each in theirs]
    assert len(ours) == 2
