"""Crashes the trainings at every boundary of their files, by an independent tester (ckpt-chaos).

    python -m tests.chaos.crash [WAY …]

Each has to resume from the newest complete checkpoint at every point, and come to the same result.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.chaos.training import WAYS

TRAINING = Path(__file__).with_name("training.py")
ALL_POINTS = "2000"


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
            "--", sys.executable, str(TRAINING), way, "{out}",
        ]  # fmt: skip
        print(f"--- {way}", flush=True)
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(max(crash(way) for way in sys.argv[1:] or WAYS))
