"""One process that measures: `run.py` starts it with a JSON request, and it answers with JSON.

The request: task, labels of the runs, repeats, check (results are digested, not timed), data.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import random
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks import conditions
from benchmarks.data import Dataset, dataset
from benchmarks.tasks import TASKS, Run, Task

_WRITERS_NEED = 3 << 29  # bytes: the file of 1 GB that appears in the page cache, and some
_SHORTEST_SAMPLE = 0.02  # seconds: shorter calls are repeated within a sample


class Subject:
    """A run, prepared."""

    def __init__(self, task: Task, run: Run, directory: str) -> None:
        self.run = run
        data: Dataset = dataset(directory, run.data or task.data)
        self.scratch = conditions.scratch(directory, task.writes) if task.writes else None
        self.data = replace(data, scratch=self.scratch) if self.scratch else data
        self.files = [] if task.state == "none" else self.data.files(run.subject)
        self.module = importlib.import_module(f"benchmarks.subjects.{run.subject}")
        self.call: Callable[[], Any] = getattr(self.module, run.call.partition(".")[2])(self.data)
        self.calls = 1

    def digest(self) -> str:
        """What the call gave, in few letters."""
        self.clear()
        result = self.call()
        if self.run.facts:
            result = getattr(self.module, self.run.facts)(result)
        return digest(result)

    def clear(self) -> None:
        """Leave nothing of earlier calls, on the disk or on the way to it."""
        if self.scratch:
            conditions.empty(self.scratch)

    def sample(self, *, keep: bool) -> dict[str, float | None]:
        """Time the call; `keep`: freeing the last result is not part of it."""
        self.clear()
        gc.collect()
        resident = conditions.resident_share(self.files) if self.files else None
        memory = conditions.current_rss()
        before = resource.getrusage(resource.RUSAGE_SELF)
        start = time.perf_counter()
        for _ in range(self.calls):
            result = self.call()
            if not keep:
                del result
        elapsed = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
        return {
            "seconds": elapsed / self.calls,
            "cpu": cpu / self.calls,
            "faults": (after.ru_minflt - before.ru_minflt) / self.calls,
            "resident": resident,
            "rss": conditions.peak_rss(after),
            "grown": None if memory is None else max(0, conditions.peak_rss(after) - memory),
        }

    def lengthen(self) -> None:
        """Choose how many calls make a sample."""
        elapsed = self.sample(keep=True)["seconds"] or 1e-9
        if self.scratch:
            return  # each call needs it empty
        self.calls = max(1, round(_SHORTEST_SAMPLE / elapsed))


def digest(value: Any) -> str:
    """The same letters for the same tensors, names, facts or number, whoever read them."""
    hashed = hashlib.sha256()
    if isinstance(value, dict) and not all(isinstance(v, tuple) for v in value.values()):
        import numpy as np

        for name in sorted(value):
            array = np.ascontiguousarray(value[name])
            hashed.update(f"{name}\0{array.dtype.str}{array.shape}".encode())
            hashed.update(array.data)
    elif hasattr(value, "tobytes"):
        hashed.update(f"{value.dtype.str}{value.shape}".encode() + value.tobytes())
    else:
        hashed.update(json.dumps(value, sort_keys=True).encode())
    return hashed.hexdigest()[:16]


def measure_together(task: Task, subjects: list[Subject], repeats: int) -> dict[str, list[Any]]:
    for subject in subjects:
        if task.state != "cold":
            subject.lengthen()
    samples: dict[str, list[Any]] = {subject.run.label: [] for subject in subjects}
    for _ in range(repeats):
        for subject in random.sample(subjects, len(subjects)):
            if task.state == "cold":
                conditions.evict(subject.files)
            elif subject.files and conditions.resident_share(subject.files) != 1:
                conditions.warm(subject.files)  # other programs wanted the memory
            samples[subject.run.label].append(subject.sample(keep=True))
    return samples


def measure_fresh(task: Task, subject: Subject) -> dict[str, list[Any]]:
    if task.state == "cold":
        conditions.evict(subject.files)
    if task.calls == 1:
        # For the arrays, and for the page cache if it has to be filled as well.
        needed = subject.data.nbytes * (5 if task.state == "cold" else 3) // 2
        # Who writes holds no arrays, and more would push the inputs out of the page cache.
        conditions.fetch_memory(_WRITERS_NEED if task.writes else needed)
    subject.calls = task.calls
    return {subject.run.label: [subject.sample(keep=task.calls == 1)]}


def main() -> None:
    request = json.loads(sys.argv[1])
    task = next(task for task in TASKS if task.name == request["task"])
    random.seed(request["seed"])
    runs = [run for run in task.runs if run.label in request["labels"]]
    if task.state == "warm":  # before anybody maps a file: mapped pages cannot be evicted
        data = {run: dataset(request["data"], run.data or task.data) for run in runs}
        conditions.warm({file for run in runs for file in data[run].files(run.subject)})
    subjects = [Subject(task, run, request["data"]) for run in runs]
    answer: dict[str, Any] = {}
    if request["check"]:
        answer["digests"] = {subject.run.label: subject.digest() for subject in subjects}
    elif task.kind == "fresh":
        answer["samples"] = measure_fresh(task, subjects[0])
    else:
        answer["digests"] = {subject.run.label: subject.digest() for subject in subjects}
        answer["samples"] = measure_together(task, subjects, request["repeats"])
    for subject in subjects:
        subject.clear()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
