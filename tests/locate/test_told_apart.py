"""Damage that looks like other damage: what is said of it is what happened."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import FormatError, MissingFileError

SHARD = "m.data-00000-of-00001"
STATE = 'model_checkpoint_path: "m"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    numbers = np.random.default_rng(5)
    tensors = {f"layer_{n}/kernel": numbers.standard_normal((40, 60)) for n in range(7)}
    tb.save(tmp_path / "m", tensors)
    return tmp_path


def causes(folder: Path) -> str:
    report = tb.open(folder / "m").verify()
    assert not report.ok
    return "; ".join(sorted({fault.cause or "none" for fault in report.faults}))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data[16:], "16 bytes are missing in front: without them"),
        (lambda data: data[1:], "1 byte is missing in front: without it the"),
        (lambda data: data.replace(b"\0", b""), "zero bytes were left out"),
        (lambda data: data.replace(b"\x41", b""), "the file was cut off|different|none"),
    ],
)
def test_shorter_shard_is_not_taken_for_converted_line_ends(
    folder: Path, change: Callable[[bytes], bytes], told: str
) -> None:
    shard = folder / SHARD
    content = shard.read_bytes().replace(b"\r\n", b"xx")
    shard.write_bytes(change(content))
    assert "line ends" not in causes(folder)
    if "|" not in told:
        assert told in causes(folder)


def test_index_with_converted_line_ends_is_told(folder: Path) -> None:
    for number in range(10):  # shapes and sizes of ten: a line end in many an entry
        tb.save(folder / "m", {f"t{n}": np.zeros(10) for n in range(number + 20)}, overwrite=True)
    index = folder / "m.index"
    index.write_bytes(index.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(FormatError, match=r"line ends were probably converted \(LF to CRLF\)"):
        tb.open(folder / "m")


@pytest.mark.parametrize("name", ["m.index.txt", "m (1).index", "m.index.crdownload", "M.INDEX"])
def test_renamed_index_is_named(folder: Path, name: str) -> None:
    (folder / "m.index").rename(folder / name)
    with pytest.raises(MissingFileError, match="beside them lies") as raised:
        tb.open(folder / "m")
    assert repr(name) in str(raised.value)


def test_shard_in_capitals_is_named(folder: Path) -> None:
    (folder / SHARD).rename(folder / SHARD.upper())
    assert SHARD.upper() in causes(folder)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"<<<<<<< HEAD\n{STATE}=======\n{STATE}>>>>>>> other\n".encode(), "merge-conflict"),
        (b'{"model_checkpoint_path": "m"}', "a JSON text"),
        (b'Model_Checkpoint_Path: "m"\n', "unknown field 'Model_Checkpoint_Path'"),
        (pickle.dumps({"model_checkpoint_path": "m"}), "a Python pickle"),
    ],
)
def test_malformed_state_file_is_told_and_may_be_written_anew(
    folder: Path, content: bytes, told: str
) -> None:
    state = folder / "checkpoint"
    state.write_bytes(content)
    with pytest.raises(FormatError, match=told):
        tb.open(folder)
    with pytest.raises(FormatError, match=told):
        tb.relocate(folder)
    assert state.read_bytes() == content
    assert tb.relocate(folder, latest="m").changed
    assert tb.train.latest_checkpoint(folder) == str(folder / "m")


def test_file_that_is_no_state_file_is_never_written_over(folder: Path) -> None:
    state = folder / "checkpoint"
    state.write_bytes((folder / "m.index").read_bytes())
    with pytest.raises(FormatError, match="not a checkpoint state file"):
        tb.relocate(folder, latest="m")
    assert state.read_bytes() == (folder / "m.index").read_bytes()


def test_relocate_that_finds_nothing_says_how_to_choose(folder: Path) -> None:
    (folder / "checkpoint").write_text('model_checkpoint_path: "gone"\n')
    with pytest.raises(MissingFileError, match="--latest NAME"):
        tb.relocate(folder)
