"""Crashes the trainings at every boundary of their files, by an independent tester (ckpt-chaos).

    python -m tests.chaos.crash [WAY …]

Each has to resume from the newest complete checkpoint at every point, and come to the same result.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import tensorbundle
from tests.chaos.training import WAYS

TRAINING = Path(__file__).with_name("training.py").absolute()
ALL_POINTS = "2000"
# The tester puts folders of its own before all others: the library that is imported here is meant.
LIBRARY = Path(tensorbundle.__file__).parents[1]
START = "import runpy, sys; sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"


def crash(way: str) -> int:
    """Run one; the exit code is 0 if every point passes."""
    with tempfile.TemporaryDirectory() as work:
        command = [
            sys.executable, "-m", "ckpt_chaos", "run",
            "--checkpoint-glob", "{out}/ckpt-*.index",
            "--step-regex", r"resumed from step (\d+)",
            "--result-file", "{out}/result",
            "--fail-on", "HARD_FAIL,SILENT_DIVERGENCE,LOST_WORK",
            "--modes", "before,torn,term",
            "--max-points", ALL_POINTS,
            "--jobs", "2",
            "--work", f"{work}/runs",
            "--", sys.executable, "-c", START, str(TRAINING), way, "{out}",
        ]  # fmt: skip
        print(f"--- {way}", flush=True)
        return subprocess.run(command, cwd=LIBRARY).returncode


if __name__ == "__main__":
    sys.exit(max(crash(way) for way in sys.argv[1:] or WAYS))
