"""Plan of a run: a graph cut to what is fetched and fed, and made ready to run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .._freeze.freeze import Frozen, FrozenInput, freeze_as
from .._freeze.stream import Destination
from .._freeze.wanted.request import Request
from .._freeze.wanted.signatures import inputs_by_key, signature_or_none
from .._graph.graph import Graph, load_graph
from .._graphdef.nodes import Node, Nodes, parse_input
from .._graphdef.roles import FED
from .._ops.types import Shape
from .divisions import Division, computed_divisions
from .engine import Program

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._format.dtypes import Array


# What tensors that are fetched, and some that are fed, are called in the graph that is run.
_FETCH: Final = "tensorbundle_fetch"
_FED: Final = "tensorbundle_fed"
_DIVISOR: Final = "tensorbundle_divisor"


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph cut to what is fetched.

    Attributes:
        inputs: What must be fed.
        feeds: The tensor of the graph that each of them stands for.
        program: What computes; None when nothing needs to be computed.
        results: Where each thing that is fetched comes from: a number among the results of the
            program, the input that it is (a negative number), or its value.
        divisions: Integer divisions whose divisors are computed by the program, behind the results.
    """

    inputs: tuple[FrozenInput, ...]
    feeds: tuple[str, ...]
    program: Program | None
    results: tuple[int | Array, ...]
    divisions: tuple[Division, ...] = ()

    def run(self, arrays: list[Array]) -> list[Array]:
        """Compute what is fetched, in arrays of their own.

        Raises:
            UnsupportedError: Something is divided by zero, or the engine cannot compute this.
        """
        computed = [] if self.program is None else self.program.run(arrays)
        count = len(self.divisions)
        for division, divisor in zip(
            self.divisions, computed[len(computed) - count :], strict=True
        ):
            if not np.all(divisor):
                raise division.refusal()
        found: list[Array] = []
        for each in self.results:
            if not isinstance(each, int):
                found.append(np.array(each))
            else:
                found.append(computed[each] if each >= 0 else np.array(arrays[~each]))
        return found


def make_plan(
    graph: Graph,
    ckpt: Checkpoint | None,
    names: Sequence[str],
    cuts: Mapping[str, Shape],
    signature: str | None,
) -> Plan:
    with tempfile.TemporaryDirectory(prefix="tensorbundle-") as folder:
        outputs = {f"{_FETCH}_{i}": name for i, name in enumerate(names)}
        # Of a cut at a node's first output the placeholder is called as the node. What others are
        # called is seen when they are fetched too.
        others = [tensor for tensor in cuts if parse_input(tensor).port > 0]
        fed = {f"{_FED}_{i}": tensor for i, tensor in enumerate(others)}
        request = Request(outputs=outputs | fed, inputs=dict(cuts), signature=signature)
        frozen, loaded = _cut(graph, ckpt, request, os.path.join(folder, "graph.pb"))
        divisions = _computed_divisors(loaded)
        if divisions:
            divisors = {f"{_DIVISOR}_{i}": each.tensor for i, each in enumerate(divisions)}
            request = Request(outputs={**frozen.outputs, **divisors})
            frozen, loaded = _cut(loaded, None, request, os.path.join(folder, "guarded.pb"))
        nodes = loaded.nodes
        inputs = tuple(each for each in frozen.inputs if nodes[node_name(each)].op in FED)
        places = {node_name(each): i for i, each in enumerate(inputs)}
        stand_ins = {_origin(nodes, frozen.outputs[key]).name: fed[key] for key in fed}
        chosen = signature_or_none(graph, signature)
        by_key = {} if chosen is None else inputs_by_key(chosen)
        # Nodes may be called otherwise where another has its name from a key.
        feeds = tuple(
            stand_ins.get(node_name(each)) or by_key.get(each.key or "", node_name(each))
            for each in inputs
        )
        results: list[int | Array] = []
        computed: list[str] = []
        for key in outputs:
            tensor = frozen.outputs[key]
            source = _origin(nodes, tensor)
            if source.op == "Const":
                results.append(source.attr("value").array())
            elif source.name in places:
                results.append(~places[source.name])
            else:
                results.append(len(computed))
                computed.append(tensor)
        if not computed:
            return Plan(inputs, feeds, None, tuple(results))
        guards = [frozen.outputs[f"{_DIVISOR}_{i}"] for i in range(len(divisions))]
        program = Program(loaded.path, [each.name for each in inputs], [*computed, *guards])
        return Plan(inputs, feeds, program, tuple(results), tuple(divisions))


def _cut(
    graph: Graph, ckpt: Checkpoint | None, request: Request, path: str
) -> tuple[Frozen, Graph]:
    """A graph frozen to what is fetched, in a file."""
    frozen = freeze_as(graph, ckpt, request, Destination(path, text=False, overwrite=True))
    return frozen, load_graph(path)


def _computed_divisors(graph: Graph) -> list[Division]:
    """The integer divisions whose divisors must be looked at when the graph is run.

    Raises:
        UnsupportedError: One divides by a zero that is known already.
    """
    found = []
    for each in computed_divisions(graph):
        if not each.is_constant:
            found.append(each)
        # By a zero that it finds itself the engine dies while it reads the graph.
        elif not np.all(make_plan(graph, None, [each.tensor], {}, None).run([])[0]):
            raise each.refusal()
    return found


def _origin(nodes: Nodes, tensor: str) -> Node:
    """The node that a tensor is made by, identities passed over."""
    node = nodes[parse_input(tensor).name]
    for _ in nodes:
        if node.op != "Identity" or len(node.inputs) != 1:
            break
        node = nodes[parse_input(node.inputs[0]).name]
    return node


def node_name(fact: FrozenInput) -> str:
    return fact.name.removesuffix(":0")
