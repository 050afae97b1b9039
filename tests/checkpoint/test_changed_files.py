"""Files that change under an open checkpoint: cut off, written over in place, replaced."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.checkpoint.truncated_reads import VERBS
from tests.places import PROJECT

TRIALS = int(os.environ.get("TRIALS", "2"))
# One of each way to the bytes; all of them when it is asked for.
SOME = ["verify", "first", "load", "export.safetensors", "save views", "diff", "diagnose"]
CUT_OFF = [*VERBS] if "TRIALS" in os.environ else [*SOME, "constants views", "freeze"]


@pytest.mark.parametrize("verb", CUT_OFF)
def test_files_cut_off_while_they_are_read_are_typed_errors(tmp_path: Path, verb: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tests.checkpoint.truncated_reads", tmp_path, verb, str(TRIALS)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{verb}: {TRIALS} cut off under it\n"


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    return tb.save(tmp_path / "m", {"a": np.arange(9.0), "b": np.ones(5), "c": np.zeros((2, 3))})


def shard_of(prefix: str) -> Path:
    return Path(f"{prefix}.data-00000-of-00001")


def write_over(prefix: str, *, later_ns: int = 10**9) -> None:
    """Other bytes in the same file, as a copying program writes them."""
    path = shard_of(prefix)
    before = path.stat()
    with open(path, "r+b") as file:
        file.write(b"\x55" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + later_ns))


@pytest.mark.parametrize("mode", ["r", "c"])
def test_a_shard_written_over_in_place_is_not_trusted_for_having_been_checked(
    prefix: str, mode: str
) -> None:
    ckpt = tb.open(prefix, mode=mode)
    assert ckpt["a"].sum() == 36
    write_over(prefix)
    with pytest.raises(tb.ChecksumError, match="in tensor 'a'"):
        ckpt["a"]
    with pytest.raises(tb.ChecksumError, match="in tensor"):
        ckpt.views()
    with pytest.raises(tb.ChecksumError, match="in tensor"):
        ckpt.load()


def test_a_shard_written_over_in_place_is_refused_where_nothing_is_checked(prefix: str) -> None:
    ckpt = tb.open(prefix, verify="never")
    assert ckpt["a"].sum() == 36
    write_over(prefix)
    with pytest.raises(tb.FormatError, match="was replaced or changed"):
        ckpt["b"]
    with pytest.raises(tb.FormatError, match="was replaced or changed"):
        ckpt.views()


def test_a_shard_that_was_touched_is_checked_again_and_goes_on(prefix: str) -> None:
    ckpt = tb.open(prefix)
    assert ckpt["a"].sum() == 36
    os.utime(shard_of(prefix))
    assert ckpt["a"].sum() == 36
    assert ckpt.views()["b"].sum() == 5


def test_a_shard_replaced_by_another_file_leaves_what_was_opened_as_it_was(prefix: str) -> None:
    ckpt = tb.open(prefix)
    assert ckpt["a"].sum() == 36
    tb.save(prefix, {"a": np.ones(9), "b": np.ones(5), "c": np.ones((2, 3))}, overwrite=True)
    assert ckpt["a"].sum() == 36
    assert ckpt["c"].sum() == 0


def test_saving_views_of_a_file_that_was_cut_off_leaves_the_earlier_checkpoint(
    tmp_path: Path,
) -> None:
    source = tb.save(tmp_path / "m", {"w": np.ones(1 << 20)})
    target = tb.save(tmp_path / "n", {"w": np.zeros(3)})
    views = tb.open(source).views()
    os.truncate(shard_of(source), 4096)
    before = signal.getsignal(signal.SIGBUS)
    with pytest.raises(tb.FormatError, match="a view of a file that was cut off"):
        tb.save(target, views, overwrite=True)
    assert signal.getsignal(signal.SIGBUS) == before
    assert tb.open(target)["w"].tolist() == [0, 0, 0]


WRITES_ANYWAY = """
import ctypes, sys, numpy as np, tensorbundle as tb
array = tb.open(sys.argv[1])["a"]
assert not array.flags.writeable
# What torch.from_numpy(array).add_(1) does: it takes the address and no notice of the flag.
memory = (ctypes.c_double * 9).from_address(array.ctypes.data)
memory[0] = 7.0
print(array[0])
"""


def test_a_write_past_the_read_only_flag_neither_ends_the_process_nor_reaches_the_file(
    prefix: str,
) -> None:
    before = shard_of(prefix).read_bytes()
    command = [sys.executable, "-c", WRITES_ANYWAY, prefix]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "7.0\n"), result.stderr
    assert shard_of(prefix).read_bytes() == before


def test_a_graph_that_was_read_stays_when_its_file_goes(tmp_path: Path) -> None:
    path = tmp_path / "m.pb"
    demo = PROJECT / "tests" / "golden" / "data" / "demo"
    tb.freeze(demo, outputs="probabilities", path=path)
    graph, constants = tb.load_graph(path), tb.open(path)
    expected = {name: array.copy() for name, array in constants.items()}
    os.truncate(path, 0)
    pruned = tb.prune(graph, outputs="probabilities", path=tmp_path / "p.pb")
    assert pruned.path is not None
    assert all(np.array_equal(constants[name], array) for name, array in expected.items())
    shutil.rmtree(tmp_path)
