"""State files of every hand and system: opened as they lie, repaired for TensorFlow to read."""

import contextlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import FormatError, MissingFileError
from tests.freeze.program import document, run
from tests.oracle.client import TensorFlowError
from tests.train.savers import Savers

PLAIN = 'model_checkpoint_path: "{}"\n'
HANDS = {
    "byte order mark": '\ufeffmodel_checkpoint_path: "ckpt-2"\n'.encode(),
    "UTF-16": 'model_checkpoint_path: "ckpt-2"\r\n'.encode("utf-16"),
    "UTF-16 of the other order": b"\xfe\xff" + PLAIN.format("ckpt-2").encode("utf-16-be"),
    "CRLF": b'model_checkpoint_path: "ckpt-2"\r\nall_model_checkpoint_paths: "ckpt-2"\r\n',
    "drive and bad escape": rb'model_checkpoint_path: "C:\Users\me\run\ckpt-2"',
    "drive and good escapes": rb'model_checkpoint_path: "C:\temp\new\ckpt-2"',
    "server": rb'model_checkpoint_path: "\\server\runs\ckpt-2"',
    "relative with a tab": rb'model_checkpoint_path: "train\ckpt-2"',
    "bad escape, relative": rb'model_checkpoint_path: "models\unet\ckpt-2"',
    "no quotes": b"model_checkpoint_path: ckpt-2\nall_model_checkpoint_paths: ckpt-2\n",
    "typographic quotes": "model_checkpoint_path: “ckpt-2”\n".encode(),
    "quote lost": b'model_checkpoint_path: "ckpt-2\n',
    "an equals sign": b'model_checkpoint_path = "ckpt-2"\n',
    "the index named": b'model_checkpoint_path: "ckpt-2.index"\n',
    "a data file named": b'model_checkpoint_path: "/gone/ckpt-2.data-00000-of-00001"\n',
    "the graph named": b'model_checkpoint_path: "ckpt-2.meta"\n',
    "absolute, moved": b'model_checkpoint_path: "/home/me/run/ckpt-2"\n',
}


def saved(folder: Path, *numbers: int) -> Path:
    for number in numbers:
        tb.save(folder / f"ckpt-{number}", {"w": np.float32(number)})
    return folder


@pytest.mark.parametrize("hand", sorted(HANDS))
def test_state_file_of_any_hand_opens_and_is_repaired(
    tmp_path: Path, tensorflow: Savers, hand: str
) -> None:
    saved(tmp_path, 1, 2)
    (tmp_path / "checkpoint").write_bytes(HANDS[hand])
    before = None
    with contextlib.suppress(TensorFlowError):  # it stops at UTF-16
        before = tensorflow.latest_checkpoint(str(tmp_path))
    is_sound = before == str(tmp_path / "ckpt-2")
    opened = tb.open(tmp_path)
    assert opened["w"] == 2
    assert is_sound != bool(opened.location.notes)
    done = tb.relocate(tmp_path)
    assert (done.latest, done.changed) == ("ckpt-2", not is_sound)
    assert tensorflow.latest_checkpoint(str(tmp_path)) == str(tmp_path / "ckpt-2")
    assert not tb.relocate(tmp_path).changed


def test_subdirectory_of_a_moved_tree_is_found(tmp_path: Path) -> None:
    saved(tmp_path / "export", 3)
    (tmp_path / "checkpoint").write_text(PLAIN.format("/old/run/export/ckpt-3"))
    assert tb.open(tmp_path)["w"] == 3
    assert tb.relocate(tmp_path).latest == os.path.join("export", "ckpt-3")


def test_newest_gone_and_an_older_there_is_repaired(tmp_path: Path, tensorflow: Savers) -> None:
    saved(tmp_path, 1, 2)
    names = "".join(f'all_model_checkpoint_paths: "ckpt-{n}"\n' for n in (1, 2, 3))
    (tmp_path / "checkpoint").write_text(PLAIN.format("ckpt-3") + names)
    with pytest.raises(MissingFileError, match="checkpoints there: 'ckpt-2', 'ckpt-1'"):
        tb.open(tmp_path)
    assert "the newest is ckpt-2" in run("relocate", tmp_path).stdout
    assert tensorflow.latest_checkpoint(str(tmp_path)) == str(tmp_path / "ckpt-2")


def test_latest_is_what_was_asked_for(tmp_path: Path, tensorflow: Savers) -> None:
    saved(tmp_path, 1, 2)
    for spelled in ("ckpt-1", "ckpt-1.index", str(tmp_path / "ckpt-1")):
        shutil.rmtree(tmp_path / "checkpoint", ignore_errors=True)
        assert document("relocate", tmp_path, "--latest", spelled)["latest"] == "ckpt-1"
        assert tensorflow.latest_checkpoint(str(tmp_path)) == str(tmp_path / "ckpt-1")
    with pytest.raises(MissingFileError, match="no checkpoint 'ckpt-7' beside the state file"):
        tb.relocate(tmp_path, latest="ckpt-7")


def test_latest_gets_a_time_where_the_others_have_one(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2)
    state = 'all_model_checkpoint_paths: "ckpt-1"\nall_model_checkpoint_timestamps: 5.0\n'
    (tmp_path / "checkpoint").write_text(PLAIN.format("ckpt-1") + state)
    tb.relocate(tmp_path, latest="ckpt-2")
    after = tb.train.get_checkpoint_state(tmp_path)
    assert len(after.all_model_checkpoint_timestamps) == 2
    assert after.all_model_checkpoint_timestamps[0] == 5.0


def test_nothing_left_says_what_is_there(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    (tmp_path / "checkpoint").write_text(PLAIN.format("other-3"))
    with pytest.raises(MissingFileError, match="checkpoints there: 'ckpt-1'"):
        tb.relocate(tmp_path)


def test_path_outside_stays_as_it_is_and_is_told_when_opened(tmp_path: Path) -> None:
    outside = saved(tmp_path / "elsewhere", 5) / "ckpt-5"
    saved(tmp_path / "run", 1)
    names = "".join(f'all_model_checkpoint_paths: "{n}"\n' for n in (outside, "ckpt-1"))
    (tmp_path / "run" / "checkpoint").write_text(PLAIN.format(outside) + names)
    notes = tb.open(tmp_path / "run").location.notes
    assert notes == (f"the state file names {str(outside)!r}, which lies outside its directory",)
    assert not tb.relocate(tmp_path / "run").changed


def test_named_pipe_for_a_state_file_is_refused_without_waiting(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    os.mkfifo(tmp_path / "checkpoint")
    with pytest.raises(FormatError, match="is no regular file"):
        tb.relocate(tmp_path)
    assert tb.train.latest_checkpoint(tmp_path) is None
    assert tb.open(tmp_path)["w"] == 1
