"""Hub folders: `config.json` and `.safetensors`, as `from_pretrained` of transformers loads them.

Such loaders know a tensor's second names by themselves, and want them left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from ..errors import FormatError
from . import safetensors
from .request import Request

# The path of a `config.json`, or what is to stand in it.
Config: TypeAlias = "str | os.PathLike[str] | bytes | Mapping[str, Any]"

_CONFIG: Final = "config.json"
_WEIGHTS: Final = "model.safetensors"
_SHARD_BYTES: Final = 5 * 10**9  # as transformers cut them


def write(
    request: Request,
    folder: str,
    *,
    config: Config | None,
    tied: Mapping[str, str],
    overwrite: bool,
    max_shard_bytes: int | None,
) -> tuple[str, ...]:
    """Write the folder's files, an index last.

    Args:
        request: What is to be written.
        folder: The folder.
        config: What its `config.json` is to be.
        tied: Second names of tensors, which are left out, with the tensors' own.
        overwrite: Whether files of an earlier export are replaced.
        max_shard_bytes: The most bytes of tensors in one file.

    Raises:
        FormatError: The config is no JSON object.
        FileExistsError: The folder holds another `config.json`.
    """
    beside = {} if config is None else {_CONFIG: _content(config)}
    place = os.path.join(folder, _CONFIG)
    if beside and os.path.lexists(place):
        with open(place, "rb") as file:
            if file.read() != beside.pop(_CONFIG):
                raise FileExistsError(f"{place!r} is another: remove it, or give another folder")
    request.keep(lambda i: f"it is {tied[i.name]!r} by another name" if i.name in tied else None)
    return safetensors.write(
        request,
        os.path.join(folder, _WEIGHTS),
        overwrite=overwrite,
        max_shard_bytes=max_shard_bytes or _SHARD_BYTES,
        framework="pt",
        beside=beside,
    )


def _content(config: Config) -> bytes:
    """Give the bytes of a config: those of its file, or JSON as transformers write it."""
    if isinstance(config, Mapping):
        return (json.dumps(config, indent=2, sort_keys=True) + "\n").encode()
    path = os.fsdecode(config)
    if os.path.isdir(path):
        path = os.path.join(path, _CONFIG)
    with open(path, "rb") as file:
        content = file.read()
    try:
        told = json.loads(content)
    except ValueError as error:
        raise FormatError(f"not JSON: {error}", path=path) from None
    if not isinstance(told, dict):
        raise FormatError(f"a config is a JSON object, found {type(told).__name__}", path=path)
    return content
