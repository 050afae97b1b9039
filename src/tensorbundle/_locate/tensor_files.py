"""Files of tensors that other programs write: which of them a path means.

`.npz`, `.npy`, `.safetensors`, the index of several of these, HDF5, torch's `.pt`; a folder of
`.npy` files with the index of an export; a model's folder with `.safetensors`. TensorFlow's own
files come first: a prefix of a checkpoint is one whatever it is called.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Final

from .._format.filenames import INDEX_SUFFIX, META_SUFFIX, as_path, split_data_path
from ..errors import FormatError
from .damage import FileKind, identify_file, is_table
from .location import Kind, Location, file_mode, is_regular_file, is_saved_model

INDEX_NAME: Final = "index.json"  # of a folder of .npy files
SAFETENSORS: Final = ".safetensors"
SHARDS_INDEX: Final = SAFETENSORS + ".index.json"

_SUFFIXES: Final[dict[str, Kind]] = {
    ".npz": "npz",
    ".npy": "npy",
    SAFETENSORS: "safetensors",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
}
_OF_TORCH: Final = (".pt", ".pth", ".bin")
# One of several files, as the Hub's are called.
_PART: Final = re.compile(r"(.+)-\d+-of-(\d+)\.safetensors", re.DOTALL)
# A zip archive, or a pickle as torch began with.
_TORCH_MAGICS: Final = (b"PK\x03\x04", b"\x80\x02")
_MAGICS: Final[dict[bytes, Kind]] = {
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    b"PK\x05\x06": "npz",  # an archive without members
    b"\x89HDF\r\n\x1a\n": "hdf5",
}


def tensor_file_at(path: str | os.PathLike[str] | bytes) -> Location | None:
    """Find the file of tensors that a path means; None if it means no such file.

    Raises:
        FormatError: It is called one, and is something else.
        OSError: The file system refuses to say.
    """
    requested = as_path(path)
    if not requested or is_regular_file(requested + INDEX_SUFFIX):
        return None
    mode = file_mode(requested)
    if stat.S_ISDIR(mode):
        return _in_folder(requested)
    if mode == 0 and requested.endswith(SAFETENSORS):
        index = requested.removesuffix(SAFETENSORS) + SHARDS_INDEX
        return _found(requested, "safetensors", index) if is_regular_file(index) else None
    if not stat.S_ISREG(mode):
        return None
    kind = _kind_of(requested)
    if kind is None:
        return None
    part = _PART.fullmatch(requested) if kind == "safetensors" else None
    if part is None or int(part[2]) < 2:
        return _found(requested, kind, requested)
    index = part[1] + SHARDS_INDEX
    hint = f": write {index!r} for all" if is_regular_file(index) else ""
    note = f"one of {int(part[2]):,} files with tensors of this model was taken{hint}"
    return _found(requested, kind, requested, note)


def _found(requested: str, kind: Kind, file: str, *notes: str) -> Location:
    return Location(requested=requested, kind=kind, prefix=file, files=(file,), notes=notes)


def _kind_of(path: str) -> Kind | None:
    if path.endswith(SHARDS_INDEX):
        return "safetensors"
    suffix = os.path.splitext(path)[1].lower()
    if suffix in (INDEX_SUFFIX, META_SUFFIX) or split_data_path(path) is not None:
        return None  # what these begin with means nothing
    if suffix in _OF_TORCH and _starts_with(path, _TORCH_MAGICS):
        return "torch"
    kind, called = _kind_within(path), _SUFFIXES.get(suffix)
    if kind is not None or called is None:
        return kind
    if is_table(path):
        return None  # a V1 checkpoint may have any name
    found = identify_file(path)
    if found is not None and found.kind is not FileKind.NOTHING:
        raise FormatError(f"not a {suffix} file: {path!r} is {found.phrase}", path=path)
    return called  # damaged: whoever reads it says how


def _starts_with(path: str, magics: tuple[bytes, ...]) -> bool:
    with open(path, "rb") as file:
        return file.read(4).startswith(magics)


def _kind_within(path: str) -> Kind | None:
    """What a file is by its first bytes."""
    with open(path, "rb") as file:
        start = file.read(16)
    for magic, kind in _MAGICS.items():
        if start.startswith(magic):
            return kind
    return "safetensors" if start[8:10] == b'{"' and start[4:8] == bytes(4) else None


def _in_folder(folder: str) -> Location | None:
    names = os.listdir(folder)
    if "checkpoint" in names or any(name.endswith(INDEX_SUFFIX) for name in names):
        return None
    if is_saved_model(folder):
        return None
    if INDEX_NAME in names and any(
        name.endswith(".npy") for _, _, f in os.walk(folder) for name in f
    ):
        return _found(folder, "npy", os.path.join(folder, INDEX_NAME))
    indexes = [name for name in names if name.endswith(SHARDS_INDEX)]
    singles = [name for name in names if name.endswith(SAFETENSORS)]
    # As the libraries that load such folders do: the single file before the index.
    for found in (singles, indexes):
        if len(found) == 1:
            return _found(folder, "safetensors", os.path.join(folder, found[0]))
    return None


def _holds_arrays(folder: str) -> bool:
    return any(name.endswith(".npy") for _, _, names in os.walk(folder) for name in names)
