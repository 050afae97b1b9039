"""Distributions tried as a new user would: each in a clean environment, no compiler on PATH.

``python -m tests.packaging.try_distributions DIST`` looks at the wheel and the sdist in a folder:
what is in them, how large they are, that the wheel runs where there is no compiler, with what the
command needs and without, and that the sdist builds.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

from tests.places import PROJECT

LARGEST_WHEEL = 1_800_000
SMOKE = PROJECT / "tests" / "packaging" / "smoke.py"


def only(folder: Path, pattern: str) -> Path:
    """The one file of a kind."""
    (found,) = folder.glob(pattern)
    return found


def check_contents(wheel: Path, sdist: Path) -> None:
    """Raise AssertionError for files that are missing, or that nobody needs."""
    names = set(zipfile.ZipFile(wheel).namelist())
    size = wheel.stat().st_size
    assert size <= LARGEST_WHEEL, f"{wheel.name} has {size:,} bytes: {LARGEST_WHEEL:,} at most"
    assert any(name.endswith("share/man/man1/tensorbundle.1") for name in names)
    assert "tensorbundle/py.typed" in names
    assert "tensorbundle/_core.pyi" in names
    strange = [name for name in names if name.endswith((".cpp", ".hpp", ".pyc")) or "tests" in name]
    assert not strange, strange
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"cpp", "src", "pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE"} <= tops
    assert not tops & {"tests", "benchmarks", ".ci", ".github", ".venv", "build"}, tops
    metadata = zipfile.ZipFile(wheel).read(
        next(name for name in names if name.endswith(".dist-info/METADATA"))
    )
    text = metadata.decode()
    needed = [
        line for line in text.splitlines() if line.startswith("Requires-Dist") and ";" not in line
    ]
    assert sorted(line.split()[1].partition(">")[0] for line in needed) == ["ml_dtypes", "numpy"]
    assert "](benchmarks/" not in text, "README links to files that a package index does not have"
    print(f"{wheel.name}: {size:,} bytes; {sdist.name}: {sdist.stat().st_size:,} bytes")


class Environment:
    """A virtual environment in which nothing of this checkout is seen."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True, symlinks=True)
        self._bin = folder / "bin"

    def run(self, *arguments: object, code: int = 0, **environment: str) -> str:
        """Run one of its programs; what it said."""
        result = subprocess.run(
            [str(self._bin / str(arguments[0])), *map(str, arguments[1:])],
            cwd=self._bin,
            env={"PATH": str(self._bin), "HOME": os.environ.get("HOME", "/"), **environment},
            capture_output=True,
            text=True,
        )
        said = result.stdout + result.stderr
        assert result.returncode == code, f"{arguments}: exit code {result.returncode}\n{said}"
        return said

    def install(self, *what: object, **environment: str) -> None:
        """Install packages."""
        self.run("pip", "install", "--quiet", "--disable-pip-version-check", *what, **environment)


def try_wheel(wheel: Path, folder: Path) -> None:
    """Install it where there is no compiler, and use it."""
    environment = Environment(folder)
    environment.install(wheel)
    print(environment.run("python", SMOKE).strip())
    said = environment.run("tensorbundle", "ls", "x", code=2)
    assert said.strip().endswith("pip install click rich"), said
    environment.install("click", "rich")
    make = "import numpy as np, tensorbundle as tb; tb.save('run/m-1', {'w': np.arange(3.0)})"
    environment.run("python", "-c", make)
    assert "1 tensor, 24 B" in environment.run("tensorbundle", "ls", "run/m-1")
    assert "ok: 1 stored tensor" in environment.run("tensorbundle", "verify", "run/m-1")
    assert "w.npz" in environment.run("tensorbundle", "export", "run/m-1", "run/w.npz")
    manual = only(folder, "share/man/man1/tensorbundle.1")
    assert manual.read_text("utf-8").startswith(".TH TENSORBUNDLE 1")


def try_sdist(sdist: Path, folder: Path) -> None:
    """Build it, with all that a build needs fetched anew, and use what comes out."""
    environment = Environment(folder)
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    environment.install(sdist, PATH=path)
    print(environment.run("python", SMOKE).strip())


def main() -> None:
    """Try what is in the folder that is named."""
    folder = Path(sys.argv[1]).resolve()
    wheel, sdist = only(folder, "*.whl"), only(folder, "*.tar.gz")
    check_contents(wheel, sdist)
    with tempfile.TemporaryDirectory() as scratch:
        try_wheel(wheel, Path(scratch) / "wheel")
        try_sdist(sdist, Path(scratch) / "sdist")
    print("both are sound")


if __name__ == "__main__":
    main()
