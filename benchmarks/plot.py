"""Draws results as SVG: `python -m benchmarks.plot [RESULTS.jsonl]`, beside the results.

`ratios.svg`: how many times as fast as each rival, with the goals. `times.svg`: what each took.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt

from benchmarks.report import time_text
from benchmarks.run import REFERENCE
from benchmarks.tasks import OURS, TASKS, TF_SORTED

Line = dict[str, Any]

_INK, _FAINT, _GRID = "#24292f", "#6e7781", "#e3e7eb"
_OURS, _LOSS, _RIVAL = "#1f6feb", "#d1570c", "#b6bfc9"
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.hashsalt": "tensorbundle",  # the same results give the same file
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GRID,
    "xtick.color": _FAINT,
    "ytick.color": _INK,
    "figure.facecolor": "white",
}
_HEADING = {"fontsize": 9, "fontweight": "bold", "loc": "left"}
# Of the small charts, in inches.
_COLUMNS, _WIDTH, _LABELS, _ROW = 2, 11, 2.2, 0.22
# What is no rival but the most there is.
_LIMITS = (
    "import numpy alone",
    "numpy sums the mapped file",
    "numpy, map kept",
    "cat",
    "plain read",
    "reading once, writing once",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=REFERENCE)
    path = parser.parse_args().results
    facts, *lines = map(json.loads, path.read_text().splitlines())
    with plt.rc_context(_STYLE):
        draw_ratios(facts, lines, path.with_name("ratios.svg"))
        draw_times(facts, lines, path.with_name("times.svg"))


def draw_ratios(facts: Line, lines: list[Line], path: Path) -> None:
    """Bars from 1, with a tick where the goal is: rivals above, the machine's limits below."""
    rows = [
        line for line in lines
        if line["kind"] == "ratio" and (line["goal"] or line["against"] == TF_SORTED)
        and not line["against"].startswith(("allowed", OURS))
    ]  # fmt: skip
    rivals = [row for row in rows if row["against"] not in _LIMITS]
    limits = [row for row in rows if row["against"] in _LIMITS]
    figure, (above, below) = plt.subplots(
        2, figsize=(9.5, 1.6 + 0.24 * len(rows)), height_ratios=(len(rivals) + 1, len(limits) + 1),
        layout="constrained",
    )  # fmt: skip
    _draw_ratios(above, rivals)
    above.set_xscale("log")
    above.set_xlim(0.5, 2.5 * max((row["ratio"] for row in rivals), default=1))
    above.set_title("How many times as fast as its rivals, and the goal ( | )", **_HEADING)
    _draw_ratios(below, limits)
    below.set_xlim(0, 1.25 * max([1.2, *(row["ratio"] for row in limits)]))
    below.set_title("Against the limit: a plain read, cat, importing numpy", **_HEADING)
    for axes in (above, below):
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}×")
    _sign(figure, facts)
    _save(figure, path)


def _draw_ratios(axes: Any, rows: list[Line]) -> None:
    for y, row in enumerate(rows):
        missed = row["ratio"] < (row["goal"] or 1)
        axes.barh(y, row["ratio"] - 1, left=1, height=0.62, color=_LOSS if missed else _OURS)
        if row["goal"]:
            axes.plot([row["goal"]] * 2, [y - 0.42, y + 0.42], color=_INK, linewidth=1.4)
        end = max(row["ratio"], row["goal"] or 1, 1)
        axes.annotate(
            f"{row['ratio']:.3g}×", (end, y), (5, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(range(len(rows)), [_ratio_label(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.axvline(1, color=_FAINT, linewidth=0.8)
    _plain(axes)


def _ratio_label(row: Line) -> str:
    title = row["title"] + row["label"].removeprefix(OURS)
    state = ", cold cache" if row["page_cache"] == "cold" else ""
    unit = ", peak memory" if row["of"] == "rss" else ""
    return f"{title}{state}{unit}  /  {row['against']}"


def draw_times(facts: Line, lines: list[Line], path: Path) -> None:
    """A small chart for each task that has rivals: median times, and their range."""
    compared = [task.name for task in TASKS if any(not _is_ours(run.label) for run in task.runs)]
    by_task: dict[str, list[Line]] = {name: [] for name in compared}
    for line in lines:
        if line["kind"] == "result" and line["task"] in by_task and line["page_cache"]:
            by_task[line["task"]].append(line)
    by_task = {
        task: results for task, results in by_task.items()
        if results and not task.startswith("peak")
    }  # fmt: skip
    groups = list(by_task.values())
    stripes = [groups[i : i + _COLUMNS] for i in range(0, len(groups), _COLUMNS)]
    bars = [max(map(len, stripe)) for stripe in stripes]
    height = _ROW * (sum(bars) + 2 * len(bars) + 1.5)
    figure = plt.figure(figsize=(_WIDTH, height))
    top = height
    for stripe, count in zip(stripes, bars, strict=True):
        top -= (count + 2) * _ROW
        for column, results in enumerate(stripe):
            left = column * _WIDTH / _COLUMNS + _LABELS
            width = _WIDTH / _COLUMNS - _LABELS - 0.1
            place = (left / _WIDTH, top / height, width / _WIDTH, count * _ROW / height)
            _draw_task(figure.add_axes(place), results, count)
    _sign(figure, facts)
    _save(figure, path)


def _is_ours(label: str) -> bool:
    return label.startswith(OURS)


def _draw_task(axes: Any, results: list[Line], rows: int) -> None:
    results = sorted(results, key=lambda line: line["median_s"])
    slowest = results[-1]["median_s"]
    for y, line in enumerate(results):
        ours = _is_ours(line["label"])
        axes.barh(y, line["median_s"], height=0.66, color=_OURS if ours else _RIVAL)
        axes.plot([line["min_s"], line["max_s"]], [y, y], color=_INK, linewidth=0.8)
        text = time_text(line["median_s"])
        rate = line.get("rate", line["nbytes"] >= 1 << 28)  # older results lack it
        if rate and line["how"] != "process":
            text += f"  {line['nbytes'] / line['median_s'] / 1e9:.3g} GB/s"
        if line["peak_rss_mb"]:
            text += f"  {line['peak_rss_mb']:.0f} MiB"
        end = max(line["max_s"], line["median_s"])
        axes.text(end + 0.02 * slowest, y, text, va="center", fontsize=8)
    axes.set_yticks(range(len(results)), [line["label"] for line in results], fontsize=8)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xlim(0, 2 * max(line["max_s"] for line in results))
    axes.set_xticks([])
    cold = {"cold": ", cold cache", "warm": "", "none": ""}[results[0]["page_cache"]]
    axes.annotate(
        results[0]["title"] + cold, (0, 1), (-72 * (_LABELS - 0.1), 3), fontweight="bold",
        xycoords="axes fraction", textcoords="offset points",
    )  # fmt: skip
    _plain(axes)


def _plain(axes: Any) -> None:
    axes.grid(axis="x", color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


def _sign(figure: Any, facts: Line) -> None:
    names = ("tensorflow", "safetensors", "numpy", "python")
    versions = [f"{name} {facts[name]}" for name in names]
    machine = [facts["cpu"], f"{facts['cores']} cores", facts["system"]]
    text = ", ".join([*machine, *versions, facts["date"][:10]])
    figure.supxlabel(text, fontsize=8, color=_FAINT)


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
