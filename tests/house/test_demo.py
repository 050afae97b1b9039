"""Demo checkpoints that come with the package: what TensorFlow wrote, and nothing else."""

import zipfile
from pathlib import Path

import pytest

import tensorbundle as tb
from tensorbundle._demo.demo import SAMPLES
from tests.freeze.program import run
from tests.golden.make_samples import ARCHIVE, samples


def test_the_archive_holds_the_golden_files() -> None:
    with zipfile.ZipFile(ARCHIVE) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert packed == {name: path.read_bytes() for name, path in samples()}, (
        "run: python -m tests.golden.make_samples"
    )
    assert {name.partition("/")[0] for name in packed} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_each_demo_is_what_the_command_prints_and_verifies(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = run("demo", name).stdout.strip()
    assert path == tb.demo(name)
    assert Path(path).parts[:2] == ("demo", name)
    assert not [each for each in tmp_path.rglob("*") if ".part" in each.name]
    if name not in ("slices", "moved"):
        assert tb.verify(path).ok


def test_files_that_are_there_stay(tmp_path: Path) -> None:
    tb.demo("saver", tmp_path)
    state = tmp_path / "saver" / "checkpoint"
    state.write_text("mine")
    tb.demo("saver", tmp_path)
    assert state.read_text() == "mine"


def test_an_unknown_demo_is_refused() -> None:
    with pytest.raises(ValueError, match="no demo 'nosuch': expected one of network, "):
        tb.demo("nosuch")
