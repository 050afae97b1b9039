"""Whatever happens to a saver, a whole checkpoint lies at its prefix."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.oracle.client import Module, TensorFlow
from tests.write.failing_saves import VERBS
from tests.write.killed_saves import EDITS

HERE = Path(__file__).parent
KILLS = int(os.environ.get("KILLS", "200"))
ERRORS = [
    *(errno.ENOSPC, errno.EIO, errno.EACCES, errno.EINTR),
    *(errno.ESTALE, errno.EPERM, errno.EROFS),
]
# All of them take minutes; these are what saves must stand by all means, and one of each kind.
FAILING = [
    *[("save", error) for error in (errno.ENOSPC, errno.EIO, errno.EINTR, errno.ESTALE)],
    *[(verb, errno.ENOSPC) for verb in ("save_shards", "salvage", "freeze")],
]
if os.environ.get("FAULTS") == "all":
    FAILING = [(verb, error) for verb in VERBS for error in ERRORS]
EDIT_KILLS = int(os.environ.get("KILLS", "12"))


@pytest.fixture(scope="module")
def oracle(oracle: TensorFlow) -> Module:
    """TensorFlow's own saving."""
    return oracle.module("tests.write.saving_programs")


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "failing_calls.so"
    source = HERE / "failing_calls.c"
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def run(script: str, *arguments: object, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, HERE / script, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_savers_killed_at_random_moments_leave_the_newest_whole_checkpoint(tmp_path: Path) -> None:
    assert run("killed_saves.py", tmp_path, "moments", KILLS).startswith(f"{KILLS} killed")


@pytest.mark.parametrize("verb", EDITS)
def test_edits_killed_at_random_moments_leave_the_sources_and_a_whole_target_or_none(
    tmp_path: Path, verb: str
) -> None:
    told = run("killed_saves.py", tmp_path, verb, EDIT_KILLS)
    assert told.startswith(f"{verb}: {EDIT_KILLS} killed, ")
    print(told, end="")


def test_a_saver_killed_between_any_two_steps_leaves_a_checkpoint_that_tensorflow_restores(
    oracle: Module, tmp_path: Path
) -> None:
    found = []
    while True:
        directory = tmp_path / str(len(found))
        directory.mkdir()
        prefix = str(directory / "model.ckpt")
        if run("killed_saves.py", directory, "step", len(found) + 1):
            break
        (restored,) = oracle.restore(prefix, [(b"w", "", "float32")])
        np.testing.assert_array_equal(restored, tb.open(prefix)["w"])
        found.append(restored.tolist())
        assert oracle.list_variables(prefix) == [("w", [3])]
        tb.save(prefix, {"w": np.full(3, 3, np.float32)}, overwrite=True)
        names = ["model.ckpt.data-00000-of-00001", "model.ckpt.index"]
        assert sorted(os.listdir(directory)) == names
    # Link, rename the index away, data, the new index, unlink the second name.
    assert found == [[1.0] * 3] * 4 + [[2.0] * 3] or found == [[1.0] * 3] * 5 + [[2.0] * 3]


@pytest.mark.parametrize(("verb", "error"), FAILING)
def test_every_call_to_the_system_failing_in_turn(
    tmp_path: Path, shim: Path, error: int, verb: str
) -> None:
    calls = int(run("failing_saves.py", tmp_path, error, verb, LD_PRELOAD=str(shim)))
    print(f"{verb}: each of {calls} calls failed with {errno.errorcode[error]}")
    assert calls >= 4
