"""Wording of what is wrong with a data shard, which the core opens and reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .._locate.damage import describe_shard
from ..errors import ChecksumError, MissingFileError, TensorBundleError

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo


def explain(error: TensorBundleError) -> TensorBundleError:
    """Add to an error about a shard what the user should know: what is missing, or lies there."""
    path = error.path
    if path is None:
        return error
    if isinstance(error, MissingFileError):
        error.message = (
            f"data shard {os.path.basename(path)!r} is missing: "
            "the index is here, the tensors' bytes are not"
        )
    elif os.path.isfile(path):
        found = describe_shard(path)
        if found is not None:
            error.add_cause(f"the file is {found}")
    return error


def checksum_error(info: TensorInfo, computed: int, path: str) -> ChecksumError:
    """The error for a tensor whose bytes are not those that were written."""
    return ChecksumError(
        f"checksum mismatch: stored 0x{info.crc32c or 0:08x}, computed 0x{computed:08x}",
        path=path,
        key=info.name,
        offset=info.offset,
        nbytes=info.nbytes,
    )
