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
from benchmarks.tasks import OURS, TASKS

Line = dict[str, Any]

_INK, _FAINT, _GRID = "#24292f", "#6e7781", "#e3e7eb"
_OURS, _LOSS, _RIVAL = "#1f6feb", "#d1570c", "#b6bfc9"
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "tensorbundle",  # the same results give the same file
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GRID,
    "xtick.color": _FAINT,
    "ytick.color": _INK,
    "figure.facecolor": "white",
}
_COLUMNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=REFERENCE)
    path = parser.parse_args().results
    facts, *lines = map(json.loads, path.read_text().splitlines())
    with plt.rc_context(_STYLE):
        draw_ratios(facts, lines, path.with_name("ratios.svg"))
        draw_times(facts, lines, path.with_name("times.svg"))


def draw_ratios(facts: Line, lines: list[Line], path: Path) -> None:
    """A bar from 1 for each goal; a tick where the goal is."""
    rows = [
        line for line in lines
        if line["kind"] == "ratio" and line["goal"] and not line["against"].startswith("allowed")
    ]  # fmt: skip
    figure, axes = plt.subplots(figsize=(9, 0.9 + 0.27 * len(rows)), layout="constrained")
    for y, row in enumerate(rows):
        colour = _OURS if row["ratio"] >= 1 else _LOSS
        axes.barh(y, row["ratio"] - 1, left=1, height=0.62, color=colour)
        axes.plot([row["goal"]] * 2, [y - 0.42, y + 0.42], color=_INK, linewidth=1.4)
        end = max(row["ratio"], row["goal"], 1) * 1.12
        axes.text(end, y, f"{row['ratio']:.3g}×", va="center", color=_INK)
    axes.set_yticks(range(len(rows)), [_ratio_label(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlim(left=0.4, right=3 * max(row["ratio"] for row in rows))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}×")
    axes.axvline(1, color=_FAINT, linewidth=0.8)
    _plain(axes)
    figure.suptitle("tensorbundle against others: how many times as fast   ( | the goal )", x=0.5)
    _sign(figure, facts)
    _save(figure, path)


def _ratio_label(row: Line) -> str:
    unit = ", memory" if row["of"] == "rss" else ""
    cold = ", cold cache" if row["page_cache"] == "cold" else ""
    ours = row["label"].removeprefix(OURS).replace(", ", " ")
    return f"{_title(row)}{ours}{cold}{unit}  vs {_against(row)}"


def _title(row: Line) -> str:
    return row["title"].partition(":")[0]


def _against(row: Line) -> str:
    return row["against"].removeprefix(f"{OURS}, ")


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
    heights = [max(map(len, stripe)) + 1.8 for stripe in stripes]
    figure, grid = plt.subplots(
        len(stripes), _COLUMNS, figsize=(13, 0.26 * sum(heights) + 0.5),
        height_ratios=heights, squeeze=False, layout="constrained",
    )  # fmt: skip
    for axes in grid.flat:
        axes.set_visible(False)
    for stripe, cells in zip(stripes, grid, strict=True):
        for results, axes in zip(stripe, cells, strict=False):
            axes.set_visible(True)
            _draw_task(axes, results, max(map(len, stripe)))
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
        if line["nbytes"] >= 1 << 28 and line["how"] != "process":
            text += f"  {line['nbytes'] / line['median_s'] / 1e9:.3g} GB/s"
        if line["peak_rss_mb"]:
            text += f"  {line['peak_rss_mb']:.0f} MiB"
        end = max(line["max_s"], line["median_s"])
        axes.text(end + 0.02 * slowest, y, text, va="center", fontsize=8)
    axes.set_yticks(range(len(results)), [line["label"] for line in results], fontsize=8)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xlim(0, slowest * 1.75)
    axes.set_xticks([])
    cold = {"cold": ", cold cache", "warm": "", "none": ""}[results[0]["page_cache"]]
    axes.set_title(results[0]["title"] + cold, fontsize=9, fontweight="bold", loc="left")
    _plain(axes)


def _plain(axes: Any) -> None:
    axes.grid(axis="x", color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


def _sign(figure: Any, facts: Line) -> None:
    versions = ", ".join(
        f"{name} {facts[name]}" for name in ("tensorflow", "safetensors", "numpy", "python")
    )
    text = f"{facts['cpu']}, {facts['cores']} cores, {facts['system']}, {versions}, {facts['date'][:10]}"
    figure.supxlabel(text, fontsize=8, color=_FAINT)


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
