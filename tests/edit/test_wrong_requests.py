"""Edits that are asked for wrongly: each is told in one line, in Python and by the command."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError, TensorNotFoundError
from tests.freeze.program import document, run

K = np.ones((3, 3), np.float32)
SCOPED = ("LAMB/adam_m", "LAMB/adam_v", "Adam_1/m", "AdamWeightDecayOptimizer/v")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    tensors = {"conv/w": K, "conv/w/Adam": K, "b": np.float32(1), "step": np.int64(7)}
    tb.save(tmp_path / "m", tensors)
    return tmp_path / "m"


@pytest.mark.parametrize(
    ("rename", "error", "told"),
    [
        ([("(", "x")], ConversionError, "not a rule for names: '\\(' -> 'x'"),
        ([("b", r"\9")], ConversionError, "invalid group reference 9"),
        ([("b", r"\g<x>")], ConversionError, "unknown group name 'x'"),
        ({"b": 3}, TypeError, "names are str or bytes, not int: 3"),
        ({3: "b"}, TypeError, "names are str or bytes, not int: 3"),
        (lambda name: 3, TypeError, "names are str or bytes, not int: 3"),
        ("b=c", TypeError, "not by 'b=c'"),
        ([("b", "c", "d")], TypeError, "pairs of a pattern"),
        (7, TypeError, "not by 7"),
        ({"conv/w:0": "x"}, TensorNotFoundError, "did you mean 'conv/w'"),
        ({"conv*": "block*"}, TensorNotFoundError, "--substitute"),
    ],
)
def test_rename_that_cannot_be_done_is_told(
    source: Path, rename: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        tb.rewrite(source, f"{source}-new", rename=rename)
    assert not Path(f"{source}-new.index").exists()


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"drop": 3}, TypeError, "not by int"),
        ({"keep": lambda name: True}, TypeError, "not by function"),
        # numpy takes None for float64.
        ({"cast": {"b": None}}, ConversionError, "no dtype of numbers is called 'None'"),
        ({"cast": ["float16"]}, ConversionError, "no dtype of numbers is called"),
        ({"cast": 3}, ConversionError, "no dtype of numbers is called '3'"),
        ({"strip_optimizer": ["Foo"]}, TensorNotFoundError, "'Foo'"),
    ],
)
def test_option_of_another_kind_is_told(
    source: Path, options: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        tb.rewrite(source, f"{source}-new", **options)
    assert not Path(f"{source}-new.index").exists()


def test_one_name_of_an_optimizer_is_not_its_letters(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": K, "w/m": K, "w/M2": K})
    tb.rewrite(tmp_path / "m", tmp_path / "new", strip_optimizer="M2")
    assert sorted(tb.open(tmp_path / "new")) == ["w", "w/m"]


def test_optimizer_that_nothing_is_called_after_is_named(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": K})
    with pytest.raises(ConversionError, match="nor after 'Foo'"):
        tb.rewrite(tmp_path / "m", tmp_path / "new", strip_optimizer=["Foo"])


def test_cast_takes_a_dtype_for_all_others(source: Path) -> None:
    casts = {None: "bfloat16", "conv/*": "float16"}
    tb.rewrite(source, f"{source}-new", cast=casts)
    new = tb.open(f"{source}-new")
    assert {info.name: info.tf_dtype for info in new.infos()} == {
        "b": "bfloat16",
        "conv/w": "float16",
        "conv/w/Adam": "float16",
        "step": "int64",
    }


def test_command_casts_as_its_help_shows(source: Path) -> None:
    target = f"{source}-new"
    arguments = ("--cast", "tf.bfloat16", "--cast", "conv/*=float16", "--json")
    done = document("edit", str(source), target, *arguments)
    assert done["cast"]["b"] == ["float32", "bfloat16"]
    assert done["cast"]["conv/w"] == ["float32", "float16"]
    assert "step" not in done["cast"]


def test_command_takes_names_out_of_a_scope(source: Path) -> None:
    run("edit", str(source), f"{source}-new", "--rename", "conv=")
    assert sorted(tb.open(f"{source}-new")) == ["b", "step", "w", "w/Adam"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--rename", "b=c", "--rename", "b=d"), "two new names for 'b'"),
        (("--substitute", r"/b/\9/"), "invalid group reference 9"),
        (("--cast", "f16", "--cast", "bf16"), "given once"),
    ],
)
def test_command_refuses_in_one_line(source: Path, arguments: tuple[str, ...], told: str) -> None:
    done = run("edit", str(source), f"{source}-new", *arguments, code=2)
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("weights", [("0", "0"), ("nan", "1"), ("1", "-1"), ("inf", "1")])
def test_command_refuses_weights_without_a_sum(source: Path, weights: tuple[str, str]) -> None:
    tb.rewrite(source, f"{source}-2")
    options = [part for weight in weights for part in ("--weight", weight)]
    done = run("average", str(source), f"{source}-2", f"{source}-mean", *options, code=2)
    assert done.stderr.startswith("tensorbundle: error: weights are divided by their sum")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--rtol", "--atol"])
def test_command_refuses_a_tolerance_that_is_no_number(source: Path, option: str) -> None:
    done = run("diff", str(source), str(source), option, "nan", code=2)
    assert "'nan' is no number" in done.stderr
    assert done.stderr.count("\n") == 1


def test_merge_of_one_path_takes_it_whole(source: Path) -> None:
    assert tb.merge(str(source), f"{source}-new").prefixes == (str(source),)


def test_slots_in_an_optimizer_s_scope_below_the_variable_go_and_follow(tmp_path: Path) -> None:
    names = ("enc/w", "dec/w")
    slots = {f"{name}/{slot}": K for name in names for slot in SCOPED}
    tb.save(tmp_path / "m", {**dict.fromkeys(names, K), **slots, "LAMB/adam_m": K})
    tb.rewrite(tmp_path / "m", tmp_path / "slim", strip_optimizer=True)
    assert sorted(tb.open(tmp_path / "slim")) == ["LAMB/adam_m", "dec/w", "enc/w"]
    tb.rewrite(tmp_path / "m", tmp_path / "new", rename={"enc/w": "top/kernel"})
    found = set(tb.open(tmp_path / "new"))
    assert {f"top/kernel/{slot}" for slot in SCOPED} <= found
    assert not any(name.startswith("enc/") for name in found)
