"""Plans of rewrites: what becomes of each tensor, from the index alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._checkpoint.bundle import Bundle
from .._format import dtypes
from .._objects.graph import GRAPH_KEY, ObjectGraph
from .._objects.optimizers import kept_below, optimizers, shadow_keys
from .._objects.slots import EMA, find_slots, shadows
from .._write.casting import Cast
from ..errors import ConversionError, TensorNotFoundError
from .rules import Rename, casts, drops, keeps, listed, refuse_collisions, renames

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._core import SliceSpec
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
        parts: The ranges in which it is stored, each with its place in a partitioned tensor; none
            in a V1 checkpoint.
    """

    key: str
    old: str
    source: TensorInfo
    data_type: int | None
    parts: tuple[tuple[SliceSpec, TensorInfo], ...]

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
        """Bytes of its values, of a partitioned tensor those of the parts that there are."""
        dtype = None if self.data_type is None else dtypes.numpy_dtype(self.data_type)
        infos = [info for _, info in self.parts] or [self.source]
        return sum(i.nbytes if dtype is None else i.size * dtype.itemsize for i in infos)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a rewrite does.

    Attributes:
        steps: The tensors of the result, in the order of their old keys.
        dropped: Keys that are gone.
        graph: The object graph's message, where it changes.
        alike: Keys that look like an optimizer's, and stay.
    """

    steps: tuple[Step, ...]
    dropped: tuple[str, ...]
    graph: bytes | None
    alike: tuple[str, ...]

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


def in_stored_order(steps: Iterable[Step]) -> list[Step]:
    """Steps in the order in which the bytes of their tensors lie."""
    return sorted(steps, key=lambda step: (step.source.shard or 0, step.source.offset or 0))


def plan(
    ckpt: Checkpoint,
    *,
    rename: Rename | None,
    drop: Filter,
    keep: Filter,
    cast: Cast | None,
    strip_optimizer: bool | str | Collection[str],
    ema: bool | str,
    strict: bool,
) -> Plan:
    """Plan a rewrite; arguments and errors are those of `rewrite`."""
    graph = ckpt.objects
    infos = {info.name: info for info in ckpt.infos()}
    new_names = renames(ckpt, rename, strict=strict)
    types = casts(ckpt, cast)
    gone = drops(ckpt, drop) | keeps(ckpt, keep)
    sources = _averages(ckpt, ema, infos)
    alike: tuple[str, ...] = ()
    if graph is None:
        gone |= _with_all_below(set(sources.values()), infos) if ema else set()
        if strip_optimizer:
            given = [strip_optimizer] if isinstance(strip_optimizer, str) else strip_optimizer
            more = () if isinstance(given, bool) else tuple(given)
            found, alike = _optimizer_names(infos, more)
            gone |= found
        keys = {old: new_names.get(old, old) for old in infos if old not in gone}
        message = None
    else:
        keys, message = _edit_graph(graph, infos, gone, new_names, bool(strip_optimizer))
        if message is None:
            keys[GRAPH_KEY] = GRAPH_KEY
    refuse_collisions(keys.items())
    if strip_optimizer:
        _refuse_no_weights(infos[old] for old in keys)
    steps = tuple(
        Step(new, old, source, types.get(old if source is infos[old] else source.name), parts)
        for old, new in keys.items()
        for source in (infos[sources.get(old, old)],)
        for parts in (tuple(ckpt.stored(source)) if isinstance(ckpt, Bundle) else (),)
    )
    dropped = tuple(old for old in infos if old not in keys and old != GRAPH_KEY)
    return Plan(steps, dropped, message, tuple(name for name in alike if name in keys))


def _optimizer_names(
    infos: Mapping[str, TensorInfo], more: Collection[str]
) -> tuple[set[str], tuple[str, ...]]:
    """What an optimizer keeps, in a checkpoint of names; and what looks like it."""
    found = find_slots(infos, more)
    if not found.names:
        named = f", nor after {listed(more)}" if more else ""
        like = f"; these look like slots: {listed(found.alike)}" if found.alike else ""
        raise ConversionError(
            f"nothing to strip: no tensor is called after a variable as an optimizer's are{named}: "
            "name yours, --optimizer NAME (strip_optimizer=), or what is to go, --drop GLOB (drop=)"
            f"{like}"
        )
    ends = {re.sub(r"_\d+$", "", name) for name in found.slots}
    if lost := [name for name in more if not any(end.endswith(name) for end in ends)]:
        raise TensorNotFoundError(f"no slot is called after an optimizer {listed(lost)}")
    return found.names, found.alike


def _refuse_no_weights(kept: Iterable[TensorInfo]) -> None:
    """Raise ConversionError where nothing is left but numbers that count."""
    for info in kept:
        is_number = info.dtype is not None and info.data_type != dtypes.STRING
        if is_number and (info.shape or info.dtype is None or info.dtype.kind not in "iub"):
            return
    raise ConversionError(
        "no weights would be left: everything is called as an optimizer's variables are; "
        "--drop GLOB (drop=) takes names of what is to go"
    )


def _with_all_below(names: set[str], infos: Mapping[str, TensorInfo]) -> set[str]:
    """Averages, and what TensorFlow counts them with: ``…/biased`` and ``…/local_step``."""
    return names | {name for name in infos if name.rpartition("/")[0] in names}


def _averages(ckpt: Checkpoint, ema: bool | str, infos: Mapping[str, TensorInfo]) -> dict[str, str]:
    """The moving average whose value each variable gets."""
    if not ema:
        return {}
    suffix = ema if isinstance(ema, str) else EMA
    graph = ckpt.objects
    if graph is None:
        slots = shadows(infos, suffix)
        if alone := [name for name, slot in slots.items() if not slot.variable]:
            raise ConversionError(
                f"moving averages of variables that are not there: {listed(alone)}"
            )
        found = {slot.variable: name for name, slot in slots.items()}
    else:
        found = shadow_keys(graph)
    if not found:
        raise ConversionError(f"there are no moving averages: no {'/' + suffix!r} in any name")
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
    only: dict[int, set[int]] = {}
    if strip_optimizer:
        found = optimizers(graph, infos)
        if not found:
            raise ConversionError(
                "nothing to strip: the object graph has no optimizer: "
                "--drop PATH (drop=) takes what is to go"
            )
        only = kept_below(graph, found)
        dropped |= found - only.keys()
        if 0 in dropped:  # the checkpoint is the optimizer
            dropped |= {child for _, child in graph.nodes[0].children}
    if dropped or only:
        graph, renamed = without(graph, dropped, only)
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
