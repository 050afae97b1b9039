"""Mutated indexes, V1 files and graphs: typed errors or results, in little memory and time.

A child does all that can be done with each, under a limit of address space and of its own time.
MUTANTS sets how many of each kind.
"""

import os
import pickle
import random
import resource
import signal
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import tensorbundle as tb
from tests.differential.mutants import changed_bytes, mutant
from tests.golden.cases import DATA

MUTANTS = int(os.environ.get("MUTANTS", "60"))
ROOM = 512 << 20  # bytes of address space beyond what a child begins with
SECONDS = 1.0  # of its own time, for everything that is done with one input
ENDINGS = {-signal.SIGPROF: "took more than a second", -signal.SIGKILL: "was killed"}


def of_checkpoint(path: Path) -> None:
    ckpt = tb.open(path)
    ckpt.verify()
    for do in (
        ckpt.infos,
        lambda: [ckpt.info(name) for name in ckpt],
        ckpt.load,
        ckpt.views,
        lambda: ckpt.objects,
        lambda: tb.rewrite(ckpt, path.parent / "copy", drop="t1", overwrite=True),
    ):
        attempt(do)
    attempt(lambda: tb.salvage(path))


def of_graph(path: Path) -> None:
    attempt(lambda: tb.scan(path))
    graph = tb.load_graph(path)
    for do in (
        lambda: [dict(node.attrs) for node in graph.nodes.values()],
        lambda: list(graph.variables),
        lambda: list(graph.signatures),
        lambda: tb.suggest_outputs(graph),
        lambda: tb.suggest_inputs(graph),
        lambda: tb.prune(graph, outputs="probabilities", path=path.parent / "p.pb", overwrite=True),
    ):
        attempt(do)


def attempt(do: Callable[[], object]) -> None:
    """Do it; refusing is right, as long as it is one of this library's errors."""
    try:
        do()
    except tb.TensorBundleError:
        pass
    except FileExistsError:
        pass


# --- inputs ---------------------------------------------------------------------------------------


def make_index(folder: Path, number: int) -> Path:
    for suffix, content in mutant(number).files.items():
        (folder / f"m{suffix}").write_bytes(content)
    return folder / "m"


def mutated(sources: list[Path], name: str) -> Callable[[Path, int], Path]:
    def make(folder: Path, number: int) -> Path:
        rng = random.Random(number)
        content = rng.choice(sources).read_bytes()
        for _ in range(rng.choice([1, 1, 3, 10])):
            content = changed_bytes(rng, content)
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def v1_files() -> list[Path]:
    found = []
    for path in sorted(DATA.rglob("*")):
        if path.is_file() and path.stat().st_size < 1 << 20 and "damaged" not in path.parts:
            try:
                is_v1 = path.suffix == "" and tb.open(path).location.kind == "v1"
            except (tb.TensorBundleError, OSError):
                continue
            found += [path] if is_v1 else []
    return found


def graph_files() -> list[Path]:
    names = [*DATA.rglob("*.meta"), *DATA.rglob("saved_model.pb"), *DATA.rglob("*.pbtxt")]
    return sorted(path for path in names if path.stat().st_size < 1 << 20)


KINDS: dict[str, tuple[Callable[[Path, int], Path], Callable[[Path], None]]] = {
    "indexes": (make_index, of_checkpoint),
    "V1 files": (mutated(v1_files(), "v1"), of_checkpoint),
    "graphs": (mutated(graph_files(), "m.meta"), of_graph),
}


def work(kind: str, folder: Path, numbers: range, telling: int) -> None:
    """In a child: the inputs one after the other; says the number of each that is done."""
    make, do = KINDS[kind]
    warnings.simplefilter("ignore")
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    with open(telling, "wb") as pipe:
        for number in numbers:
            path = make(folder, number)
            wrong = None
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                do(path)
            except tb.TensorBundleError:
                pass
            except BaseException:
                wrong = traceback.format_exc()
            signal.setitimer(signal.ITIMER_PROF, 0)
            for file_path in folder.iterdir():
                file_path.unlink()
            pickle.dump((number, wrong), pipe)
            pipe.flush()
    os._exit(0)


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files_are_typed_errors_or_results_in_little_memory_and_time(
    tmp_path: Path, kind: str
) -> None:
    done, wrong = 0, []
    while done < MUTANTS:
        heard, telling = os.pipe()
        child = os.fork()
        if child == 0:
            work(kind, tmp_path, range(done, MUTANTS), telling)
        os.close(telling)
        with open(heard, "rb") as pipe:
            while True:
                try:
                    number, trouble = pickle.load(pipe)
                except EOFError:
                    break
                done = number + 1
                wrong += [f"{kind} {number}: {trouble}"] if trouble else []
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if done < MUTANTS:
            wrong.append(f"{kind} {done}: {ENDINGS.get(status, f'ended by {status}')}")
            done += 1
    assert wrong == []
    print(f"{MUTANTS} mutated {kind}: no crash, no hang, no other error, in {ROOM >> 20} MB")
