"""Every kind of answer to every request of reading and saving: what is right, or a typed error."""

import errno
import time

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._source.store import OtherObjectError
from tests.source.stores import Memory

ANSWERS = {
    "403": lambda: PermissionError(errno.EACCES, "403 Forbidden"),
    "404": lambda: FileNotFoundError(errno.ENOENT, "404 Not Found"),
    "412": OtherObjectError,
    "416": lambda: OSError(errno.EIO, "416 Range Not Satisfiable"),
    "500": lambda: OSError(errno.EIO, "500 Internal Server Error"),
    "503": lambda: OSError(errno.EIO, "503 Slow Down"),
    "cut": lambda: OSError(errno.ECONNRESET, "connection reset"),
}
KINDS = (*ANSWERS, "short", "delayed", "another ETag")
PASSING = {"416", "500", "503", "cut", "short", "delayed"}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("tensorbundle._source.client._FIRST_PAUSE_S", 0.001)


def faulty(store, kind, place, stays):
    """Have a store answer so to the request of that number, and to all after it if that stays."""

    def answer(number, verb, key, data):
        if number < place or (number > place and not stays):
            return data
        if kind == "delayed":
            time.sleep(0.002)
        elif kind == "short":
            return data[:-1]
        elif kind == "another ETag" and key in store.objects:
            store.set(key, store.objects[key][0])
        elif kind in ANSWERS:
            raise ANSWERS[kind]()
        return data

    store.fault = answer


def values(version):
    return {f"t{i}": np.full(300, 10.0 * version + i) for i in range(4)}


def saved():
    store = Memory()
    tb.save(store.address("run/m"), values(1), max_shard_bytes=5000)
    store.count()
    return store


def read(store):
    ckpt = tb.open(store.address("run/m", cache=False))
    return ckpt["t1"], ckpt.load(), ckpt.verify()


@pytest.mark.parametrize("stays", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("kind", KINDS)
def test_reading_gives_the_right_result_or_a_typed_error(kind, stays):
    store = saved()
    read(store)
    requests = store.count()
    assert requests >= 4
    overcome, told = 0, []
    for place in range(requests):
        store = saved()
        faulty(store, kind, place, stays)
        try:
            one, loaded, report = read(store)
        except (tb.TensorBundleError, OSError) as error:
            told.append(str(error))
            continue
        np.testing.assert_array_equal(one, values(1)["t1"])
        assert {name: array.tolist() for name, array in loaded.items()} == {
            name: array.tolist() for name, array in values(1).items()
        }
        overcome += report.ok
    assert all("run/m" in each for each in told)
    if kind == "delayed" or (kind in PASSING and not stays):
        assert overcome == requests


@pytest.mark.parametrize("stays", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("kind", KINDS)
def test_saving_leaves_the_old_checkpoint_or_the_new_and_never_says_what_is_not(kind, stays):
    store = saved()
    tb.save(store.address("run/m"), values(2), max_shard_bytes=5000, overwrite=True)
    requests = store.count()
    done, told = 0, []
    for place in range(requests):
        store = saved()
        faulty(store, kind, place, stays)
        wrote = False
        try:
            tb.save(store.address("run/m"), values(2), max_shard_bytes=5000, overwrite=True)
            wrote = True
        except (tb.TensorBundleError, OSError) as error:
            told.append(str(error))
        if kind == "short":  # bytes that are lost on their way up are the store's: it has checksums
            continue
        store.fault = None
        ckpt = tb.open(store.address("run/m", cache=False))
        assert ckpt.verify().ok
        found = ckpt["t0"][0]
        assert found in (10.0, 20.0)
        assert found == 20.0 or not wrote
        done += wrote
    assert all("run/m" in each for each in told)
    if kind == "delayed" or (kind in PASSING - {"short"} and not stays):
        assert done == requests
