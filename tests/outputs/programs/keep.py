"""Keeps some graphs of the sets beside the tests, so that these need not build them.

`python -m tests.outputs.programs.keep` writes them anew. Needs TensorFlow.
"""

import json
import lzma
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from tests.outputs.measure import KEPT, built
from tests.outputs.programs.programs import SETS

# Those that tests name, and of each set every so many-th in the order of its names.
NAMED = {
    "first": {"sinusoid_maml", "spectral_discriminator", "sub_pixels"},
    "second": {"hazards"},
    "third": {"alex_fine_tuned"},
}
EVERY = 10


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        keep(built(Path(scratch), *(name for name in SETS if name != "known")))


def keep(folder: Path) -> None:
    """Keep some of the graphs of a folder, in which each set has a folder of its own."""
    with lzma.open(KEPT, "wb", preset=9) as file, tarfile.open(fileobj=file, mode="w") as out:
        for name in SETS:
            if name != "known":
                _keep(out, folder / name)


def _keep(out: tarfile.TarFile, folder: Path) -> None:
    heads = json.loads((folder / "heads.json").read_text("utf-8"))
    every = sorted(heads) if folder.name == "feeding" else sorted(heads)[::EVERY]
    chosen = sorted({*every, *NAMED.get(folder.name, ())})
    files = {"heads.json": json.dumps({name: heads[name] for name in chosen}).encode()}
    files |= {f"{name}.meta": (folder / f"{name}.meta").read_bytes() for name in chosen}
    for name, content in files.items():
        member = tarfile.TarInfo(f"{folder.name}/{name}")
        member.size = len(content)
        out.addfile(member, BytesIO(content))


if __name__ == "__main__":
    main()
