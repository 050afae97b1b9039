"""Facts that go with every number: the machine, the versions, the date."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

_OURS = """
import json, tensorbundle as tb
from tensorbundle import _core
print(json.dumps({"tensorbundle": tb.__version__, "crc32c_kernel": _core.crc32c_kernel()}))
"""
_PACKAGES = {
    "numpy": ("numpy",),
    "tensorflow": ("tensorflow-cpu", "tensorflow"),
    "safetensors": ("safetensors",),
    "crc32c": ("crc32c",),
}


def facts(directory: Path, environment: dict[str, str]) -> dict[str, Any]:
    return {
        "kind": "machine",
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cpu": _field("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "huge_pages": _chosen("/sys/kernel/mm/transparent_hugepage/enabled"),
        "file_system": _file_system(directory),
        "python": platform.python_version(),
        **ours(environment),
        **{name: _version(*packages) for name, packages in _PACKAGES.items()},
    }


def ours(environment: dict[str, str]) -> dict[str, str]:
    """Our version and kernel; asked of another process, as this one must stay small."""
    command = [sys.executable, "-c", _OURS]
    done = subprocess.run(command, env=environment, check=True, capture_output=True)
    return json.loads(done.stdout)


def available_memory() -> float:
    """Bytes that can be had without swapping; infinite where that is not known."""
    kilobytes = _field("/proc/meminfo", "MemAvailable")
    return int(kilobytes.split()[0]) * 1024 if kilobytes else float("inf")


def _version(*packages: str) -> str | None:
    for package in packages:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return None


def _field(path: str, name: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def _chosen(path: str) -> str:
    try:
        return Path(path).read_text().split("[")[1].split("]")[0]
    except (OSError, IndexError):
        return ""


def _file_system(directory: Path) -> str:
    command = ["df", "--output=fstype", str(directory)]
    return _first_line_of(command, -1)


def _commit() -> str:
    return _first_line_of(["git", "describe", "--always", "--dirty"], 0)


def _first_line_of(command: list[str], line: int) -> str:
    try:
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return output.splitlines()[line].strip()
