"""Verification by workers: threads, processes and Dask give the verdicts of one process."""

import concurrent.futures
import multiprocessing
import pickle

import distributed
import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._checkpoint.far import tasks
from tests.source.stores import Memory

SHARDS = 12


@pytest.fixture
def sharded(tmp_path, monkeypatch):
    """A checkpoint of several tasks, of which one tensor is damaged and one shard is gone."""
    monkeypatch.setattr(tasks, "TASK_BYTES", 6_000)
    prefix = tmp_path / "m"
    with tb.Writer(prefix, num_shards=SHARDS) as writer:
        for i in range(SHARDS * 3):
            writer.add(f"t{i:02d}", np.full(1000, i, "f4"), shard=i % SHARDS)
        writer.add("words", np.array([b"abc"] * 9, object), shard=3)
    shard = tmp_path / f"m.data-00004-of-{SHARDS:05d}"
    data = bytearray(shard.read_bytes())
    data[7] ^= 1
    shard.write_bytes(data)
    (tmp_path / f"m.data-00009-of-{SHARDS:05d}").unlink()
    return prefix


def verdict(report):
    return (
        report.ok,
        report.checked,
        report.nbytes,
        sorted(
            (fault.kind, fault.name, fault.shard, fault.offset)
            for fault in report.faults
            if fault.name
        )
        + [f.kind for f in report.faults if not f.name],
    )


def test_threads_give_the_verdict_of_one_process(sharded):
    assert verdict(tb.verify(sharded, workers=3)) == verdict(tb.verify(sharded))


@pytest.mark.parametrize("size", [700, 4_000, 1 << 30])
def test_shards_and_tensors_are_cut_into_tasks_of_so_many_bytes(sharded, monkeypatch, size):
    monkeypatch.setattr(tasks, "TASK_BYTES", size)
    sizes, packed = [], []
    real = tasks.verify_task

    def task(given):
        rows = np.frombuffer(given.rows, tasks._SENT)
        sizes.append(int(rows["size"].sum()))
        packed.append(len(pickle.dumps(given)))
        return real(given)

    monkeypatch.setattr(tasks, "verify_task", task)
    report = tb.verify(sharded, workers=2)
    assert verdict(report) == verdict(tb.verify(sharded))
    assert max(sizes) <= size
    assert max(packed) <= 64 << 10
    assert sum(sizes) == report.nbytes - tb.open(sharded).info("words").nbytes


def test_far_checkpoint_is_verified_by_threads(sharded):
    store = Memory()
    store.fill(sharded.parent)
    found = verdict(tb.verify(store.address("run/m", cache=False), workers=3))
    assert found == verdict(tb.verify(sharded))


def test_processes_give_the_verdict_of_one_process(sharded):
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert verdict(tb.verify(sharded, workers=pool)) == verdict(tb.verify(sharded))


def test_dask_client_gives_the_verdict_of_one_process(sharded):
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert verdict(tb.verify(sharded, workers=client)) == verdict(tb.verify(sharded))


def test_address_with_credentials_is_not_sent_to_other_processes(sharded):
    store = Memory()
    store.fill(sharded.parent)
    spawn = multiprocessing.get_context("spawn")
    with (
        concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool,
        pytest.raises(TypeError, match="credentials do not leave this process"),
    ):
        tb.verify(store.address("run/m", cache=False), workers=pool)


@pytest.mark.parametrize("workers", [True, "4", object()])
def test_what_runs_no_tasks_is_refused(sharded, workers):
    with pytest.raises(TypeError, match="workers are a number of threads"):
        tb.verify(sharded, workers=workers)


def test_lazy_arrays_of_dask_are_the_stored_ones(tmp_path):
    big = np.arange(60_000, dtype="f4").reshape(300, 200)
    tb.save(tmp_path / "m", {"big": big, "scalar": 3.0, "empty": np.zeros((0, 3))})
    lazy = tb.open(tmp_path / "m").to_dask(chunk_bytes="64KiB")
    assert list(lazy) == ["big", "empty", "scalar"]
    assert lazy["big"].numblocks == (4, 1)
    np.testing.assert_array_equal(lazy["big"].compute(scheduler="threads"), big)
    np.testing.assert_array_equal(
        lazy["big"][10:290:9, 3].compute(scheduler="threads"), big[10:290:9, 3]
    )
    assert lazy["scalar"].compute(scheduler="threads") == 3.0
    with pytest.raises(KeyError, match="none"):
        lazy["none"]
    with pytest.raises(tb.ConversionError, match="chunks are a number of bytes"):
        tb.open(tmp_path / "m").to_dask(chunk_bytes="many")
