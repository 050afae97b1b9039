"""Edits by workers: the same result as in one process, by parts that are kept when a job ends."""

import concurrent.futures
import errno
import multiprocessing
import os
import pickle

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._edit.shared import averaging, rewriting
from tensorbundle._parallel import groups
from tests.source.stores import Memory

COUNT = 24


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch):
    """A few tensors a task."""
    monkeypatch.setattr(groups, "TASK_BYTES", 20_000)


def save(directory, seed, name):
    """A checkpoint of several shards and kinds of tensors."""
    random = np.random.default_rng(seed)
    directory.mkdir(exist_ok=True)
    prefix = directory / name
    with tb.Writer(prefix, num_shards=3) as writer:
        for i in range(COUNT):
            dtype = ("f4", "f8", "f2")[i % 3]
            writer.add(f"t{i:02d}", random.standard_normal(1000).astype(dtype), shard=i % 3)
        writer.add("step", np.int64(seed), shard=0)
        writer.add("words", np.array([b"a", b"bcd"], object), shard=1)
        for n in range(2):
            part = random.standard_normal((2, 100)).astype("f4")
            writer.add_slice("part", part, (4, 100), f"{2 * n},2:-", shard=n)
    return prefix


@pytest.fixture
def two(tmp_path):
    return [save(tmp_path / "in", seed, f"m-{seed}") for seed in (1, 2)]


def content(path):
    ckpt = tb.open(path)
    assert ckpt.verify().ok
    return {info.name: (info.tf_dtype, info.shape, ckpt[info.name].tobytes()) if info.tf_dtype
            != "string" else ckpt[info.name].tolist() for info in ckpt.infos()}  # fmt: skip


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


WORKERS = {"threads": 3, "one": 1}


@pytest.mark.parametrize("workers", WORKERS.values(), ids=WORKERS)
def test_average_by_workers_has_the_bits_of_one_process(two, tmp_path, workers):
    alone = tb.average(two, tmp_path / "alone", weights=[1, 3])
    out = tmp_path / "out"
    out.mkdir()
    done = tb.average(two, out / "a", weights=[1, 3], workers=workers)
    assert (done.averaged, done.taken, done.nbytes) == (alone.averaged, alone.taken, alone.nbytes)
    assert content(out / "a") == content(tmp_path / "alone")
    assert sorted(done.files) == sorted(str(out / name) for name in names_in(out))
    assert len(done.files) > 4  # a shard for each part


def test_rewrite_by_workers_is_that_of_one_process(two, tmp_path):
    rules = {"rename": {"t01": "x/y"}, "drop": "t02", "cast": {None: "bfloat16"}}
    tb.rewrite(two[0], tmp_path / "alone", **rules)
    out = tmp_path / "out"
    tb.rewrite(two[0], out / "r", **rules, workers=2)
    assert content(out / "r") == content(tmp_path / "alone")
    assert not [name for name in names_in(out) if "_temp" in name]


def test_diff_by_workers_is_that_of_one_process(two, tmp_path):
    tb.rewrite(two[0], tmp_path / "b", rename={"t01": "x/y", "t05": "z"}, drop="t02")
    for a, b in ((two[0], two[1]), (two[0], tmp_path / "b")):
        found = tb.diff(a, b, workers=3)
        assert found == tb.diff(a, b)
        assert found.changed or found.renamed


def test_merge_takes_workers_and_shares_shards(two, tmp_path):
    other = tb.save(tmp_path / "w", {"w": np.ones(3, "f4")})
    done = tb.merge([two[0], other], tmp_path / "m", workers=2)
    assert content(tmp_path / "m") == content(two[0]) | content(other)
    assert len(done.shards) == 4


def test_processes_do_all_verbs(two, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=spawn) as pool:
        tb.average(two, tmp_path / "a", workers=pool)
        tb.rewrite(two[0], tmp_path / "r", compact=True, workers=pool)
        found = tb.diff(*two, workers=pool)
    tb.average(two, tmp_path / "alone")
    assert content(tmp_path / "a") == content(tmp_path / "alone")
    assert content(tmp_path / "r") == content(two[0])
    assert found == tb.diff(*two)


def failing_after(monkeypatch, room, name, count, error):
    """Make a task function raise from the call after ``count`` on; what was called."""
    function, calls = getattr(room, name), []

    def task(given):
        calls.append(given.number)
        if len(calls) > count:
            raise error
        return function(given)

    monkeypatch.setattr(room, name, task)
    return calls


@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
def test_job_that_ends_early_names_its_parts_and_is_gone_on_with(two, tmp_path, monkeypatch, far):
    store = Memory()
    out = tmp_path / "out"
    target = store.address("run/a") if far else out / "a"
    with monkeypatch.context() as patch:
        error = OSError(errno.EIO, "the worker's disk")
        failing_after(patch, averaging, "average_task", 3, error)
        with pytest.raises(
            OSError, match=r"disk; 3 of \d+ parts are finished and stay in '.*a_temp"
        ):
            tb.average(two, target, workers=1)
    there = sorted(store.objects) if far else names_in(out)
    assert not [name for name in there if name.endswith("a.index")]
    calls = failing_after(monkeypatch, averaging, "average_task", 99, None)
    tb.average(two, target, workers=1)
    assert 0 not in calls
    assert 2 not in calls
    assert 3 in calls
    tb.average(two, tmp_path / "alone")
    assert content(target) == content(tmp_path / "alone")
    there = sorted(store.objects) if far else names_in(out)
    assert not [name for name in there if "_temp" in name]


def test_damage_in_the_sources_leaves_no_parts(two, tmp_path):
    shard = tmp_path / "in" / "m-1.data-00002-of-00003"
    data = bytearray(shard.read_bytes())
    data[-5] ^= 1
    shard.write_bytes(data)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(tb.ChecksumError, match="checksum mismatch"):
        tb.average(two, out / "a", workers=1)
    assert names_in(out) == []


def die(path):
    """Kill this process, the first time."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os._exit(9)


class Dying(averaging.MeanTask):
    """A task that kills the process that runs it, once."""


def dying_task(task):
    if task.number == 4:
        die(os.environ["DIED"])
    return averaging.average_task(task)


def test_killed_process_costs_its_task_and_the_job_is_gone_on_with(two, tmp_path, monkeypatch):
    monkeypatch.setenv("DIED", str(tmp_path / "died"))
    monkeypatch.setattr("tensorbundle._edit.shared.averaging.average_task", dying_task)
    spawn = multiprocessing.get_context("spawn")
    with (
        concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool,
        pytest.raises(concurrent.futures.BrokenExecutor, match="parts are finished and stay in"),
    ):
        tb.average(two, tmp_path / "a", workers=pool)
    monkeypatch.undo()
    monkeypatch.setattr(groups, "TASK_BYTES", 20_000)
    tb.average(two, tmp_path / "a", workers=2)
    tb.average(two, tmp_path / "alone")
    assert content(tmp_path / "a") == content(tmp_path / "alone")


def test_far_to_far_moves_no_byte_of_a_shard_that_stays(two, tmp_path):
    store = Memory()
    store.fill(tmp_path / "in")
    source = store.address("run/m-1", cache=False)
    store.count()
    for workers in (None, 2):
        tb.rewrite(source, store.address("out/r"), rename={"t01": "x"}, overwrite=True,
                   workers=workers)  # fmt: skip
        tb.merge([source], store.address("out/m"), overwrite=True, workers=workers)
        requests = store.requests
        store.requests = []
        assert sum(each.verb == "copy" for each in requests) == 6
        data = [each for each in requests if ".data-" in each.key]
        assert not [each for each in data if each.verb in ("get", "tail", "put", "put_file")]
        assert content(store.address("out/m", cache=False)) == content(two[0])
        assert tb.open(store.address("out/r", cache=False))["x"].tobytes() == \
            tb.open(two[0])["t01"].tobytes()  # fmt: skip
        store.requests = []


def test_far_sources_are_read_by_ranges_and_not_copied_here(two, tmp_path):
    store = Memory()
    store.fill(tmp_path / "in")
    far = [store.address(f"run/{path.name}", cache=False) for path in two]
    big = tmp_path / "big"
    tb.save(big / "b", {"a": np.ones(9, "f4"), "big": np.zeros(4 << 20, "f4")})
    store.fill(big)
    store.count()
    tb.rewrite(store.address("run/b", cache=False), tmp_path / "r", keep="a")
    assert sum(each.nbytes for each in store.requests if ".data-" in each.key) == 36
    assert content(tmp_path / "r") == {"a": ("float32", (9,), np.ones(9, "f4").tobytes())}
    tb.average(far, tmp_path / "a")
    tb.average(far, tmp_path / "w", workers=2)
    tb.average(two, tmp_path / "alone")
    assert content(tmp_path / "a") == content(tmp_path / "alone") == content(tmp_path / "w")
    tb.average(store.address("run"), store.address("out/last"), last=2)
    assert content(store.address("out/last")) == content(tmp_path / "alone")
    tb.merge([far[0], tb.save(tmp_path / "w1", {"w": 1.0})], tmp_path / "m")
    assert content(tmp_path / "m").keys() == {*content(two[0]), "w"}


def test_replaced_source_ends_a_job(two, tmp_path, monkeypatch):
    real = averaging.average_task

    def task(given):
        if given.number == 2:
            save(tmp_path / "in2", 7, "m-1")
            for path in (tmp_path / "in2").iterdir():
                os.replace(path, tmp_path / "in" / path.name)
            averaging.opened_bundle.__globals__["opened_source"].cache_clear()
        return real(given)

    monkeypatch.setattr(averaging, "average_task", task)
    with pytest.raises(tb.FormatError, match="was replaced while a job read it"):
        tb.average(two, tmp_path / "a", workers=1)


def test_tasks_are_small_and_carry_no_credentials(tmp_path):
    names = [f"layer_{i:06d}/with/a/name/of/some/length" for i in range(20_000)]
    for group in groups.by_bytes((name, 4, len(name)) for name in names):
        task = averaging.MeanTask((), (), tuple(group), None, 0, 0)
        assert len(pickle.dumps(task)) <= 64 << 10
    store = Memory()
    store.fill(save(tmp_path / "in", 1, "m").parent)
    spawn = multiprocessing.get_context("spawn")
    with (
        concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool,
        pytest.raises(TypeError, match="credentials do not leave this process"),
    ):
        tb.rewrite(store.address("run/m"), tmp_path / "r", workers=pool)
    assert rewriting.rewrite_task
