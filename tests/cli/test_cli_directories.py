"""Directories of many checkpoints on the command line; targets that are none; signals."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.program import document, run
from tests.golden.cases import DATA


def many(folder: Path) -> Path:
    for step in (100, 200, 300):
        prefix = tb.save(folder / f"model.ckpt-{step}", {"w": np.full(1000, step, np.float32)})
        os.utime(f"{prefix}.index", (step, step))
    lines = [f'all_model_checkpoint_paths: "model.ckpt-{step}"\n' for step in (100, 200, 300)]
    (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-200"\n' + "".join(lines))
    return folder


def spread(folder: Path) -> list[str]:
    """What a shell makes of ``folder/*``."""
    return [str(path) for path in sorted(folder.iterdir())]


# --- listing --------------------------------------------------------------------------------------


def test_checkpoints_of_a_directory_are_listed_with_step_time_and_size(tmp_path: Path) -> None:
    many(tmp_path)
    os.unlink(tmp_path / "model.ckpt-100.data-00000-of-00001")
    (tmp_path / "model.ckpt-300.index").write_bytes(b"damaged" * 20)
    os.utime(tmp_path / "model.ckpt-300.index", (300, 300))
    listed = tb.checkpoints(tmp_path)
    assert [(each.step, each.saved_at, each.newest) for each in listed] == [
        (100, 100.0, False),
        (200, 200.0, True),
        (300, 300.0, False),
    ]
    assert [each.complete for each in listed] == [False, True, False]
    assert listed[0].missing == (str(tmp_path / "model.ckpt-100.data-00000-of-00001"),)
    assert listed[1].nbytes > 4000
    assert listed[2].missing is None
    shown = run("ls", "--checkpoints", tmp_path).stdout.splitlines()
    assert len(shown) == 4
    assert "incomplete: 1 shard is missing" in shown[1]
    assert shown[2].endswith("newest")
    assert shown[3].endswith("unreadable")
    read = json.loads(run("ls", "--checkpoints", tmp_path, "--json").stdout)["checkpoints"]
    assert [each["step"] for each in read] == [100, 200, 300]


def test_listing_takes_times_of_the_state_file_and_v1_checkpoints(tmp_path: Path) -> None:
    (listed,) = tb.checkpoints(DATA / "saver_v1")
    assert (listed.kind, listed.step, listed.newest, listed.complete) == ("v1", 3, True, True)
    (sharded,) = tb.checkpoints(DATA / "saver_v1_sharded")
    assert sharded.kind == "v1"
    manager = tb.train.CheckpointManager({"w": np.float32(1)}, tmp_path, 2)
    manager.save()
    (tmp_path / "old").mkdir()
    (saved,) = tb.checkpoints(tmp_path)
    state = tb.train.get_checkpoint_state(tmp_path)
    assert saved.saved_at == state.all_model_checkpoint_timestamps[0]
    assert tb.checkpoints(tmp_path / "old") == []
    assert "no checkpoints" in run("ls", "--checkpoints", tmp_path / "old").stdout
    assert "takes a directory" in run("ls", "--checkpoints", saved.prefix, code=2).stderr


def test_ls_of_an_unquoted_glob_lists_each_checkpoint_once(tmp_path: Path) -> None:
    many(tmp_path)
    shown = run("ls", *spread(tmp_path)).stdout
    heads = [line for line in shown.splitlines() if line.endswith(":")]
    assert heads == [f"{tmp_path}/model.ckpt-{step}:" for step in (100, 200, 300)]
    assert shown.count("1 tensor,") == 3
    one = [path for path in spread(tmp_path) if "ckpt-100" in path]
    assert run("ls", *one).stdout == run("ls", tmp_path / "model.ckpt-100").stdout


def test_a_pattern_that_is_a_file_too_stays_a_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(tmp_path)
    (tmp_path / "w").write_text("")
    monkeypatch.chdir(tmp_path)
    assert "1 tensor" in run("ls", "model.ckpt-100.index", "w").stdout


# --- verify ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("glob", ["*.index", "*"])
def test_verify_of_several_checks_each_once(tmp_path: Path, glob: str) -> None:
    many(tmp_path)
    paths = sorted(map(str, tmp_path.glob(glob)))
    shown = run("verify", *paths).stdout
    assert shown.count("ok: 1 stored tensor") == 3
    documents = [json.loads(line) for line in run("verify", *paths, "--json").stdout.splitlines()]
    assert [each["ok"] for each in documents] == [True] * 3


def test_verify_of_several_goes_on_after_faults_and_what_cannot_be_opened(tmp_path: Path) -> None:
    many(tmp_path)
    data = tmp_path / "model.ckpt-100.data-00000-of-00001"
    data.write_bytes(b"\1" * data.stat().st_size)
    prefixes = [tmp_path / f"model.ckpt-{step}" for step in (100, 200)]
    assert "1 fault" in run("verify", *prefixes, code=1).stdout
    done = run("verify", tmp_path / "gone", *prefixes, code=2)
    assert "no checkpoint at" in done.stderr
    assert "ok: 1 stored tensor" in done.stdout
    assert document("verify", prefixes[1])["ok"]


# --- targets --------------------------------------------------------------------------------------

VERBS = {
    "edit": lambda source, target: ("edit", source, target, "--cast", "float16"),
    "merge": lambda source, target: ("merge", source, target),
    "average": lambda source, target: ("average", source, f"{source}2", target),
    "save": lambda source, target: ("save", source.parent / "w.npz", target),
}
TARGETS = {
    "a directory": ("folder", "folder/model.ckpt"),
    "a directory that is not there": ("new/", "new/model.ckpt"),
    "a SavedModel": ("sm", "sm/variables/variables"),
    "an index": ("x.index", "x"),
    "a data file": ("x.data-00000-of-00001", "x"),
    "a graph": ("x.meta", "x"),
}


@pytest.mark.parametrize("verb", sorted(VERBS))
@pytest.mark.parametrize("target", sorted(TARGETS))
def test_target_that_is_no_prefix_is_refused_with_the_right_spelling(
    tmp_path: Path, verb: str, target: str
) -> None:
    source = Path(tb.save(tmp_path / "m", {"w": np.float32([1])}))
    tb.save(tmp_path / "m2", {"w": np.float32([2])})
    np.savez(tmp_path / "w.npz", w=np.float32([1]))
    (tmp_path / "folder").mkdir()
    shutil.copytree(DATA / "saved_model", tmp_path / "sm")
    before = sorted(map(str, tmp_path.rglob("*")))
    given, right = TARGETS[target]
    path = os.path.join(tmp_path, given)
    error = run(*VERBS[verb](source, path), code=2).stderr
    assert repr(os.path.join(tmp_path, right)) in error
    assert len(error.splitlines()) == 1
    assert sorted(map(str, tmp_path.rglob("*"))) == before
    run(*VERBS[verb](source, os.path.join(tmp_path, "folder", "model.ckpt")))


# --- signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["edit", "save", "export"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_unwinds_and_leaves_nothing(
    tmp_path: Path, verb: str, number: signal.Signals
) -> None:
    source = Path(tb.save(tmp_path / "m", {"w": np.zeros(30_000_000, np.float32)}, fsync=False))
    arguments = {
        "edit": ["edit", source, tmp_path / "out", "--cast", "float64"],
        "export": ["export", source, tmp_path / "out.npz"],
        "save": ["save", tmp_path / "w.npz", tmp_path / "out"],
    }[verb]
    np.savez(tmp_path / "w.npz", w=np.zeros(30_000_000, np.float32))
    before = sorted(os.listdir(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-m", "tensorbundle", *map(str, arguments)], stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while sorted(os.listdir(tmp_path)) == before and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(number)
    _, told = process.communicate()
    if process.returncode == 0:  # it was quicker
        assert told == b""
        return
    assert process.returncode == 128 + number
    assert b"Traceback" not in told
    assert sorted(os.listdir(tmp_path)) == before


def test_signal_inside_an_archive_is_still_that_signal(tmp_path: Path) -> None:
    """A zip file closed while a member is open raises a ValueError of its own on the way out."""
    source = tb.save(tmp_path / "m", {"w": np.zeros(3, np.float32)}, fsync=False)
    before = sorted(os.listdir(tmp_path))
    program = """if 1:
        import os, signal, sys, zipfile
        from tensorbundle.cli import main
        opened = zipfile.ZipFile.open
        def open_and_end(*args, **options):
            stream = opened(*args, **options)
            os.kill(os.getpid(), signal.SIGTERM)
            return stream
        zipfile.ZipFile.open = open_and_end
        main()
    """
    done = subprocess.run(
        [sys.executable, "-c", program, "export", source, tmp_path / "out.npz"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stderr == b""
    assert sorted(os.listdir(tmp_path)) == before


def test_signals_that_are_ignored_stay_so(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from tensorbundle.cli.grammar.failures import _unwinding\n"
        "with _unwinding():\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
        "print('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
