"""Figures of far reading: requests, round trips, processor time and memory, printed as a table.

    python -m tests.remote.figures

Each line names what is measured, what was found and what is asked for. A proxy on loopback adds the
round trip; where ratios of time are told, both sides went through it, one after the other.
"""

import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

import tensorbundle as tb
from tests.remote import servers
from tests.source.stores import Memory

RTT_S = 0.05


@contextmanager
def delayed(port: int, rtt_s: float) -> Iterator[int]:
    """A port whose connections go to another one, each chunk half a round trip later."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 20):
                time.sleep(rtt_s / 2)
                target.sendall(data)
        except OSError:
            pass
        finally:
            for each in (source, target):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", port))
            for pair in ((near, far), (far, near)):
                for each in pair:
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def told(what: str, found: str, asked: str) -> None:
    print(f"| {what} | {found} | {asked} |", flush=True)


def median(call: Callable[[], object], times: int = 5) -> float:
    """Seconds of a call, in the middle of several."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def cpu(call: Callable[[], object]) -> float:
    """Seconds of the processor that a call takes, of all threads."""
    start = time.process_time()
    call()
    return time.process_time() - start


def import_and_client() -> None:
    """Processor time of importing a client and making it, each in a process of its own."""
    programs = {
        "obstore": "from obstore.store import S3Store; S3Store('b', region='us-east-1')",
        "s3fs": "import s3fs; s3fs.S3FileSystem(key='k', secret='s')",
    }
    found = {}
    for name, program in programs.items():
        code = f"import time; t = time.process_time(); {program}; print(time.process_time() - t)"
        runs = [
            float(subprocess.check_output([sys.executable, "-c", code], text=True))
            for _ in range(3)
        ]
        found[name] = min(runs)
    ratio = found["s3fs"] / found["obstore"]
    ms = {name: f"{1000 * each:.0f} ms" for name, each in found.items()}
    told("import and client, CPU, of s3fs's", f"{ratio:.0f}x ({ms})", ">= 20x")


def one_of_many(bucket: str, options: dict[str, Any], port: int) -> None:
    """One of 50,000 tensors, with a round trip of 50 ms."""
    tensors = {f"layer_{i:05d}/kernel": np.full(16, i, "f4") for i in range(50_000)}
    tb.save(tb.Address(f"{bucket}/one/m", storage_options=options), tensors)
    with delayed(port, RTT_S) as slow:
        away = {**options, "endpoint_url": f"http://127.0.0.1:{slow}"}
        name = "layer_31234/kernel"

        def read(**more: Any) -> None:
            ckpt = tb.open(tb.Address(f"{bucket}/one/m", storage_options=away, **more))
            assert ckpt[name][0] == 31234

        new = median(lambda: read(cache=False))
        with tempfile.TemporaryDirectory() as kept:
            read(cache=kept)
            cached = median(lambda: read(cache=kept))
        ckpt = tb.open(tb.Address(f"{bucket}/one/m", storage_options=away, cache=False))
        opened = iter(f"layer_{i:05d}/kernel" for i in range(2, 50_000, 7001))
        _ = ckpt["layer_00001/kernel"]
        each = median(lambda: ckpt[next(opened)])
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()

        def by_s3fs() -> None:
            fs = s3fs.S3FileSystem(
                key=options["key"], secret=options["secret"],
                endpoint_url=away["endpoint_url"], skip_instance_cache=True,
            )  # fmt: skip
            place = bucket.removeprefix("s3://") + "/one/m"
            with tempfile.TemporaryDirectory() as folder:
                fs.get_file(f"{place}.index", f"{folder}/m.index")
                info = tb.open(f"{folder}/m").info(name)
            end = info.offset + info.nbytes
            fs.cat_file(f"{place}.data-00000-of-00001", start=info.offset, end=end)

        other = median(by_s3fs, 3)
    told("one of 50,000, open, over one round trip", f"{each / RTT_S:.2f}", "<= 1.3")
    told("one of 50,000, index kept, over one round trip", f"{cached / RTT_S:.2f}", "1 + a client")
    told("one of 50,000, new client, of s3fs's time", f"{other / new:.1f}x", ">= 4x")


def bulk(bucket: str, options: dict[str, Any], port: int) -> None:
    """All of 192 MB in 96 tensors, with a round trip of 30 ms."""
    tensors = {f"t{i:02d}": np.full(1 << 19, i, "f4") for i in range(96)}
    tb.save(tb.Address(f"{bucket}/bulk/m", storage_options=options), tensors)
    address = tb.Address(f"{bucket}/bulk/m", storage_options=options, cache=False)
    infos = tb.open(address).infos()
    import s3fs

    fs = s3fs.S3FileSystem(
        key=options["key"], secret=options["secret"], endpoint_url=options["endpoint_url"]
    )
    key = bucket.removeprefix("s3://") + "/bulk/m.data-00000-of-00001"

    def ranges() -> None:
        begins = [info.offset for info in infos]
        ends = [info.offset + info.nbytes for info in infos]
        for info, data in zip(infos, fs.cat_ranges([key] * 96, begins, ends), strict=True):
            assert tb._core.crc32c(data, 0) == info.crc32c  # type: ignore[attr-defined]

    ranges()
    ours = min(cpu(lambda: tb.open(address).verify()) for _ in range(3))
    theirs = min(cpu(ranges) for _ in range(3))
    told("CPU of verify, of s3fs's cat_ranges and a CRC", f"{theirs / ours:.1f}x", ">= 3x")
    with delayed(port, 0.03) as slow:
        away = {**options, "endpoint_url": f"http://127.0.0.1:{slow}"}
        far = tb.Address(f"{bucket}/bulk/m", storage_options=away, cache=False)
        ckpt = tb.open(far)
        together = median(ckpt.load, 3)
        single = median(lambda: [ckpt[info.name] for info in infos[:12]], 1) * 8
    told("all of 192 MB at 30 ms, of one by one", f"{single / together:.1f}x", ">= 5x")


class Zeros(Memory):
    """A store whose data shards are nothing but zeros, of any size, and take no memory."""

    def __init__(self, nbytes: int) -> None:
        super().__init__()
        self._nbytes = nbytes
        self._zeros = bytes(64 << 20)

    def head(self, key: str) -> Any:
        from tensorbundle._source.store import Meta

        return Meta(self._nbytes, '"z"') if ".data-" in key else super().head(key)

    def get(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Any:
        from tensorbundle._source.store import Meta

        if ".data-" not in key:
            return super().get(key, start, stop, etag=etag)
        stop = min(stop, self._nbytes)
        return bytearray(memoryview(self._zeros)[: stop - start]), Meta(self._nbytes, '"z"')


def memory_of_verify(gigabytes: int) -> None:
    """Memory that verification takes beside what the process has, in a process of its own."""
    program = (
        "from tests.remote.figures import verify_zeros; import json; "
        f"print(json.dumps(verify_zeros({gigabytes})))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    grown_mb, ok = json.loads(run.stdout)
    assert ok
    told(f"memory of verify at {gigabytes} GB over base", f"{grown_mb:.0f} MB", "<= 192 MB")


def verify_zeros(gigabytes: int) -> tuple[float, bool]:
    """Verify a checkpoint of zeros; the growth of this process in MB, and the verdict."""
    from tensorbundle import _core

    size = 64 << 20
    crc = _core.crc32c(bytes(size), 0)
    count = gigabytes * 16
    store = Zeros(count * size)
    with tempfile.TemporaryDirectory() as folder:
        writer = _core.BundleWriter(
            f"{folder}/m", "", alignment=1, max_shard_bytes=0, threads=1, durable=False
        )
        writer.take_shard()
        entries = [(f"t{i:06d}".encode(), (1, (size // 4,), size, 0, i * size, crc, ()))
                   for i in range(count)]  # fmt: skip
        writer.add_entries(entries)
        open(f"{folder}/m.data-00000", "wb").close()
        writer.finish()
        store.set("m.index", Path(f"{folder}/m.index").read_bytes())
    ckpt = tb.open(store.address("m", cache=False))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = ckpt.verify()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (after - before) / 1024, report.ok and report.checked == count


def growth(tensors: int, shards: int) -> None:
    """Open, list and plan an index of so many tensors, the shards sparse."""
    program = (
        "from tests.remote.figures import index_of_many; import json; "
        f"print(json.dumps(index_of_many({tensors}, {shards})))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    parse_s, nbytes, plan_s = json.loads(run.stdout)
    found = f"{1e6 * parse_s / tensors:.2f} us, {nbytes / tensors:.0f} B, plan {plan_s:.2f} s"
    told(f"index of {tensors:,} in {shards:,} shards, an entry", found, "<= 0.35 us, <= 100 B")


def index_of_many(tensors: int, shards: int) -> tuple[float, float, float]:
    """Write and read such an index: seconds to parse, bytes of memory, seconds to plan shards."""
    from tensorbundle import _core

    with tempfile.TemporaryDirectory() as folder:
        writer = _core.BundleWriter(
            f"{folder}/m", "", alignment=1, max_shard_bytes=0, threads=1, durable=False
        )
        for _ in range(shards):
            Path(writer.take_shard()).touch()
        each = -(-tensors // shards)
        writer.add_entries(
            (
                f"model/layer_{i:08d}/kernel".encode(),
                (1, (16,), 64, i // each, i % each * 64, 7, ()),
            )
            for i in range(tensors)
        )
        writer.finish()
        for shard in range(64):
            place = f"{folder}/m.data-{shard:05d}"
            os.truncate(place, each * 64)
            os.replace(place, f"{place}-of-{shards:05d}")
        statm = Path("/proc/self/statm")
        before = int(statm.read_text().split()[1])
        start = time.process_time()
        index = _core.Index(_core.File(f"{folder}/m.index"))
        entries, _ = index.salvage()
        parse_s = time.process_time() - start
        grown = (int(statm.read_text().split()[1]) - before) * os.sysconf("SC_PAGE_SIZE")
        ckpt: Any = tb.open(f"{folder}/m", mode="read")
        start = time.process_time()
        ckpt.core.plan_verify(entries, 0, 64)
        return parse_s, grown, time.process_time() - start


def shared_work(shards: int = 1000) -> None:
    """Verification of many sparse shards in one process, by threads, a pool, and Dask."""
    import concurrent.futures
    import multiprocessing

    from tensorbundle import _core

    size = 65_536
    crc = _core.crc32c(bytes(size), 0)
    with tempfile.TemporaryDirectory() as folder:
        writer = _core.BundleWriter(
            f"{folder}/m", "", alignment=1, max_shard_bytes=0, threads=1, durable=False
        )
        for _ in range(shards):
            Path(writer.take_shard()).touch()
        writer.add_entries(
            (f"t{i:06d}".encode(), (1, (size // 4,), size, i // 16, i % 16 * size, crc, ()))
            for i in range(16 * shards)
        )
        writer.finish()
        for shard in range(shards):
            place = f"{folder}/m.data-{shard:05d}"
            os.truncate(place, 16 * size)
            os.replace(place, f"{place}-of-{shards:05d}")
        prefix = f"{folder}/m"
        times = {"one process": median(lambda: tb.verify(prefix), 1)}
        expected = tb.verify(prefix)

        def checked(workers: Any) -> float:
            start = time.perf_counter()
            report = tb.verify(prefix, workers=workers)
            assert (report.ok, report.checked) == (True, expected.checked)
            return time.perf_counter() - start

        times["2 threads"] = checked(2)
        spawn = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=spawn) as pool:
            checked(pool)
            times["2 processes"] = checked(pool)
        with servers.dask_client(2, 1) as client:
            checked(client)
            times["Dask, 2 workers"] = checked(client)
    shown = ", ".join(f"{name} {each:.2f} s" for name, each in times.items())
    told(f"verify of {shards:,} sparse shards", shown, "the same verdict")


def main() -> None:
    """Print all figures."""
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    print("| what | found | asked |\n|---|---|---|")
    import_and_client()
    for gigabytes in (1, 100):
        memory_of_verify(gigabytes)
    growth(1_000_000, 1000)
    growth(4_000_000, 10_000)
    shared_work()
    with tempfile.TemporaryDirectory() as folder, servers.seaweedfs(Path(folder)) as options:
        given: dict[str, Any] = dict(options)
        servers.make_bucket(given, "private")
        port = int(str(given["endpoint_url"]).rpartition(":")[2])
        one_of_many("s3://private", given, port)
        bulk("s3://private", given, port)


if __name__ == "__main__":
    main()
