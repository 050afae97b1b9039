"""Kills savers; see test_writer_crash.py. A child is forked for each: hundreds take seconds.

killed_saves.py DIRECTORY moments COUNT: kills by SIGKILL at random moments.
killed_saves.py DIRECTORY VERB COUNT: the same while another verb of `EDITS` writes.
killed_saves.py DIRECTORY step NUMBER: dies before its n-th change to a name, and leaves what there
is then; prints a line when there was no such change.
"""

import os
import random
import shutil
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import tensorbundle as tb

TENSORS = 40


def content(generation: int) -> dict[str, Any]:
    arrays: dict[str, Any] = {f"t{i}": np.full(500, generation) for i in range(TENSORS)}
    return arrays | {"large": np.full(700_000, generation), "text": str(generation)}


def layout(generation: int) -> dict[str, Any]:
    """Now one shard, now two; mostly as many as before."""
    if generation // 3 % 2:
        return {"max_shard_bytes": 4_000_000}
    return {}


def generation_of(prefix: Path) -> int:
    """Of a whole checkpoint; anything else is an error."""
    ckpt = tb.open(prefix)
    report = ckpt.verify()
    assert report.ok, report.faults
    arrays = ckpt.load()
    generation = int(arrays.pop("text").item())
    assert all((array == generation).all() for array in arrays.values()), "a mixture"
    assert len(arrays) == TENSORS + 1
    return generation


def save_on(prefix: Path, generation: int, told: int) -> None:
    while True:
        generation += 1
        fsync = generation % 4 == 0
        tb.save(prefix, content(generation), fsync=fsync, **layout(generation), overwrite=True)
        os.write(told, struct.pack("q", generation))


def kill_at_random_moments(directory: Path, count: int) -> None:
    moments = random.Random(7)
    prefix = directory / "model.ckpt"
    generation, finished, torn = 0, 0, 0
    tb.save(prefix, content(0))
    for _ in range(count):
        heard, told = os.pipe()
        child = os.fork()
        if child == 0:
            save_on(prefix, generation, told)
        os.close(told)
        time.sleep(moments.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with open(heard, "rb") as pipe:
            said = [each for (each,) in struct.iter_unpack("q", pipe.read())]
        found = generation_of(prefix)
        newest = max([generation, *said])
        # The last one may have been completed without having been told of.
        assert found in (newest, newest + 1), f"{found}, expected {newest}"
        finished += found - generation
        torn += any(".tempstate" in name or "-of-9999" in name for name in os.listdir(directory))
        generation = found
    tb.save(prefix, content(-1), overwrite=True)
    left = [name for name in os.listdir(directory) if ".tempstate" in name or "-of-9999" in name]
    assert generation_of(prefix) == -1
    assert left == [], left
    print(f"{count} killed, {finished} saves finished, {torn} left something behind")


EDITS = ["cast", "compact", "in place", "merge", "average", "salvage", "freeze", "prune"]
DEMO = Path(__file__).parents[1] / "golden" / "data" / "demo"


def edit(sources: Path, target: Path, what: str) -> None:
    """To a new prefix, or over a checkpoint that is there, the source itself among them."""
    if what == "freeze":
        tb.freeze(DEMO, outputs="probabilities", path=f"{target}.pb", overwrite=True)
    elif what == "salvage":
        tb.salvage(sources / "rotten", target, overwrite=True)
    elif what == "prune":
        tb.prune(DEMO, outputs="probabilities", path=f"{target}.pb", overwrite=True)
    elif what == "cast":
        tb.rewrite(sources / "a", target, cast={"large": "float32"}, overwrite=True)
    elif what == "compact":
        tb.rewrite(sources / "a", target, drop="text", compact=True, overwrite=True)
    elif what == "in place":
        tb.rewrite(target, target, cast={"large": "float32"}, overwrite=True)
    elif what == "merge":
        tb.merge([sources / "a", sources / "c"], target, overwrite=True)
    else:
        tb.average([sources / "a", sources / "b"], target, overwrite=True)


def whole_or_absent(target: Path, what: str) -> bool:
    """Whether there is a result, which then is a whole one."""
    if what in ("freeze", "prune"):
        graph = Path(f"{target}.pb")
        if not graph.exists():
            return False
        assert len(tb.load_graph(graph).nodes) > 5
        return what == "prune" or tb.open(graph).verify().ok
    if not Path(f"{target}.index").exists():
        return False
    assert tb.open(target).verify().ok
    return len(tb.open(target).load()) >= TENSORS


def make_sources(sources: Path) -> None:
    arrays = {name: array for name, array in content(1).items() if name != "text"}
    tb.save(sources / "a", arrays | {"text": b"text"}, max_shard_bytes=4_000_000)
    tb.save(sources / "b", arrays | {"text": b"text"})
    tb.save(sources / "c", {"other": np.arange(300_000)})
    shard = Path(f"{tb.save(sources / 'rotten', arrays)}.data-00000-of-00001")
    rotten = bytearray(shard.read_bytes())
    rotten[100] ^= 4
    shard.write_bytes(rotten)


def kill_edits(directory: Path, what: str, count: int) -> None:
    moments = random.Random(8)
    sources = directory / "sources"
    make_sources(sources)
    before = {path.name: path.read_bytes() for path in sources.iterdir()}
    for _ in range(2):  # the second time nothing is imported any more
        tb.rewrite(sources / "a", directory / "timed", overwrite=True)
        began = time.monotonic()
        edit(sources, directory / "timed", what)
        takes = time.monotonic() - began
    killed = absent = torn = 0
    while killed < count:
        folder = directory / f"{what}{killed}"
        folder.mkdir()
        target = folder / "out"
        had_one = what == "in place" or killed % 2 == 1
        if what == "in place":
            tb.rewrite(sources / "a", target)
        elif had_one:
            edit(sources, target, what)
        child = os.fork()
        if child == 0:
            edit(sources, target, what)
            os._exit(0)
        time.sleep(moments.uniform(0, 1.2 * takes))
        os.kill(child, signal.SIGKILL)
        killed += os.waitpid(child, 0)[1] != 0
        found = whole_or_absent(target, what)
        assert found or not had_one, "the earlier result is gone"
        assert before == {path.name: path.read_bytes() for path in sources.iterdir()}
        absent += not found
        torn += any(not is_final(path.name) for path in folder.iterdir())
        edit(sources, target, what)
        assert whole_or_absent(target, what)
        assert [path.name for path in folder.iterdir() if not is_final(path.name)] == []
        shutil.rmtree(folder)
    print(f"{what}: {count} killed, {absent} left nothing to read, {torn} left something behind")


def is_final(name: str) -> bool:
    return not any(mark in name for mark in (".tempstate", "-of-9999", ".tensorbundle-"))


def die_at_step(prefix: Path, number: int) -> None:
    tb.save(prefix, {"w": np.full(3, 1.0, np.float32)})
    changes = [0]

    def dying(change: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            changes[0] += 1
            if changes[0] == number:
                os._exit(0)
            return change(*arguments, **options)

        return call

    for name in ("replace", "link", "unlink"):
        setattr(os, name, dying(getattr(os, name)))
    tb.save(prefix, {"w": np.full(3, 2.0, np.float32)}, overwrite=True)
    print("no such step")


if __name__ == "__main__":
    if sys.argv[2] == "moments":
        kill_at_random_moments(Path(sys.argv[1]), int(sys.argv[3]))
    elif sys.argv[2] in EDITS:
        kill_edits(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    else:
        die_at_step(Path(sys.argv[1]) / "model.ckpt", int(sys.argv[3]))
