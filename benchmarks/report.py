"""From samples to lines of results, and to what is printed."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from benchmarks.data import dataset
from benchmarks.tasks import MIB, OURS, Goal, Task

Line = dict[str, Any]


def lines(task: Task, measured: dict[str, Any], directory: Path, load: float) -> list[Line]:
    """A line for each run, and one for each ratio."""
    results = [_result(task, label, values, directory, load) for label, values in measured.items()]
    if task.memory_goal:
        return results + _memory_ratios(task, results, directory)
    by_label = {line["label"]: line for line in results}
    ratios = [_ratio(task, by_label, goal) for goal in task.goals + _others(task, by_label)]
    if task.growth_goal and by_label[OURS]["grown_mb"] is not None:
        ratios.append(_growth_ratio(task, by_label[OURS]))
    return results + ratios


def _result(task: Task, label: str, measured: Any, directory: Path, load: float) -> Line:
    run = next((run for run in task.runs if run.label == label), None)
    data = dataset(directory, (run and run.data) or task.data)
    share = 1 / data.count if task.per_tensor else 1
    alone = task.kind in ("fresh", "process")  # the peak of a shared process is nobody's
    seconds = [value * share for value in measured.seconds]
    return {
        "kind": "result",
        "task": task.name,
        "title": task.title,
        "how": task.kind,
        "page_cache": task.state,
        "label": label,
        "nbytes": data.nbytes,
        "tensors": data.count,
        "samples": len(seconds),
        "min_s": _rounded(min(seconds)),
        "median_s": _rounded(statistics.median(seconds)),
        "max_s": _rounded(max(seconds)),
        "cpu_s": _median(measured.cpu, share),
        "minor_faults": _median(measured.faults),
        "resident": _median(measured.resident),
        "peak_rss_mb": round(max(measured.rss) / MIB, 1) if alone else None,
        "grown_mb": round(max(measured.grown) / MIB, 1) if alone and measured.grown else None,
        "rate": task.rate and data.nbytes >= 1 << 28,
        "load_average": round(load, 2),
    }


def _median(values: list[float], share: float = 1) -> float | None:
    return _rounded(statistics.median(values) * share) if values else None


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _others(task: Task, by_label: dict[str, Line]) -> tuple[Goal, ...]:
    """Ratios without a goal: shown all the same, losses too."""
    if OURS not in by_label:
        return ()
    named = {goal.against for goal in task.goals}
    rivals = [label for label in by_label if not label.startswith(OURS) and label not in named]
    return tuple(Goal(label, 0) for label in rivals)


def _ratio(task: Task, by_label: dict[str, Line], goal: Goal) -> Line:
    ours, rival = by_label[goal.label], by_label[goal.against]
    middle, best = ("peak_rss_mb",) * 2 if goal.of == "rss" else ("median_s", "min_s")
    ratio = rival[middle] / ours[middle]
    return {
        "kind": "ratio",
        "task": task.name,
        "title": task.title,
        "page_cache": task.state,
        "label": goal.label,
        "against": goal.against,
        "of": goal.of,
        "ratio": _rounded(ratio),
        "ratio_of_best": _rounded(rival[best] / ours[best]),
        "goal": _rounded(goal.ratio) or None,
        "met": ratio >= goal.ratio if goal.ratio else None,
    }


def _memory_ratios(task: Task, results: list[Line], directory: Path) -> list[Line]:
    index = Path(dataset(directory, task.data).index).stat().st_size
    start, *commands = results
    allowed = start["peak_rss_mb"] + index / MIB + 64
    label = f"allowed: {allowed:.0f} MiB"
    limit = {"label": label, "peak_rss_mb": allowed}
    goals = [Goal(label, 1, command["label"], "rss") for command in commands]
    by_label = {line["label"]: line for line in [*commands, limit]}
    return [_ratio(task, by_label, goal) for goal in goals]


def _growth_ratio(task: Task, ours: Line) -> Line:
    label = f"allowed: {task.growth_goal} MiB over the start"
    limit = {**ours, "peak_rss_mb": task.growth_goal}
    grown = {**ours, "peak_rss_mb": max(ours["grown_mb"], 0.1)}  # for a ratio
    return _ratio(task, {OURS: grown, label: limit}, Goal(label, 1, of="rss"))


# --- printing ------------------------------------------------------------------------------------


def show_machine(facts: Line) -> None:
    print("  ".join(f"{key}: {value}" for key, value in facts.items() if key != "kind"))


def show(task: Task, found: list[Line]) -> None:
    first = found[0]
    notes = [task.kind, f"load {first['load_average']}"]
    if task.state != "none":
        notes.insert(1, f"{task.state} page cache")
    print(f"\n{task.name}: {task.title}  ({', '.join(notes)})")
    for line in found:
        print("  " + (_result_text(task, line) if line["kind"] == "result" else _ratio_text(line)))


def _result_text(task: Task, line: Line) -> str:
    low, middle, high = (time_text(line[key]) for key in ("min_s", "median_s", "max_s"))
    text = f"{line['label']:36} {middle:>9}  ({low} .. {high})"
    if line["rate"] and not task.memory_goal:
        text += f"  {line['nbytes'] / line['median_s'] / 1e9:.2f} GB/s"
    if line["peak_rss_mb"]:
        text += f"  peak {line['peak_rss_mb']:.0f} MiB"
    if task.growth_goal and line["grown_mb"] is not None:
        text += f" (+{line['grown_mb']:.0f})"
    if line["minor_faults"] is not None:
        text += f"  {line['minor_faults']:.0f} faults"
    if line["resident"] is not None:
        text += f"  cached {line['resident']:.0%}"
    return text


def _ratio_text(line: Line) -> str:
    what = "less memory than" if line["of"] == "rss" else "×"
    text = f"→ {line['ratio']:8.3g} {what} {line['against']}"
    if line["label"] != OURS:
        text += f" [{line['label']}]"
    if line["of"] != "rss":
        text += f" (best/best {line['ratio_of_best']:.3g})"
    if line["goal"] is not None:
        text += f"   goal ≥ {line['goal']:.3g}: {'met' if line['met'] else 'MISSED'}"
    return text


def time_text(seconds: float) -> str:
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def show_summary(lines: list[Line]) -> None:
    goals = [line for line in lines if line["kind"] == "ratio" and line["goal"] is not None]
    missed = [line for line in goals if not line["met"]]
    print(f"\n{len(goals) - len(missed)} of {len(goals)} goals met")
    for line in missed:
        print(f"  {line['task']:14} {_ratio_text(line)}")
