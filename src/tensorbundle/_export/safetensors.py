"""`.safetensors`: one file, or several with the index that the Hugging Face libraries read.

The tensors lie in the header's order: descending by the rank of the dtype, so that all are aligned,
then by name. Byte for byte what ``safetensors.numpy.save_file`` writes for the same arrays with
``metadata={"format": "np"}``, without holding them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .._checkpoint.foreign.files import whole_file
from .._checkpoint.foreign.safetensors import read_shard
from .._format.foreign.safetensors import (
    MAX_HEADER_BYTES,
    METADATA,
    RANKS,
    STAND_INS,
    TF_DTYPES,
    WORDS,
    WRITER,
    is_own_index,
    parse_index,
    parse_json,
)
from .._format.wording import undivided
from .._write.staging import Staging
from ..errors import ConversionError, TensorBundleError
from .request import Piece, Request

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo


def write(
    request: Request,
    path: str,
    *,
    overwrite: bool,
    max_shard_bytes: int | None,
    framework: str = "np",
    beside: Mapping[str, bytes] | None = None,
) -> tuple[str, ...]:
    """Write the file, or the shards and then their index.

    Args:
        request: What is to be written.
        path: The file; the names of shards and index are made of it.
        overwrite: Whether files of an earlier export are replaced.
        max_shard_bytes: The most bytes of tensors in one file; a larger tensor has its own.
        framework: Whose tensors the metadata says they are.
        beside: Other files of the folder, by name.
    """
    request.keep(obstacle)
    shards = list(cut(request.infos, max_shard_bytes))
    sizes = ((info.name, nbytes_of(info)) for info in request.infos)
    request.notes += undivided(sizes, max_shard_bytes)
    directory, name = os.path.split(path)
    names, index_name = names_of(path, len(shards))
    earlier = earlier_files(directory, name)
    if len(shards) > 1:
        refuse_strange(directory, [*names, index_name], earlier)

    def moved(moves: Mapping[str, str]) -> bytes:
        return moved_index(os.path.join(directory, index_name), moves)

    staged = Staging(directory, earlier=earlier, overwrite=overwrite, moved=moved)
    with request.begin(staged) as staging:
        for other, content in (beside or {}).items():
            with staging.create(other) as file:
                file.write(content)
        if len(shards) == 1:
            with staging.create(name) as file:
                write_file(file, shards[0], framework, request.pieces)
            return staging.files
        for shard_name, shard in zip(names, shards, strict=True):
            with staging.create(shard_name) as file:
                write_file(file, shard, framework, request.pieces)
        with staging.create(index_name) as file:
            file.write(index_of(shards, names, request.nbytes))
    return staging.files


def index_of(shards: Sequence[Iterable[TensorInfo]], names: Sequence[str], nbytes: int) -> bytes:
    """The index of several files, by their names and the tensors in each."""
    places = {info.name: name for name, shard in zip(names, shards, strict=True) for info in shard}
    return _encode_index({"metadata": {"total_size": nbytes, **WRITER}, "weight_map": places})


def names_of(path: str, count: int) -> tuple[list[str], str]:
    """The names of several files that one is cut into, and that of their index."""
    name = os.path.basename(path)
    stem, suffix = os.path.splitext(name)
    names = [f"{stem}-{n:05d}-of-{count:05d}{suffix}" for n in range(1, count + 1)]
    return names, f"{name}.index.json"


def obstacle(info: TensorInfo) -> str | None:
    """Why a file cannot hold a tensor, if it cannot."""
    if _stored_as(info) not in WORDS:
        return f"safetensors has no dtype for {info.tf_dtype}"
    try:
        info.name.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8, names in safetensors are"
    if info.name == METADATA:
        return "safetensors keeps this name for itself"
    return None


def _stored_as(info: TensorInfo) -> str:
    """Name the type that a tensor's values are stored as."""
    return STAND_INS.get(info.tf_dtype, info.tf_dtype)


def nbytes_of(info: TensorInfo) -> int:
    """The bytes of a tensor in a file."""
    return info.size * info.array_dtype().itemsize


def cut(infos: list[TensorInfo], max_shard_bytes: int | None) -> Iterator[list[TensorInfo]]:
    """Cut the list where a shard would become too large; a tensor that is goes alone."""
    shard: list[TensorInfo] = []
    size = 0
    for info in infos:
        if shard and max_shard_bytes is not None and size + nbytes_of(info) > max_shard_bytes:
            yield shard
            shard, size = [], 0
        shard.append(info)
        size += nbytes_of(info)
    yield shard


def _rank_and_name(info: TensorInfo) -> tuple[int, str]:
    return -RANKS[_stored_as(info)], info.name


def write_file(
    file: BinaryIO,
    infos: Iterable[TensorInfo],
    framework: str,
    pieces: Callable[[TensorInfo], Iterator[Piece]],
) -> None:
    """Write one file: its header, and of each tensor the pieces that its bytes come in."""
    ordered = sorted(infos, key=_rank_and_name)
    _write_header(file, ordered, framework)
    for info in ordered:
        for piece in _stored(info, pieces(info)):
            file.write(piece)


def _stored(info: TensorInfo, pieces: Iterator[Piece]) -> Iterator[Piece]:
    if info.tf_dtype not in ("int4", "int2"):
        return pieces
    assert info.dtype is not None
    signed = info.dtype
    # TensorFlow keeps the high bits zero; an int8 of the same value has the sign there.
    return (np.frombuffer(piece, signed).astype(np.int8).data for piece in pieces)


def _write_header(file: BinaryIO, infos: list[TensorInfo], framework: str) -> None:
    # Written as it grows, its length afterwards: of a million tensors it is a hundred megabytes.
    file.write(bytes(8))
    metadata = {"format": framework}
    if noted := {info.name: info.tf_dtype for info in infos if info.tf_dtype in STAND_INS}:
        metadata[TF_DTYPES] = json.dumps(noted)
    size = file.write(f'{{"{METADATA}":{json.dumps(metadata, separators=(",", ":"))}'.encode())
    offset = 0
    for info in infos:
        end = offset + nbytes_of(info)
        entry = {
            "dtype": WORDS[_stored_as(info)],
            "shape": info.shape,
            "data_offsets": (offset, end),
        }
        name = json.dumps(info.name, ensure_ascii=False)
        size += file.write(f",{name}:{json.dumps(entry, separators=(',', ':'))}".encode())
        offset = end
    size += file.write(b"}")
    size += file.write(b" " * (-size % 8))
    if size > MAX_HEADER_BYTES:
        raise ConversionError(
            f"too many tensors for one safetensors file: {len(infos)} need a header of {size} "
            f"bytes, readers accept {MAX_HEADER_BYTES}; choose fewer, or a smaller shard size"
        )
    file.seek(0)
    file.write(size.to_bytes(8, "little"))
    file.seek(0, os.SEEK_END)


def _encode_index(index: Mapping[str, Any]) -> bytes:
    return (json.dumps(index, indent=2, sort_keys=True) + "\n").encode()


def moved_index(path: str, moves: Mapping[str, str]) -> bytes:
    """Write the index of an earlier export for other names of its files."""
    index = parse_json(whole_file(path))
    places = {name: moves.get(file, file) for name, file in index["weight_map"].items()}
    return _encode_index({**index, "weight_map": places})


def earlier_files(directory: str, name: str) -> list[str]:
    """List what earlier exports to this path left, in either form, an index first.

    Loaders prefer the single file to the index, so old weights beside new shards would win. What an
    index names is an export's if the index is, and the file holds what the index says.
    """
    index_name = f"{name}.index.json"
    single = [name] if os.path.lexists(os.path.join(directory, name)) else []
    try:
        text = whole_file(os.path.join(directory, index_name))
        places = parse_index(text) if is_own_index(text) else None
    except (TensorBundleError, OSError):
        places = None
    if places is None:
        return single
    shards = []
    for file in sorted({*places.values()}):
        try:
            held = read_shard(os.path.join(directory, file))[1]
        except (TensorBundleError, OSError):
            continue
        if held.keys() == {tensor for tensor, place in places.items() if place == file}:
            shards.append(file)
    return [index_name, *shards, *single]


def refuse_strange(directory: str, names: Iterable[str], earlier: Collection[str]) -> None:
    """Raise FileExistsError where a file that no export wrote has a name that is needed."""
    for name in names:
        path = os.path.join(directory, name)
        if name not in earlier and os.path.lexists(path):
            raise FileExistsError(f"{path!r} was written by no export: give another path")
