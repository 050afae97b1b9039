"""Crosscheck of some tensors, chosen by readable paths."""

import re
from typing import Any

import pytest

import tensorbundle as tb
from tensorbundle._crosscheck.crosscheck import crosscheck
from tests.golden.cases import DATA


@pytest.mark.parametrize(
    ("chosen", "keys"),
    [
        ("optimizer/_variables/*", r"^optimizer/_variables/\d"),
        (["optimizer/_l*", re.compile("_iter")], r"^optimizer/_(learning_rate|iterations)/"),
    ],
)
def test_crosscheck_of_globs_over_readable_paths(chosen: Any, keys: str) -> None:
    path = DATA / "objects" / "keras"
    result = crosscheck(path, names=chosen)
    assert result.ok
    stored = {key for key in tb.open(path) if re.search(keys, key)}
    assert stored
    assert {each.name for each in result.comparisons} == stored
    assert result.counts == {"equal": len(stored)}


def test_crosscheck_of_nothing_is_no_pass() -> None:
    with pytest.raises(tb.TensorNotFoundError, match="no tensor matches 'optimizer/_nope/"):
        crosscheck(DATA / "objects" / "keras", names="optimizer/_nope/*")
