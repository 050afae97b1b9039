"""How suggestions are measured: programs built by TensorFlow in a process, and hits counted."""

from collections.abc import Sequence
from pathlib import Path

from tests.oracle.client import in_tensorflow
from tests.outputs.programs.programs import ENVIRONMENT

PROGRAMS = "tests.outputs.programs.programs"


def built(folder: Path, *sets: str) -> Path:
    """Build sets of programs, each into a folder of its own below this one."""
    in_tensorflow(PROGRAMS, "build_all", folder, sets, environment=ENVIRONMENT)
    return folder


def built_some(folder: Path) -> Path:
    """Build a few programs of each set, likewise."""
    in_tensorflow(PROGRAMS, "build_some", folder, environment=ENVIRONMENT)
    return folder


class Hits:
    """How often a head comes first, or among the first three, and how many of all heads do."""

    def __init__(self) -> None:
        self.first = self.third = self.graphs = self.heads = self.found = 0
        self.lines: list[str] = []

    def count(self, name: str, heads: Sequence[Sequence[str]], suggested: Sequence[str]) -> None:
        every = {node for head in heads for node in head}
        self.graphs += 1
        self.first += bool(every & set(suggested[:1]))
        self.third += bool(every & set(suggested[:3]))
        self.heads += len(heads)
        self.found += sum(bool(set(head) & set(suggested[:3])) for head in heads)
        if not every & set(suggested[:1]):
            self.lines.append(f"  {name}: {list(suggested[:3])} instead of {heads}")

    def report(self, title: str) -> str:
        summary = (
            f"{title}: {self.graphs} graphs, rank 1 {self.first / self.graphs:.1%}, "
            f"within three {self.third / self.graphs:.1%}, heads {self.found} of {self.heads}"
        )
        return "\n".join([summary, *self.lines])
