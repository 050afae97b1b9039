"""Opening a checkpoint of either format, the constants of a frozen graph, or a file of tensors."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias, get_args

from .._core import File
from .._format.filenames import as_path
from .._locate.checkpoints import Location, locate
from .._locate.tensor_files import tensor_file_at
from .._source.address import Address, is_far
from ..errors import FormatError
from .bundle import Bundle
from .checkpoint import Checkpoint, Mode

# What functions that read take: any spelling of a path, or what was opened.
Source: TypeAlias = "str | os.PathLike[str] | bytes | Checkpoint"


def open(
    path: str | os.PathLike[str] | bytes,
    *,
    mode: Mode = "r",
    verify: Literal["read", "never"] = "read",
    storage_options: Mapping[str, Any] | None = None,
    store: Any = None,
    cache: bool | str | os.PathLike[str] = True,
) -> Checkpoint:
    """Open a checkpoint, a frozen graph, or a file of tensors; no data shard is touched yet.

    Args:
        path: Any spelling: the prefix; its ``.index``, ``.data-…`` or ``.meta`` file; a directory
            with a ``checkpoint`` state file, or that file; a SavedModel directory; a V1 file, or
            the glob of its shards; a frozen graph (GraphDef, ``.pb`` or ``.pbtxt``), whose
            constants are given; a file of another format: ``.npz``, ``.npy``, ``.safetensors``, the
            index of several of these, HDF5, a state dict of torch (``.pt``, ``.bin``), or the
            folder of an export to ``.npy`` files. What it was taken for is on ``ckpt.location``.
            Or an address: ``s3://``, ``gs://``, ``az://``, ``http(s)://``, or what fsspec knows;
            see `Address`.
        mode: ``"r"``: arrays are read-only views of the mapped files. ``"c"``: copy on write,
            arrays are writable and the files never change. ``"read"``: nothing is mapped, every
            access reads anew; chosen by itself on network file systems, where a map may fault, and
            for addresses.
        verify: ``"read"``: a tensor's checksum is checked when it is first accessed, and
            remembered. ``"never"``: single accesses and views are not checked; `Checkpoint.load`
            and `Checkpoint.verify` always are, and so is all that comes from far away.
        storage_options: Options of the store of an address; credentials come from the environment
            otherwise.
        store: An opened obstore ``ObjectStore`` or fsspec ``AbstractFileSystem``; ``path`` is then
            a path inside of it.
        cache: Whether indexes from far away are kept on disk; a path says in which directory.

    Returns:
        A mapping from names to arrays; see `Checkpoint`.

    Raises:
        MissingFileError: There is no checkpoint; the message says what is there instead.
        FormatError: The file is damaged, or no checkpoint: the message says what it is.
        UnsupportedError: It declares a format version that this library does not read, or needs
            a library that is not installed: protobuf for graphs as text, h5py for HDF5, torch for
            its own files, obstore or fsspec for addresses.
        PermissionError, OSError: A store refuses, or does not answer.

    Example:
        >>> import tensorbundle as tb
        >>> ckpt = tb.open(tb.demo())
        >>> ckpt["dense/kernel"].dtype
        dtype('float32')
    """
    if mode not in get_args(Mode):
        raise ValueError(f"mode must be one of {get_args(Mode)}, not {mode!r}")
    if verify not in ("read", "never"):
        raise ValueError(f"verify must be 'read' or 'never', not {verify!r}")
    if store is not None or is_far(path):
        from .far.opening import open_far

        if not isinstance(path, Address) or storage_options is not None or store is not None:
            path = Address(
                os.fsdecode(path), storage_options=storage_options, store=store, cache=cache
            )
        return open_far(path)
    location = tensor_file_at(path) or locate(path)
    try:
        return _open(location, mode, verify)
    except FormatError:
        from .._locate.misnamed import as_v1, as_v2

        other = {"v1": as_v2, "v2": as_v1}.get(location.kind, lambda _: None)(location)
        if other is None:
            raise
    return _open(other, mode, verify)


def _open(location: Location, mode: Mode, verify: Literal["read", "never"]) -> Checkpoint:
    if location.kind == "v1":
        from .v1 import LegacyCheckpoint

        return LegacyCheckpoint(location, mode)
    if location.kind == "graph":
        from .frozen import FrozenGraph

        return FrozenGraph(location, mode)
    if location.kind != "v2":
        from .foreign.tensor_files import TensorFiles

        return TensorFiles(location, mode)
    index = File(location.index or "")
    if mode == "r" and index.on_network:
        mode = "read"
    return Bundle(location, mode, verify == "read", index)


def path_of(src: Source) -> str:
    """Give the path of what a function was given to read, opened or not."""
    return src.location.prefix if isinstance(src, Checkpoint) else as_path(src)


def paths_of(src: Source | Iterable[Source]) -> list[str]:
    """Give the paths of what a function was given to read: of several, or of one alone."""
    if isinstance(src, Checkpoint):
        return [path_of(src)]
    if isinstance(src, (str, bytes, os.PathLike, Mapping)):
        return [as_path(src)]  # of a mapping that is no checkpoint, this says so
    return [path_of(each) for each in src]


def places_of(src: Source | Iterable[Source]) -> list[str | Address]:
    """Give the paths and addresses of what a function was given to read: of several, or of one."""
    if isinstance(src, Checkpoint) or is_far(src):
        return [_place_of(src)]  # type: ignore[arg-type]
    if isinstance(src, (str, bytes, os.PathLike, Mapping)):
        return list(paths_of(src))
    return [_place_of(each) for each in src]


def _place_of(src: Source) -> str | Address:
    address = getattr(src, "address", None)
    if isinstance(address, Address):
        return address
    if not isinstance(src, Checkpoint) and is_far(src):
        return Address.of(src)
    return path_of(src)


def opened(
    src: Source, *, mode: Mode = "r", verify: Literal["read", "never"] = "read"
) -> Checkpoint:
    """Open what a function was given to read; a checkpoint that is open already stays as it is.

    Raises:
        TypeError: It is neither a path nor a checkpoint.
        MissingFileError, FormatError, UnsupportedError: As `open`.
    """
    if isinstance(src, Checkpoint):
        return src
    if not isinstance(src, (str, bytes, os.PathLike)):
        raise TypeError(f"expected a path or an opened checkpoint, not {type(src).__name__}")
    return open(src, mode=mode, verify=verify)
