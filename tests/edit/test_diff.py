"""Two checkpoints compared."""

import math

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.program import document, run
from tests.golden.cases import DATA

DEMO = DATA / "demo" / "model.ckpt-2000"


def save(path, **tensors):
    tb.save(path, tensors)
    return path


def test_every_kind_of_difference_is_told(tmp_path) -> None:
    a = save(
        tmp_path / "a", gone=1.0, kind=np.zeros(2, "f"), shape=np.zeros(3), same=b"x", w=[1.0, 2]
    )
    b = save(tmp_path / "b", new=7.0, kind=np.zeros(2), shape=np.zeros(4), same=b"x", w=[1.0, 4])
    found = tb.diff(a, b)
    assert (found.only_a, found.only_b, found.equal) == (("gone",), ("new",), 1)
    assert {each.name: each.kind for each in found.changed} == {
        "kind": "dtype",
        "shape": "shape",
        "w": "values",
    }
    values = found.changed[-1].values
    assert (values.count, values.size, values.max_abs, values.max_rel) == (1, 2, 2.0, 0.5)
    assert values.norm_a == pytest.approx(math.sqrt(5))
    assert values.norm_b == pytest.approx(math.sqrt(17))
    assert values.norm_difference == 2.0


def test_tolerances(tmp_path) -> None:
    a, b = save(tmp_path / "a", w=[1.0, 100.0]), save(tmp_path / "b", w=[1.001, 100.1])
    assert not tb.diff(a, b).same
    assert not tb.diff(a, b, atol=0.01).same
    assert tb.diff(a, b, rtol=0.0011).same


def test_nan_equals_nan_and_nothing_else(tmp_path) -> None:
    one, other = np.float32([np.nan, 1]), np.float32([np.nan, 2])
    a, b = save(tmp_path / "a", w=one), save(tmp_path / "b", w=other)
    assert tb.diff(a, b).changed[0].values.count == 1
    c = save(tmp_path / "c", w=np.float32([1, np.nan]))
    found = tb.diff(a, c, rtol=1e9).changed[0].values
    assert found.count == 2
    assert math.isnan(found.max_abs)


def test_integers_beyond_doubles_are_told_apart(tmp_path) -> None:
    a, b = save(tmp_path / "a", n=np.int64(2**60)), save(tmp_path / "b", n=np.int64(2**60 + 1))
    assert tb.diff(a, b).changed[0].values.count == 1


def test_renames_are_found_by_content(tmp_path) -> None:
    rules = [("^dense/", "fc/"), ("^conv", "block")]
    tb.rewrite(DEMO, tmp_path / "out", rename=rules[:1])
    found = tb.diff(DEMO, tmp_path / "out")
    assert found.renamed["dense/kernel"] == "fc/kernel"
    assert found.changed == ()
    assert found.only_a == ()


def test_tensors_alike_by_nature_are_no_renames(tmp_path) -> None:
    a = save(tmp_path / "a", **{"x/one": np.zeros(3), "x/two": np.zeros(3)})
    b = save(tmp_path / "b", **{"y/left": np.zeros(3), "y/right": np.zeros(3)})
    assert tb.diff(a, b).renamed == {}


def test_stale_checksums_are_seen_when_values_are_read(tmp_path) -> None:
    a, b = save(tmp_path / "a", w=np.zeros(4)), save(tmp_path / "b", w=np.zeros(4))
    shard = tmp_path / "b.data-00000-of-00001"
    shard.write_bytes(b"\1" + shard.read_bytes()[1:])
    assert tb.diff(a, b).same
    with pytest.raises(tb.ChecksumError, match="checksum mismatch"):
        tb.diff(a, b, exact=True)


def test_other_formats_and_partitions_compare_by_value(tmp_path) -> None:
    whole = np.arange(6, dtype="f").reshape(2, 3)
    with tb.Writer(tmp_path / "a") as writer:
        writer.add_slice("w", whole[:1], (2, 3), "0,1:-")
        writer.add_slice("w", whole[1:], (2, 3), "1,1:-")
    save(tmp_path / "b", w=whole)
    assert tb.diff(tmp_path / "a", tmp_path / "b").same


def test_diff_command_exits_with_1_for_a_difference(tmp_path) -> None:
    a, b = save(tmp_path / "a", w=[1.0, 2]), save(tmp_path / "b", w=[1.0, 4])
    assert "1 tensor equal" in run("diff", a, a).stdout
    text = run("diff", a, b, code=1).stdout
    assert "! w  float32[2]  1 of 2 differ, by at most 2" in text
    assert document("diff", a, b, code=1)["changed"][0]["values"]["max_abs"] == 2.0
    run("diff", a, tmp_path / "none", code=2)
