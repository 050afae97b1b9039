"""Names in a frozen graph: outputs and inputs are called by the keys that they are known by."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from .._format.wording import listed
from .._graphdef.attributes import type_attr
from .._graphdef.nodes import Node, Nodes, join_input, make_node, parse_input
from .._graphdef.roles import PLACEHOLDERS
from .._ops.edges import unique_name
from .._ops.types import dtype_of

if TYPE_CHECKING:
    from .assemble import Prepared
    from .wanted.resolve import Target

_T = TypeVar("_T")

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
        name = as_node_name(target.key, "output")
        return name if name == source else unique_name(name, nodes)
    # What was a call's result is called as the call was, which is gone.
    return wanted.name if wanted.port == 0 and wanted.name not in nodes else None


@dataclass(frozen=True, slots=True)
class ByKeys:
    """A graph whose outputs and inputs are known by their keys.

    Attributes:
        nodes: The graph.
        moved: Nodes that are called otherwise than before, with their new names.
        gave_way: Those of them that were called as a key is.
    """

    nodes: Nodes
    moved: Mapping[str, str]
    gave_way: tuple[str, ...] = ()

    def tensor(self, text: str) -> str:
        """A node, a tensor or an input as it is called now."""
        name, port = parse_input(text)
        if name not in self.moved:
            return text
        return (
            f"{self.moved[name]}:0" if text.endswith(":0") else join_input(self.moved[name], port)
        )

    def of(self, facts: Mapping[str, _T]) -> Mapping[str, _T]:
        """Facts by node, under the names of now."""
        return {self.moved.get(name, name): fact for name, fact in facts.items()}

    def notes(self) -> Iterator[str]:
        """Say which nodes made way for keys."""
        if self.gave_way:
            now = [self.moved[name] for name in self.gave_way]
            yield (
                f"{listed(self.gave_way)}, which were called as keys of the signature are, are now "
                f"called {listed(now)}"
            )


def name_by_keys(
    nodes: Nodes,
    targets: Iterable[Target],
    outputs: Mapping[str, str],
    keys: Mapping[str, str],
    variables: Container[str],
) -> ByKeys:
    """Have outputs and inputs known by their keys, also where other nodes have such names.

    A node that is in the way of a key is called otherwise: what a model is used by are its keys.
    A variable stays, since its name is its key in the checkpoint.

    Args:
        nodes: The frozen graph.
        targets: What was wanted of it.
        outputs: By key, the output's tensor, as `name_outputs` gave it.
        keys: By tensor that is fed, its key.
        variables: The nodes that are variables, or were.
    """
    holders, kept = {}, set()
    for each in targets:
        if each.key not in outputs:  # left out on the way
            continue
        source = parse_input(outputs[each.key])
        if not each.named:
            kept.add(source.name)
        elif source.port == 0:
            holders[as_node_name(each.key, "output")] = source.name
    nodes, aliases = _behind_inputs(nodes, keys, {*outputs, *holders})
    by_key = {parse_input(each).name for each, key in keys.items() if key != parse_input(each).name}
    # What is fed by its name keeps it.
    kept |= {each.name for each in nodes.values() if each.op in PLACEHOLDERS} - by_key
    moved: dict[str, str] = {}
    gave_way = []
    for name, holder in (*holders.items(), *aliases.items()):
        other = nodes.get(name)
        if name == holder or name in kept or not moved.keys().isdisjoint((name, holder)):
            continue
        if other is None:
            moved[holder] = name
        elif name not in variables:
            moved |= {holder: name, name: holder}
            gave_way.append(name)
    found = ByKeys(nodes, moved, tuple(gave_way))
    return replace(found, nodes=_renamed(nodes, found)) if moved else found


def _behind_inputs(
    nodes: Nodes, keys: Mapping[str, str], taken: Container[str]
) -> tuple[Nodes, dict[str, str]]:
    """Have what took an input take an identity behind it, which is to be called as the key.

    So a session may feed either, and other programs still see the placeholder.

    Returns:
        The graph, and by name that is to be, the identity.
    """
    behind: dict[str, str] = {}
    made: dict[str, list[Node]] = {}
    aliases: dict[str, str] = {}
    for tensor, key in keys.items():
        source, name = parse_input(tensor), as_node_name(key, "input")
        place = nodes.get(source.name)
        dtype = 0 if place is None or place.op == "Const" else dtype_of(place, source.port, {})
        if dtype and name != source.name and name not in taken and name not in aliases:
            text = join_input(*source)
            alias = behind[text] = aliases[name] = unique_name(name, nodes, aliases.values())
            node = make_node(alias, "Identity", (text,), {"T": type_attr(dtype)})
            made.setdefault(source.name, []).append(node)
    result: Nodes = {}
    for name, node in nodes.items():
        inputs = tuple(behind.get(text.removesuffix(":0"), text) for text in node.inputs)
        result[name] = node if inputs == node.inputs else node.replace(inputs=inputs)
        result |= {each.name: each for each in made.get(name, ())}
    return result, aliases


def _renamed(nodes: Nodes, by_keys: ByKeys) -> Nodes:
    found = {}
    for node in nodes.values():
        name, inputs = by_keys.tensor(node.name), tuple(map(by_keys.tensor, node.inputs))
        found[name] = node.replace(name=name, inputs=inputs)
    return found


def as_node_name(key: str, what: str) -> str:
    """A key as a node may be called."""
    name = _NOT_IN_NAMES.sub("_", key.removesuffix(":0"))
    return name if re.match(r"[A-Za-z0-9.]", name) else f"{what}{name}"
