"""Saves where others are at work: forked children, second writers, pipes, and kills before us."""

import logging
import multiprocessing
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import _core
from tensorbundle._write.durable import locked_directory, replace_file
from tests.train.savers import Savers

VALUE = {"w": np.arange(3, dtype=np.float32)}


def sleep_until(event: Any) -> None:
    event.wait(60)


# --- locks and forks ------------------------------------------------------------------------------


def test_child_forked_while_a_save_commits_does_not_hold_up_the_next(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    done = context.Event()
    with locked_directory(str(tmp_path)):
        child = context.Process(target=sleep_until, args=(done,))
        child.start()
    try:
        start = time.monotonic()
        tb.save(tmp_path / "m", VALUE)
        assert time.monotonic() - start < 5
    finally:
        done.set()
        child.join()


def test_child_outlives_a_saver_that_was_killed_and_the_next_save_does_not_wait(
    tmp_path: Path,
) -> None:
    code = (
        "import os, signal, sys, time\n"
        "from tensorbundle._write.durable import locked_directory\n"
        "with locked_directory(sys.argv[1]):\n"
        "    if os.fork():\n"
        "        time.sleep(0.3)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    os.close(0), os.close(1), os.close(2)\n"
        "    time.sleep(20)\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True)
    start = time.monotonic()
    tb.save(tmp_path / "m", VALUE)
    assert time.monotonic() - start < 5


def test_temporary_files_that_only_a_forked_child_has_open_are_leftovers(tmp_path: Path) -> None:
    writer = tb.Writer(tmp_path / "m")
    writer.add("w", 1)
    context = multiprocessing.get_context("fork")
    done = context.Event()
    child = context.Process(target=sleep_until, args=(done,))
    child.start()
    try:
        os.rename(tmp_path, tmp_path.with_name("kept"))  # the abort below finds nothing
        writer.abort()
        tb.save(tmp_path.with_name("kept") / "m", VALUE)
        names = sorted(os.listdir(tmp_path.with_name("kept")))
        assert names == ["m.data-00000-of-00001", "m.index"]
    finally:
        done.set()
        child.join()


def test_a_wait_says_after_a_second_for_whom(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = (
        "import sys\n"
        "from tensorbundle._write.durable import locked_directory\n"
        "with locked_directory(sys.argv[1]):\n"
        "    print('locked', flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"locked\n"
    timer = threading.Timer(2, other.kill)
    timer.start()
    with caplog.at_level(logging.WARNING):
        tb.save(tmp_path / "m", VALUE)
    other.communicate()
    assert f"process {other.pid} (" in caplog.text
    assert str(tmp_path) in caplog.text


# --- two writers of one small file ----------------------------------------------------------------


def write_often(path: str, content: bytes, count: int) -> None:
    for _ in range(count):
        replace_file(path, content)


def test_two_writers_of_a_state_file_leave_one_of_the_two_results(tmp_path: Path) -> None:
    path = str(tmp_path / "checkpoint")
    contents = [bytes([65 + number]) * 500 for number in range(4)]
    context = multiprocessing.get_context("fork")
    writers = [
        context.Process(target=write_often, args=(path, content, 300)) for content in contents
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if os.path.exists(path):
            assert Path(path).read_bytes() in contents
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert os.listdir(tmp_path) == ["checkpoint"]


# --- what lies there ------------------------------------------------------------------------------


def test_named_pipes_are_neither_waited_for_nor_taken_for_leftovers(tmp_path: Path) -> None:
    pipes = ["m.index.tempstate1", "checkpoint.tempstate2", "m.data-00000.tempstate1"]
    for name in pipes:
        os.mkfifo(tmp_path / name)
    tree = {"w": np.float32(1)}
    manager = tb.train.CheckpointManager(tree, tmp_path, max_to_keep=1, checkpoint_name="m")
    manager.save()
    tb.save(tmp_path / "m", VALUE)
    assert set(pipes) <= set(os.listdir(tmp_path))


def test_a_pipe_for_an_index_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.index")
    tb.save(tmp_path / "m", VALUE, overwrite=True)
    assert tb.open(tmp_path / "m").verify().ok


def moved_away(prefix: Path) -> None:
    """As a save leaves the previous checkpoint when it is killed between two names."""
    data, index = f"{prefix}.data-00000-of-00001", f"{prefix}.index"
    os.link(data, f"{prefix}.data-00000-of-99999")
    renumbered = _core.renumber_index(_core.File(index), 99999)
    Path(index).write_bytes(renumbered)
    os.unlink(data)


def test_a_checkpoint_of_99999_shards_is_used_by_those_that_are_there(
    tmp_path: Path, tensorflow: Savers
) -> None:
    tb.save(tmp_path / "m", VALUE | {"v": np.arange(3.0)})
    moved_away(tmp_path / "m")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        assert tb.open(tmp_path / "m").verify().ok
        assert len(tb.open(tmp_path / "m").load()) == 2
        tb.rewrite(tmp_path / "m", tmp_path / "other", rename={"w": "x"})
        tb.merge([tmp_path / "other"], tmp_path / "merged")
        tb.export(tb.open(tmp_path / "m"), tmp_path / "m.npz")
        tb.rewrite(tmp_path / "m", tmp_path / "m", rename={"w": "x"}, overwrite=True)
        tb.rewrite(tmp_path / "other", tmp_path / "other", cast="float16", overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sorted(name for name in os.listdir(tmp_path) if name.startswith("m.")) == [
        "m.data-00000-of-00001",
        "m.index",
        "m.npz",
    ]
    assert tensorflow.read(str(tmp_path / "m"))["listed"] == [["v", [3]], ["x", [3]]]


def test_a_thousand_shards_need_few_descriptors(tmp_path: Path) -> None:
    names = {f"t{number}": np.float32(number) for number in range(1000)}
    shards = {name: number for number, name in enumerate(names)}
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        tb.save(tmp_path / "m", names, shards=shards, fsync=False)
        opened = tb.open(tmp_path / "m")
        assert opened["t999"] == 999
        assert len(opened.load()) == 1000
        assert opened.verify().ok
        tb.rewrite(tmp_path / "m", tmp_path / "cast", cast="float16")
        assert tb.open(tmp_path / "cast")["t7"] == 7
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [211, 230, 235])
def test_names_as_long_as_tensorflow_saves_are_saved(
    tmp_path: Path, tensorflow: Savers, length: int
) -> None:
    prefix = tmp_path / ("m" * length)
    tb.save(prefix, VALUE)
    tb.save(prefix, VALUE, overwrite=True)
    tb.rewrite(prefix, tmp_path / ("n" * length), rename={"w": "x"})
    assert tensorflow.read(str(prefix))["listed"] == [["w", [3]]]
    assert len(os.listdir(tmp_path)) == 4
    too_long = "m" * 240
    with pytest.raises(OSError, match=rf"name too long.*/{too_long}\.data-00000"):
        tb.save(tmp_path / too_long, VALUE)
    assert len(os.listdir(tmp_path)) == 4


def test_leftovers_of_a_long_name_are_removed(tmp_path: Path) -> None:
    prefix = tmp_path / ("m" * 230)
    code = (
        "import os, sys, tensorbundle as tb\n"
        "writer = tb.Writer(sys.argv[1]); writer.add('w', 1); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, prefix])
    assert len(os.listdir(tmp_path)) == 2
    tb.save(prefix, VALUE)
    assert len(os.listdir(tmp_path)) == 2


def test_errors_name_the_target_and_no_temporary_name(tmp_path: Path) -> None:
    for work in (
        lambda: tb.save(tmp_path / "m.index" / "gone" / "m", VALUE),
        lambda: tb.rewrite(tmp_path / "m", tmp_path / "m.index" / "gone" / "m", rename={"w": "x"}),
        lambda: replace_file(str(tmp_path / "gone" / "checkpoint"), b""),
        lambda: tb.save("/proc/m", VALUE),
        lambda: replace_file("/proc/checkpoint", b""),
    ):
        if not (tmp_path / "m.index").exists():
            tb.save(tmp_path / "m", VALUE)
        with pytest.raises(
            OSError, match=r"No such file|denied|not permitted|[Nn]ot a directory"
        ) as caught:
            work()
        assert "tempstate" not in str(caught.value)
        assert caught.value.filename
