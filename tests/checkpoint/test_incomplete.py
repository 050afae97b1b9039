"""Partitioned tensors of which TensorFlow wrote some slices only: they hinder nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError, FormatError
from tests.freeze.program import document, run
from tests.golden.cases import path_of
from tests.objects.keras import tensorflow

BIAS = np.arange(3, dtype="f")
ROWS = np.arange(8, dtype="f").reshape(2, 4)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """What one of three hosts saved: a bias, and a third of a table with its slot."""
    values: dict[str, Any] = {"bias": BIAS, "table": ROWS, "table/Adam": ROWS}
    slices = {"table": "6 4 2,2:0,4", "table/Adam": "6 4 2,2:0,4"}
    tensorflow().save_part(tmp_path / "part", _plain(values), slices)
    return tmp_path / "part"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.tolist() for name, value in values.items()}


def test_facts_tell_of_what_is_stored(part: Path) -> None:
    ckpt = tb.open(part)
    info = ckpt.info("table")
    assert (info.complete, info.shape, info.size, info.stored_size) == (False, (6, 4), 24, 8)
    assert info.nbytes == 32
    assert ckpt.nbytes == 12 + 2 * 32
    assert ckpt.incomplete == ("table", "table/Adam")
    assert ckpt.info("bias").complete
    assert ckpt.verify().faults[0].kind == "gap"


@pytest.mark.parametrize("mode", ["r", "c", "read"])
@pytest.mark.parametrize("names", [None, "*", ["table*", "bias"]])
def test_all_of_many_are_given_without_the_incomplete_and_it_is_told(
    part: Path, mode: Any, names: Any
) -> None:
    ckpt = tb.open(part, mode=mode)
    for call in (ckpt.load, ckpt.views):
        with pytest.warns(tb.LeftOutWarning, match=r"'table': 16 of 24 .*; and 'table/Adam'"):
            found = call(names)
        assert list(found) == ["bias"]
        assert np.array_equal(found["bias"], BIAS)


def test_named_tensors_are_an_error_that_tells_what_is_there(part: Path) -> None:
    ckpt = tb.open(part)
    told = r"gap in tensor 'table'.*: 16 of 24 elements .*; stored: \[2:4, 0:4\]. read_slice"
    for call in (
        lambda: ckpt["table"],
        lambda: ckpt.load("table"),
        lambda: ckpt.load(["bias", b"table"]),
        lambda: ckpt.views(["table"]),
        lambda: ckpt.load(out={"table": np.empty((6, 4), "f")}),
        lambda: dict(ckpt),
        lambda: list(ckpt.values()),
    ):
        with pytest.raises(FormatError, match=told):
            call()
    assert np.array_equal(ckpt.read_slice("table", np.s_[2:4]), ROWS)
    with pytest.raises(FormatError, match="leave a gap"):
        ckpt.read_slice("table", np.s_[:3])


def test_loops_over_items_stop_at_the_gap_and_miss_nothing(part: Path) -> None:
    items = iter(tb.open(part).items())
    assert next(items)[0] == "bias"
    with pytest.raises(FormatError, match="leave a gap"):
        next(items)


@pytest.mark.parametrize("target", ["w.npz", "w.safetensors", "folder/", "w.h5"])
def test_exports_leave_it_out(part: Path, tmp_path: Path, target: str) -> None:
    done = tb.export(part, f"{tmp_path}/{target}")
    assert done.written == 1
    assert [name for name, _ in done.left_out] == ["table", "table/Adam"]
    assert "16 of 24 elements" in done.left_out[0][1]
    assert list(tb.open(f"{tmp_path}/{target}")) == ["bias"] if target != "w.h5" else True
    with pytest.raises(ConversionError, match="'table': 16 of 24"):
        tb.export(part, f"{tmp_path}/{target}", names=["bias", "table"], overwrite=True)
    with pytest.raises(ConversionError, match="'table': 16 of 24"):
        tb.export(part, f"{tmp_path}/{target}", strict=True, overwrite=True)


def test_listing_marks_it(part: Path) -> None:
    shown = run("ls", part).stdout.splitlines()
    assert "32 B of 96 B" in next(line for line in shown if line.startswith("table "))
    assert shown[-1] == "3 tensors, 76 B, 19 elements; 1 shard; 2 incomplete"
    assert "32 B of 96 B" in run("ls", part, "--tree").stdout
    listed = document("ls", part)
    assert [each["complete"] for each in listed["tensors"]] == [True, False, False]
    assert listed["totals"]["incomplete"] == 2


def test_show_of_all_goes_on_and_of_the_name_fails(part: Path) -> None:
    shown = run("show", part, "*")
    assert "min 0.0, max 2.0" in shown.stdout
    assert shown.stderr.count("no values: 16 of 24 elements are in none of its slices") == 2
    failed = run("show", part, "table", code=2)
    assert "32 B in 1 slice, incomplete" in failed.stdout
    assert "edit --drop" in failed.stderr
    assert "read_slice" not in failed.stderr


def test_parts_are_merged_as_tensorflow_merges_them(part: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    tensorflow().save_part(other, _plain({"table": ROWS + 8}), {"table": "6 4 4,2:0,4"})
    tb.merge([part, other], tmp_path / "ours", partial=True)
    merged = run("merge", part, other, tmp_path / "less")
    tensorflow().merge([str(part), str(other)], tmp_path / "theirs")  # which takes the shards
    assert tb.diff(tmp_path / "theirs", tmp_path / "ours").same
    assert tb.open(tmp_path / "theirs").info("table").nbytes == 64
    assert "'table', 'table/Adam'; --partial keeps them" in merged.stderr
    assert list(tb.open(tmp_path / "less")) == ["bias"]


def test_edits_keep_the_parts_and_tell_their_size(part: Path, tmp_path: Path) -> None:
    done = tb.rewrite(part, tmp_path / "whole", compact=True)
    assert (done.kept, done.nbytes) == (3, 76)
    done = tb.rewrite(part, tmp_path / "stripped", strip_optimizer=True, compact=True)
    assert (done.dropped, done.nbytes) == (("table/Adam",), 44)
    assert tb.diff(part, tmp_path / "whole").same
    assert tb.average([part, tmp_path / "whole"], tmp_path / "mean").nbytes == 76
    assert np.array_equal(tb.open(tmp_path / "mean").read_slice("table", np.s_[2:4]), ROWS)
    run("edit", part, tmp_path / "rest", "--drop", "table*")
    assert list(tb.open(tmp_path / "rest").load()) == ["bias"]


def test_crosscheck_says_that_neither_can(part: Path) -> None:
    result = tb.crosscheck(part)
    assert result.ok
    assert result.counts == {"equal": 1, "neither can": 2}


def test_variants_are_left_out_of_all_and_an_error_by_name() -> None:
    ckpt = tb.open(path_of("dtypes"))
    with pytest.warns(tb.LeftOutWarning, match="tensors of type variant cannot be read"):
        assert set(ckpt) - set(ckpt.load()) == {"variant/scalar", "variant/vector"}
    with pytest.raises(tb.UnsupportedError, match="variant"):
        ckpt.load(["variant/scalar"])
