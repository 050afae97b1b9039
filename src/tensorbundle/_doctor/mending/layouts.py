"""Layouts of shards whose index is lost: where tensors lie, by a sibling's index, or by the graph.

A sibling is another save of the same program: its index has every tensor at the same place. A graph
says which tensors its saver writes, in which order, and their shapes; TensorFlow packs them without
gaps, so each begins where the one before it ends. Neither knows the checksums. They are looked for
in what is left of the index; a sibling's own will do for tensors that did not change between both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ... import _core
from ..._checkpoint.bundle import Bundle
from ..._format import dtypes
from ..._graph.graph import load_graph
from ..._graph.variables import variable_nodes
from ..._graph.walk import Walk
from ..._ops.edges import data_inputs
from ...errors import TensorBundleError

if TYPE_CHECKING:
    from ..._graphdef.meta_graph import MetaGraph

_SAVE: Final = "SaveV2"
_BEFORE_TENSORS: Final = 3  # inputs of SaveV2: file, names, slices
_CRC_TAG: Final = b"\x35"  # of an entry's checksum, which is stored in fixed width


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """Where a tensor should lie.

    Attributes:
        name: Its name.
        data_type: Its DataType number.
        shape: Its dimensions.
        shard: The number of its shard.
        offset: Its first byte in that.
        nbytes: How many it takes.
        crc32c: The checksum of its value in the sibling; None where there is none.
    """

    name: str
    data_type: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    nbytes: int
    crc32c: int | None = None


@dataclass(frozen=True, slots=True)
class ShardLayout:
    """The places of many tensors.

    Attributes:
        source: Whose layout it is, in words.
        places: The tensors.
        fits: Whether they fill the shards to the last byte.
        notes: How far it reaches.
    """

    source: str
    places: tuple[TensorPlace, ...]
    fits: bool
    notes: tuple[str, ...] = ()


def layout_of_sibling(path: str, sizes: dict[int, int]) -> ShardLayout | None:
    """The layout of another save; None when its tensors do not end where the shards do.

    Args:
        path: The sibling, in any spelling.
        sizes: The bytes of the shards that are there, by number.

    Raises:
        TensorBundleError: It cannot be opened.
    """
    from ..._checkpoint.opening import open as open_checkpoint

    ckpt = open_checkpoint(path)
    if not isinstance(ckpt, Bundle) or ckpt.num_shards != len(sizes):
        return None
    places = tuple(
        TensorPlace(i.name, i.data_type, i.shape, i.shard, i.offset or 0, i.nbytes, i.crc32c)
        for i in ckpt.iter_infos()
        if i.shard is not None
    )
    ends = dict.fromkeys(sizes, 0)
    for place in places:
        ends[place.shard] = max(ends.get(place.shard, 0), place.offset + place.nbytes)
    return ShardLayout(f"the index of {path!r}", places, True) if ends == sizes else None


def layout_of_graph(path: str, shard: str) -> ShardLayout | None:
    """The layout that a graph's saver gives its only shard; None when it says nothing.

    It reaches up to the first tensor whose type or shape the graph does not say, or that is a part
    of a partitioned one. Of strings the lengths are read where they must begin.

    Args:
        path: The ``.meta``.
        shard: The data shard.
    """
    try:
        saved = list(_saved(load_graph(path).meta))
    except TensorBundleError:
        return None
    if not saved:
        return None
    file = _core.File(shard)
    places: list[TensorPlace] = []
    offset = 0
    for name, data_type, shape in saved:
        nbytes = None if shape is None else _size(file, offset, data_type, shape)
        if nbytes is None or shape is None or offset + nbytes > file.size:
            break
        places.append(TensorPlace(name, data_type, shape, 0, offset, nbytes))
        offset += nbytes
    notes = []
    if len(places) < len(saved):
        notes.append(
            f"the graph {path!r} tells where {len(places)} of {len(saved)} tensors lie: "
            f"not from {saved[len(places)][0]!r} on"
        )
    elif offset != file.size:
        notes.append(f"the tensors of {path!r} take {offset} bytes, the shard has {file.size}")
    return ShardLayout(f"the graph {path!r}", tuple(places), offset == file.size, tuple(notes))


def names_saved_by(path: str) -> list[str]:
    """The names that a graph's saver writes; none when it does not say."""
    try:
        return [name for name, _, _ in _saved(load_graph(path).meta)]
    except TensorBundleError:
        return []


def _saved(meta: MetaGraph) -> Iterator[tuple[str, int, tuple[int, ...] | None]]:
    """Name, type and shape of what the graph's only saver writes, in its order."""
    savers = [node for node in meta.nodes.values() if node.op == _SAVE]
    if len(savers) != 1:
        return
    walk = Walk(meta)
    inputs = data_inputs(savers[0])
    names = walk.strings(walk.main, inputs[1]) or []
    parts = walk.strings(walk.main, inputs[2]) or []
    variables = {variable.name: variable for _, variable in variable_nodes(meta)}
    for name, part, text in zip(names, parts, inputs[_BEFORE_TENSORS:], strict=False):
        origin = walk.origin(walk.main, text)
        node = origin.node if origin is not None else None
        variable = variables.get(node.name) if node is not None else None
        known = variable is not None and variable.is_static and not part
        yield (
            name,
            variable.dtype if variable else 0,
            variable.shape if known and variable else None,
        )


def _size(file: _core.File, offset: int, data_type: int, shape: tuple[int, ...]) -> int | None:
    count = math.prod(shape)
    if data_type == dtypes.STRING:
        try:
            return _core.read_strings(file, offset, count, False)[2]
        except TensorBundleError:
            return None
    dtype = dtypes.numpy_dtype(data_type)
    return None if dtype is None else count * dtype.itemsize


def is_stated(crc32c: int, remains: bytes) -> bool:
    """Whether what is left of an index holds an entry's checksum."""
    return _CRC_TAG + _core.crc32c_mask(crc32c).to_bytes(4, "little") in remains
