"""Flipped bits in large tensors, for which other damage may look the same: never without a word."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tensorbundle as tb
from tensorbundle.cli import program
from tests.doctor.damage import overwrite


@pytest.fixture
def damaged(tmp_path: Path) -> str:
    """A tensor of 4 MiB with one flipped bit: a doubt of 1.6 percent; and a small one."""
    random = np.random.default_rng(3)
    arrays = {"large": random.integers(0, 255, 1 << 22, np.uint8), "small": np.arange(50.0)}
    arrays |= {f"sound{number}": np.arange(9) for number in range(5)}
    prefix = tb.save(tmp_path / "m", arrays)
    shard = Path(f"{prefix}.data-00000-of-00001")
    for offset in (1_234_567, (1 << 22) + 80):
        overwrite(shard, offset, bytes([shard.read_bytes()[offset] ^ 16]))
    return prefix


def test_a_doubtful_bit_is_mended_in_the_new_checkpoint_and_told(
    damaged: str, tmp_path: Path
) -> None:
    done = tb.salvage(damaged, tmp_path / "good")
    assert [each.name for each in done.mended] == ["large", "small"]
    assert [each.name for each in done.doubtful] == ["large"]
    assert len(done.kept) == 7
    assert not done.ok
    assert tb.open(tmp_path / "good").verify().ok


def test_a_doubtful_bit_is_not_flipped_in_place_unasked(damaged: str) -> None:
    done = tb.salvage(damaged, in_place=True)
    assert [each.name for each in done.mended] == ["small"]
    assert [each.name for each in done.lost] == ["large"]
    assert {fault.name for fault in tb.open(damaged).verify().faults} == {"large"}
    assert tb.salvage(damaged, in_place=True, max_doubt=0.05).doubtful
    assert tb.open(damaged).verify().ok


def test_the_command_says_so_and_exits_with_1(damaged: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(program, ["salvage", damaged, str(tmp_path / "good")])
    assert result.exit_code == 1
    assert "other damage looks so with a likelihood of 0.016" in result.stdout
    strict = CliRunner().invoke(program, ["salvage", damaged, "--max-doubt", "0.001"])
    assert "lost: large" in strict.stdout
