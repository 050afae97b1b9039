"""Diagnosis: each kind of damage is named, and the command given for it mends it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tensorbundle as tb
from tensorbundle.cli import program
from tests.doctor.damage import assert_same, flip, small_values
from tests.golden.cases import DATA

SHARD = ".data-00000-of-00001"


def values() -> dict[str, np.ndarray]:
    """Values with every byte in them, line feeds and carriage returns too."""
    found = small_values()
    found["bytes"] = np.arange(256, dtype=np.uint8)
    found["w"] = np.random.default_rng(7).normal(size=(40, 50)).astype(np.float32)
    return found


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    path = str(tmp_path / "run" / "m-10")
    os.mkdir(tmp_path / "run")
    tb.save(path, values())
    return path


def run(command: str) -> None:
    """Run a command as a user would, with this package's program."""
    shell = f'tensorbundle() {{ "{sys.executable}" -m tensorbundle "$@"; }}; {command}'
    subprocess.run(["bash", "-c", shell], check=True, capture_output=True)


def mend(prefix: str, expected: str) -> None:
    """The diagnosis says so, its command mends it, and then all is well."""
    found = tb.diagnose(prefix)
    assert not found.healthy
    assert expected in found.symptoms[0].what + found.symptoms[0].evidence, found
    assert found.symptoms[0].command is not None
    run(found.symptoms[0].command)
    assert tb.diagnose(prefix).healthy
    assert_same(prefix, values())


def test_what_is_sound_is_healthy() -> None:
    for name in ("demo", "saver/model.ckpt-20", "saved_model", "saver_v1", "moved"):
        found = tb.diagnose(DATA / name)
        assert (name, found.healthy) == (name, name != "moved"), found


def test_a_shard_under_another_name_is_found_by_its_content(prefix: str) -> None:
    os.rename(prefix + SHARD, prefix + SHARD + " (1)")
    mend(prefix, "m-10.data-00000-of-00001 (1)' has its size")


def test_a_shard_of_another_count_is_found(prefix: str) -> None:
    os.rename(prefix + SHARD, prefix + ".data-00000-of-00002")
    mend(prefix, "data-00000-of-00002' has its size")


def test_the_shard_of_another_save_is_told_and_the_right_one_found(prefix: str) -> None:
    other = {name: value + 1 if value.dtype.kind == "f" else value
             for name, value in values().items()}  # fmt: skip
    other["bytes"] = other["bytes"][::-1].copy()
    other["c/int"] = other["c/int"] + 3
    tb.save(prefix + "-other", other)
    shutil.move(prefix + SHARD, os.path.dirname(prefix) + "/kept.bin")
    shutil.copy(prefix + "-other" + SHARD, prefix + SHARD)
    mend(prefix, "a shard is of another save")


def test_line_ends_converted_are_undone(prefix: str) -> None:
    path = Path(prefix + SHARD)
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    mend(prefix, "line ends were converted")


def test_an_index_with_line_ends_converted_is_undone(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m")
    for number in range(200):  # until a byte of the index is a line feed
        tb.save(prefix, {"x" * 10: np.full(3, number), "y": np.zeros(number)})
        raw = Path(prefix + ".index").read_bytes()
        if b"\n" in raw and b"\r\n" not in raw:
            break
    Path(prefix + ".index").write_bytes(raw.replace(b"\n", b"\r\n"))
    found = tb.diagnose(prefix)
    assert "line ends were converted" in found.symptoms[0].what
    run(found.symptoms[0].command or "")
    assert Path(prefix + ".index").read_bytes() == raw


def test_utf8_conversion_is_undone(prefix: str) -> None:
    path = Path(prefix + SHARD)
    path.write_bytes(path.read_bytes().decode("latin-1").encode("utf-8"))
    mend(prefix, "from Latin-1 to UTF-8")


def test_utf8_replacement_is_told_as_lost(prefix: str) -> None:
    path = Path(prefix + SHARD)
    path.write_bytes(path.read_bytes().decode("utf-8", "replace").encode("utf-8"))
    found = tb.diagnose(prefix)
    assert "they are lost" in found.symptoms[0].what
    assert found.symptoms[0].command is None


def test_bytes_put_in_front_are_cut_off(prefix: str) -> None:
    path = Path(prefix + SHARD)
    path.write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + path.read_bytes())
    mend(prefix, "something was put in: 19 bytes in front")


def test_an_index_under_another_name_is_found_by_its_content(prefix: str) -> None:
    os.rename(prefix + ".index", os.path.dirname(prefix) + "/model.index.bak")
    mend(prefix, "model.index.bak' is one of the tensors in this shard")


def test_a_moved_state_file_is_relocated(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DATA / "moved", tmp_path / "moved"))
    found = tb.diagnose(folder)
    assert "state file" in found.symptoms[0].what
    run(found.symptoms[0].command or "")
    assert tb.diagnose(folder).healthy


def test_parts_never_merged_are_merged(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m")
    os.mkdir(prefix + "_temp")
    for number in range(2):
        tb.save(f"{prefix}_temp/part-{number:05}-of-00002", {f"v{number}": np.full(3, number)})
    found = tb.diagnose(prefix)
    assert "never merged" in found.symptoms[0].what
    run(found.symptoms[0].command or "")
    assert list(tb.open(prefix)) == ["v0", "v1"]


@pytest.mark.parametrize("suffix", [".index", SHARD])
def test_rot_is_salvaged(prefix: str, suffix: str) -> None:
    path = Path(prefix + suffix)
    path.write_bytes(flip(path.read_bytes(), 333))
    found = tb.diagnose(prefix)
    assert (found.healthy, found.readable) == (False, suffix != ".index")
    command = next(each.command for each in found.symptoms if each.command)
    run(command)
    assert_same(prefix + "-salvaged", values())


def test_pointers_pages_and_archives_are_named_with_what_gets_the_file(prefix: str) -> None:
    index = Path(prefix + ".index")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 960\n"
    index.write_text(pointer)
    found = tb.diagnose(prefix)
    assert "a git-LFS pointer" in found.symptoms[0].what
    assert "lfs pull --include m-10.index" in (found.symptoms[0].command or "")
    index.write_text("<!DOCTYPE html><title>404</title>")
    assert "an HTML page" in tb.diagnose(prefix).symptoms[0].what


def test_exit_codes_and_json(prefix: str) -> None:
    runner = CliRunner()
    healthy = runner.invoke(program, ["doctor", prefix])
    assert (healthy.exit_code, "nothing is wrong" in healthy.stdout) == (0, True)
    path = Path(prefix + SHARD)
    path.write_bytes(flip(path.read_bytes(), 5))
    sick = runner.invoke(program, ["doctor", prefix, "--json"])
    document = json.loads(sick.stdout)
    assert (sick.exit_code, document["readable"], document["healthy"]) == (1, True, False)
    assert document["symptoms"][0]["command"].startswith("tensorbundle salvage ")
    assert runner.invoke(program, ["doctor", prefix + "-no"]).exit_code == 2
