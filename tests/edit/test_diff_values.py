"""Comparisons that must not be taken for granted: data, byte orders, tolerances, dtypes."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import _core
from tensorbundle._write.shards import BundleFiles
from tensorbundle.errors import FormatError, MissingFileError
from tests.freeze.program import document, run

SHARD = ".data-00000-of-00001"


def save(path: Path, **tensors: Any) -> Path:
    tb.save(path, tensors, overwrite=True)
    return path


def test_absent_and_cut_off_data_is_an_error(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", w=np.ones(9)), save(tmp_path / "b", w=np.ones(9))
    shard = Path(f"{b}{SHARD}")
    shard.write_bytes(shard.read_bytes()[:71])
    for pair in ((a, b), (b, a)):
        with pytest.raises(FormatError, match=r"cut off.*b\.data.*71 bytes, .*end at byte 72"):
            tb.diff(*pair)
    shard.unlink()
    for pair in ((a, b), (b, a)):
        with pytest.raises(MissingFileError, match=r"missing: '.*/b\.data"):
            tb.diff(*pair)
    assert "missing" in run("diff", a, b, code=2).stderr


def test_what_was_not_read_is_told(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", v=1.0, w=np.ones(9)), save(tmp_path / "b", v=1.0, w=np.ones(9))
    Path(f"{b}{SHARD}").write_bytes(bytes(80))
    found = tb.diff(a, b)
    assert (found.equal, found.by_checksum) == (2, 2)
    assert "2 tensors equal (by checksum, data not read)" in run("diff", a, b).stdout
    assert document("diff", a, b)["by_checksum"] == 2
    with pytest.raises(tb.ChecksumError, match="checksum mismatch"):
        tb.diff(a, b, exact=True)
    found = tb.diff(a, a, exact=True)
    assert (found.equal, found.by_checksum) == (2, 0)
    assert run("diff", a, a, "--exact").stdout == "2 tensors equal\n"


def big_endian(source: Path, target: Path) -> None:
    """A checkpoint of the same bytes, whose index says that they are the other way round."""
    listing = _core.Index(_core.File(f"{source}.index")).entries()
    entries = [
        (name.encode(), entry)
        for name, entry in zip(listing.names(), listing.tuples(), strict=True)
    ]
    with BundleFiles(str(target), overwrite=False) as out:
        out.link(f"{source}{SHARD}")
        out.writer.add_entries(entries)
        out.commit(big_endian=True)


def test_equal_bytes_in_two_byte_orders_are_not_equal(tmp_path: Path) -> None:
    values = {"w": np.array([1, 2, 3], np.int32), "b": np.array([1, 2], np.uint8)}
    save(tmp_path / "a", **values)
    big_endian(tmp_path / "a", tmp_path / "b")
    found = tb.diff(tmp_path / "a", tmp_path / "b")
    assert [each.name for each in found.changed] == ["w"]
    assert found.equal == 1
    # The same values, the bytes the other way: equal, and found under another name.
    save(tmp_path / "swapped", w=values["w"].byteswap(), b=values["b"])
    big_endian(tmp_path / "swapped", tmp_path / "c")
    assert tb.diff(tmp_path / "a", tmp_path / "c").same
    save(tmp_path / "renamed", v=values["w"], b=values["b"])
    assert tb.diff(tmp_path / "renamed", tmp_path / "c").renamed == {"v": "w"}
    save(tmp_path / "unlike", v=values["w"].byteswap(), b=values["b"])
    assert tb.diff(tmp_path / "unlike", tmp_path / "c").renamed == {}


SPECIAL = [0.0, -0.0, 1.0, 1.0005, -1.0, np.inf, -np.inf, np.nan, 1e308, -1e308, 5e-324, 1e-9]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.complex128])
@pytest.mark.parametrize(
    ("rtol", "atol"), [(0, 0), (1e-3, 0), (0, 1e-8), (1e-3, 1e-8), (1e300, 0), (0, np.inf)]
)
def test_numbers_are_close_as_numpy_has_it(
    tmp_path: Path, dtype: Any, rtol: float, atol: float
) -> None:
    with np.errstate(all="ignore"):
        pairs = np.array(list(product(SPECIAL, SPECIAL))).astype(dtype)
        x, y = pairs[:, 0].copy(), pairs[:, 1].copy()
        wide = np.promote_types(dtype, np.float64)  # in which tolerances are not rounded
        close = np.isclose(x.astype(wide), y.astype(wide), rtol, atol, equal_nan=True)
    a, b = save(tmp_path / "a", w=x), save(tmp_path / "b", w=y)
    found = tb.diff(a, b, rtol=rtol, atol=atol)
    assert sum(each.values.count for each in found.changed if each.values) == (~close).sum()


@pytest.mark.parametrize("value", [-1e-3, float("nan")])
def test_tolerances_below_zero_are_refused(tmp_path: Path, value: float) -> None:
    a = save(tmp_path / "a", w=1.0)
    for name in ("rtol", "atol"):
        with pytest.raises(ValueError, match=f"not negative: found .*{name}={value}"):
            tb.diff(a, a, **{name: value})
    assert "--rtol" in run("diff", a, a, "--rtol", "-1", code=2).stderr


@pytest.mark.parametrize(
    ("x", "y", "gap"),
    [
        (2**60, 2**60 + 1, 1),
        (-(2**63), 2**63 - 1, 2**64 - 1),
        (2**62 + 3, 2**62, 3),
        (5, 5, 0),
    ],
)
def test_integers_are_compared_exactly(tmp_path: Path, x: int, y: int, gap: int) -> None:
    a = save(tmp_path / "a", w=np.array([x, 0]))
    b = save(tmp_path / "b", w=np.array([y, 0]))
    assert tb.diff(a, b).same == (gap == 0)
    assert tb.diff(a, b, atol=gap).same or gap > 2**53
    if gap:
        found = tb.diff(a, b, atol=0.5).changed[0].values
        assert found is not None
        assert (found.count, found.max_abs) == (1, float(gap))


def test_numbers_of_two_dtypes_are_compared_by_value(tmp_path: Path) -> None:
    values = np.linspace(1, 2, 50, dtype=np.float32)
    a = save(tmp_path / "a", w=values, n=np.array([1, 2], np.int32), s=b"x")
    tb.rewrite(a, tmp_path / "b", cast={"w": "float16", "n": "int64"})
    found = {each.name: each for each in tb.diff(a, tmp_path / "b", rtol=1e-2).changed}
    assert {name: each.kind for name, each in found.items()} == {"w": "dtype", "n": "dtype"}
    near = found["w"].values
    assert near is not None
    assert near.count == 0
    assert 0 < (near.max_rel or 0) < 1e-3
    assert tb.diff(a, tmp_path / "b", ignore_dtype=True, rtol=1e-2).same
    strict = tb.diff(a, tmp_path / "b", ignore_dtype=True)
    assert [(each.name, each.kind) for each in strict.changed] == [("w", "values")]
    text = run("diff", a, tmp_path / "b", "--ignore-dtype", code=1).stdout
    assert "! w  float32[50] -> float16[50]" in text
    assert run("diff", a, tmp_path / "b", "--ignore-dtype", "--rtol", "0.01").exit_code == 0
    c = save(tmp_path / "c", w="text", n=np.array([1, 2], np.int32), s=b"x")
    assert tb.diff(a, c, ignore_dtype=True).changed[0].kind == "shape"


def test_numbers_alone_are_never_found_under_another_name(tmp_path: Path) -> None:
    a = save(tmp_path / "a", lr=np.float32(0.001), v=np.float32([7]), w=np.ones((1, 1), "f"))
    b = save(tmp_path / "b", eps=np.float32(0.001), u=np.float32([7]), x=np.ones((1, 1), "f"))
    found = tb.diff(a, b)
    assert found.renamed == {}
    assert (len(found.only_a), len(found.only_b)) == (3, 3)


def test_incomplete_tensors_are_told_and_the_others_compared(tmp_path: Path) -> None:
    for name, rows in (("a", (0, 1)), ("b", (0, 2)), ("c", (0, 1))):
        with tb.Writer(tmp_path / name) as writer:
            writer.add("v", np.float32([1, 2]))
            for row in rows:
                writer.add_slice("w", np.full((1, 2), row, "f"), (3, 2), f"{row},1:-")
    found = tb.diff(tmp_path / "a", tmp_path / "b")
    assert (found.equal, found.incomplete, found.same) == (1, ("w",), False)
    assert (
        "? w  lacks some of its parts" in run("diff", tmp_path / "a", tmp_path / "b", code=1).stdout
    )
    assert tb.diff(tmp_path / "a", tmp_path / "c", exact=True).same


def test_a_diff_is_true_when_there_is_a_difference(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a", w=1.0), save(tmp_path / "b", w=2.0)
    assert tb.diff(a, b)
    assert not tb.diff(a, a)
