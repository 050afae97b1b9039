"""Checkpoints put far away: whole or not at all, one winner of many, and readers undisturbed."""

import contextlib
import errno
import threading

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._source import client as far_client
from tests.golden.cases import DATA
from tests.source.stores import Memory


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(far_client, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setenv("TENSORBUNDLE_INDEX_CACHE", "off")


def values(version):
    return {f"t{i}": np.full(100, version * 10.0 + i) for i in range(4)}


def version_of(ckpt):
    """The version that all tensors of a checkpoint are of."""
    found = {(float(array[0]) - int(name[1:])) / 10 for name, array in ckpt.load().items()}
    assert len(found) == 1, f"a mixture: {found}"
    return found.pop()


@pytest.mark.parametrize("conditions", [True, False])
def test_saved_checkpoint_is_read_back_and_leaves_nothing_else(conditions):
    store = Memory(conditions=conditions)
    assert tb.save(store.address("run/m"), values(1)) == "store://memory/run/m"
    assert sorted(store.objects) == ["run/m.data-00000-of-00001", "run/m.index"]
    assert version_of(tb.open(store.address("run/m"))) == 1


def test_index_is_the_last_that_is_put():
    store = Memory()
    tb.save(store.address("run/m"), values(1), max_shard_bytes=800)
    put = [each.key for each in store.requests if each.verb.startswith("put")]
    assert put[0] == "run/m.index.claim"
    assert put[-1] == "run/m.index"
    assert len(put) == 6


def test_checkpoint_that_is_there_is_kept_unless_it_is_to_be_replaced():
    store = Memory()
    address = store.address("run/m")
    tb.save(address, values(1))
    with pytest.raises(FileExistsError, match="there is a checkpoint already"):
        tb.save(address, values(2))
    assert version_of(tb.open(address)) == 1
    tb.save(address, values(2), overwrite=True)
    assert version_of(tb.open(address)) == 2
    assert len(store.objects) == 2  # the old shards are gone


def test_fault_of_any_request_leaves_the_old_checkpoint_or_the_new():
    first = Memory()
    tb.save(first.address("run/m"), values(1), max_shard_bytes=800)
    first.count()
    tb.save(first.address("run/m"), values(2), max_shard_bytes=800, overwrite=True)
    for place in range(first.count()):
        store = Memory()
        tb.save(store.address("run/m"), values(1), max_shard_bytes=800)
        store.count()

        def answer(number, verb, key, data, place=place):
            if number >= place:
                raise OSError(errno.EIO, "the network is gone")
            return data

        store.fault = answer
        with contextlib.suppress(OSError):
            tb.save(store.address("run/m"), values(2), max_shard_bytes=800, overwrite=True)
        store.fault = None
        assert version_of(tb.open(store.address("run/m"))) in (1, 2)


def test_answer_that_is_lost_after_the_index_was_put_is_no_failure():
    store = Memory()
    lost = []

    def answer(number, verb, key, data):
        if verb == "put" and key.endswith(".index") and not lost:
            lost.append(key)
            store.set(key, data)
            raise OSError(errno.ECONNRESET, "reset")
        return data

    store.fault = answer
    tb.save(store.address("run/m"), values(3))
    assert lost
    assert version_of(tb.open(store.address("run/m"))) == 3


def race(work, count):
    """What each of some threads that start together gives or raises."""
    start = threading.Barrier(count)
    outcomes = [None] * count

    def run(i):
        start.wait()
        try:
            work(i)
        except OSError as error:
            outcomes[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("overwrite", [False, True])
def test_of_eight_writers_one_wins_and_the_others_are_told(overwrite):
    for _ in range(20):
        store = Memory()
        address = store.address("run/m")
        if overwrite:
            tb.save(address, values(99))
        outcomes = race(
            lambda i, to=address: tb.save(to, values(i), overwrite=overwrite, fsync=False), 8
        )
        winners = [i for i, outcome in enumerate(outcomes) if outcome is None]
        assert all(isinstance(each, FileExistsError) for each in outcomes if each is not None)
        assert version_of(tb.open(address)) in winners
        if not overwrite:
            assert len(winners) == 1
        shards = [key for key in store.objects if ".data-" in key]
        assert len(shards) == 1


def test_reader_beside_a_hundred_overwrites_never_sees_a_mixture():
    store = Memory()
    address = store.address("run/m")
    tb.save(address, values(0), max_shard_bytes=800)
    seen = []
    stop = threading.Event()
    failures = []

    def read():
        while not stop.is_set():
            try:
                seen.append(version_of(tb.open(address)))
            except tb.FormatError as error:
                if "replaced" not in str(error):
                    failures.append(error)
            except BaseException as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for version in range(1, 101):
        tb.save(address, values(version), max_shard_bytes=800, overwrite=True, fsync=False)
    stop.set()
    reader.join()
    assert failures == []
    assert len(set(seen)) > 3
    assert seen == sorted(seen)


def test_verbs_take_addresses_at_both_ends(tmp_path):
    store = Memory()
    for step in (1, 2):
        tb.save(store.address(f"run/m-{step}"), values(step))
    done = tb.average(
        [store.address("run/m-1"), store.address("run/m-2")], store.address("run/avg")
    )
    assert done.sources == ("store://memory/run/m-1", "store://memory/run/m-2")
    assert version_of(tb.open(store.address("run/avg"))) == 1.5
    tb.rewrite(store.address("run/m-1"), store.address("run/small"), keep="t[01]")
    assert list(tb.open(store.address("run/small"))) == ["t0", "t1"]
    tb.rewrite(tb.open(store.address("run/m-1")), tmp_path / "near", keep="t1")
    assert list(tb.open(tmp_path / "near")) == ["t1"]
    tb.export(tb.open(store.address("run/m-2")), store.address("out/w.safetensors"))
    assert version_of(tb.open(store.address("out/w.safetensors"))) == 2
    with pytest.raises(FileExistsError, match="exists already"):
        tb.export(tb.open(store.address("run/m-2")), store.address("out/w.safetensors"))
    assert tb.diff(store.address("run/m-1"), store.address("run/m-1")).equal
    with pytest.raises(tb.MissingFileError, match="store://memory/run/none"):
        tb.rewrite(store.address("run/none"), tmp_path / "x")


def test_copy_moves_a_checkpoint_whole_between_stores_and_here(tmp_path):
    one, other = Memory(), Memory()
    done = tb.copy(DATA / "saver" / "model.ckpt-20", one.address("a/m"))
    assert sorted(one.objects) == ["a/m.data-00000-of-00001", "a/m.index", "a/m.meta"]
    assert done.files[-1] == "store://memory/a/m.index"
    tb.copy(one.address("a/m"), other.address("b/n"))
    tb.copy(other.address("b/n"), tmp_path / "back")
    for suffix in (".index", ".data-00000-of-00001", ".meta"):
        here = (DATA / "saver" / f"model.ckpt-20{suffix}").read_bytes()
        assert (tmp_path / f"back{suffix}").read_bytes() == here


def test_copy_of_a_damaged_checkpoint_is_refused():
    store = Memory()
    tb.save(store.address("run/m"), values(1))
    key = "run/m.data-00000-of-00001"
    store.set(key, b"\xff" + store.objects[key][0][1:])
    with pytest.raises(tb.ChecksumError, match="store://memory/run"):
        tb.copy(store.address("run/m"), store.address("run/n"))
    assert not any(key.startswith("run/n") for key in store.objects)


def test_graph_far_away_is_loaded_and_frozen(tmp_path):
    store = Memory()
    store.fill(DATA / "saver", "run/")
    graph = tb.load_graph(store.address("run/model.ckpt-20.meta"))
    near = tb.load_graph(DATA / "saver" / "model.ckpt-20.meta")
    assert list(graph.nodes) == list(near.nodes)
    assert tb.verify(store.address("run/model.ckpt-20")).ok


def test_directory_far_away_is_listed_when_that_is_asked_for():
    store = Memory()
    for step in (5, 10):
        tb.save(store.address(f"run/model.ckpt-{step}"), values(step))
    store.set("run/checkpoint", b'model_checkpoint_path: "model.ckpt-5"\n')
    del store.objects["run/model.ckpt-10.data-00000-of-00001"]
    found = tb.checkpoints(store.address("run"))
    assert [(each.step, each.newest, each.complete) for each in found] == [
        (5, True, True),
        (10, False, True),  # no shard by whose name to know how many there should be
    ]
    assert tb.train.latest_checkpoint(store.address("run")) == "store://memory/run/model.ckpt-5"
    assert tb.train.latest_checkpoint(store.address("elsewhere")) is None


def test_writer_puts_all_when_it_is_closed_and_nothing_when_it_fails():
    store = Memory()
    with tb.Writer(store.address("run/m"), num_shards=2) as writer:
        writer.add("t0", np.full(3, 10.0), shard=0)
        writer.add("t1", np.full(3, 11.0), shard=1)
        assert store.objects == {}
    assert writer.prefix == "store://memory/run/m"
    assert version_of(tb.open(store.address("run/m"))) == 1
    writer = tb.Writer(store.address("run/n"))
    writer.add("t0", 1.0)
    writer.abort()
    assert not any(key.startswith("run/n") for key in store.objects)


def test_saver_and_manager_rotate_far_away():
    directory = "memory://bucket/rotated"
    saver = tb.train.Saver(max_to_keep=2)
    for step in (1, 2, 3):
        path = saver.save({"w": np.full(3, step)}, f"{directory}/model.ckpt", step)
        assert path == f"{directory}/model.ckpt-{step}"
    assert tb.train.latest_checkpoint(directory) == f"{directory}/model.ckpt-3"
    assert [each.step for each in tb.checkpoints(directory)] == [2, 3]
    fresh = {"w": np.zeros(3, int)}
    saver.restore(fresh, f"{directory}/model.ckpt-2")
    assert fresh["w"][0] == 2
    assert tb.open(directory)["w"][0] == 3
