"""Demo files: small checkpoints and models that TensorFlow wrote, unpacked where one wants them."""

from __future__ import annotations

import importlib.resources
import os
import zipfile
from typing import Final

_ARCHIVE: Final = "samples.zip"
# What each is opened by, in its folder.
SAMPLES: Final = {
    "network": "",
    "saver": "",
    "keras": "model",
    "slices": "incomplete",
    "moved": "",
    "saved_model": "",
}


def demo(name: str = "network", folder: str | os.PathLike[str] = "demo") -> str:
    """Write a small checkpoint or model to try things on, and say what to open.

    - ``"network"``: a convolutional network after 2000 steps of Adam: a checkpoint, its ``.meta``
      graph and a state file.
    - ``"saver"``: two checkpoints of two variables, each with its graph.
    - ``"keras"``: the object-based checkpoint of a small Keras 3 model.
    - ``"slices"``: partitioned tensors, of which slices are missing.
    - ``"moved"``: a directory whose state file names paths of another machine.
    - ``"saved_model"``: a SavedModel of TensorFlow 2.

    Args:
        name: Which.
        folder: Where; a folder of that name is made in it. Files that are there already stay.

    Returns:
        The path to open: a directory, or a prefix.

    Raises:
        ValueError: There is no such demo.
        OSError: The folder cannot be written.

    Example:
        >>> import tensorbundle as tb
        >>> tb.demo()
        'demo/network'
        >>> len(tb.open(tb.demo()))
        28
    """
    if name not in SAMPLES:
        raise ValueError(f"there is no demo {name!r}: expected one of {', '.join(SAMPLES)}")
    target = os.path.join(os.fspath(folder), name)
    source = importlib.resources.files(__package__ or "").joinpath(_ARCHIVE)
    with source.open("rb") as file, zipfile.ZipFile(file) as archive:
        for member in archive.namelist():
            top, _, place = member.partition("/")
            if top == name:
                _write(os.path.join(target, place), archive.read(member))
    return os.path.join(target, SAMPLES[name]).rstrip(os.sep)


def _write(path: str, content: bytes) -> None:
    if os.path.lexists(path):
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = f"{path}.part-{os.getpid()}"
    with open(part, "wb") as file:
        file.write(content)
    os.replace(part, path)
