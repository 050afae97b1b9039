"""Faults of every request, replacements meanwhile, damage: the right bits or an error."""

import errno
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._source import client as far_client
from tests.places import PROJECT
from tests.source.stores import Memory


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(far_client, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setenv("TENSORBUNDLE_INDEX_CACHE", "off")


def saved(directory, value=1.0, *, shards=2):
    """A checkpoint of one value, in a store."""
    with tb.Writer(directory / "m", num_shards=shards, overwrite=True) as writer:
        for i in range(6):
            writer.add(f"t{i}", np.full(50_000 + i, value + i), shard=i % shards)
        writer.add("words", np.array([b"x" * 100] * 50, object), shard=0)
    return tb.open(directory / "m")


def work(address):
    """All that reads, in one."""
    ckpt = tb.open(address)
    one = ckpt["t3"]
    loaded = ckpt.load()
    report = ckpt.verify()
    return one, loaded, report


def requests_of(directory):
    store = Memory()
    store.fill(directory)
    work(store.address("run/m"))
    return store.count()


FAULTS = {
    "cut off": OSError(errno.ECONNRESET, "connection reset"),
    "500": OSError(errno.EIO, "500 Internal Server Error"),
    "503": OSError(errno.EIO, "503 Slow Down"),
    "416": OSError(errno.EIO, "416 Range Not Satisfiable"),
    "short": None,
    "wrong bytes": None,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_of_any_single_request_is_overcome(fault, tmp_path):
    near = saved(tmp_path)
    for place in range(requests_of(tmp_path)):
        store = Memory()
        store.fill(tmp_path)

        def answer(number, verb, key, data, place=place):
            if number != place:
                return data
            if FAULTS[fault] is not None:
                raise FAULTS[fault]
            if fault == "short":
                return data[:-1]
            # Of an index there is no second opinion: it is said to be damaged.
            return data if key.endswith(".index") or not data else b"\x55" + data[1:]

        store.fault = answer
        one, loaded, report = work(store.address("run/m"))
        np.testing.assert_array_equal(one, near["t3"])
        assert all(np.array_equal(loaded[name], near[name]) for name in near)
        assert report.ok, (place, report.faults)


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (FileNotFoundError(errno.ENOENT, "no"), tb.MissingFileError, "no"),
        (PermissionError(errno.EACCES, "403"), PermissionError, "the store refuses"),
        (OSError(errno.EIO, "503"), OSError, "no answer after 4 attempts in"),
    ],
)
def test_fault_that_stays_is_a_typed_error_with_the_address(error, kind, told, tmp_path):
    saved(tmp_path)
    for place in range(requests_of(tmp_path)):
        store = Memory()
        store.fill(tmp_path)

        def answer(number, verb, key, data, place=place):
            if number >= place:
                raise error
            return data

        store.fault = answer
        try:
            _, _, report = work(store.address("run/m"))
        except kind as caught:
            shown = str(caught)
            assert told in shown
            assert "store://memory/run/m" in shown
        else:  # verification gives a verdict of shards that are not there
            assert not report.ok
            assert {fault.kind for fault in report.faults} == {"missing shard"}


def test_message_and_log_of_refusals_hold_no_secret(tmp_path, caplog):
    saved(tmp_path)
    store = Memory()
    store.fill(tmp_path)

    def answer(number, verb, key, data):
        raise PermissionError(
            errno.EACCES, "403 for https://h/x?X-Amz-Signature=abcplanted planted"
        )

    store.fault = answer
    address = store.address("run/m", storage_options={"secret": "planted", "region": "r"})
    with pytest.raises(PermissionError, match="the store refuses") as caught:
        tb.open(address)
    shown = f"{caught.value} {caught.value!r} {address!r} {address} {caplog.text}"
    assert "planted" not in shown
    assert "?..." in shown


def test_truncated_shard_is_said_to_be(tmp_path):
    near = saved(tmp_path)
    store = Memory()
    store.fill(tmp_path)
    key = "run/m.data-00001-of-00002"
    store.set(key, store.objects[key][0][:1000])
    far = tb.open(store.address("run/m"))
    with pytest.raises(tb.FormatError, match=r"cut off.*ends at byte 1000"):
        far["t1"]
    np.testing.assert_array_equal(far["t0"], near["t0"])
    kinds = {fault.kind for fault in far.verify().faults}
    assert kinds == {"truncated"}


def test_damaged_tensor_is_fetched_once_more_and_then_said_to_be(tmp_path):
    near = saved(tmp_path)
    info = near.info("t2")
    store = Memory()
    store.fill(tmp_path)
    key = f"run/m.data-{info.shard:05d}-of-00002"
    data = bytearray(store.objects[key][0])
    data[info.offset + 9] ^= 1
    store.set(key, bytes(data))
    far = tb.open(store.address("run/m"))
    with pytest.raises(tb.ChecksumError, match="checksum mismatch in tensor 't2'"):
        far["t2"]
    with pytest.raises(tb.ChecksumError, match="checksum mismatch in tensor 't2'"):
        far.load()
    faults = far.verify().faults
    assert [(f.name, f.kind, f.offset) for f in faults] == [("t2", "checksum", info.offset)]


def test_index_that_claims_more_than_its_shards_takes_no_memory(tmp_path):
    tb.save(tmp_path / "m", {"w": np.zeros(1 << 20, "f4")})
    store = Memory()
    store.fill(tmp_path)
    store.set("run/m.data-00000-of-00001", b"few")
    far = tb.open(store.address("run/m"))
    with pytest.raises(tb.FormatError, match="cut off"):
        far.load()


def test_error_page_in_place_of_an_index_is_told_as_what_it_is():
    store = Memory()
    store.set("run/m.index", b"<html><body>Please log in</body></html>" * 9)
    with pytest.raises(tb.FormatError, match="HTML page"):
        tb.open(store.address("run/m"))


def test_state_file_leads_to_nothing_outside_of_its_directory(tmp_path):
    saved(tmp_path)
    store = Memory()
    for path in tmp_path.iterdir():
        store.set(f"other/{path.name}", path.read_bytes())
    for named in ("../other/m", "/other/m", "s3://evil/other/m", "store://memory/other/m"):
        store.set("run/checkpoint", f'model_checkpoint_path: "{named}"\n'.encode())
        store.count()
        with pytest.raises(tb.MissingFileError, match="which is not there"):
            tb.open(store.address("run"))
        assert all(each.key.startswith("run") for each in store.requests)


# --- replaced meanwhile -------------------------------------------------------------------------


def test_checkpoint_replaced_between_index_and_tensor_is_opened_anew(tmp_path):
    store = Memory()
    saved(tmp_path, 1.0)
    store.fill(tmp_path)
    far = tb.open(store.address("run/m"))
    assert far["t0"][0] == 1.0
    saved(tmp_path, 9.0)
    store.fill(tmp_path)
    assert far["t1"][0] == 10.0
    assert {values[0] for name, values in far.load().items() if name != "words"} == {
        9.0 + i for i in range(6)
    }


def test_shard_replaced_without_its_index_is_an_error_and_no_mixture(tmp_path):
    store = Memory()
    saved(tmp_path, 1.0)
    store.fill(tmp_path)
    far = tb.open(store.address("run/m"))
    assert far["t0"][0] == 1.0
    data, _ = store.objects["run/m.data-00000-of-00002"]
    store.set("run/m.data-00000-of-00002", data)
    with pytest.raises(tb.FormatError, match="was replaced after"):
        far["t2"]


# --- processes ----------------------------------------------------------------------------------


def test_forked_child_is_told_and_does_not_hang(tmp_path):
    saved(tmp_path)
    store = Memory()
    store.fill(tmp_path)
    far = tb.open(store.address("run/m"))
    child = os.fork()
    if child == 0:
        try:
            far["t0"]
            os._exit(1)
        except OSError as error:
            os._exit(0 if "forked" in str(error) else 2)
        except BaseException:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert far["t0"][0] == 1.0


def test_interrupt_ends_a_read_at_once(tmp_path):
    saved(tmp_path)
    code = f"""
import os, signal, threading, time, tensorbundle as tb
from tests.source.stores import Memory
from pathlib import Path
store = Memory(); store.fill(Path({str(tmp_path)!r}))
far = tb.open(store.address("run/m")); far.infos()
def slow(number, verb, key, data):
    time.sleep(600)
store.fault = slow
signal.signal(signal.SIGINT, signal.default_int_handler)  # or ignored
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    far.load()
except KeyboardInterrupt:
    print("stopped")
"""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, timeout=60
    )
    assert done.stdout.strip() == "stopped", done.stderr
    assert time.monotonic() - began < 30


def test_many_threads_share_one_far_checkpoint(tmp_path):
    near = saved(tmp_path)
    store = Memory()
    store.fill(tmp_path)
    far = tb.open(store.address("run/m"))
    wrong = []

    def read():
        for name in near:
            if not np.array_equal(far[name], near[name]):
                wrong.append(name)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
