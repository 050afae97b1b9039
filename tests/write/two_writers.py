"""Two processes that save to one place at the same time; see test_two_writers.py.

two_writers.py prefix DIRECTORY COUNT: both save to one prefix, with as many shards and with others,
while a reader looks: it finds one of the results, whole, or that it was replaced under it.
two_writers.py managers DIRECTORY COUNT: both have a CheckpointManager in one directory.
"""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tensorbundle as tb


def values(writer: int, number: int) -> dict[str, np.ndarray]:
    generation = 1000.0 * writer + number
    return {f"t{i}": np.full(2000, generation) for i in range(8)}


def generation_of(prefix: str) -> float:
    """Of a whole checkpoint; a mixture is an error."""
    found = {float(x) for array in tb.open(prefix).load().values() for x in (array[0], array[-1])}
    assert len(found) == 1, f"a mixture of {sorted(found)}"
    return found.pop()


def to_one_prefix(directory: Path, writer: int, count: int) -> None:
    for number in range(count):
        limit = 40_000 if writer and number % 2 else None
        arrays = values(writer, number)
        tb.save(directory / "m", arrays, fsync=False, max_shard_bytes=limit, overwrite=True)


def by_managers(directory: Path, writer: int, count: int) -> None:
    variables = {"w": np.zeros(3000), "step": np.array(0)}
    manager = tb.train.CheckpointManager(variables, directory, max_to_keep=3)
    for number in range(count):
        variables["w"][:] = 1000 * writer + number
        manager.save()


def in_child(work: Callable[[Path, int, int], None], directory: Path, writer: int, n: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work(directory, writer, n)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(what: str, directory: Path, count: int) -> None:
    work = to_one_prefix if what == "prefix" else by_managers
    if what == "prefix":
        tb.save(directory / "m", values(0, 0))
    children = {in_child(work, directory, writer, count) for writer in (0, 1)}
    whole = replaced = 0
    while children:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended:
            assert status == 0, "a writer failed"
            children.discard(ended)
        if what == "prefix":
            try:
                generation_of(f"{directory}/m")
                whole += 1
            except (tb.FormatError, tb.MissingFileError):
                replaced += 1
    if what == "prefix":
        last = generation_of(f"{directory}/m")
        assert last in (count - 1.0, 1000.0 + count - 1), last
        assert tb.open(directory / "m").verify().ok
        left = [name for name in os.listdir(directory) if ".tempstate" in name]
        assert left == [], left
        print(f"{2 * count} saves, {whole} looks found one whole, {replaced} were replaced")
        return
    newest = tb.train.latest_checkpoint(directory)
    assert newest is not None
    assert newest == tb.train.latest_checkpoint(directory, intact=True)
    for index in directory.glob("*.index"):
        array = tb.open(index).load("w*")
        assert all((each == each.reshape(-1)[0]).all() for each in array.values())
        assert tb.open(index).verify().ok
    print(f"{2 * count} saves, the newest is {os.path.basename(newest)}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
