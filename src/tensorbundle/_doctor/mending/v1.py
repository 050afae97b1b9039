"""Salvage of V1 checkpoints: tables that hold the tensors themselves, so mended like an index."""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from ... import _core
from ..._checkpoint.opening import open as open_checkpoint
from ..._format.names import as_bytes
from ..._locate.damage import explain_not_a_table
from ..._write.writer import Writer
from ...errors import FormatError, TensorBundleError
from .blocks import make_table
from .outcome import Lost, Salvage
from .syndromes import syndromes
from .tables import MendedTable, mend_table

if TYPE_CHECKING:
    from .remains import Remains


def salvage_v1(
    remains: Remains, dst: str | None, max_doubt: float, unproved_too: bool, overwrite: bool
) -> Salvage:
    """Save what is sound of a V1 checkpoint as a V2 one; see `salvage`."""
    tables: list[MendedTable] = []
    for path in remains.tables:
        with open(path, "rb") as file:
            tables.append(mend_table(file.read(), path, syndromes(), max_doubt))
    if not any(table.blocks for table in tables):
        path = remains.tables[0]
        raise FormatError(f"not a checkpoint: {path!r} is {explain_not_a_table(path)}", path=path)
    kept: list[str] = []
    unproved: list[Lost] = []
    lost: list[Lost] = []
    with tempfile.TemporaryDirectory() as folder, _writing(dst, overwrite) as writer:
        ckpt = open_checkpoint(_mended(folder, tables), mode="read")
        loose = _Loose(tables)
        for name in ckpt:
            if loose.has(name):
                unproved.append(Lost(name, "its block is damaged, and has no other checksum"))
                if not unproved_too:
                    continue
            try:
                array, info = ckpt[name], ckpt.info(name)
            except TensorBundleError as error:
                lost.append(Lost(name, error.message))
                continue
            kept.append(name)
            if writer is not None:
                writer.add(name, array, dtype=info.tf_dtype)
    return Salvage(
        remains.prefix,
        dst,
        tuple(kept),
        tuple(mending for table in tables for mending in table.mendings),
        (),
        tuple(unproved),
        tuple(lost),
        tuple((r.offset, r.nbytes, r.why) for table in tables for r in table.lost),
        tuple(note for table in tables for note in table.notes),
    )


def _writing(dst: str | None, overwrite: bool) -> AbstractContextManager[Writer | None]:
    return nullcontext() if dst is None else Writer(dst, overwrite=overwrite)


def _mended(folder: str, tables: list[MendedTable]) -> str:
    """Write the mended tables, and give the path that means them all."""
    prefix = os.path.join(folder, "mended")
    paths = [f"{prefix}-{n:05d}-of-{len(tables):05d}" for n in range(len(tables))]
    if len(tables) == 1:
        paths = [prefix]
    for path, table in zip(paths, tables, strict=True):
        with open(path, "wb") as file:
            file.write(make_table(table.blocks))
    return prefix


class _Loose:
    """The keys that no checksum vouches for."""

    def __init__(self, tables: list[MendedTable]) -> None:
        self._keys = sorted(
            key
            for table in tables
            for block in table.blocks
            if not block.proved
            for key in block.list_keys()
        )

    def has(self, name: str) -> bool:
        """Whether any slice of a tensor is among them."""
        # A key is the name and then the extents of the slice, here of none.
        start = _core.slice_key(as_bytes(name), ())[:-1]
        at = bisect_left(self._keys, start)
        return at < len(self._keys) and self._keys[at].startswith(start)
