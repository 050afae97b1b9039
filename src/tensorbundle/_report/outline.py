"""Outline of a graph: its nodes and edges, as the page draws them scope by scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from .._ops.edges import body_source, main_source
from .._outputs.inputs import suggest_inputs
from .._outputs.suggest import suggest_outputs
from .._printable import printable
from ..errors import TensorBundleError
from .tensors import words

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._graph.graph import Graph
    from .._graphdef.facts import TensorFact
    from .._graphdef.functions import Function
    from .._graphdef.nodes import Node

_MOST: Final = 150_000  # nodes, of the graph and its functions together
_LONGEST: Final = 1000


def outline_of(graph: Graph, ckpt: Checkpoint | None, rows: dict[str, int]) -> dict[str, Any]:
    """Put down a graph: facts, inputs, outputs, signatures, variables, and what is drawn of it.

    Args:
        graph: The graph.
        ckpt: The checkpoint with the values of its variables, if there is one.
        rows: The row of each tensor.
    """
    drawn = [_drawn("the graph", graph.nodes.values(), main_source)]
    left, left_out = _MOST - graph.num_nodes, 0
    for function in graph.functions.values():
        size = len(function.nodes)
        if size > left:
            left_out += 1
            continue
        left -= size
        drawn.append(_body(function))
    guessed = _suggested(graph, ckpt)
    return {
        "path": printable(graph.path),
        "kind": graph.kind,
        "nodes": graph.num_nodes,
        "functions": len(graph.functions),
        "functions_left_out": left_out,
        "tags": [[*map(printable, tags)] for tags in graph.tag_sets],
        "tensorflow": printable(graph.tensorflow_version),
        "ops": [[printable(op), count] for op, count in graph.ops.items()],
        "signatures": [
            [printable(key), _tensors(each.inputs), _tensors(each.outputs), printable(each.method)]
            for key, each in graph.signatures.items()
        ],
        "variables": {
            printable(name, _LONGEST): rows[each.key]
            for name, each in graph.variables.items()
            if each.key in rows
        },
        "drawn": drawn,
        **guessed,
    }


def _drawn(
    title: str, nodes: Iterable[Node], source_of: Callable[[str], str], more: Iterable[str] = ()
) -> dict[str, Any]:
    """Nodes with their operations, and edges as numbers of nodes; control edges are left out."""
    listed = list(nodes)
    if len(listed) > _MOST:
        return {"title": title, "left_out": len(listed), "name": [], "op": words(()), "edges": []}
    arguments = list(more)
    names = [*arguments, *(node.name for node in listed)]
    place = {name: number for number, name in reversed(list(enumerate(names)))}
    edges: list[list[int]] = [[] for _ in arguments]
    for node in listed:
        sources = (place.get(source_of(each)) for each in node.inputs if each[:1] != "^")
        edges.append(list(dict.fromkeys(each for each in sources if each is not None)))
    ops = [*("argument" for _ in arguments), *(printable(node.op) for node in listed)]
    return {
        "title": title,
        "name": [printable(name, _LONGEST) for name in names],
        "op": words(ops),
        "edges": edges,
    }


def _body(function: Function) -> dict[str, Any]:
    arguments = [each.name for each in function.signature.inputs]
    title = f"function {printable(function.name, _LONGEST)}"
    return _drawn(title, function.nodes.values(), body_source, arguments)


def _tensors(facts: dict[str, TensorFact]) -> list[list[str]]:
    return [
        [printable(key), printable(fact.name or "several tensors"), _shape(fact.shape)]
        for key, fact in facts.items()
    ]


def _shape(shape: tuple[int, ...] | None) -> str:
    return "of any rank" if shape is None else "×".join("?" if d < 0 else str(d) for d in shape)


def _suggested(graph: Graph, ckpt: Checkpoint | None) -> dict[str, Any]:
    """Inputs and outputs: those that the file states, or else those that it seems to have."""
    try:
        inputs, outputs = suggest_inputs(graph, ckpt), suggest_outputs(graph, ckpt)
    except (TensorBundleError, RecursionError) as error:
        return {"inputs": [], "outputs": [], "unknown": printable(str(error))}
    return {
        "inputs": [
            [
                printable(each.name),
                each.dtype,
                _shape(each.shape),
                each.role,
                printable(each.reason),
            ]
            for each in inputs
        ],
        "outputs": [
            [
                printable(each.name),
                each.dtype,
                _shape(each.shape),
                printable(each.op),
                printable(each.reason),
            ]
            for each in outputs
        ],
    }
