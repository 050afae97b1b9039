"""Plans of rewrites: what becomes of each tensor, from the index alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._format import dtypes
from .._objects.graph import GRAPH_KEY, ObjectGraph
from .._objects.optimizers import EMA, optimizer_names, optimizers, shadow_keys, shadow_names
from ..errors import ConversionError
from .rules import Cast, Rename, casts, drops, listed, refuse_collisions, renames

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._format.tensor_info import TensorInfo

_VALUE_SUFFIXES: Final = ("", "-keys", "-values", "_STATE")


@dataclass(frozen=True, slots=True)
class Step:
    """One tensor of the result.

    Attributes:
        key: Its key there.
        old: The key that it had.
        source: The tensor whose bytes it gets: its own, or its moving average.
        data_type: The DataType number that it is cast to; None where bytes stay as they are.
    """

    key: str
    old: str
    source: TensorInfo
    data_type: int | None

    @property
    def is_renamed(self) -> bool:
        """Whether its key is another one."""
        return self.key != self.old

    @property
    def is_averaged(self) -> bool:
        """Whether it gets the value of its moving average."""
        return self.source.name != self.old

    @property
    def nbytes(self) -> int:
        """Bytes of its values."""
        dtype = None if self.data_type is None else dtypes.numpy_dtype(self.data_type)
        return self.source.nbytes if dtype is None else self.source.size * dtype.itemsize


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a rewrite does.

    Attributes:
        steps: The tensors of the result, in the order of their old keys.
        dropped: Keys that are gone.
        graph: The object graph's message, where it changes.
    """

    steps: tuple[Step, ...]
    dropped: tuple[str, ...]
    graph: bytes | None

    @property
    def changed(self) -> bool:
        """Whether any bytes change."""
        return self.graph is not None or any(step.data_type is not None for step in self.steps)

    @property
    def tensors(self) -> dict[str, tuple[int, tuple[int, ...]]]:
        """DataType number and shape of each tensor of the result, by key."""
        found = {
            step.key: (step.data_type or step.source.data_type, step.source.shape)
            for step in self.steps
        }
        return found if self.graph is None else found | {GRAPH_KEY: (dtypes.STRING, ())}

    @property
    def graph_key(self) -> bytes:
        """The key of the object graph."""
        return GRAPH_KEY.encode()


def plan(
    ckpt: Checkpoint,
    *,
    rename: Rename | None,
    drop: Filter,
    cast: Cast | None,
    strip_optimizer: bool | Collection[str],
    ema: bool | str,
    strict: bool,
) -> Plan:
    """Plan a rewrite; arguments and errors are those of `rewrite`."""
    graph = ckpt.objects
    infos = {info.name: info for info in ckpt.infos()}
    new_names = renames(ckpt, rename, strict=strict)
    types = casts(ckpt, cast)
    gone = drops(ckpt, drop)
    sources = _averages(ckpt, ema, infos)
    if graph is None:
        if ema:
            gone |= set(sources.values())
        if strip_optimizer:
            more = () if isinstance(strip_optimizer, bool) else tuple(strip_optimizer)
            found = optimizer_names(infos, more)
            if not found:
                raise ConversionError("nothing to strip: no tensor is called as an optimizer's are")
            gone |= set(found)
        keys = {old: new_names.get(old, old) for old in infos if old not in gone}
        message = None
    else:
        keys, message = _edit_graph(graph, infos, gone, new_names, bool(strip_optimizer))
        if message is None:
            keys[GRAPH_KEY] = GRAPH_KEY
    refuse_collisions(keys.items())
    steps = tuple(
        Step(new, old, source, types.get(old if source is infos[old] else source.name))
        for old, new in keys.items()
        for source in (infos[sources.get(old, old)],)
    )
    return Plan(steps, tuple(old for old in infos if old not in keys and old != GRAPH_KEY), message)


def _averages(ckpt: Checkpoint, ema: bool | str, infos: Mapping[str, TensorInfo]) -> dict[str, str]:
    """The moving average whose value each variable gets."""
    if not ema:
        return {}
    suffix = ema if isinstance(ema, str) else EMA
    graph = ckpt.objects
    found = shadow_names(infos, suffix) if graph is None else shadow_keys(graph)
    if not found:
        raise ConversionError(f"there are no moving averages: no {'/' + suffix!r} in any name")
    if graph is None and (alone := [name for name in found if name not in infos]):
        raise ConversionError(f"moving averages of variables that are not there: {listed(alone)}")
    unlike = [
        name
        for name, shadow in found.items()
        if (infos[name].shape, infos[name].data_type)
        != (infos[shadow].shape, infos[shadow].data_type)
    ]
    if unlike:
        raise ConversionError(f"moving averages of another dtype or shape: {listed(unlike)}")
    return found


def _edit_graph(
    graph: ObjectGraph,
    infos: Mapping[str, TensorInfo],
    gone: set[str],
    new_names: Mapping[str, str],
    strip_optimizer: bool,
) -> tuple[dict[str, str], bytes | None]:
    """New keys by old ones, and the message of the graph if it changes."""
    from .._objects.edit import move, without

    old = graph
    keys = {name: name for name in infos if name not in gone and name != GRAPH_KEY}
    dropped = {number for key in gone if (number := graph.owner(key)) is not None}
    if strip_optimizer:
        found = optimizers(graph)
        if not found:
            raise ConversionError("nothing to strip: the object graph has no optimizer")
        dropped |= found
    if dropped:
        graph, renamed = without(graph, dropped)
        keys = _follow(keys, old, renamed)
    paths = {path: new for path, new in new_names.items() if old.key_of(path) is not None}
    # After stripping the first way to a variable may be another: both are known by their keys.
    moves = {}
    for path, new in paths.items():
        key = keys.get(old.key_of(path) or "")
        if key is not None:
            moves[path if graph.find(path) is not None else graph.path_of(key) or path] = new
    if moves:
        before = graph
        graph, renamed = move(graph, moves)
        keys = _follow(keys, before, renamed)
    for name, new in new_names.items():
        if name in keys and name not in paths:
            keys[name] = new
    return keys, None if graph == old else graph.encode()


def _follow(
    keys: Mapping[str, str], graph: ObjectGraph, renamed: Mapping[str, str]
) -> dict[str, str]:
    """Keys after an edit of the graph; those of values that it lost are gone."""
    owned = {
        each.key + suffix: (each.key, suffix)
        for node in graph.nodes
        for each in node.attributes
        for suffix in _VALUE_SUFFIXES
    }
    followed = {}
    for old, key in keys.items():
        stem, suffix = owned.get(key, (None, ""))
        if stem is None:
            followed[old] = key
        elif stem in renamed:
            followed[old] = renamed[stem] + suffix
    return followed
