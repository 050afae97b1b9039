"""Resuming from the newest whole checkpoint, whatever the state file says, and pruning with it."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import tensorbundle as tb
from tensorbundle.cli import program


def saved(directory: Path, *numbers: int, named: int | None = None, stem: str = "ckpt") -> str:
    """Checkpoints in the order given, the state file written for one of them."""
    for number in numbers:
        prefix = tb.save(directory / f"{stem}-{number}", {"w": np.full(3, number)})
        os.utime(f"{prefix}.index", ns=(number * 10**9, number * 10**9))
    if named is not None:
        known = [str(directory / f"{stem}-{n}") for n in numbers if n <= named]
        tb.train.update_checkpoint_state(directory, known[-1], known)
    return str(directory / stem)


def damage(prefix: str) -> None:
    shard = Path(f"{prefix}.data-00000-of-00001")
    content = bytearray(shard.read_bytes())
    content[5] ^= 8
    shard.write_bytes(content)


def newest(directory: Path) -> str | None:
    found = tb.train.latest_checkpoint(directory, intact=True)
    return None if found is None else os.path.basename(found)


def test_one_that_the_state_file_does_not_name_yet_is_the_newest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path, 1, 2, 3, named=2)
    assert newest(tmp_path) == "ckpt-3"
    assert "ckpt-3, is in no state file" in caplog.text
    assert tb.train.latest_checkpoint(tmp_path) == str(tmp_path / "ckpt-2")


@pytest.mark.parametrize("harm", ["bit", "no data", "short data", "no index", "index", "empty"])
def test_a_damaged_newest_is_passed_over_and_told(
    tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    prefix = f"{saved(tmp_path, 1, 2, 3, named=3)}-3"
    shard, index = Path(f"{prefix}.data-00000-of-00001"), Path(f"{prefix}.index")
    if harm == "bit":
        damage(prefix)
    elif harm == "no data":
        shard.unlink()
    elif harm == "short data":
        os.truncate(shard, 10)
    elif harm == "no index":
        index.unlink()
    elif harm == "index":
        index.write_bytes(index.read_bytes()[:-20])
    else:
        index.write_bytes(b"")
    assert newest(tmp_path) == "ckpt-2"
    assert f"the checkpoint {prefix} was passed over: " in caplog.text


def test_a_healthy_directory_is_told_nothing_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path, 1, 2, 3, named=3)
    assert newest(tmp_path) == "ckpt-3"
    assert caplog.text == ""


def test_without_a_state_file_or_with_one_that_makes_no_sense(tmp_path: Path) -> None:
    assert newest(tmp_path / "nowhere") is None
    assert newest(tmp_path) is None
    saved(tmp_path, 1, 2)
    assert newest(tmp_path) == "ckpt-2"
    for content in (b"", b"\0" * 40, b'all_model_checkpoint_paths: "ckpt-1"\n'):
        (tmp_path / "checkpoint").write_bytes(content)
        assert newest(tmp_path) == "ckpt-2"


def test_what_another_run_or_program_left_is_not_newer(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2, named=2)
    saved(tmp_path, 90, stem="best")
    older = tb.save(tmp_path / "ckpt-7", {"w": np.full(3, 7)})  # of a run that was begun anew since
    os.utime(f"{older}.index", (1, 1))
    assert newest(tmp_path) == "ckpt-2"
    damage(str(tmp_path / "ckpt-2"))
    assert newest(tmp_path) == "ckpt-1"
    damage(str(tmp_path / "ckpt-1"))
    assert newest(tmp_path) == "ckpt-7"
    damage(older)
    assert newest(tmp_path) is None


def test_a_moved_directory_is_resumed_from(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2, named=2)
    state = (tmp_path / "checkpoint").read_text().replace(str(tmp_path), "/gone")
    (tmp_path / "checkpoint").write_text(state)
    assert newest(tmp_path) == "ckpt-2"


def tree() -> dict[str, Any]:
    return {"w": np.zeros(4, np.float32)}


def manager(directory: Path, weights: dict[str, Any], **options: Any) -> tb.train.CheckpointManager:
    return tb.train.CheckpointManager(weights, directory, max_to_keep=2, **options)


def killed_before_the_state(directory: Path) -> None:
    """Three saves, of the last of which the state file knows nothing."""
    weights = tree()
    saving = manager(directory, weights)
    for number in (1, 2, 3):
        weights["w"][:] = number
        state = (directory / "checkpoint").read_bytes() if number > 1 else b""
        saving.save()
    (directory / "checkpoint").write_bytes(state)


def test_a_manager_goes_on_after_the_checkpoint_that_nothing_names(tmp_path: Path) -> None:
    killed_before_the_state(tmp_path)
    weights = tree()
    resumed = manager(tmp_path, weights)
    assert resumed.restore_or_initialize(intact=True) == str(tmp_path / "ckpt-3")
    assert weights["w"].tolist() == [3.0] * 4
    assert resumed.save() == str(tmp_path / "ckpt-4")
    resumed.save()
    assert [os.path.basename(path) for path in resumed.checkpoints] == ["ckpt-4", "ckpt-5"]
    assert not (tmp_path / "ckpt-3.index").exists()  # it left in its turn


def test_a_manager_never_begins_anew_where_there_are_only_damaged_ones(tmp_path: Path) -> None:
    killed_before_the_state(tmp_path)
    for index in tmp_path.glob("*.index"):
        damage(str(index)[: -len(".index")])
    begun = manager(tmp_path, tree(), init_fn=lambda: pytest.fail("initialized"))
    with pytest.raises(tb.FormatError, match=r"none of \d checkpoints in .* is whole: .*ckpt-3"):
        begun.restore_or_initialize(intact=True)


def test_a_manager_with_nothing_initializes(tmp_path: Path) -> None:
    called: list[int] = []
    begun = manager(tmp_path, tree(), init_fn=lambda: called.append(1))
    assert begun.restore_or_initialize(intact=True) is None
    assert called == [1]


def test_a_saver_restores_the_newest_whole_of_a_directory_or_up_to_a_prefix(tmp_path: Path) -> None:
    prefix = saved(tmp_path, 1, 2, 3, named=2)
    saver = tb.train.Saver()
    assert saver.restore(None, tmp_path, intact=True)["w"][0] == 3
    assert saver.restore(None, f"{prefix}-2", intact=True)["w"][0] == 2
    damage(f"{prefix}-2")
    assert saver.restore(None, f"{prefix}-2", intact=True)["w"][0] == 1
    damage(f"{prefix}-1")
    with pytest.raises(tb.FormatError, match="none of 2 checkpoints"):
        saver.restore(None, f"{prefix}-2", intact=True)
    with pytest.raises(tb.MissingFileError, match="no checkpoint"):
        saver.restore(None, tmp_path / "empty" / "ckpt-1", intact=True)


def prune(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(program, ["prune-checkpoints", "--json", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_pruning_keeps_the_newest_whole_ones_of_each_series(tmp_path: Path) -> None:
    prefix = saved(tmp_path, 1, 2, 3, 4, 5, named=5)
    saved(tmp_path, 40, stem="best")
    damage(f"{prefix}-4")
    before = sorted(os.listdir(tmp_path))
    told = prune(tmp_path, "--keep", 2, "--dry-run")
    assert sorted(os.listdir(tmp_path)) == before
    assert [os.path.basename(path) for path in told["removed"]] == ["ckpt-2", "ckpt-1"]
    assert {os.path.basename(path) for path in told["kept"]} == {"ckpt-5", "ckpt-3", "best-40"}
    assert [path for path, _ in told["damaged"]] == [f"{prefix}-4"]
    expected = sum(path.stat().st_size for path in tmp_path.glob("ckpt-[12].*"))
    assert told["nbytes"] == expected
    assert prune(tmp_path, "--keep", 2) == told
    left = {name.partition(".")[0] for name in os.listdir(tmp_path)}
    assert left == {"ckpt-5", "ckpt-4", "ckpt-3", "best-40", "checkpoint"}
    state = tb.train.get_checkpoint_state(tmp_path)
    assert state is not None
    assert [*map(os.path.basename, state.all_model_checkpoint_paths)] == [
        f"ckpt-{number}" for number in (3, 4, 5)
    ]


def test_pruning_keeps_what_the_state_file_does_not_name_yet_and_names_it(tmp_path: Path) -> None:
    prefix = saved(tmp_path, 1, 2, 3, named=2)
    tb.prune_checkpoints(tmp_path, keep=1)
    assert tb.train.latest_checkpoint(tmp_path) == f"{prefix}-3"
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["ckpt-3.index"]


def test_pruning_leaves_what_lies_elsewhere(tmp_path: Path) -> None:
    elsewhere, here = tmp_path / "elsewhere", tmp_path / "here"
    elsewhere.mkdir()
    here.mkdir()
    other = f"{saved(elsewhere, 1)}-1"
    prefix = saved(here, 2, 3)
    tb.train.update_checkpoint_state(here, f"{prefix}-3", [other, f"{prefix}-2"])
    assert tb.prune_checkpoints(here, keep=1).removed == (f"{prefix}-2",)
    assert tb.open(other).verify()
    state = tb.train.get_checkpoint_state(here)
    assert state is not None
    assert state.all_model_checkpoint_paths == (other, f"{prefix}-3")


def test_pruning_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keep must be 1 or more, not 0"):
        tb.prune_checkpoints(tmp_path, keep=0)


def test_a_refusal_of_the_system_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    saved(tmp_path, 1, 2, named=2)

    def refuse(path: str) -> None:
        raise PermissionError(13, "permission denied", path)

    monkeypatch.setattr("tensorbundle.train.series.newest.open", refuse)
    with pytest.raises(PermissionError, match="permission denied"):
        newest(tmp_path)
