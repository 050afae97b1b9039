"""How `save` and `Writer` treat files and names: replacing, cleaning up, refusing, warning."""

import fcntl
import os
import re
import resource
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tests.write.saving import files

ONE_SHARD = [".data-00000-of-00001", ".index"]


@pytest.fixture
def small_files() -> Iterator[None]:
    """Files cannot grow beyond 5 MB: what a full disk is to a writer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --- replacing --------------------------------------------------------------------------------


def test_saving_over_a_mapped_checkpoint_leaves_its_arrays_alone(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.arange(1000)})
    view = tb.open(tmp_path / "m")["w"]
    tb.save(tmp_path / "m", {"w": np.zeros(10)}, overwrite=True)
    np.testing.assert_array_equal(view, np.arange(1000))
    assert tb.open(tmp_path / "m")["w"].shape == (10,)


def test_a_checkpoint_can_be_saved_over_itself(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.arange(1000), "s": "text"})
    before = files(tmp_path / "m")
    tb.save(tmp_path / "m", tb.open(tmp_path / "m"), overwrite=True)
    assert files(tmp_path / "m").keys() == before.keys()
    assert tb.open(tmp_path / "m").verify().ok


def test_files_of_links_and_other_checkpoints_are_not_written_into(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.arange(3)})
    os.link(tmp_path / "m.data-00000-of-00001", tmp_path / "kept")
    tb.save(tmp_path / "m", {"w": np.arange(9)}, overwrite=True)
    assert (tmp_path / "kept").stat().st_size == 24


def test_fewer_shards_than_before_make_a_checkpoint_beside_unused_files(tmp_path: Path) -> None:
    tensors = {"a": np.arange(3), "b": np.arange(4)}
    tb.save(tmp_path / "m", tensors, shards={"a": 0, "b": 1})
    tb.save(tmp_path / "m", tensors, overwrite=True)
    assert tb.open(tmp_path / "m").num_shards == 1
    assert tb.open(tmp_path / "m").verify().ok


def test_a_damaged_index_does_not_keep_a_new_checkpoint_from_being_saved(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.arange(3)})
    (tmp_path / "m.index").write_bytes(b"not a table")
    tb.save(tmp_path / "m", {"w": np.arange(4)}, overwrite=True)
    assert sorted(files(tmp_path / "m")) == ONE_SHARD
    assert tb.open(tmp_path / "m")["w"].size == 4


def test_an_exception_in_the_block_leaves_what_was_there(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.arange(3)})
    before = files(tmp_path / "m")

    def write() -> None:
        with tb.Writer(tmp_path / "m", overwrite=True) as writer:
            writer.add("w", np.arange(5))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        write()
    assert files(tmp_path / "m") == before


def test_savers_of_one_prefix_at_once_leave_one_whole_checkpoint(tmp_path: Path) -> None:
    def save(value: int) -> None:
        for _ in range(10):
            tb.save(
                tmp_path / "m",
                {f"w{i}": np.full(50, value) for i in range(9)},
                fsync=False,
                overwrite=True,
            )

    threads = [threading.Thread(target=save, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(files(tmp_path / "m")) == ONE_SHARD
    ckpt = tb.open(tmp_path / "m")
    assert ckpt.verify().ok
    assert len({float(array[0]) for array in ckpt.load().values()}) == 1


# --- leftovers --------------------------------------------------------------------------------


def test_leftovers_of_dead_writers_are_removed_and_of_living_ones_kept(tmp_path: Path) -> None:
    dead, alive = ".tempstate123", ".tempstate456"
    others = ["m2.index.tempstate1", "m.data-00000-of-00001.tempstate9", "m.indexes", "m_temp"]
    for name in (f"m.index{dead}", f"m.data-00000{dead}", f"m.index{dead}.previous",
                 "m.data-00007.tempstate5", f"m.index{alive}", f"m.data-00001{alive}",
                 "m.data-00002-of-99999", *others):  # fmt: skip
        (tmp_path / name).write_bytes(b"x")
    with open(tmp_path / f"m.index{alive}") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tb.save(tmp_path / "m", {"w": 1}, overwrite=True)
    kept = {*others, f"m.index{alive}", f"m.data-00001{alive}"}
    assert set(os.listdir(tmp_path)) - kept == {f"m{each}" for each in ONE_SHARD}
    assert kept <= set(os.listdir(tmp_path))


# --- trouble ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("size", [5_000_001, 40_000_000])
def test_a_file_that_cannot_grow_is_named_and_nothing_is_left(tmp_path: Path, size: int) -> None:
    tb.save(tmp_path / "m", {"w": np.arange(3)})
    before = files(tmp_path / "m")
    with pytest.raises(OSError, match=re.escape("m.data-00000'")):
        tb.save(tmp_path / "m", {"w": np.zeros(size, np.uint8)}, overwrite=True)
    assert files(tmp_path / "m") == before


def test_a_directory_in_place_of_the_index_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "m.index").mkdir()
    with pytest.raises(OSError, match=re.escape("m.index")):
        tb.save(tmp_path / "m", {"w": np.arange(3)}, overwrite=True)
    assert os.listdir(tmp_path) == ["m.index"]


@pytest.mark.parametrize("fsync", [True, False])
def test_the_directories_of_a_prefix_are_made(tmp_path: Path, fsync: bool) -> None:
    with tb.Writer(tmp_path / "one" / "two" / "m", fsync=fsync) as writer:
        writer.add("w", 1)
    assert tb.open(tmp_path / "one" / "two" / "m")["w"] == 1


def test_a_file_among_the_directories_of_a_prefix_is_named(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("")
    with pytest.raises(NotADirectoryError, match="one"):
        tb.save(tmp_path / "one" / "two" / "m", {"w": 1})


@pytest.mark.parametrize("mark", ["[1]", "*", "?", "\\"])
def test_a_prefix_that_tensorflow_cannot_reopen_warns(tmp_path: Path, mark: str) -> None:
    with pytest.warns(tb.CompatibilityWarning, match="for a pattern"):
        tb.save(f"{tmp_path}/m{mark}", {"w": 1})
    assert tb.open(f"{tmp_path}/m{mark}")["w"] == 1


# --- what a writer refuses ----------------------------------------------------------------------

HALF = np.zeros((2, 6))
REFUSED: list[tuple[str, Any]] = [
    ("already", lambda w: (w.add("a", 1), w.add("a", 2))),
    ("already", lambda w: (w.add("a", 1), w.add_many({"b": 1, "a": 2}))),
    ("already", lambda w: (w.add("a", 1), w.add_slice("a", HALF, (4, 6), "0,2:-"))),
    ("already", lambda w: (w.add_slice("a", HALF, (4, 6), "0,2:-"), w.add("a", 2))),
    ("already", lambda w: [w.add_slice("a", HALF, (4, 6), "0,2:-") for _ in range(2)]),
    ("differ", lambda w: [w.add_slice("a", HALF, (n, 6), "0,2:-") for n in (4, 5)]),
    ("both|same", lambda w: w.add_many({"a": 1, b"a": 2})),
    ("empty", lambda w: w.add("", 1)),
    ("not within", lambda w: w.add_slice("a", HALF, (4, 6), "3,2:-")),
    ("dimensions", lambda w: w.add_slice("a", HALF, (4, 6), "0,2")),
    ("is written like", lambda w: w.add_slice("a", HALF, (4, 6), "0+2:-")),
    ("does not fit its slice", lambda w: w.add_slice("a", HALF, (4, 6), "0,1:-")),
    ("do not fit its shape", lambda w: w.add_chunks("a", "int8", (3,), [b"ab"])),
    ("no elements of fixed width", lambda w: w.add_chunks("a", "string", (3,), [b"ab"])),
    ("cannot be stored as", lambda w: w.add("a", np.zeros(2), dtype="float32")),
    ("no number", lambda w: w.add("a", 1, shard=-1)),
]  # fmt: skip


@pytest.mark.parametrize(("message", "act"), REFUSED)
def test_what_makes_no_checkpoint_is_refused_and_nothing_is_left(
    tmp_path: Path, message: str, act: Any
) -> None:
    with pytest.raises(ValueError, match=message), tb.Writer(tmp_path / "m") as writer:
        act(writer)
    assert files(tmp_path / "m") == {}


def test_slices_that_tensorflow_cannot_join_warn_once(tmp_path: Path) -> None:
    with tb.Writer(tmp_path / "m") as writer:
        with pytest.warns(tb.CompatibilityWarning, match=r"cannot join.*float16") as caught:
            writer.add_slice("a", np.zeros(2, np.float16), (4,), "0,2")
        writer.add_slice("a", np.zeros(2, np.float16), (4,), "2,2")
        assert [warning.filename for warning in caught] == [__file__]
    assert tb.open(tmp_path / "m").verify().ok


@pytest.mark.parametrize(
    "options",
    [{"alignment": 3}, {"alignment": 8192}, {"max_shard_bytes": 0}, {"shards": {"w": -1}},
     {"shards": {}}, {"shards": {"w": 0}, "max_shard_bytes": 9}],
)  # fmt: skip
def test_options_that_mean_nothing_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"alignment|max_shard_bytes|no number"):
        tb.save(tmp_path / "m", {"w": 1}, **options)
    assert os.listdir(tmp_path) == []


def test_a_closed_writer_takes_nothing_more(tmp_path: Path) -> None:
    writer = tb.Writer(tmp_path / "m")
    writer.add("a", 1)
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.add("b", 1)


# --- what others do meanwhile --------------------------------------------------------------------


@pytest.fixture(params=["disk", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Where files are written straight to the disk, if that can be, and where they cannot be."""
    if request.param == "disk":
        yield tmp_path
    else:
        with tempfile.TemporaryDirectory(dir="/dev/shm") as made:
            yield Path(made)


@pytest.mark.parametrize("nbytes", [100_000, 12_000_000])
def test_an_array_that_changes_while_it_is_saved_is_stored_as_some_state_that_verifies(
    folder, nbytes
):
    array = np.zeros(nbytes // 4, np.float32)
    stop = threading.Event()

    def train():
        while not stop.is_set():
            np.add(array, 1, out=array)

    trainer = threading.Thread(target=train)
    trainer.start()
    try:
        for i in range(6):
            prefix = str(folder / f"model-{i}")
            tb.save(prefix, {"w": array, "v": array[::2], "b": array[:1000]})
            assert tb.open(prefix).verify().faults == ()
    finally:
        stop.set()
        trainer.join()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_shard_that_somebody_else_has_put_there_is_refused_and_left_alone(tmp_path, kind):
    theirs = tmp_path / "theirs"
    writer = tb.Writer(str(tmp_path / "model"))
    (index,) = [name for name in os.listdir(tmp_path) if ".index" in name]
    suffix = index.partition(".index")[2]
    shard = tmp_path / f"model.data-00000{suffix}"
    if kind == "file":
        shard.write_bytes(b"theirs")
    else:
        shard.symlink_to(theirs)
    with pytest.raises(FileExistsError, match=r"model\.data-00000"), writer:
        writer.add("w", np.zeros(10, np.float32))
    assert not theirs.exists()
    assert not (tmp_path / "model.index").exists()
