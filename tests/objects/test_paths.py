"""Readable paths wherever names are taken: TensorFlow 2's keys are nothing that people know."""

from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.program import run
from tests.objects.keras import samples

KINDS = ["k2-1", "k3-1", "net1"]


def a_path(kind: str) -> tuple[str, str]:
    """The first readable path of a sample that is not its key, and the key."""
    ckpt = tb.open(samples() / kind)
    assert ckpt.objects is not None
    pairs = ((ckpt.objects.path_of(key), key) for key in ckpt)
    return next((path, key) for path, key in pairs if path and path != key and ckpt[key].ndim)


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_called_as_they_were_asked_for(kind: str, tmp_path: Path) -> None:
    path, key = a_path(kind)
    ckpt = tb.open(samples() / kind)
    expected = ckpt[key]
    for found in (ckpt.load(path), ckpt.views([path]), ckpt.load(path[:-1] + "?")):
        assert path in found
        assert np.array_equal(found[path], expected)
    out = {path: np.zeros_like(expected)}
    assert ckpt.load(out=out)[path] is out[path]
    assert np.array_equal(out[path], expected)
    assert ckpt.info(path).name == key


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["w.npz", "w.safetensors", "folder/"])
def test_exports_write_the_names_that_were_asked_for(
    kind: str, target: str, tmp_path: Path
) -> None:
    path, key = a_path(kind)
    tb.export(samples() / kind, f"{tmp_path}/{target}", names=[path])
    found = tb.open(f"{tmp_path}/{target}")
    assert list(found) == [path]
    assert np.array_equal(found[path], tb.open(samples() / kind)[key])


@pytest.mark.parametrize("kind", KINDS)
def test_comparisons_take_paths_and_globs_of_paths(kind: str, tmp_path: Path) -> None:
    path, key = a_path(kind)
    assert tb.diff(samples() / kind, samples() / kind, names=path).equal == 1
    tb.rewrite(samples() / kind, tmp_path / "less", drop=[path])
    assert tb.diff(samples() / kind, tmp_path / "less", names=path).only_a == (key,)
    for command in (["ls"], ["show"]):
        assert run(*command, samples() / kind, path).stdout
    same = run("diff", samples() / kind, samples() / kind, "--names", path[:-1] + "?").stdout
    assert "equal" in same
