"""Arguments of other types and spellings than were meant: each ends in words of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError, MissingFileError, TensorNotFoundError

W = np.arange(12, dtype=np.float32).reshape(3, 4)
LONE = "w\ud800"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    tb.save(tmp_path / "m", {"w": W, "é": W})
    return tmp_path / "m"


def test_names_that_no_bytes_stand_for_are_refused(prefix: Path) -> None:
    ckpt = tb.open(prefix)
    assert LONE not in ckpt
    assert "é" in ckpt
    told = r"lone surrogate has no bytes in UTF-8.*'w\\ud800'"
    for act in (
        lambda: tb.save(prefix.with_name("n"), {LONE: W}),
        lambda: tb.rewrite(prefix, prefix.with_name("n"), rename={"w": LONE}),
    ):
        with pytest.raises(ConversionError, match=told):
            act()
    for read in (lambda: ckpt[LONE], lambda: ckpt.load([LONE]), lambda: ckpt.info(LONE)):
        with pytest.raises(TensorNotFoundError, match="there is no tensor"):
            read()
    assert ckpt.get(LONE) is None
    assert not prefix.with_name("n.index").exists()


@pytest.mark.parametrize(
    ("spelled", "dtype"),
    [
        ("torch.float16", "float16"),
        ("jnp.bfloat16", "bfloat16"),
        ("f2", "float16"),
        ("<f8", "float64"),
        ("c8", "complex64"),
        ("numpy.int64", "int64"),
    ],
)
def test_dtypes_are_called_as_other_libraries_call_them(
    prefix: Path, spelled: str, dtype: str
) -> None:
    done = tb.rewrite(prefix, prefix.with_name("n"), cast={"w": spelled}, overwrite=True)
    assert done.cast == {"w": ("float32", dtype)}
    assert np.array_equal(tb.open(prefix.with_name("n"))["w"], W)


@pytest.mark.parametrize("spelled", ["f3", "M8", "torch.", "O", "S4", "torch.floaty"])
def test_what_is_no_dtype_of_numbers_is_refused(prefix: Path, spelled: str) -> None:
    with pytest.raises(ConversionError, match="no dtype of numbers is called"):
        tb.rewrite(prefix, prefix.with_name("n"), cast={"w": spelled})


@pytest.mark.parametrize("names", [lambda name: True, 3])
def test_exports_choose_as_loads_do(prefix: Path, names: Any) -> None:
    with pytest.raises(TypeError, match="tensors are chosen by names, globs"):
        tb.export(prefix, prefix.with_name("x.npz"), names=names)


def test_weights_are_numbers(prefix: Path) -> None:
    tb.save(prefix.with_name("n"), {"w": W, "é": W})
    with pytest.raises(TypeError, match="weights are numbers"):
        tb.average([prefix, prefix.with_name("n")], prefix.with_name("o"), weights="13")  # type: ignore[arg-type]


def test_a_mask_is_no_index_of_a_stored_tensor(prefix: Path) -> None:
    with pytest.raises(IndexError, match="only integers, slices"):
        tb.open(prefix).read_slice("w", np.array([True, False, True]))


def test_a_slash_behind_a_prefix_is_told(prefix: Path) -> None:
    with pytest.raises(MissingFileError, match=r"m' is one, without a slash at its end"):
        tb.open(f"{prefix}/")
