"""Runs the benchmarks: `python -m benchmarks.run`, from the root of the project. See README.md."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import conditions, machine, report
from benchmarks.data import DEFAULT_DIRECTORY, dataset
from benchmarks.tasks import TASKS, Run, Task

REFERENCE = Path(__file__).parent / "results" / "reference.jsonl"
# Bytecode is cached, as it is for a user; no log lines of TensorFlow; no look for GPUs.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}


@dataclass
class Measured:
    """The samples of one run of a task: seconds, page faults, shares and bytes."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    faults: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)
    grown: list[int] = field(default_factory=list)

    def add(self, sample: dict[str, Any]) -> None:
        for key, value in sample.items():
            if value is not None:
                getattr(self, key).append(value)


class Runner:
    def __init__(self, directory: Path, repeats: int | None) -> None:
        self.directory = directory
        self.repeats = repeats

    def run(self, task: Task) -> dict[str, Measured]:
        """Make the task's data, check that all subjects agree, and measure."""
        measure = {
            "together": self._together,
            "fresh": self._fresh,
            "process": self._processes,
            "kernel": self._kernel,
        }
        self._make_data(task)
        return measure[task.kind](task, self.repeats or task.repeats)

    def _make_data(self, task: Task) -> None:
        names = {run.data or task.data for run in task.runs if "memory" not in task.data}
        for name in sorted(names):
            data = dataset(self.directory, name)
            rivals = [r for r in task.runs if r.subject in ("safetensors_", "npz_")]
            wanted = {file for run in [Run("", "."), *rivals] for file in data.files(run.subject)}
            if not all(map(os.path.exists, wanted)):
                print(f"making {name} in {self.directory}", file=sys.stderr)
                arguments = ["--rivals"] * bool(rivals) + ["--data", str(self.directory), name]
                self._python("-m", "benchmarks.data", *arguments)

    def _together(self, task: Task, repeats: int) -> dict[str, Measured]:
        answer = self._worker(task, task.runs, repeats=repeats)
        self._compare(task, answer["digests"])
        return {label: _collect(samples) for label, samples in answer["samples"].items()}

    def _fresh(self, task: Task, repeats: int) -> dict[str, Measured]:
        self._check(task)
        results: dict[str, Measured] = {run.label: Measured() for run in task.runs}
        for run in _shuffled_rounds(task, repeats):
            answer = self._worker(task, [run])
            results[run.label].add(answer["samples"][run.label][0])
        return results

    def _processes(self, task: Task, repeats: int) -> dict[str, Measured]:
        self._check(task)
        data = dataset(self.directory, task.data)
        scratch = self.directory / "scratch"
        names = ("prefix", "safetensors", "npz", "one_name")
        paths = {name: getattr(data, name) for name in names} | {"scratch": scratch}
        commands = {run: [part.format(**paths) for part in run.command] for run in task.runs}
        for run in task.runs:
            _empty(scratch)
            self._python(*commands[run])  # compiles to bytecode
        results: dict[str, Measured] = {run.label: Measured() for run in task.runs}
        for run in _shuffled_rounds(task, repeats):
            if task.state == "warm":
                conditions.warm(data.files(run.subject))
            _empty(scratch)
            start = time.perf_counter()
            _, usage = self._python(*commands[run])
            sample = {
                "seconds": time.perf_counter() - start,
                "cpu": usage.ru_utime + usage.ru_stime,
                "faults": usage.ru_minflt,
                "rss": conditions.peak_rss(usage),
            }
            results[run.label].add(sample)
        _empty(scratch)
        return results

    def _kernel(self, task: Task, repeats: int) -> dict[str, Measured]:
        del repeats  # the program has rounds of its own
        program = self.directory / "crc_kernels"
        compiler = os.environ.get("CXX") or shutil.which("g++") or "c++"
        sources = ["benchmarks/crc_kernels.cpp", *Path().glob("cpp/tensorbundle/base/crc32c*.cpp")]
        build = [compiler, "-std=c++20", "-O2", "-Icpp", *sources, "-o", program]
        subprocess.run(build, check=True)
        lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout
        chosen = machine.ours(_ENVIRONMENT)["crc32c_kernel"]
        results: dict[str, Measured] = {}
        for line in map(json.loads, lines.splitlines()):
            label = {chosen: task.runs[0].label}.get(line["kernel"], line["kernel"])
            if line["bytes"] == dataset(self.directory, task.data).nbytes:
                seconds = [line["ns_best"] / 1e9, line["ns_median"] / 1e9, line["ns_median"] / 1e9]
                results[label] = Measured(seconds)
        return results

    def _check(self, task: Task) -> None:
        runs = [run for run in task.runs if run.call]
        digests = {}
        for run in runs:
            digests |= self._worker(task, [run], check=True)["digests"]
        self._compare(task, digests)

    def _compare(self, task: Task, digests: dict[str, str]) -> None:
        by_data: dict[str, set[str]] = {}
        for run in task.runs:
            if run.label in digests:
                by_data.setdefault(run.data, set()).add(digests[run.label])
        if any(len(found) > 1 for found in by_data.values()):
            raise SystemExit(f"{task.name}: results differ, nothing was measured: {digests}")

    def _worker(self, task: Task, runs: Any, *, check: bool = False, repeats: int = 1) -> Any:
        request = {
            "task": task.name,
            "labels": [run.label for run in runs],
            "check": check,
            "repeats": repeats,
            "data": str(self.directory),
            "seed": random.random(),
        }
        output, _ = self._python("-m", "benchmarks.worker", json.dumps(request))
        return json.loads(output.splitlines()[-1])

    def _python(self, *arguments: str) -> tuple[str, Any]:
        """Run Python to its end: what it printed, and the resources that it used."""
        errors = self.directory / "stderr"
        with open(errors, "w") as stderr:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                stdout=subprocess.PIPE, stderr=stderr, text=True, env=_ENVIRONMENT,
            )  # fmt: skip
            output = process.stdout.read() if process.stdout else ""
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(arguments)}:\n{errors.read_text()}")
        return output, usage


def _empty(scratch: Path) -> None:
    # Not with shutil.rmtree: its memory would become the least that a child is said to use.
    subprocess.run(["rm", "-rf", scratch], check=True)
    scratch.mkdir()


def _collect(samples: list[dict[str, Any]]) -> Measured:
    measured = Measured()
    for sample in samples:
        measured.add(sample)
    return measured


def _shuffled_rounds(task: Task, repeats: int) -> Iterator[Run]:
    for _ in range(repeats):
        yield from random.sample(task.runs, len(task.runs))


def _lack(task: Task, directory: Path) -> str:
    """What the machine lacks for a task; empty if nothing."""
    if "memory" in task.data:
        return ""
    data = dataset(directory, task.data)
    if data.nbytes > 1 << 30 and machine.available_memory() < 3 * data.nbytes:
        return f"{3 * data.nbytes / 1e9:.0f} GB of memory"
    made = all(map(os.path.exists, data.files("")))
    if not made and shutil.disk_usage(directory).free < 4 * data.nbytes:
        return f"{4 * data.nbytes / 1e9:.0f} GB of disk"
    if task.writes:
        target = directory if task.writes == "disk" else conditions.TMPFS
        if not target.is_dir() or shutil.disk_usage(target).free < 2 * data.nbytes:
            return f"{2 * data.nbytes / 1e9:.0f} GB of {task.writes} to write to"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DIRECTORY, help="scratch directory")
    parser.add_argument("--only", nargs="+", metavar="TASK", choices=[t.name for t in TASKS])
    parser.add_argument("--skip", nargs="+", metavar="TASK", default=[])
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--quick", action="store_true", help="two repeats of everything")
    parser.add_argument("--out", type=Path, help="default, for a full run: the reference results")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    partial = options.only or options.skip or options.repeats or options.quick
    out = options.out or (None if partial else REFERENCE)
    runner = Runner(options.data, options.repeats or (2 if options.quick else None))
    lines: list[dict[str, Any]] = [machine.facts(options.data, _ENVIRONMENT)]
    report.show_machine(lines[0])
    for task in TASKS:
        if (options.only and task.name not in options.only) or task.name in options.skip:
            continue
        if lack := _lack(task, options.data):
            print(f"\n{task.name}: left out, needs {lack}")
            continue
        load = os.getloadavg()[0]
        measured = runner.run(task)
        found = report.lines(task, measured, options.data, load)
        report.show(task, found)
        lines += found
    report.show_summary(lines)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("".join(json.dumps(line) + "\n" for line in lines))
        print(f"\nwritten to {out}")


if __name__ == "__main__":
    main()
