"""A tensor as the bytes of a `.npy` file, and a directory of such files.

The bytes are those of ``np.save``: ml_dtypes' types come back from ``np.load`` as raw bytes
(``|V2`` for bfloat16), which ``.view(ml_dtypes.bfloat16)`` turns into what they were, and strings
are of a fixed width: ``S12`` holds all that are at most 12 bytes long and do not end in NUL.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._format.names import as_bytes
from .._write.staging import Staging
from .request import Piece, Request

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

INDEX_NAME: Final = "index.json"

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
    yield _header(info.array_dtype(), info.shape)
    yield from request.pieces(info)


def _string_pieces(
    request: Request, info: TensorInfo, strings: np.ndarray[Any, Any], width: int
) -> Iterator[Piece]:
    yield _header(np.dtype(f"S{width}"), info.shape)
    step = max(1, _STRING_BATCH_BYTES // width)
    batches = (
        b"".join(string.ljust(width, b"\0") for string in strings[start : start + step])
        for start in range(0, len(strings), step)
    )
    yield from request.counted(info, batches)


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    if dtype.isbuiltin == 2:  # of ml_dtypes; one of them np.save calls "<f1", which np.load refuses
        descr: Any = f"<V{dtype.itemsize}"
    else:
        descr = np.lib.format.dtype_to_descr(dtype.newbyteorder("<"))
    file = io.BytesIO()
    facts = {"descr": descr, "fortran_order": False, "shape": shape}
    # Version 1.0 holds headers of up to 64 kB: every one of 64 dimensions without fields.
    np.lib.format.write_array_header_1_0(file, facts)
    return file.getvalue()


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
    with Staging(directory, earlier=earlier, overwrite=overwrite) as staging:
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
            dtype = "string" if info.dtype == object else str(info.dtype)
            index[info.name] = {"file": place, "dtype": dtype, "shape": info.shape}
        with staging.create(INDEX_NAME) as file:
            # A tensor a line, written one by one: the whole of it can be longer than any tensor.
            separator = "{\n"
            for name, facts in index.items():
                file.write(f"{separator} {json.dumps(name)}: {json.dumps(facts)}".encode())
                separator = ",\n"
            file.write(b"\n}\n" if index else b"{}\n")
    return staging.files


def _earlier_files(directory: str) -> list[str]:
    """List what an earlier export left there; refuse a directory that holds anything else."""
    found = [
        os.path.relpath(os.path.join(folder, name), directory)
        for folder, _, names in os.walk(directory)
        for name in names
    ]
    strange = [name for name in found if name != INDEX_NAME and not name.endswith(".npy")]
    if found and (strange or INDEX_NAME not in found):
        raise FileExistsError(f"directory {directory!r} is not empty and no earlier export")
    return found
