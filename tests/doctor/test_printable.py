"""Nothing that is printed can act: names with escapes, marks of direction, a megabyte of them."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tensorbundle as tb
from tensorbundle._printable import LIMIT, printable
from tensorbundle.cli import program

HOSTILE = "a\x1b[2J\x1b]0;owned\x07\u202egnp\u2066\nb\r\x9b31m\x7f"
# What a terminal obeys: control characters but line feeds, and marks of writing direction.
ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def test_all_of_unicode_is_shown_or_escaped() -> None:
    checked = 0
    for code in range(0x110000):
        shown = printable(chr(code))
        assert shown.isprintable(), hex(code)
        checked += 1
    print(f"{checked} characters checked")


def test_a_long_text_loses_its_middle() -> None:
    shown = printable("x" * 100_000 + "end")
    assert len(shown) < LIMIT + 50
    assert shown.endswith("end")
    assert "characters" in shown


@pytest.mark.parametrize("name", [HOSTILE, "n" * 1_000_000])
def test_errors_of_hostile_names_are_one_short_line(name: str, tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {name: np.ones(3)})
    ckpt = tb.open(tmp_path / "m")
    errors = [
        lambda: ckpt["b" + name],
        lambda: ckpt.load(out={name: np.ones(4)}),
        lambda: tb.open(str(tmp_path / "x") + name[:200]),
    ]
    for provoke in errors:
        with pytest.raises(tb.TensorBundleError, match=r"^[^\n]+$") as caught:
            provoke()
        assert len(str(caught.value)) < LIMIT + 50
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "command",
    [
        ["ls"], ["show"], ["verify"], ["doctor"], ["salvage"], ["show", "no such"],
        ["verify", "--finite"], ["export", "/nowhere/x.npz"],
    ],
)  # fmt: skip
def test_commands_print_nothing_that_acts(command: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "dir\x1b\x07\u202e"
    folder.mkdir()
    path = str(folder / "m")
    tb.save(path, {HOSTILE: np.array([np.nan, 1]), "other" + HOSTILE: np.ones(3)})
    with open(path + ".data-00000-of-00001", "r+b") as file:
        file.write(b"damaged!!")
    verb, *rest = command
    result = CliRunner().invoke(program, [verb, path, *rest])
    assert ACTS.findall(result.stdout) == []
    assert ACTS.findall(result.stderr) == []
    assert result.stdout + result.stderr
