"""Differences between files of any formats: a checkpoint and what was exported of it."""

import itertools
from pathlib import Path

import tensorbundle as tb
from tests.golden.cases import path_of


def test_either_side_may_be_of_any_format(tmp_path: Path) -> None:
    names = ["dense/*", "global_step"]
    for target in ("m.npz", "m.safetensors", "m.h5", "folder/"):
        tb.export(path_of("demo"), f"{tmp_path}/{target}", names=names)
    tb.save(tmp_path / "ckpt", tb.open(tmp_path / "m.npz"))
    files = [tmp_path / each for each in ("m.npz", "m.safetensors", "m.h5", "folder", "ckpt")]
    for one, other in itertools.permutations(files, 2):
        assert tb.diff(one, other).same, (one, other)
    other = dict(tb.open(tmp_path / "m.npz"))
    tb.export(other | {"dense/bias": other["dense/bias"] + 1}, tmp_path / "other.safetensors")
    for file in files:
        found = tb.diff(file, tmp_path / "other.safetensors")
        assert [each.name for each in found.changed] == ["dense/bias"]
