"""What verification says of shards that were converted, shifted, renamed, or lost."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.program import run

SHARD = "m.data-00000-of-00001"


def made(folder: Path) -> Path:
    """Seven tensors of random numbers, whose bytes hold every value."""
    numbers = np.random.default_rng(3)
    tensors = {f"layer_{n}/kernel": numbers.standard_normal((40, 60)) for n in range(7)}
    tb.save(folder / "m", tensors)
    return folder / SHARD


def causes(folder: Path) -> str:
    report = tb.open(folder / "m").verify()
    assert not report.ok
    return "; ".join(sorted({fault.cause or "none" for fault in report.faults}))


CHANGES = {
    "line ends to CRLF": (
        lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        "line ends were converted (LF to CRLF)",
    ),
    "line ends to LF": (
        lambda data: data.replace(b"\r\n", b"\n"),
        "line ends were converted (CRLF to LF)",
    ),
    "Latin-1 to UTF-8": (
        lambda data: data.decode("latin-1").encode(),
        "the file was converted to UTF-8",
    ),
    "read as UTF-8": (
        lambda data: data.decode("utf-8", "replace").encode(),
        "bytes that are no UTF-8 were replaced",
    ),
    "three bytes in front": (lambda data: b"\xef\xbb\xbf" + data, "3 bytes were put in front"),
    "a page in front": (
        lambda data: bytes(range(256)) * 16 + data,
        "4,096 bytes were put in front",
    ),
    "bytes put in": (
        lambda data: data[:5000] + b"something" + data[5000:],
        "is 9 bytes longer than the index says",
    ),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_changed_shard_is_told_by_what_changed_it(tmp_path: Path, change: str) -> None:
    shard = made(tmp_path)
    altered, told = CHANGES[change]
    shard.write_bytes(altered(shard.read_bytes()))
    found = causes(tmp_path)
    assert told in found or (change == "bytes put in" and "bytes were put in front" in found)
    assert "two different saves" not in found
    assert "probably:" in run("verify", tmp_path / "m", code=1).stdout


def test_shard_of_another_save_is_still_told_as_such(tmp_path: Path) -> None:
    made(tmp_path)
    other = {f"layer_{n}/kernel": np.full((40, 60), n, np.float64) for n in range(7)}
    tb.save(tmp_path / "other", other)
    shutil.copy(tmp_path / "other.data-00000-of-00001", tmp_path / SHARD)
    assert "two different saves" in causes(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        f"{SHARD} (1)",
        f"{SHARD}.part",
        f"{SHARD}.gz",
        "m (1).data-00000-of-00001",
        "m.data-00000-of-00001 - Copy",
        "m.data-00000-of-00002",
        "model.ckpt-219.data-00000-of-00001",
    ],
)
def test_missing_shard_is_named_and_what_lies_beside_it(tmp_path: Path, name: str) -> None:
    os.rename(made(tmp_path), tmp_path / name)
    (fault,) = tb.open(tmp_path / "m").verify().faults
    assert fault.kind == "missing shard"
    assert repr(SHARD) in fault.message
    assert repr(name) in (fault.cause or "")
    shown = run("verify", tmp_path / "m", code=1).stdout
    assert SHARD in shown
    assert name in shown


def test_missing_shard_with_nothing_beside_it_has_no_cause(tmp_path: Path) -> None:
    made(tmp_path).unlink()
    tb.save(tmp_path / "whole", {"w": 1})
    (fault,) = tb.open(tmp_path / "m").verify().faults
    assert fault.cause is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data.decode("latin-1").encode(), "converted to UTF-8 as if it were text"),
        (lambda data: data.decode("utf-8", "replace").encode(), "converted to UTF-8"),
        (lambda data: data + b"\r\n", "a table with 2 bytes behind its end"),
        (lambda data: data[:-20], "not a table or a table cut off"),
    ],
)
def test_changed_index_is_told_by_what_changed_it(tmp_path: Path, change, told: str) -> None:
    made(tmp_path)
    index = tmp_path / "m.index"
    index.write_bytes(change(index.read_bytes()))
    with pytest.raises(tb.FormatError, match=told):
        tb.open(tmp_path / "m")
