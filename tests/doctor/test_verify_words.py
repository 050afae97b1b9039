"""Words of verification: each fault names the file that it is in, each hint can be followed."""

import os
import shutil
from pathlib import Path

import pytest

from tests.freeze.program import run
from tests.golden.cases import DATA


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA / "saved_model", tmp_path / "model"))


@pytest.mark.parametrize("file", ["saved_model.pb", "fingerprint.pb"])
def test_malformed_file_of_a_model_is_named_and_not_called_the_index(
    model: Path, file: str
) -> None:
    (model / file).write_bytes(b"\x07" * 40)
    said = run("verify", model, code=1).stdout
    assert f"malformed: {file}" in said
    assert "the index" not in said


def test_what_was_not_looked_at_is_told_in_the_words_of_the_command(model: Path) -> None:
    said = run("verify", model).stdout
    assert "ask with --finite" in said
    assert "finite=True" not in said
    assert "--finite" not in run("verify", model, "--finite").stdout


def test_model_without_an_index_names_the_file_that_is_missing(model: Path) -> None:
    os.remove(model / "variables" / "variables.index")
    said = run("verify", model, code=1).stdout
    assert "there are no values for them: expected variables/variables.index" in said
