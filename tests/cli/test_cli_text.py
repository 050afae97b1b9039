"""The rooms behind the commands: how names, sizes, values and numbers become text."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorbundle._report.statistics import Statistics
from tensorbundle.cli.terminal.corners import Corners
from tensorbundle.cli.terminal.sizes import format_size, parse_size
from tensorbundle.cli.terminal.spelling import spell, unspell
from tensorbundle.cli.terminal.tables import fold
from tensorbundle.cli.terminal.values import format_values


@given(st.binary(max_size=12), st.sampled_from(["utf-8", "ascii", "latin-1"]))
def test_a_spelled_name_is_printable_and_reads_back(key: bytes, encoding: str) -> None:
    name = key.decode("utf-8", "surrogateescape")
    spelled = spell(name, encoding)
    assert spelled.isprintable()
    assert not spelled.endswith(" ")
    spelled.encode(encoding)  # which raises for what it lacks
    assert unspell(spelled) == name


@pytest.mark.parametrize("text", ["a/b", r"\d+", "x\\", r"\xg1", "größe"])
def test_text_without_escapes_is_not_unspelled(text: str) -> None:
    assert unspell(text) == text


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (9_994, "9.99 kB"),
        (9_995, "10.0 kB"),
        (90_800, "90.8 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (5 * 10**9, "5.00 GB"),
        (2**64, "18.4 EB"),
    ],
)
def test_size_is_written_with_three_digits(nbytes: int, text: str) -> None:
    assert format_size(nbytes) == text


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [
        ("512", 512),
        ("512B", 512),
        ("5GB", 5 * 10**9),
        ("5 gb", 5 * 10**9),
        ("1.5k", 1500),
        ("2GiB", 2 * 2**30),
        ("1MiB", 2**20),
        ("7E", 7 * 10**18),
    ],
)
def test_size_is_read(text: str, nbytes: int) -> None:
    assert parse_size(text) == nbytes


@pytest.mark.parametrize("text", ["", "GB", "-1", "5iB", "5XB", "1e9", "5GBB", "٣"])
def test_text_that_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size such as 5GB"):
        parse_size(text)


@given(st.text("ab/重", max_size=60), st.integers(10, 30))
def test_folded_names_lose_nothing(name: str, width: int) -> None:
    assert "".join(fold(name, width)) == name


SHAPES = [(), (0,), (0, 10**15), (3, 0, 2), (1000,), (1001,), (6, 200), (7, 200), (2000, 1, 3)]


@pytest.mark.parametrize("shape", [*SHAPES, (11, 5, 30), (1, 1, 1001, 1), (2,) * 10])
@pytest.mark.parametrize("full", [False, True])
def test_corners_print_as_the_whole_array_does(shape: tuple[int, ...], full: bool) -> None:
    array = np.random.default_rng(1).normal(size=shape)
    corners = Corners(shape, array.dtype, full=full)
    for start in range(0, array.size, 77):
        corners.add(array.reshape(-1)[start : start + 77])
    text = format_values(
        corners.array(), shortened=corners.shortened, width=75, encoding="utf-8", full=full
    )
    threshold = sys.maxsize if full else 1000
    assert text == np.array2string(array, max_line_width=75, threshold=threshold)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i8", "u8", "c8"])
def test_statistics_of_pieces_are_those_of_the_whole(dtype: str) -> None:
    array = (np.random.default_rng(2).normal(size=5000) * 50 + 60).astype(np.int64).astype(dtype)
    statistics = Statistics()
    for start in range(0, array.size, 999):
        statistics.add(array[start : start + 999])
    exact = np.abs(array) if array.dtype.kind == "c" else array.astype(np.float64)
    assert (statistics.count, statistics.finite) == (5000, 5000)
    assert statistics.zeros == np.count_nonzero(array == 0)
    assert (statistics.min, statistics.max) == (exact.min(), exact.max())
    assert statistics.mean == pytest.approx(exact.mean())
    assert statistics.std == pytest.approx(exact.std())


def test_statistics_leave_out_and_count_what_is_not_finite() -> None:
    statistics = Statistics()
    statistics.add(np.array([np.nan, np.inf, -np.inf, 0.0, 4.0]))
    statistics.add(np.array([complex(np.nan, np.inf), complex(3, 4)]))
    assert (statistics.nan, statistics.inf, statistics.zeros) == (2, 2, 1)
    assert (statistics.min, statistics.max, statistics.mean) == (0.0, 5.0, 3.0)


def test_statistics_keep_large_integers_exact() -> None:
    statistics = Statistics()
    statistics.add(np.array([2**64 - 1, 2**63 + 1], np.uint64))
    assert (statistics.min, statistics.max) == (2**63 + 1, 2**64 - 1)
