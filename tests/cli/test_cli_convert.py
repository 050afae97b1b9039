"""``tensorbundle convert`` and casts on export, as a user types them."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import tensorbundle as tb
from tensorbundle.cli import program
from tests.golden.cases import path_of

RULES = """
format = 1
sides = ["tf", "hf"]
[[rule]]
tf = "{p:path}/kernel"
hf = "{p}.weight"
do = ["transpose"]
[[rule]]
tf = "{p:path}/bias"
hf = "{p}.bias"
[ignore]
tf = ["step"]
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(program, [str(each) for each in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(RULES)
    values = {"a/kernel": np.ones((2, 3), np.float32), "a/bias": np.zeros(3, np.float32)}
    tb.save(tmp_path / "m", {**values, "step": 3})
    return tmp_path


def test_rules_are_listed() -> None:
    told = run("convert", "--list-rules")
    assert told.exit_code == 0
    assert {line.split()[0] for line in told.stdout.splitlines()[1:]} >= {"bert", "gpt2", "t5"}


def test_there_and_back(folder: Path) -> None:
    there = run("convert", folder / "m", folder / "m.npz", "--rules", folder / "mine.toml")
    assert there.exit_code == 0, there.output
    assert "2 tensors" in there.stdout
    assert "ignored, as the rules say: 1 tensor" in there.stderr
    back = run(
        "convert", folder / "m.npz", folder / "back", "--rules", folder / "mine.toml", "--inverse",
        "--json",
    )  # fmt: skip
    record = json.loads(back.stdout)
    assert (record["tensors"], record["problems"]) == (2, [])
    assert {row["sources"][0]: row["targets"][0] for row in record["rows"]} == {
        "a.weight": "a/kernel",
        "a.bias": "a/bias",
    }
    assert tb.open(folder / "back")["a/kernel"].shape == (2, 3)


def test_a_dry_run_shows_the_table_and_writes_nothing(folder: Path) -> None:
    before = sorted(folder.iterdir())
    told = run("convert", folder / "m", folder / "x", "--rules", folder / "mine.toml", "--dry-run")
    assert told.exit_code == 0
    lines = [line.split() for line in told.stdout.splitlines()]
    assert ["a/kernel", "a.weight", "[3,", "2]", "transpose"] in lines
    assert ["step", "ignored"] in lines
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--dry-run", "--json"]])
def test_rules_that_do_not_fit_are_an_error_that_lists_all(folder: Path, more: list[str]) -> None:
    tb.save(folder / "other", {"a/gamma": 1.0, "b/gamma": 2.0})
    told = run("convert", folder / "other", folder / "x", "--rules", folder / "mine.toml", *more)
    assert told.exit_code == 2
    assert "names without a rule (2): 'a/gamma', 'b/gamma'" in told.output
    assert not (folder / "x.index").exists()


def test_a_hub_folder_is_made(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "mine"}')
    told = run(
        "convert", folder / "m", folder / "hub", "--rules", folder / "mine.toml",
        "--hub", folder / "config.json",
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert (folder / "hub" / "config.json").read_text() == '{"model_type": "mine"}'
    assert {*tb.open(folder / "hub")} == {"a.weight", "a.bias"}


def test_an_export_is_cast(tmp_path: Path) -> None:
    demo = path_of("demo")
    told = run("export", demo, tmp_path / "m.safetensors", "--cast", "bf16", "--cast", "*bias=f64")
    assert told.exit_code == 0, told.output
    made = tb.open(tmp_path / "m.safetensors")
    assert made["dense/kernel"].dtype.name == "bfloat16"
    assert made["dense/bias"].dtype.name == "float64"
    assert made["global_step"].dtype == tb.open(demo)["global_step"].dtype


@pytest.mark.parametrize("suffix", ["onnx", "tflite", "keras", "pt", "gguf"])
def test_formats_that_are_made_elsewhere_are_refused_with_what_goes_on(
    suffix: str, tmp_path: Path
) -> None:
    told = run("export", path_of("demo"), tmp_path / f"m.{suffix}")
    assert told.exit_code == 2
    assert f"no .{suffix} is written here: " in told.stderr
