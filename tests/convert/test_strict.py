"""Strict conversion: a tensor that the target's format cannot hold is an error, not a note."""

import json
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.cli.test_cli_convert import run

RULES = 'format = 1\nsides = ["tf", "hf"]\n[[rule]]\ntf = "a/{p:rest}"\nhf = "b.{p}"\n'


def test_what_is_left_out_is_told_or_an_error(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(RULES)
    words = np.array([b"x", b"yz"], object)
    tb.save(tmp_path / "m", {"a/w": np.ones(3, np.float32), "a/words": words})
    target = tmp_path / "m.safetensors"
    asked = ("convert", tmp_path / "m", target, "--rules", tmp_path / "mine.toml", "--json")
    refused = run(*asked, "--strict")
    assert refused.exit_code == 2
    assert "a/words" in refused.stderr or "b.words" in refused.stderr
    assert not target.exists()
    with pytest.raises(tb.ConversionError, match=r"words"):
        tb.convert(tmp_path / "m", target, rules=tmp_path / "mine.toml", strict=True)
    told = run(*asked)
    assert told.exit_code == 0, told.output
    assert [each["name"] for each in json.loads(told.stdout)["left_out"]] == ["b.words"]
    assert list(tb.open(target)) == ["b.w"]
