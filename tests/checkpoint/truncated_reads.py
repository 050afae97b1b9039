"""Files that are cut off while the library reads them; see test_changed_files.py.

truncated_reads.py DIRECTORY VERB COUNT: forks a child for each trial, which does the verb again and
again, and truncates its files at random moments. A child may come to an end or to a typed error,
and to nothing else: a signal is what a read of a map without a guard gives.
"""

import os
import random
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tensorbundle as tb
from tests.golden.cases import path_of

NBYTES = 12 << 20  # of each of three tensors: large enough to be read in windows, by threads
DEMO = path_of("demo")


def save(folder: Path, number: int = 0) -> str:
    random_bytes = np.random.default_rng(number).integers(0, 255, NBYTES, np.uint8)
    arrays = {f"w{i}": random_bytes.view(np.float16)[:: i + 1].copy() for i in range(3)}
    return tb.save(folder / "m", arrays, fsync=False, overwrite=True)


def of_checkpoint(folder: Path, verb: str) -> None:
    ckpt = tb.open(folder / "m")
    if verb == "verify":
        tb.verify(folder / "m", finite=True)
    elif verb == "first":
        for name in ckpt:
            ckpt[name]
    elif verb == "load":
        ckpt.load()
    elif verb == "slice":
        ckpt.read_slice("w0", np.s_[5:100_000])
    elif verb.startswith("export"):
        tb.export(ckpt, f"{folder}/out{verb.removeprefix('export')}", overwrite=True)
    elif verb == "save views":
        tb.save(folder / "copy", ckpt.views(), overwrite=True, fsync=False)
    elif verb == "diff":
        tb.diff(ckpt, folder / "n", atol=1.0)
    elif verb == "average":
        tb.average([folder / "m", folder / "n"], folder / "mean", overwrite=True)
    elif verb == "rewrite":
        tb.rewrite(ckpt, folder / "copy", cast={"w0": "float32"}, overwrite=True)
    elif verb == "salvage":
        tb.salvage(folder / "m", folder / "good", overwrite=True)
    else:
        tb.diagnose(folder / "m")


def of_graph(folder: Path, verb: str) -> None:
    path = folder / "m.pb"
    if verb == "prune":
        tb.prune(path, outputs="probabilities", path=folder / "p.pb", overwrite=True)
    elif verb == "suggest":
        tb.suggest_outputs(path)
    elif verb == "constants":
        tb.open(path).load()
    elif verb == "constants views":
        assert all(array.sum() == array.sum() for array in tb.open(path).values() if array.size)
    elif verb == "scan":
        tb.scan(path)
    elif verb == "verify graph":
        tb.open(path).verify()
    else:
        tb.export(tb.open(path), folder / "out.npz", overwrite=True)


def of_frozen(folder: Path, verb: str) -> None:
    tb.freeze(DEMO, folder / "m", outputs="probabilities", path=folder / "f.pb", overwrite=True)


VERBS: dict[str, Callable[[Path, str], None]] = {
    **dict.fromkeys(
        [
            "verify", "first", "load", "slice", "export.npz", "export.safetensors", "export/",
            "export.h5", "save views", "diff", "average", "rewrite", "salvage", "diagnose",
        ],
        of_checkpoint,
    ),
    **dict.fromkeys(
        ["prune", "suggest", "constants", "constants views", "scan", "verify graph", "export pb"],
        of_graph,
    ),
    "freeze": of_frozen,
}  # fmt: skip


def make(folder: Path, verb: str) -> list[Path]:
    """The files that are cut off."""
    if VERBS[verb] is of_checkpoint:
        save(folder)
        if verb in ("diff", "average"):
            shutil.copy(f"{save(folder, 1)}.index", folder / "n.index")
            shutil.copy(folder / "m.data-00000-of-00001", folder / "n.data-00000-of-00001")
            save(folder)
        return [folder / "m.data-00000-of-00001"]
    if VERBS[verb] is of_graph:
        tb.freeze(DEMO, outputs="probabilities", path=folder / "m.pb")
        return [folder / "m.pb"]
    tb.save(folder / "m", tb.open(DEMO).load(), fsync=False)
    return [folder / "m.data-00000-of-00001"]


def ends(folder: Path, verb: str, files: list[Path], sizes: list[int]) -> int:
    """Do the verb until the files are cut off, and once more; 0 if only typed errors came."""
    warnings.simplefilter("ignore")
    whole = True
    while whole:
        whole = [path.stat().st_size for path in files] == sizes
        try:
            VERBS[verb](folder, verb)
        except tb.TensorBundleError:
            continue
        except BaseException:
            traceback.print_exc()
            return 70
    return 0


def main(directory: Path, verb: str, count: int) -> None:
    moments = random.Random(verb)
    files = make(directory, verb)
    start = time.monotonic()
    VERBS[verb](directory, verb)
    takes = time.monotonic() - start
    for number in range(count):
        for path in files:  # new inodes: nothing of the trial before is open
            shutil.copyfile(path, path.with_suffix(".kept"))
        sizes = [path.stat().st_size for path in files]
        child = os.fork()
        if child == 0:
            os._exit(ends(directory, verb, files, sizes))
        time.sleep(moments.uniform(0, 2 * takes))
        left = moments.choice([0, 1, 4096, moments.random()])
        for path in files:
            os.truncate(path, int(left * path.stat().st_size) if left < 1 else int(left))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status == 0, f"{verb}, trial {number}: {status}"
        for path in files:
            os.replace(path.with_suffix(".kept"), path)
    print(f"{verb}: {count} cut off under it")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
