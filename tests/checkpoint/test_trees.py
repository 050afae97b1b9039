"""Checkpoints as trees of arrays."""

import numpy as np
import pytest

import tensorbundle as tb
from tests.checkpoint.fake import FakeCheckpoint
from tests.golden.cases import path_of


def test_names_become_levels_of_a_tree() -> None:
    ckpt = FakeCheckpoint({"a/b/w": np.ones(2), "a/c": np.zeros(1), "step": np.int64(3)})
    tree = ckpt.to_tree()
    assert tree.keys() == {"a", "step"}
    assert tree["a"]["b"]["w"].tolist() == [1, 1]
    assert ckpt.to_tree("a/*")["a"].keys() == {"b", "c"}
    dotted = FakeCheckpoint({"x.y": np.ones(1)})
    assert dotted.to_tree(separator=".")["x"]["y"] == 1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a/b/c"], "'a' is a tensor, and also a scope, of 'a/b/c'"),
        (["a/b", "a/b/c", "a/bc"], "'a/b' is a tensor, and also a scope, of 'a/b/c'"),
    ],
)
def test_a_name_that_is_also_a_scope_is_an_error_that_says_which(
    names: list[str], message: str
) -> None:
    for order in (names, names[::-1]):
        ckpt = FakeCheckpoint({name: np.ones(1) for name in order})
        with pytest.raises(tb.ConversionError, match=message):
            ckpt.to_tree()


def test_slots_that_lie_within_their_variables_are_told_and_can_be_left_out() -> None:
    ckpt = tb.open(path_of("demo"))
    with pytest.raises(tb.ConversionError, match="choose names, or keep the mapping flat"):
        ckpt.to_tree()
    names = [name for name in ckpt if "Adam" not in name and "power" not in name]
    assert ckpt.to_tree(names)["dense"]["kernel"].shape == (784, 16)


def test_arrays_of_a_tree_may_be_written() -> None:
    tree = tb.open(path_of("demo")).to_tree(["dense/kernel"])
    tree["dense"]["kernel"] += 1
    assert (tree["dense"]["kernel"] != tb.open(path_of("demo"))["dense/kernel"]).all()
