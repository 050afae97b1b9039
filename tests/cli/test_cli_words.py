"""Words of the command: counts of one are told as one, and limits that cannot be kept are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._look.amounts import format_subject
from tests.freeze.program import run


@pytest.mark.parametrize(
    ("count", "noun", "verb", "said"),
    [
        (1, "value", "does", "1 value does"),
        (2, "value", "does", "2 values do"),
        (1, "output of it", "is", "1 output of it is"),
        (1200, "output of it", "is", "1,200 outputs of it are"),
        (0, "name", "collides", "0 names collide"),
        (3, "name", "matches", "3 names match"),
    ],
)
def test_what_is_counted_has_its_verb(count: int, noun: str, verb: str, said: str) -> None:
    assert format_subject(count, noun, verb) == said


@pytest.mark.parametrize(("command", "target"), [("export", "out.safetensors"), ("save", "out")])
def test_tensor_larger_than_a_shard_is_told(tmp_path: Path, command: str, target: str) -> None:
    tb.save(tmp_path / "m", {"large": np.ones(9), "small": np.ones(2)})
    said = run(command, tmp_path / "m", tmp_path / target, "--max-shard-bytes", "20").stderr
    assert "larger than 20 bytes, each in a file of its own: 'large'" in said
    more = run(command, tmp_path / "m", tmp_path / target, "--max-shard-bytes", "72", "--force")
    assert more.stderr == ""
