"""Nodes by the names that users give, in the main graph and inside of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..._graphdef.nodes import parse_input

if TYPE_CHECKING:
    from ..._graph.graph import Graph
    from ..._graphdef.functions import Function
    from ..._graphdef.nodes import Node


def find_node(graph: Graph, text: str) -> str | None:
    """The node of the main graph that a name means or, of a name inside of calls, the outermost."""
    name = parse_input(text).name
    nodes = graph.nodes
    if name in nodes:
        return name
    if text in nodes:  # a colon that is part of a name is no port
        return text
    path = name.split("/")
    for i in range(len(path) - 1, 0, -1):
        call = "/".join(path[:i])
        if call in nodes and _holds(graph, nodes[call], path[i:]):
            return call
    return None


def _holds(graph: Graph, node: Node, path: Sequence[str]) -> bool:
    """Whether the function that a node calls has a node of that name, maybe in further calls."""
    while True:
        function = called(node, graph.functions)
        if function is None:
            return False
        if "/".join(path) in function.nodes:
            return True
        for i in range(len(path) - 1, 0, -1):
            inner = function.nodes.get("/".join(path[:i]))
            if inner is not None and called(inner, graph.functions) is not None:
                node, path = inner, path[i:]
                break
        else:
            return False


def called(node: Node, functions: Mapping[str, Function]) -> Function | None:
    """The function that a node calls and that inlining puts in its place."""
    if node.op in functions:
        return functions[node.op]
    if node.op in ("PartitionedCall", "StatefulPartitionedCall"):
        function = node.attr("f")
        return functions.get(function.name) if function is not None else None
    return None


def split_names(graph: Graph, text: str) -> list[str]:
    """Names with commas between them, as other freezers take them; one that has commas is one."""
    if "," not in text or find_node(graph, text.strip()) is not None:
        return [text]
    return [each.strip() for each in text.split(",") if each.strip()]
