"""Pack the checkpoints that come with the package: ``python -m tests.golden.make_samples``.

They are golden files, so TensorFlow wrote them. The same files make the same archive.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.golden.cases import DATA
from tests.places import PROJECT

ARCHIVE = PROJECT / "src" / "tensorbundle" / "_demo" / "samples.zip"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def samples() -> Iterator[tuple[str, Path]]:
    """Each file with its name in the archive."""
    for name, folder in (("network", "demo"), ("saver", "saver"), ("moved", "moved")):
        yield from ((f"{name}/{path.name}", path) for path in sorted((DATA / folder).iterdir()))
    for path in sorted((DATA / "objects").glob("keras.*")):
        yield f"keras/model{path.name.removeprefix('keras')}", path
    for path in sorted((DATA / "slices").glob("incomplete.*")):
        yield f"slices/{path.name}", path
    model = DATA / "saved_model"
    for path in sorted(path for path in model.rglob("*") if path.is_file()):
        yield f"saved_model/{path.relative_to(model)}", path


def main() -> None:
    """Write the archive."""
    with zipfile.ZipFile(ARCHIVE, "w") as archive:
        for name, path in samples():
            info = zipfile.ZipInfo(name, _LONG_AGO)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, path.read_bytes(), compresslevel=9)


if __name__ == "__main__":
    main()
