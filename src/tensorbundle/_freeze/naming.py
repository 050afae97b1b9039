"""Names in a frozen graph: outputs and inputs are called by the keys that they are known by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from .._graphdef.attributes import type_attr
from .._graphdef.nodes import Node, Nodes, make_node, parse_input
from .._graphdef.roles import PLACEHOLDERS
from .._ops.edges import unique_name
from .._ops.types import dtype_of

if TYPE_CHECKING:
    from .assemble import Prepared
    from .wanted.resolve import Target

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_.\\/>-]")


def name_outputs(nodes: Nodes, prepared: Prepared) -> tuple[Nodes, dict[str, str]]:
    """Give outputs the names they are wanted by, where these are free, as identities.

    Returns:
        The graph with these, and by key the name of each output's tensor.
    """
    nodes, outputs = dict(nodes), {}
    for target in prepared.targets:
        source = parse_input(prepared.tensor(target))
        tensor = f"{source.name}:{source.port}"
        name = _name_for(target, source.name, nodes)
        if name is not None and (name, 0) != source:
            node = nodes[source.name]
            dtype = dtype_of(node, source.port, prepared.op_defs) or target.dtype
            if dtype:
                nodes[name] = make_node(
                    name, "Identity", (prepared.tensor(target),), {"T": type_attr(dtype)}
                )
                tensor = f"{name}:0"
        outputs[target.key] = tensor
    return nodes, outputs


def _name_for(target: Target, source: str, nodes: Nodes) -> str | None:
    """The name of the node that an output is to be; None for the one that it is."""
    wanted = parse_input(target.tensor)
    if target.named:
        name = _as_node_name(target.key, "output")
        return name if name == source else unique_name(name, nodes)
    # What was a call's result is called as the call was, which is gone.
    return wanted.name if wanted.port == 0 and wanted.name not in nodes else None


def name_inputs(nodes: Nodes, keys: Mapping[str, str], outputs: Iterable[str]) -> Nodes:
    """Have placeholders known by their keys too, where these are free names.

    What took the placeholder takes an identity behind it that is called as the key. So a session
    may feed either, and other programs still see the placeholder.

    Args:
        nodes: The frozen graph.
        keys: By tensor that is fed, its key.
        outputs: The names of outputs, which are not to be taken.
    """
    made: dict[str, Node] = {}
    for tensor, key in keys.items():
        place = nodes.get(parse_input(tensor).name)
        name = _as_node_name(key, "input")
        if place is None or place.op not in PLACEHOLDERS or name in nodes or name in made:
            continue
        dtype = dtype_of(place, 0, {})
        if dtype and name not in outputs:
            made[name] = make_node(name, "Identity", (place.name,), {"T": type_attr(dtype)})
    aliases = {node.inputs[0]: name for name, node in made.items()}
    result: Nodes = {}
    for name, node in nodes.items():
        inputs = tuple(aliases.get(text.removesuffix(":0"), text) for text in node.inputs)
        result[name] = node if inputs == node.inputs else node.replace(inputs=inputs)
        if name in aliases:
            result[aliases[name]] = made[aliases[name]]
    return result


def _as_node_name(key: str, what: str) -> str:
    """A key as a node may be called."""
    name = _NOT_IN_NAMES.sub("_", key)
    return name if re.match(r"[A-Za-z0-9.]", name) else f"{what}{name}"
