"""Arguments that are no names, arrays or numbers, told as such when a checkpoint is used."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError


@pytest.fixture
def ckpt(tmp_path: Path) -> tb.Checkpoint:
    tb.save(tmp_path / "m", {"a": np.ones(3, np.float32), "b": np.int64(1)})
    return tb.open(tmp_path / "m")


@pytest.mark.parametrize("way", ["load", "views", "verify"])
def test_threads_are_a_whole_number(ckpt: tb.Checkpoint, way: str) -> None:
    call: Any = getattr(ckpt, way)
    for wrong in ("2", 1.5, None, [1]):
        with pytest.raises(TypeError, match="threads are a whole number, not"):
            call(threads=wrong)
    with pytest.raises(ConversionError, match="found -1"):
        call(threads=-1)
    assert call(threads=10**30)  # as many as there can be
    assert call(threads=np.int8(2))


def test_out_is_a_mapping(ckpt: tb.Checkpoint) -> None:
    with pytest.raises(TypeError, match="`out` is a mapping of arrays by name, not ndarray"):
        ckpt.load("a", out=np.zeros(3, np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "tensors", [[1], ("a", 1), None, np.ones(2), (pair for pair in [("a", 1)])]
)
def test_what_is_saved_has_names(tmp_path: Path, tensors: Any) -> None:
    with pytest.raises(TypeError, match="tensors are a mapping of values by name, not"):
        tb.save(tmp_path / "new", tensors)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"inner": 1}, "a mapping is no tensor in tensor 'a': expected a value for each name"),
        (2**70, "no integer type holds 1180591620717411303424"),
        ([-(2**64)], "no integer type holds -18446744073709551616"),
    ],
)
def test_value_that_is_no_tensor_is_told(tmp_path: Path, value: Any, told: str) -> None:
    with pytest.raises(ConversionError, match=told):
        tb.save(tmp_path / "new", {"a": value})


def test_empty_name_is_an_error_of_the_library(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="a tensor needs a name"):
        tb.save(tmp_path / "new", {"": 1})
