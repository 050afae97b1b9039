"""Files of numpy's `.npy` format, and a directory of them.

The bytes are those of ``np.save``, but that ml_dtypes' types bear their names: ``np.load`` gives a
structure of one field ``bfloat16``, which ``.view(ml_dtypes.bfloat16)`` turns into what it was.
Strings are of a fixed width: ``S12`` holds all that are at most 12 bytes long and do not end in
NUL.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._checkpoint.foreign.files import inside, whole_file
from .._checkpoint.foreign.npy import parse_index, read_npy
from .._format.dtypes import number_named, numpy_dtype
from .._format.foreign.npy import encode_header
from .._format.names import as_bytes
from .._locate.tensor_files import INDEX_NAME
from .._write.journal import HIDDEN
from .._write.staging import FolderStaging
from ..errors import TensorBundleError
from .request import Piece, Request

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

_STRING_BATCH_BYTES: Final = 1 << 20
# Beyond this, strings padded to the longest of them may take a few times their own size, no more:
# one long string among a million short ones would fill any disk.
_FREE_PADDING_BYTES: Final = 64 << 20
_PADDING_FACTOR: Final = 4

# What some file system cannot hold in a name, what has a meaning in a path, and what would let a
# directory take the name of a file of ours.
_UNSAFE: Final = re.compile(
    r'[\x00-\x1f\x7f<>:"\\|?*%\udc80-\udcff]'
    r"|[. ](?=/|$)"  # also the components "." and ".."
    r"|^/|(?<=/)/|/$"  # a slash beside an empty component
    r"|\.(?=(?:npy|json)/)"
)
_MAX_COMPONENT_BYTES: Final = 250
_MAX_FILE_BYTES: Final = 1000


def encode(request: Request, info: TensorInfo) -> Iterator[Piece] | str:
    """Give the pieces of the `.npy` file of a tensor, or the reason why there is none."""
    if info.array_dtype().kind != "O":
        return _pieces(request, info)
    strings = np.asarray(request.ckpt[info.name], dtype=object).reshape(-1)
    if any(string.endswith(b"\0") for string in strings):
        return "a string ends in NUL, which numpy's fixed-width strings lose"
    longest = max((len(string) for string in strings), default=0)
    width = max(longest, 1)
    padded, nbytes = width * len(strings), sum(map(len, strings))
    if padded > _FREE_PADDING_BYTES + _PADDING_FACTOR * nbytes or width >= 1 << 31:
        return f"its strings, {nbytes} bytes, would take {padded} padded to the longest one"
    return _string_pieces(request, info, strings, width)


def _pieces(request: Request, info: TensorInfo) -> Iterator[Piece]:
    yield encode_header(info.array_dtype(), info.shape)
    yield from request.pieces(info)


def _string_pieces(
    request: Request, info: TensorInfo, strings: np.ndarray[Any, Any], width: int
) -> Iterator[Piece]:
    yield encode_header(np.dtype(f"S{width}"), info.shape)
    step = max(1, _STRING_BATCH_BYTES // width)
    batches = (
        b"".join(string.ljust(width, b"\0") for string in strings[start : start + step])
        for start in range(0, len(strings), step)
    )
    yield from request.counted(info, batches)


def file_name(name: str) -> str:
    """Give the file for a tensor, relative to the directory: never outside it, unique.

    Without the suffix ``urllib.parse.unquote(…, errors="surrogateescape")`` gives the tensor's name
    back. Only names that are too long for a file system are replaced by their SHA-256.
    """
    escaped = _UNSAFE.sub(_percent, name)
    encoded = escaped.encode("utf-8")
    longest = max(map(len, encoded.split(b"/")))
    if longest > _MAX_COMPONENT_BYTES or len(encoded) > _MAX_FILE_BYTES:
        digest = hashlib.sha256(as_bytes(name)).hexdigest()
        return f"%sha256-{digest}.npy"  # no escape begins with "%s"
    return f"{escaped}.npy"


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in as_bytes(match[0]))


def write(request: Request, path: str, *, overwrite: bool) -> tuple[str, ...]:
    """Write a directory of `.npy` files and an index of them.

    Raises:
        FileExistsError: The directory holds something, and that is not an earlier export or not to
            be replaced.
    """
    directory = path.rstrip(os.sep) or path
    request.keep()
    earlier = _earlier_files(directory)
    staged = FolderStaging(
        directory,
        earlier=earlier,
        overwrite=overwrite,
        moved=lambda moves: _moved_index(directory, moves),
    )
    with request.begin(staged) as staging:
        index = {}
        for info in request.infos:
            pieces = encode(request, info)
            if isinstance(pieces, str):
                request.leave_out(info, pieces)
                continue
            place = file_name(info.name)
            with staging.create(place) as file:
                for piece in pieces:
                    file.write(piece)
            index[info.name] = {"file": place, "dtype": info.tf_dtype, "shape": info.shape}
        with staging.create(INDEX_NAME) as file:
            for piece in _index(index):
                file.write(piece)
    note_types(request)
    return staging.files


def note_types(request: Request) -> None:
    """Tell of types that ``np.load`` shows as structures."""
    left_out = dict(request.left_out)
    named = [
        info
        for info in request.infos
        if info.dtype is not None and info.dtype.isbuiltin == 2 and info.name not in left_out
    ]
    if named:
        subject = "1 tensor has a type" if len(named) == 1 else f"{len(named)} tensors have types"
        request.notes += (
            f"{subject} that numpy has no name for: np.load(...)[name].view(ml_dtypes."
            f"{named[0].dtype}) and the like give them back",
        )


def _index(entries: Mapping[str, Mapping[str, Any]]) -> Iterator[bytes]:
    # A tensor a line, written one by one: the whole of it can be longer than any tensor.
    separator = "{\n"
    for name, facts in entries.items():
        yield f"{separator} {json.dumps(name)}: {json.dumps(facts)}".encode()
        separator = ",\n"
    yield b"\n}\n" if entries else b"{}\n"


def _moved_index(directory: str, moves: Mapping[str, str]) -> bytes:
    """Write the index of an earlier export for other names of its files."""
    entries = parse_index(whole_file(os.path.join(directory, INDEX_NAME)))
    return b"".join(
        _index({n: {**e, "file": moves.get(e["file"], e["file"])} for n, e in entries.items()})
    )


def _earlier_files(directory: str) -> list[str]:
    """List the files of an earlier export, its index first.

    Raises:
        FileExistsError: The directory holds anything else, or what the index names was changed.
    """
    found = {
        os.path.relpath(os.path.join(folder, name), directory)
        for folder, folders, names in os.walk(directory)
        if not any(map(HIDDEN.fullmatch, os.path.relpath(folder, directory).split(os.sep)))
        for name in [*names, *(each for each in folders if os.path.islink(f"{folder}/{each}"))]
    }
    if not found:
        return []
    strange = sorted(found)[0]
    try:
        entries = parse_index(whole_file(os.path.join(directory, INDEX_NAME)))
        own = [each["file"] for each in entries.values() if _is_own(directory, each)]
        others = sorted(found.difference(own, [INDEX_NAME]))
        if not others:
            return [INDEX_NAME, *sorted(own)]
        strange = others[0]
    except (TensorBundleError, OSError):
        pass
    raise FileExistsError(
        f"directory {directory!r} is not empty and no earlier export: it holds {strange!r}"
    )


def _is_own(directory: str, entry: Mapping[str, Any]) -> bool:
    """Whether a file is what an export wrote under an entry of its index."""
    try:
        _, header = read_npy(inside(directory, entry["file"]))
    except (TensorBundleError, OSError):
        return False
    is_string = entry["dtype"] == "string" and header.word.startswith("|S")
    named = number_named(entry["dtype"])
    is_type = named is not None and numpy_dtype(named) == numpy_dtype(header.number)
    return list(header.shape) == entry["shape"] and (is_string or is_type)
