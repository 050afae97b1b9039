"""Environment of the tests without TensorFlow: the same packages, and nothing else."""

import os
import site
import subprocess
import sys
from pathlib import Path

import tensorbundle
from tests.places import PROJECT

QUIET_PYTHON = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONFAULTHANDLER": "1"}
ABSENT = ("tensorflow", "tf_keras", "tf-keras")


class Bare:
    """Python that has the packages of this one, but for TensorFlow.

    Args:
        folder: Where to make it: an empty virtual environment, filled with links.
    """

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        packages = next(folder.glob("lib/python*/site-packages"))
        given = [Path(each) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
        outside = [each.resolve() for each in given if PROJECT not in each.resolve().parents]
        for source in (*outside, *map(Path, site.getsitepackages())):
            for entry in source.iterdir():
                wanted = not entry.name.lower().startswith(ABSENT) and entry.suffix != ".pth"
                if wanted and not os.path.lexists(packages / entry.name):
                    (packages / entry.name).symlink_to(entry)
        ours = packages / "tensorbundle"
        ours.unlink(missing_ok=True)
        ours.symlink_to(Path(tensorbundle.__file__).parent)
        self.python = folder / "bin" / "python"

    def run(
        self, *arguments: str | Path, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python in it."""
        outer = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [self.python, *arguments],
            cwd=cwd or PROJECT,
            env={**outer, **QUIET_PYTHON, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def script(
        self, script: Path, *arguments: str | Path, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program with the stand-in."""
        command = ("-m", "tensorbundle.shim", script, *arguments)
        return self.run(*command, cwd=cwd, **environment)
