"""Archives of numpy, `.npz`: the tensors' `.npy` files in a zip, not compressed.

Byte for byte what ``np.savez`` writes for the same arrays, without holding them; quantized tensors
are their integers, and a field beside the member's name, which numpy does not look at, says which
type they stand for.
"""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING, Final

from .._checkpoint.foreign.npz import SUFFIX, type_field
from .._write.staging import Staging
from . import npy
from .request import Request

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

_MAX_MEMBER_BYTES: Final = (1 << 16) - 1


def write(request: Request, path: str, *, overwrite: bool) -> tuple[str, ...]:
    """Write the archive."""
    wanted = {info.name for info in request.infos}
    request.keep(lambda info: _name_obstacle(info, wanted))
    directory, name = os.path.split(path)
    earlier = [name] if os.path.lexists(path) else []
    with (
        request.begin(Staging(directory, earlier=earlier, overwrite=overwrite)) as staging,
        staging.create(name) as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for info in request.infos:
            pieces = npy.encode(request, info)
            if isinstance(pieces, str):
                request.leave_out(info, pieces)
                continue
            # The size is known, but as in np.savez every member may be larger than 4 GiB.
            member = zipfile.ZipInfo(info.name + SUFFIX)
            if info.tf_dtype.startswith(("qint", "quint")):
                member.extra = type_field(info.tf_dtype)
            with archive.open(member, "w", force_zip64=True) as stream:
                for piece in pieces:
                    stream.write(piece)
    npy.note_types(request)
    return staging.files


def _name_obstacle(info: TensorInfo, wanted: set[str]) -> str | None:
    try:
        size = len((info.name + SUFFIX).encode("utf-8"))
    except UnicodeEncodeError:
        return "its name is not UTF-8, names in a zip archive are"
    if size > _MAX_MEMBER_BYTES:
        return f"its name is {size} bytes long, a zip archive takes {_MAX_MEMBER_BYTES}"
    if "\0" in info.name:
        return "its name holds a NUL, where names in a zip archive end"
    stem = info.name.removesuffix(SUFFIX)
    if stem != info.name and stem in wanted:
        return f"np.load takes its name for that of {stem!r}"
    return None
