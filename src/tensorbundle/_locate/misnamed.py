"""Checkpoints of one format under the names of the other, told by what their tables hold.

Asked when a file was not what its name says, so that finding a sound checkpoint reads nothing.
"""

from __future__ import annotations

import os
from dataclasses import replace

from .._core import File, Index, Table
from .._format.filenames import INDEX_SUFFIX, split_data_path
from ..errors import TensorBundleError
from .location import Location, find_meta, shards_at

# The first byte of the header that a table holds under the empty key: of V1 a message, of V2 a
# number.
_V1_HEADER, _V2_HEADERS = 0x0A, (0x08, 0x10, 0x1A)


def as_v1(location: Location) -> Location | None:
    """The V1 checkpoint that the index of a V2 one is, if it is one."""
    path = location.index or ""
    if _header(path) != _V1_HEADER:
        return None
    note = f"{path!r} is a whole V1 checkpoint, whatever its name says"
    return replace(
        location, kind="v1", prefix=path, index=None, files=(path,), notes=(*location.notes, note)
    )


def as_v2(location: Location) -> Location | None:
    """The V2 checkpoint whose index a V1 table is, if it is one."""
    path = location.files[0]
    if len(location.files) != 1 or _header(path) not in _V2_HEADERS:
        return None
    prefix = _prefix_of(path)
    note = f"{path!r} is the index of a V2 checkpoint, whatever its name says"
    return replace(
        location,
        kind="v2",
        prefix=prefix,
        index=path,
        files=(),
        meta=find_meta(prefix),
        notes=(*location.notes, note),
    )


def _header(path: str) -> int | None:
    """The first byte of a table's header; None where there is none to be read."""
    try:
        records = Table(File(path)).block(0)
    except (TensorBundleError, OSError, IndexError):
        return None
    return records[0][2][0] if records and records[0][0] == b"" and records[0][2] else None


def _prefix_of(path: str) -> str:
    """The prefix of the data that belongs to an index of another name: "x.index.1", "x (1)"."""
    directory, base = os.path.split(path)
    stem, mark, _ = base.rpartition(INDEX_SUFFIX)
    stems = [stem] if mark else []
    stems += [base, os.path.splitext(base)[0], base.partition(" ")[0]]
    count = Index(File(path)).num_shards
    prefixes = [os.path.join(directory, each) for each in stems]
    prefixes += [
        os.path.join(directory, each)
        for each in sorted({split_data_path(name) or "" for name in os.listdir(directory or ".")})
        if each
    ]
    return next((prefix for prefix in prefixes if shards_at(prefix, count)), prefixes[0])
