"""Targets that were never meant: no name, a pipe, a device; and results with nothing in them."""

import os
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError
from tests.freeze.program import run

W = np.ones(3, np.float32)


@pytest.mark.parametrize("verb", ["edit", "merge", "save"])
def test_an_empty_target_is_refused(tmp_path: Path, verb: str) -> None:
    tb.save(tmp_path / "m", {"w": W})
    tb.export(tmp_path / "m", tmp_path / "m.npz")
    source = tmp_path / ("m.npz" if verb == "save" else "m")
    done = run(verb, source, "", code=2)
    assert "it is empty: give a prefix" in done.stderr


def test_where_links_of_devices_lead_is_not_told(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": W})
    reading, writing = os.pipe()
    try:
        target = f"/dev/fd/{writing}"
        done = run("export", tmp_path / "m", target, "--format", "npz", code=2)
    finally:
        os.close(reading)
        os.close(writing)
    assert f"'{target}' is no regular file" in done.stderr


@pytest.mark.parametrize("target", ["o.safetensors", "sub/"])
def test_an_export_of_nothing_is_an_error(tmp_path: Path, target: str) -> None:
    parts = {"k": np.array([b"a"], object), "l": np.array(b"b", object)}
    tb.save(tmp_path / "m", parts if target == "o.safetensors" else {})
    if target == "sub/":  # there was nothing, and nothing is left out
        assert tb.export(tmp_path / "m", f"{tmp_path}/{target}").written == 0
        return
    with pytest.raises(
        ConversionError, match=r"nothing would be left to export: 'k': .*, and 1 more"
    ):
        tb.export(tmp_path / "m", tmp_path / target)
    assert not (tmp_path / target).exists()
