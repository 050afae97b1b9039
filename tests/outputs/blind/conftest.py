"""Hundreds of programs are built to be measured: `make blind` does it, not every run."""

import os

collect_ignore_glob = [] if os.environ.get("BLIND") else ["test_*.py"]
