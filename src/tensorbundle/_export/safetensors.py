"""`.safetensors`: one file, or several with the index that the Hugging Face libraries read.

A file is the length of the header (8 bytes, little-endian), the header (JSON, filled up with spaces
to a multiple of 8), and the tensors without a gap in the header's order: descending by the rank of
the dtype, so that all are aligned, then by name. Byte for byte what ``safetensors.numpy.save_file``
writes for the same arrays with ``metadata={"format": "np"}``, without holding them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Final

from .._write.staging import Staging
from ..errors import ConversionError
from .request import Request

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

# numpy's name of a dtype → the format's, in the rank that safetensors gives them.
_DTYPES: Final = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "float8_e5m2": "F8_E5M2",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "int16": "I16",
    "uint16": "U16",
    "float16": "F16",
    "bfloat16": "BF16",
    "int32": "I32",
    "uint32": "U32",
    "float32": "F32",
    "complex64": "C64",
    "float64": "F64",
    "int64": "I64",
    "uint64": "U64",
}
_RANKS: Final = {name: rank for rank, name in enumerate(_DTYPES)}
_METADATA_KEY: Final = "__metadata__"
_MAX_HEADER_BYTES: Final = 100_000_000  # readers refuse more


def write(
    request: Request, path: str, *, overwrite: bool, max_shard_bytes: int | None
) -> tuple[str, ...]:
    """Write the file, or the shards and then their index."""
    request.keep(_obstacle)
    shards = list(_shards(request.infos, max_shard_bytes))
    directory, name = os.path.split(path)
    stem, suffix = os.path.splitext(name)
    earlier = _earlier_files(directory, stem, suffix)
    with Staging(directory, earlier=earlier, overwrite=overwrite) as staging:
        if len(shards) == 1:
            _write_shard(request, shards[0], staging, name)
            return staging.files
        weight_map = {}
        for number, shard in enumerate(shards, start=1):
            shard_name = f"{stem}-{number:05d}-of-{len(shards):05d}{suffix}"
            _write_shard(request, shard, staging, shard_name)
            weight_map.update({info.name: shard_name for info in shard})
        index = {"metadata": {"total_size": request.nbytes}, "weight_map": weight_map}
        with staging.create(f"{name}.index.json") as file:
            file.write((json.dumps(index, indent=2, sort_keys=True) + "\n").encode())
    return staging.files


def _obstacle(info: TensorInfo) -> str | None:
    if info.array_dtype().name not in _DTYPES:
        return f"safetensors has no dtype for {info.tf_dtype}"
    try:
        info.name.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8, names in safetensors are"
    if info.name == _METADATA_KEY:
        return "safetensors keeps this name for itself"
    return None


def _nbytes(info: TensorInfo) -> int:
    return info.size * info.array_dtype().itemsize


def _shards(infos: list[TensorInfo], max_shard_bytes: int | None) -> Iterator[list[TensorInfo]]:
    """Cut the list where a shard would become too large; a tensor that is goes alone."""
    shard: list[TensorInfo] = []
    size = 0
    for info in infos:
        if shard and max_shard_bytes is not None and size + _nbytes(info) > max_shard_bytes:
            yield shard
            shard, size = [], 0
        shard.append(info)
        size += _nbytes(info)
    yield shard


def _rank_and_name(info: TensorInfo) -> tuple[int, str]:
    return -_RANKS[info.array_dtype().name], info.name


def _write_shard(request: Request, infos: list[TensorInfo], staging: Staging, name: str) -> None:
    ordered = sorted(infos, key=_rank_and_name)
    with staging.create(name) as file:
        _write_header(file, ordered)
        for info in ordered:
            for piece in request.pieces(info):
                file.write(piece)


def _write_header(file: BinaryIO, infos: list[TensorInfo]) -> None:
    # Written as it grows, its length afterwards: of a million tensors it is a hundred megabytes.
    file.write(bytes(8))
    size = file.write(f'{{"{_METADATA_KEY}":{{"format":"np"}}'.encode())
    offset = 0
    for info in infos:
        end = offset + _nbytes(info)
        entry = {
            "dtype": _DTYPES[info.array_dtype().name],
            "shape": info.shape,
            "data_offsets": (offset, end),
        }
        name = json.dumps(info.name, ensure_ascii=False)
        size += file.write(f",{name}:{json.dumps(entry, separators=(',', ':'))}".encode())
        offset = end
    size += file.write(b"}")
    size += file.write(b" " * (-size % 8))
    if size > _MAX_HEADER_BYTES:
        raise ConversionError(
            f"too many tensors for one safetensors file: {len(infos)} need a header of {size} "
            f"bytes, readers accept {_MAX_HEADER_BYTES}; choose fewer, or a smaller shard size"
        )
    file.seek(0)
    file.write(size.to_bytes(8, "little"))
    file.seek(0, os.SEEK_END)


def _earlier_files(directory: str, stem: str, suffix: str) -> list[str]:
    """List what earlier exports to this path left, in either form.

    Loaders prefer the single file to the index, so old weights beside new shards would win.
    """
    ours = re.compile(rf"{re.escape(stem)}(-\d{{5,}}-of-\d{{5,}})?{re.escape(suffix)}")
    index = f"{stem}{suffix}.index.json"
    found = os.listdir(directory or os.curdir)
    return sorted(name for name in found if name == index or ours.fullmatch(name))
