"""The commands that check and write: `verify`, `export`, `crosscheck`."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tensorbundle as tb
from tensorbundle.cli import program
from tests.freeze.program import document, run
from tests.golden.cases import DATA, expected, path_of

DEMO = path_of("demo")
DAMAGED = DATA / "damaged"


# --- verify -------------------------------------------------------------------------------------


def test_verify_of_a_sound_checkpoint_exits_0() -> None:
    pattern = r"not looked at: [^\n]*NaN[^\n]*\n"
    pattern += r"ok: 28 stored tensors, 168 kB checked in [\d.]+ m?s \([\d.]+ \w?B/s\)\n"
    assert re.fullmatch(pattern, run("verify", DEMO).stdout)
    report = document("verify", DEMO, "--threads", "1")
    assert (report["ok"], report["checked"], report["faults"]) == (True, 28, [])


def test_verify_of_a_damaged_checkpoint_names_the_fault_and_exits_1() -> None:
    text = run("verify", DAMAGED / "flipped_bit", code=1).stdout
    assert text.startswith("checksum: dense/kernel (shard 0, bytes 0-4096)\n")
    assert "\n1 fault: 5 stored tensors" in text
    (fault,) = document("verify", DAMAGED / "flipped_bit", code=1)["faults"]
    assert (fault["kind"], fault["name"], fault["shard"]) == ("checksum", "dense/kernel", 0)


def test_verify_tells_a_cause_once() -> None:
    text = run("verify", DAMAGED / "lfs_pointer_data", code=1).stdout
    assert text.count("git-LFS pointer") == 1
    assert text.count("truncated: ") == 5


@pytest.mark.parametrize("name", sorted(id for id in expected() if id.startswith("damaged/")))
def test_verify_of_each_kind_of_damage_ends_in_one_or_two(name: str) -> None:
    result = CliRunner().invoke(program, ["verify", path_of(name)])
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    errors = [line for line in result.stderr.splitlines() if "error:" in line]
    assert len(errors) == (result.exit_code == 2)


def test_verify_of_an_index_that_fails_its_checksum_exits_1(monkeypatch) -> None:
    def damaged(path: str) -> None:
        raise tb.ChecksumError("checksum mismatch in a block", path=path, offset=7)

    monkeypatch.setattr("tensorbundle._checkpoint.opening.open", damaged)
    assert run("verify", "x", code=1).stdout.startswith("checksum: the index\n")
    report = document("verify", "x", code=1)
    assert (report["ok"], report["faults"][0]["offset"]) == (False, 7)


# --- export -------------------------------------------------------------------------------------


def test_export_writes_a_file_and_says_what(tmp_path: Path) -> None:
    target = tmp_path / "demo.npz"
    text = run("export", DEMO, target, "--names", "dense/*", "--names", "global_step").stdout
    assert text.splitlines()[0] == "7 tensors, 151 kB:"
    assert str(target) in text
    ckpt = tb.open(DEMO)
    with np.load(target) as arrays:
        assert len(arrays.files) == 7
        assert np.array_equal(arrays["dense/kernel"], ckpt["dense/kernel"])


def test_export_tells_what_was_left_out(tmp_path: Path) -> None:
    result = run("export", DEMO, tmp_path / "demo.safetensors", "--max-shard-bytes", "60kB")
    assert "tensorbundle: note: left out labels: " in result.stderr
    assert result.stdout.startswith("27 tensors, 168 kB, 1 left out:\n")
    assert len(list(tmp_path.iterdir())) == result.stdout.count("\n") - 1 > 2


def test_export_replaces_only_with_force(tmp_path: Path) -> None:
    target = tmp_path / "demo.npz"
    target.write_bytes(b"mine")
    result = run("export", DEMO, target, code=2)
    assert result.stderr.endswith(" exists: give another path, or add --force\n")
    assert target.read_bytes() == b"mine"
    run("export", DEMO, target, "--force")
    assert len(np.load(target).files) == 28


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.npz", "--max-shard-bytes", "1GB"], "--max-shard-bytes is for safetensors"),
        (["x.safetensors", "--max-shard-bytes", "5 apples"], "is not a size such as 5GB"),
        (["x.unknown"], "no format for "),
        (["x.npz", "--names", "nosuch*"], "no tensor matches 'nosuch*'"),
    ],
)
def test_export_that_cannot_be_exits_2(tmp_path, arguments: list[str], message: str) -> None:
    result = run("export", DEMO, tmp_path / arguments[0], *arguments[1:], code=2)
    assert re.fullmatch(r"tensorbundle: error: .*\n", result.stderr)
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


# --- crosscheck ---------------------------------------------------------------------------------


def test_crosscheck_with_tensorflow_finds_the_demo_equal() -> None:
    text = run("crosscheck", DEMO, "--names", "dense/*").stdout
    assert re.fullmatch(r"ok: 6 tensors against tensorflow [\d.]+: 6 bit for bit equal\n", text)


def test_crosscheck_of_a_damaged_tensor_exits_1() -> None:
    path = DAMAGED / "flipped_bit"
    report = document("crosscheck", path, "--names", "dense/*", code=1)
    statuses = {tensor["name"]: tensor["status"] for tensor in report["tensors"]}
    assert statuses == {"dense/bias": "equal", "dense/kernel": "neither can"}
    assert report["ok"] is False


# --- export, for programs -------------------------------------------------------------------------


def test_export_tells_programs_what_was_left_out(tmp_path: Path) -> None:
    done = document("export", DEMO, tmp_path / "demo.safetensors")
    assert done["files"] == [str(tmp_path / "demo.safetensors")]
    assert (done["tensors"], done["notes"]) == (27, [])
    assert done["left_out"] == [{"name": "labels", "reason": "safetensors has no dtype for string"}]


def test_export_that_may_leave_out_nothing_exits_2_and_writes_nothing(tmp_path: Path) -> None:
    error = run("export", DEMO, tmp_path / "x.safetensors", "--strict", code=2).stderr
    assert "cannot export tensor 'labels': safetensors has no dtype for string" in error
    assert list(tmp_path.iterdir()) == []
    run("export", DEMO, tmp_path / "x.npz", "--strict")


def test_export_notes_the_types_that_numpy_has_no_name_for(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.ones(2, "bfloat16"), "v": np.ones(2)})
    done = run("export", tmp_path / "m", tmp_path / "m.npz")
    assert "note: 1 tensor has a type that numpy has no name for" in done.stderr
    assert "[name].view(ml_dtypes.bfloat16)" in done.stderr
    assert run("export", tmp_path / "m", tmp_path / "v.npz", "--names", "v").stderr == ""


def test_export_to_a_dash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    error = run("export", DEMO, "-", "--format", "npz", code=2).stderr
    assert "cannot write to '-': the name of a file or folder is needed" in error
    assert list(tmp_path.iterdir()) == []


def test_export_makes_the_parents_of_its_target(tmp_path: Path) -> None:
    run("export", DEMO, tmp_path / "x" / "y" / "z.npz")
    assert len(np.load(tmp_path / "x" / "y" / "z.npz").files) == 28
