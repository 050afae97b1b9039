"""Archives of numpy, `.npz`: the tensors' `.npy` files in a zip, not compressed.

Byte for byte what ``np.savez`` writes for the same arrays, without holding them.
"""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING, Final

from .._write.staging import Staging
from . import npy
from .request import Request

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

_SUFFIX: Final = ".npy"
_MAX_MEMBER_BYTES: Final = (1 << 16) - 1


def write(request: Request, path: str, *, overwrite: bool) -> tuple[str, ...]:
    """Write the archive."""
    wanted = {info.name for info in request.infos}
    request.keep(lambda info: _name_obstacle(info, wanted))
    directory, name = os.path.split(path)
    earlier = [name] if os.path.lexists(path) else []
    with (
        Staging(directory, earlier=earlier, overwrite=overwrite) as staging,
        staging.create(name) as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for info in request.infos:
            pieces = npy.encode(request, info)
            if isinstance(pieces, str):
                request.leave_out(info, pieces)
                continue
            # The size is known, but as in np.savez every member may be larger than 4 GiB.
            with archive.open(info.name + _SUFFIX, "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece)
    return staging.files


def _name_obstacle(info: TensorInfo, wanted: set[str]) -> str | None:
    try:
        size = len((info.name + _SUFFIX).encode("utf-8"))
    except UnicodeEncodeError:
        return "its name is not UTF-8, names in a zip archive are"
    if size > _MAX_MEMBER_BYTES:
        return f"its name is {size} bytes long, a zip archive takes {_MAX_MEMBER_BYTES}"
    if "\0" in info.name:
        return "its name holds a NUL, where names in a zip archive end"
    stem = info.name.removesuffix(_SUFFIX)
    if stem != info.name and stem in wanted:
        return f"np.load takes its name for that of {stem!r}"
    return None
