"""Recovery of tensors that the index no longer has: where they lie, and what proves them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ... import _core
from ..._format import dtypes
from ..._format.tensor_info import TensorInfo
from ..._look.amounts import format_subject
from ...errors import TensorBundleError
from .layouts import ShardLayout, TensorPlace, is_stated, layout_of_graph, layout_of_sibling
from .ranges import Patient

if TYPE_CHECKING:
    from .remains import Remains

_CHUNK_BYTES = 8 << 20


def recover(
    remains: Remains, like: str | None, raw: bytes, known: set[str]
) -> tuple[list[tuple[Patient, str | None]], list[str]]:
    """Find the tensors that a damaged or missing index does not give.

    Args:
        remains: The checkpoint's files.
        like: A sibling to take the layout from; None: one that fits is looked for.
        raw: What there is of the index.
        known: Names that need not be looked for.

    Returns:
        Tensors, each with what keeps it from being trusted, or None; and remarks.

    Raises:
        TensorBundleError: ``like`` cannot be opened, or has another layout.
    """
    layout, notes = _layout(remains, like)
    if layout is None:
        return [], [*notes, "no sibling and no graph tells where the tensors lie"]
    notes += layout.notes
    found: list[tuple[Patient, str | None]] = []
    for place in layout.places:
        if place.name not in known:
            found.append(_prove(place, layout, remains, raw))
    if found:
        proved = sum(doubt is None for _, doubt in found)
        notes.append(
            f"{format_subject(len(found), 'tensor', 'lies')} where {layout.source} says; "
            f"{format_subject(proved, 'checksum', 'is')} known"
        )
    return found, notes


def _layout(remains: Remains, like: str | None) -> tuple[ShardLayout | None, list[str]]:
    sizes = {number: os.path.getsize(path) for number, path in remains.shards.items()}
    if like is not None:
        layout = layout_of_sibling(like, sizes)
        return layout, [] if layout else [f"the tensors of {like!r} lie otherwise: not used"]
    for sibling in remains.siblings:
        try:
            layout = layout_of_sibling(sibling, sizes)
        except TensorBundleError:
            continue
        if layout is not None:
            return layout, []
    if remains.meta is None or remains.num_shards != 1 or 0 not in remains.shards:
        return None, []
    return layout_of_graph(remains.meta, remains.shards[0]), []


def _prove(
    place: TensorPlace, layout: ShardLayout, remains: Remains, raw: bytes
) -> tuple[Patient, str | None]:
    file = _core.File(remains.shards[place.shard])
    crc32c = _checksum(file, place)
    dtype = dtypes.numpy_dtype(place.data_type)
    info = TensorInfo(
        place.name,
        dtype,
        place.shape,
        place.nbytes,
        place.shard,
        place.offset,
        crc32c or 0,
        (),
        place.data_type,
    )
    patient = Patient(info, file)
    if crc32c is None:
        return patient, "what lies there is no sound string tensor"
    if crc32c == place.crc32c or is_stated(crc32c, raw):
        return patient, None
    if not layout.fits:
        return patient, f"{layout.source} does not fit the shard, and its checksum is nowhere"
    return patient, f"it lies where {layout.source} says, but its checksum is nowhere"


def _checksum(file: _core.File, place: TensorPlace) -> int | None:
    if place.data_type == dtypes.STRING:
        count = 1
        for dim in place.shape:
            count *= dim
        try:
            _, crc32c, taken = _core.read_strings(file, place.offset, count, False)
        except TensorBundleError:
            return None
        return crc32c if taken == place.nbytes else None
    crc32c = 0
    for start in range(0, place.nbytes, _CHUNK_BYTES):
        size = min(_CHUNK_BYTES, place.nbytes - start)
        crc32c = _core.crc32c(file.read(place.offset + start, size), crc32c)
    return crc32c
