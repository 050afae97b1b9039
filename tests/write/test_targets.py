"""Targets: errors call them what the user called them, wherever the work goes on meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tensorbundle as tb
from tests.golden.cases import DATA

DEMO = str(DATA / "demo")
HEAD = ("-o", "probabilities")
# Commands that write where they run, and what the disk is too full for.
COMMANDS = [
    (("export", DEMO, "x.npz"), "x.npz"),
    (("export", DEMO, "x/"), "x/dense/kernel.npy"),
    (("freeze", DEMO, "x.pb", *HEAD), "x.pb"),
    (("freeze", DEMO, "x.pbtxt", *HEAD), "x.pbtxt"),
    (("freeze", DEMO, "made/x.pb", *HEAD), "made/x.pb"),
    (("export-saved-model", DEMO, "x", *HEAD), "x/variables/variables.data-00000-of-00001"),
    (("report", DEMO, "-o", "x.html"), "x.html"),
    (("edit", DEMO, "x", "--cast", "float16"), "x.data-00000"),
    (("edit", DEMO, "x", "--strip-optimizer"), "x.data-00000"),
    (("merge", DEMO, "x"), "x.data-00000"),
    (("cp", DEMO, "x"), "x.data-00000-of-00001"),
]
# A file system of its own, where files are full at 9,000 bytes.
SCRIPT = """
import contextlib, errno, fcntl, io, json, os, resource, signal, sys
from tensorbundle.cli import program
def other_file_system(*arguments, **options):
    raise OSError(errno.EXDEV, "files are copied")
fcntl.ioctl = os.link = other_file_system
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
for arguments in json.loads(sys.argv[1]):
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.suppress(SystemExit):
        program(arguments)
    print(json.dumps([told.getvalue(), os.listdir()]))
"""


def test_relative_target_is_called_as_it_was_given_where_the_disk_is_full(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([arguments for arguments, _ in COMMANDS])],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for (arguments, named), (told, left) in zip(COMMANDS, found, strict=True):
        assert told.lower().endswith(f"file too large: {named}\n"), arguments
        assert told.count("\n") == 1
        assert left == [], arguments


@pytest.fixture
def pipe_end() -> Iterator[str]:
    """A pipe by the name that /dev/stdout stands for: a link to what is no path."""
    ends = os.pipe()
    yield f"/dev/fd/{ends[1]}"
    for end in ends:
        os.close(end)


@pytest.mark.parametrize(
    "write",
    [
        lambda target: tb.export(DEMO, target, format="npz", overwrite=True),
        lambda target: tb.export(DEMO, target, format="npy", overwrite=True),
        lambda target: tb.freeze(DEMO, outputs="probabilities", path=target, overwrite=True),
        lambda target: tb.prune(DEMO, outputs="probabilities", path=target, overwrite=True),
        lambda target: tb.export_saved_model(
            DEMO, outputs="probabilities", path=target, overwrite=True
        ),
        lambda target: tb.report(DEMO, path=target, overwrite=True),
    ],
)
def test_device_or_pipe_for_a_target_is_refused_under_its_own_name(
    tmp_path: Path, pipe_end: str, write: Callable[[str], object]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for target in (pipe_end, "/dev/null", str(tmp_path / "pipe")):
        with pytest.raises(FileExistsError, match=f"'{target}' is no regular file"):
            write(target)
    assert os.listdir(tmp_path) == ["pipe"]
