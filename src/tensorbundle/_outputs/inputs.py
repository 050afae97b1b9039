"""Inputs of a graph: data, switches with their defaults, labels (freeze.md §4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from .._format.dtypes import BOOL, name_of
from .._graph.graph import load_graph
from .._graphdef.nodes import join_input
from .._graphdef.tensors import TensorMessage
from .._look.listings import Listing
from .._ops.types import Shape
from . import words
from .heads import Scored
from .roles import Source
from .stated import signature_inputs
from .suggest import HEADS, CheckpointLike, GraphLike, find_heads, op_of, plain_name
from .topology import Topology, dtype_of, shape_of

if TYPE_CHECKING:
    import numpy as np

_ORDER: Final = ("data", "fills", "switch", "training", "label", "unused")
_CHAIN: Final = 8  # identities between a default and who takes it
# How a list of them is shown.
_COLUMNS: Final = ("name", "op", "dtype", "shape", "role", "reason")


@dataclass(frozen=True, slots=True)
class InputCandidate:
    """Suggested input: a tensor that a program feeds.

    Attributes:
        name: Its name: of the node, with ``:k`` for an output other than the first.
        op: The operation it comes from: a placeholder, or what reads a queue or a dataset.
        dtype: TensorFlow's name of its type, ``"invalid"`` where the graph does not say it.
        shape: Its dimensions, -1 for those that are not known; None where not even their number is.
        role: ``"data"``: the network begins here. ``"switch"``: a mode, a rate, a length.
            ``"label"``: only the loss takes it, or nobody; not needed.
        default: The value that it has when it is not fed, if that is a constant.
        reason: Why it has that role.

    Example:
        >>> import tensorbundle as tb
        >>> image = tb.suggest_inputs(tb.demo())[0]
        >>> image.reason
        "leads to the variables; 'probabilities' needs it"
    """

    name: str
    op: str
    dtype: str
    shape: Shape
    role: Literal["data", "switch", "label"]
    default: np.ndarray[Any, Any] | None
    reason: str


def suggest_inputs(graph: GraphLike, ckpt: CheckpointLike = None) -> list[InputCandidate]:
    """Suggest what to feed a graph.

    Args:
        graph: A graph, or the path of one, as for `load_graph`.
        ckpt: As for `suggest_outputs`: it decides which output the inputs are compared with.

    Returns:
        A signature's inputs, if there is one. Else the data, then switches, then what is not
        needed; of the data, first what the likeliest output needs.

    Raises:
        MissingFileError: There is no graph, or no checkpoint, at that path.
        FormatError: The graph or the checkpoint is damaged.

    Example:
        >>> import tensorbundle as tb
        >>> found = tb.suggest_inputs(tb.demo())
        >>> [(each.name, each.role) for each in found]
        [('image', 'data'), ('target', 'label')]
    """
    loaded = load_graph(graph)
    topology = Topology(loaded.meta)
    stated = {
        plain_name(fact.name): (key, name, fact)
        for key, name, fact in reversed(list(signature_inputs(loaded.meta)))
        if fact.name
    }
    if stated:
        listed = [
            InputCandidate(
                name=tensor,
                op=op_of(topology, tensor),
                dtype=name_of(fact.dtype),
                shape=fact.shape,
                role="data",
                default=None,
                reason=f"input {name!r} of signature {key!r}",
            )
            for tensor, (key, name, fact) in reversed(stated.items())
        ]
        return Listing(listed, _COLUMNS)
    roles, heads = find_heads(loaded, topology, ckpt)
    best = topology.names[heads[0].place] if heads else ""
    needed = _cone(topology, heads[:1])
    # With as many heads as are named there are others, which may need what these do not.
    wanted = _cone(topology, heads) if 0 < len(heads) < HEADS else None
    sources = [_settled(each, needed, wanted) for each in roles.sources]
    sources.sort(
        key=lambda each: (
            _ORDER.index(each.role),
            not _is_taken(each, needed),
            each.place,
            each.port,
        )
    )
    found = (_input(topology, each, _is_taken(each, needed), best) for each in sources)
    return Listing(found, _COLUMNS)


def _cone(graph: Topology, heads: Sequence[Scored]) -> bytearray:
    return graph.backward([each.place for each in heads], bytearray(len(graph)))


def _is_taken(source: Source, cone: bytearray) -> bool:
    return any(cone[each] for each in source.takers)


def _settled(source: Source, needed: bytearray, wanted: bytearray | None) -> Source:
    """A source with the role that the heads leave it: what they need is data, nothing else."""
    if source.role in ("label", "unused") and _is_taken(source, needed):
        return replace(source, role="data")
    if source.role == "data" and wanted is not None and not _is_taken(source, wanted):
        return replace(source, role="training")
    return source


def _input(graph: Topology, source: Source, needed: bool, best: str) -> InputCandidate:
    node = graph.nodes[source.place]
    role: Literal["data", "switch", "label"] = "label"
    if source.role == "data":
        role, reason = "data", "leads to the variables"
        if best:
            reason += f"; {best!r} {'needs' if needed else 'does not need'} it"
    elif source.role == "fills":
        role, reason = "data", "fills a queue or a dataset, from which the network takes it"
    elif source.role == "switch":
        role, reason = "switch", _kind_of_switch(graph, source)
    elif source.role == "training":
        reason = "no output needs it: only training takes it"
    elif source.role == "label":
        reason = "no trained layer comes after it: not needed"
    else:
        reason = "only training uses it: not needed" if source.takers else "nothing uses it"
    return InputCandidate(
        name=join_input(node.name, source.port),
        op=node.op,
        dtype=name_of(dtype_of(graph, source.place, source.port)),
        shape=shape_of(graph, source.place, source.port),
        role=role,
        default=_default(graph, source.place),
        reason=reason,
    )


def _kind_of_switch(graph: Topology, source: Source) -> str:
    if dtype_of(graph, source.place, source.port) == BOOL:
        return "a truth value"
    if words.SWITCH_NAMES.search(words.last_part(graph.nodes[source.place].name)):
        return "by its name"
    return "a rate: it meets random numbers"


def _default(graph: Topology, place: int) -> np.ndarray[Any, Any] | None:
    """The constant behind a placeholder that need not be fed."""
    if graph.ops[place] != "PlaceholderWithDefault":
        return None
    for _ in range(_CHAIN):
        if not graph.inputs[place]:
            return None
        place = graph.inputs[place][0]
        if graph.ops[place] == "Const":
            value = graph.nodes[place].attr("value")
            return value.array() if isinstance(value, TensorMessage) else None
        if graph.ops[place] != "Identity":
            return None
    return None
