"""One checkpoint shared by many threads, and many threads opening the same."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tensorbundle as tb
from tests.format.handmade import Handmade, same, strings
from tests.golden.cases import digest, digest_of, expected, path_of

THREADS = 8


def values():
    numbers = {f"w{i:03d}": np.full((i % 7, 5), i, np.float32) for i in range(120)}
    return {**numbers, "flags": np.array([True, False]), "words": strings(b"a", b"", b"c" * 300)}


TABLE = np.arange(40, dtype=np.int32).reshape(8, 5)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    bundle = Handmade()
    for number, (name, array) in enumerate(values().items()):
        bundle.add(name, array, place=number % 3)
    bundle.add_sliced("table", TABLE, [((0, 3), (0, None)), ((3, 5), (0, None))], [2, 0])
    return bundle.write(tmp_path_factory.mktemp("threads"), block_size=512)


def together(*works):
    """Run each piece of work in a thread of its own, all begun at once; their results."""
    barrier = threading.Barrier(len(works))

    def run(work):
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, work) for work in works]]


def check(arrays):
    wanted = {**values(), "table": TABLE}
    for name, array in arrays.items():
        assert same(array, wanted[name])


@pytest.mark.parametrize("mode", ["r", "c", "read"])
def test_one_checkpoint_gives_equal_arrays_to_all_threads(prefix, mode):
    for _ in range(5):
        ckpt = tb.open(prefix, mode=mode)  # anew: nothing is opened, mapped or listed yet
        names = [*values(), "table"]

        def one_by_one(start, ckpt=ckpt, names=names):
            return {name: ckpt[name] for name in names[start:] + names[:start]}

        for arrays in together(*(lambda i=i: one_by_one(15 * i) for i in range(THREADS))):
            assert len(arrays) == len(names)
            check(arrays)


def test_every_method_may_run_beside_every_other(prefix):
    infos = tb.open(prefix).infos()
    for _ in range(5):
        check_beside(tb.open(prefix), infos)


def check_beside(ckpt, infos):
    results = together(
        ckpt.load,
        lambda: ckpt.views(threads=2),
        lambda: dict(ckpt.items()),
        lambda: {"table": ckpt.read_slice("table", ...)},
        lambda: {name: ckpt[name] for name in reversed(list(ckpt))},
        ckpt.infos,
        lambda: ckpt.verify(threads=2),
        lambda: list(ckpt),
    )
    for arrays in results[:5]:
        check(arrays)
    assert results[5] == infos
    assert results[6].ok
    assert results[7] == [info.name for info in infos]


def test_threads_share_one_map_of_a_shard(prefix):
    ckpt = tb.open(prefix)
    views = together(*[lambda: ckpt["w006"]] * THREADS)
    assert len({view.__array_interface__["data"][0] for view in views}) == 1


def test_checkpoint_may_be_opened_by_all_threads_at_once(prefix):
    for arrays in together(*[lambda: tb.open(prefix).load()] * THREADS):
        check(arrays)


def test_error_in_one_thread_leaves_the_others_alone(prefix, tmp_path):
    bundle = Handmade().add("good", TABLE).add("bad", TABLE, crc=1)
    ckpt = tb.open(bundle.write(tmp_path))

    def read(name):
        try:
            return ckpt[name]
        except tb.ChecksumError:
            return None

    for number, array in enumerate(
        together(*(lambda i=i: read(("good", "bad")[i % 2]) for i in range(THREADS)))
    ):
        assert array is None if number % 2 else same(array, TABLE)


@pytest.mark.parametrize("fixture_id", ["dtypes", "slices/dtypes", "blocks/many", "v1/dtypes"])
def test_golden_checkpoint_is_the_same_for_all_threads(fixture_id):
    ckpt = tb.open(path_of(fixture_id))
    records = {n: r for n, r in expected()[fixture_id]["tensors"].items() if digest_of(r)}

    def read():
        return {name: digest(ckpt[name]) for name in records}

    wanted = {name: digest_of(record) for name, record in records.items()}
    assert together(*[read] * THREADS) == [wanted] * THREADS
