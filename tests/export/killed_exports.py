"""Kills exports; see test_export_kills.py. A child is forked for each: hundreds take seconds.

killed_exports.py DIRECTORY VERB COUNT: kills by SIGKILL at random moments while one export after
another replaces the one before; after each, the old or the new is there, whole, for the libraries
whose format it is.
killed_exports.py DIRECTORY VERB steps: ends the process before each of its changes to names in
turn; the next export is not put off by what that left, and removes it.
"""

import json
import os
import random
import shutil
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

import tensorbundle as tb
from tensorbundle._write import staging
from tests.golden.cases import path_of

TENSORS = 5
DEMO = path_of("demo")


def arrays(generation: int) -> dict[str, np.ndarray[Any, Any]]:
    found = {f"layer/{i}": np.full(3_000, generation, np.float32) for i in range(TENSORS)}
    return found | {"large": np.full(200_000, generation, np.float32)}


def generation_of(found: dict[str, np.ndarray[Any, Any]]) -> int:
    """Of one whole export; anything else is an error."""
    values = {float(value) for array in found.values() for value in (array.min(), array.max())}
    assert len(found) == TENSORS + 1, f"{len(found)} tensors"
    assert len(values) == 1, f"a mixture of {sorted(values)}"
    return int(values.pop())


# --- safetensors ----------------------------------------------------------------------------------


def export_safetensors(folder: Path, generation: int) -> None:
    # Mostly as many files as before, now fewer, now one alone.
    limits = [100_000, 100_000, 100_000, 30_000, None, 100_000]
    ckpt = tb.open(folder.parent / f"source{generation % 4}")
    tb.export(
        ckpt,
        folder / "m.safetensors",
        max_shard_bytes=limits[generation % len(limits)],
        overwrite=True,
    )


def read_safetensors(folder: Path) -> int:
    """As transformers does: the single file if it is there, else what the index says."""
    single, index = folder / "m.safetensors", folder / "m.safetensors.index.json"
    if single.exists():
        with safe_open(single, "np") as file:
            return generation_of({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    places = json.loads(index.read_text())["weight_map"]
    found = {}
    for file_name in {*places.values()}:
        with safe_open(folder / file_name, "np") as file:
            found |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert found.keys() == places.keys()
    return generation_of(found)


# --- npy, npz -------------------------------------------------------------------------------------


def export_npy(folder: Path, generation: int) -> None:
    tb.export(tb.open(folder.parent / f"source{generation % 4}"), f"{folder}/out/", overwrite=True)


def export_mounted(folder: Path, generation: int) -> None:
    """Into a folder that cannot change places with another, being the working directory."""
    (folder / "out").mkdir(exist_ok=True)
    source = tb.open(folder.parent / f"source{generation % 4}")
    os.chdir(folder / "out")
    tb.export(source, folder / "out", overwrite=True)


def read_npy(folder: Path) -> int:
    index = json.loads((folder / "out" / "index.json").read_text())
    return generation_of({n: np.load(folder / "out" / each["file"]) for n, each in index.items()})


def export_npz(folder: Path, generation: int) -> None:
    source = tb.open(folder.parent / f"source{generation % 4}")
    tb.export(source, folder / "m.npz", overwrite=True)


def read_npz(folder: Path) -> int:
    with np.load(folder / "m.npz") as file:
        return generation_of(dict(file))


# --- SavedModels ----------------------------------------------------------------------------------


def export_model(folder: Path, generation: int) -> None:
    tb.export_saved_model(
        DEMO, folder.parent / f"demo{generation % 4}", outputs="probabilities",
        path=folder / "model", overwrite=True,
    )  # fmt: skip


def read_model(folder: Path) -> int:
    """The weights are of one generation, and the graph restores them."""
    graph = tb.load_graph(folder / "model")
    ckpt = tb.open(folder / "model")
    assert ckpt.verify().ok
    assert {variable.key for variable in graph.variables.values()} <= set(ckpt)
    return int(ckpt["dense/bias"].reshape(-1)[0])


VERBS: dict[str, tuple[Callable[[Path, int], None], Callable[[Path], int]]] = {
    "safetensors": (export_safetensors, read_safetensors),
    "npy": (export_npy, read_npy),
    "kept-folder": (export_mounted, read_npy),
    "npz": (export_npz, read_npz),
    "saved-model": (export_model, read_model),
}


def make_sources(directory: Path) -> None:
    original = tb.open(DEMO).load()
    for number in range(4):
        tb.save(directory / f"source{number}", arrays(number), fsync=False)
        moved = {**original, "dense/bias": np.full_like(original["dense/bias"], number)}
        tb.save(directory / f"demo{number}", moved, fsync=False)


def kill(directory: Path, verb: str, count: int) -> None:
    export, read = VERBS[verb]
    moments = random.Random(9)
    make_sources(directory)
    folder = directory / verb
    folder.mkdir()
    export(folder, 0)
    started = time.monotonic()
    export(folder, 1)
    takes = time.monotonic() - started
    generation, torn, finished = 1, 0, 0
    for _ in range(count):
        heard, told = os.pipe()
        child = os.fork()
        if child == 0:
            while True:
                generation += 1
                export(folder, generation)
                os.write(told, struct.pack("q", generation))
        os.close(told)
        time.sleep(moments.uniform(0, 2.5 * takes))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with open(heard, "rb") as pipe:
            said = [each for (each,) in struct.iter_unpack("q", pipe.read())]
        newest = max([generation, *said])
        found = read(folder)
        # The last one may have been completed without having been told of.
        assert found in (newest % 4, (newest + 1) % 4), (
            f"{found}, expected {newest % 4} or the next"
        )
        finished += newest - generation
        torn += any(".tensorbundle" in str(path) for path in folder.rglob("*"))
        generation = newest + (found != newest % 4)
    export(folder, generation + 1)
    assert read(folder) == (generation + 1) % 4
    left = [str(path) for path in folder.rglob("*") if ".tensorbundle" in str(path)]
    assert left == [], left
    shutil.rmtree(folder)
    print(f"{verb}: {count} killed, {finished} finished, {torn} left something behind")


def die_at_steps(directory: Path, verb: str) -> None:
    export, read = VERBS[verb]
    make_sources(directory)
    folder = directory / verb
    folder.mkdir()
    export(folder, 0)
    generation, step, ended = 0, 0, True
    while ended:
        step += 1
        # Over the same number of files twice, then over more of them and fewer.
        for _ in range(6):
            child = os.fork()
            if child == 0:
                end_before(step)
                export(folder, generation + 1)
                os._exit(7)
            ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 7
            found = read(folder)
            assert found in (generation % 4, (generation + 1) % 4), f"step {step}: {found}"
            generation += 1
            export(folder, generation)
            assert read(folder) == generation % 4
            left = [str(path) for path in folder.rglob("*") if ".tensorbundle" in str(path)]
            assert left == [], left
    print(f"{verb}: {step - 1} steps")


def end_before(number: int) -> None:
    """End this process before its change number so many."""
    changes = [0]

    def ending(change: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            changes[0] += 1
            if changes[0] == number:
                os._exit(0)
            return change(*arguments, **options)

        return call

    for name in ("replace", "link", "unlink", "rename", "mkdir"):
        setattr(os, name, ending(getattr(os, name)))
    staging.exchange = ending(staging.exchange)


if __name__ == "__main__":
    if sys.argv[3] == "steps":
        die_at_steps(Path(sys.argv[1]), sys.argv[2])
    else:
        kill(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
