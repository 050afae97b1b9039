"""Salvage where nothing can be saved: no checkpoint is written, and what is missing is named."""

import os
from pathlib import Path

import pytest

import tensorbundle as tb
from tests.doctor.damage import small_values
from tests.freeze.program import run

SHARD = ".data-00000-of-00001"


@pytest.fixture
def small(tmp_path: Path) -> str:
    prefix = str(tmp_path / "run" / "m")
    os.mkdir(tmp_path / "run")
    tb.save(prefix, small_values())
    return prefix


def damage(prefix: str, how: str) -> None:
    if how == "gone":
        os.remove(prefix + ".index")
    elif how == "empty":
        os.truncate(prefix + ".index", 0)
    else:
        os.remove(prefix + SHARD)


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_without_an_index_or_anything_like_it_there_is_nothing_to_save_by(
    small: str, tmp_path: Path, how: str
) -> None:
    damage(small, how)
    good = tmp_path / "good"
    done = tb.salvage(small, good)
    assert (done.ok, done.kept, done.dst) == (False, (), None)
    assert "name a save of the same program by like=" in " ".join(done.notes)
    result = run("salvage", small, good, code=1)
    assert "by --like" in result.stderr
    assert "nothing was written" in result.stdout
    assert not Path(f"{good}.index").exists()


def test_no_empty_checkpoint_is_written_where_every_tensor_is_lost(
    small: str, tmp_path: Path
) -> None:
    damage(small, "shard gone")
    good = tmp_path / "good"
    done = tb.salvage(small, good)
    assert (done.ok, done.kept, done.dst) == (False, (), None)
    assert len(done.lost) == len(small_values())
    assert not Path(f"{good}.index").exists()
    said = run("salvage", small, good, code=1).stdout
    assert "nothing was written" in said


def test_what_is_lost_with_a_shard_names_the_shard(small: str) -> None:
    damage(small, "shard gone")
    assert {each.why.rpartition(": ")[2] for each in tb.salvage(small).lost} == {f"m{SHARD}"}
