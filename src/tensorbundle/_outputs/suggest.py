"""Suggesting outputs of a graph when nobody says them, best first (freeze.md §4)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from .._format.dtypes import name_of
from .._graph.graph import Graph, load_graph
from .._graphdef.meta_graph import MetaGraph
from .._graphdef.nodes import join_input, parse_input
from .._look.listings import Listing
from .._ops.types import Shape
from .candidates import Network
from .heads import Scored, join_heads
from .roles import Roles
from .score import score_candidates
from .stated import bundle_outputs, collected_nodes, signature_outputs
from .topology import Topology, dtype_of, shape_of

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint

GraphLike: TypeAlias = "str | os.PathLike[str] | bytes | Graph"
CheckpointLike: TypeAlias = "str | os.PathLike[str] | bytes | Checkpoint | None"

HEADS: Final = 10  # named at most
_STATED: Final = 100.0  # the score of what the file itself says, less its place in the list
# How a list of them is shown.
_COLUMNS: Final = ("name", "op", "dtype", "shape", "score", "reason")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Suggested output: a tensor that may be what a program fetches.

    Attributes:
        name: Its name: of the node, with ``:k`` for an output other than the first.
        op: The operation that computes it.
        dtype: TensorFlow's name of its type, ``"invalid"`` where the graph does not say it.
        shape: Its dimensions, -1 for those that are not known; None where not even their number is.
        score: What speaks for it; only to be compared within one list.
        reason: Why, what counted most first.
        aliases: Other forms of the same result (logits, probabilities, arg-max), best first.

    Example:
        >>> import tensorbundle as tb
        >>> tb.suggest_outputs(tb.demo("saved_model"))[0].reason
        "output 'output_0' of signature 'serving_default'"
    """

    name: str
    op: str
    dtype: str
    shape: Shape
    score: float
    reason: str
    aliases: tuple[str, ...] = ()


def suggest_outputs(graph: GraphLike, ckpt: CheckpointLike = None) -> list[Candidate]:
    """Suggest what to fetch from a graph whose outputs nobody wrote down.

    What the file itself says comes first: signatures, a session bundle's, and nothing is guessed
    then. Else the network's own structure is judged, and names only after it: what depends on
    variables and data but on no label, and nothing else uses. Each head is named once.

    Args:
        graph: A graph, or the path of one, as for `load_graph`.
        ckpt: The checkpoint that it is to be used with, or its path. What it does not hold counts
            against whatever needs it, which tells twin networks apart. By default the checkpoint
            that lies where the graph's values belong is asked.

    Returns:
        At most ten candidates, best first; none if the graph computes nothing from variables.

    Raises:
        MissingFileError: There is no graph, or no checkpoint, at that path.
        FormatError: The graph or the checkpoint is damaged.

    Example:
        >>> import tensorbundle as tb
        >>> best = tb.suggest_outputs(tb.demo())[0]
        >>> best.name, best.op, best.dtype, best.shape
        ('probabilities', 'Softmax', 'float32', (-1, 10))
    """
    loaded = load_graph(graph)
    topology = Topology(loaded.meta)
    if stated := _stated_outputs(loaded.meta, topology):
        return Listing(stated, _COLUMNS)
    heads = find_heads(loaded, topology, ckpt)[1]
    return Listing((_candidate(topology, each) for each in heads), _COLUMNS)


def find_heads(
    graph: Graph, topology: Topology, ckpt: CheckpointLike = None
) -> tuple[Roles, list[Scored]]:
    """The roles of a graph's nodes, and its heads as the heuristic ranks them."""
    order = topology.order()
    find = topology.index.get
    lacking = [place for name in _lacking(graph, ckpt) if (place := find(name)) is not None]
    roles = Roles(graph.meta, topology, lacking)
    network = Network(roles, order)
    collected = {
        place: (key, points)
        for name, (key, points) in collected_nodes(graph.meta).items()
        if (place := find(name)) is not None
    }
    found = score_candidates(network, order, collected, lacking)
    return roles, join_heads(network, found, HEADS)


def _lacking(graph: Graph, ckpt: CheckpointLike) -> list[str]:
    """The variables that the checkpoint does not hold; none if it is of another program."""
    if ckpt is None:
        if graph.checkpoint is None:
            return []
        variables = graph.variables
    else:
        from .._checkpoint.opening import opened
        from .._graph.mapping import map_variables

        variables = map_variables(graph.meta, opened(ckpt))
    if not any(each.in_checkpoint for each in variables.values()):
        return []
    return [name for name, each in variables.items() if each.in_checkpoint is False]


def _candidate(graph: Topology, found: Scored) -> Candidate:
    node = graph.nodes[found.place]
    return Candidate(
        name=node.name,
        op=node.op,
        dtype=name_of(dtype_of(graph, found.place)),
        shape=found.shape,
        score=round(found.score, 2),
        reason=found.reason,
        aliases=tuple(graph.names[each] for each in found.aliases),
    )


def _stated_outputs(meta: MetaGraph, graph: Topology) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for key, name, fact in signature_outputs(meta):
        assert fact.name is not None
        reason = f"output {name!r} of signature {key!r}"
        tensor = plain_name(fact.name)
        if tensor not in found:
            op = op_of(graph, tensor)
            score = _STATED - len(found)
            found[tensor] = Candidate(tensor, op, name_of(fact.dtype), fact.shape, score, reason)
    for full in bundle_outputs(meta):
        tensor = plain_name(full)
        place = graph.index.get(parse_input(tensor).name)
        if tensor not in found and place is not None:
            port = parse_input(tensor).port
            dtype = name_of(dtype_of(graph, place, port))
            found[tensor] = Candidate(
                name=tensor,
                op=graph.ops[place],
                dtype=dtype,
                shape=shape_of(graph, place, port),
                score=_STATED - len(found),
                reason="an output of the session bundle's signatures",
            )
    return list(found.values())


def plain_name(tensor: str) -> str:
    """The name of a tensor without the ``:0`` of a first output."""
    return join_input(*parse_input(tensor))


def op_of(graph: Topology, tensor: str) -> str:
    """The operation that gives a tensor; empty if there is none."""
    place = graph.index.get(parse_input(tensor).name)
    return "" if place is None else graph.ops[place]
