"""Functions that stay, as graphs of their own: bodies of loops and branches, calls that are kept.

Each resource that a function is given counts as a variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from ..._format import dtypes
from ..._graphdef.attributes import function_names, type_attr
from ..._graphdef.nodes import Node, Nodes, join_input, make_node, parse_input
from ..._graphdef.roles import writes_variable
from ..._ops.facts import output_args
from ..._ops.ports import PortNumbers
from ...errors import FormatError, UnsupportedError

if TYPE_CHECKING:
    from ..._graphdef.functions import Function, OpDef

_FLOAT: Final = 1
_RANDOM: Final = "Random"


def turned(
    nodes: Iterable[Node],
    functions: Mapping[str, Function],
    op_defs: Mapping[str, OpDef],
    turn: Callable[[Nodes, list[str], str], Nodes],
) -> dict[str, Function]:
    """Turn bodies of the functions that nodes use, and of those that these use, to inference.

    Args:
        nodes: Nodes of the main graph.
        functions: All functions of the graph.
        op_defs: What is known of operations beside the table.
        turn: Gives a graph in inference mode, from its nodes, the names of its roots, and what the
            names of its nodes begin with where they are told.

    Returns:
        Those that changed.
    """
    ports = PortNumbers(functions, op_defs)
    made: dict[str, Function] = {}
    for name in _used(nodes, functions):
        function = functions[name]
        if not _may_train(function):
            continue
        try:
            body = _Body(function, ports, op_defs)
            changed = turn(body.nodes, body.roots, f"{name}/")
        except (FormatError, UnsupportedError):
            continue  # what cannot be read as a graph stays; whether it is sound, is seen later
        if changed is not body.nodes:
            made[name] = function.replace(nodes=body.spelled(changed))
    return made


def _used(nodes: Iterable[Node], functions: Mapping[str, Function]) -> list[str]:
    """The functions that nodes name, and those that these name."""
    found: dict[str, None] = {}
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        names = [each for raw in node.attrs.values() for each in function_names(raw)]
        for name in (node.op, *names):
            if name in functions and name not in found:
                found[name] = None
                waiting += functions[name].nodes.values()
    return list(found)


def _may_train(function: Function) -> bool:
    """Whether a body writes variables or draws numbers, and is given no lists."""
    inputs = function.signature.inputs
    if any(each.number_attr or each.type_list_attr for each in inputs):
        return False
    ops = {node.op for node in function.nodes.values()}
    return any(writes_variable(op) or _RANDOM in op for op in ops)


class _Body:
    """A body in the words of the main graph."""

    def __init__(
        self, function: Function, ports: PortNumbers, op_defs: Mapping[str, OpDef]
    ) -> None:
        self._ports, self._op_defs = ports, op_defs
        self._given = function.nodes
        self._arguments = {
            each.name: each.type == dtypes.RESOURCE for each in function.signature.inputs
        }
        self._spelled: dict[str, str] = {}
        read = {
            node.inputs[0].removesuffix(":0"): node.attrs["dtype"]
            for node in self._given.values()
            if node.op == "ReadVariableOp" and node.inputs and "dtype" in node.attrs
        }
        self.nodes: Nodes = {
            name: make_node(
                name,
                "VarHandleOp" if is_resource else "Placeholder",
                (),
                {"dtype": read.get(name, type_attr(_FLOAT))},
            )
            for name, is_resource in self._arguments.items()
        }
        for name, node in self._given.items():
            inputs = tuple(map(self._numbered, node.inputs))
            self.nodes[name] = node if inputs == node.inputs else node.replace(inputs=inputs)
        self.roots = [parse_input(self._numbered(each)).name for each in function.ret.values()]

    def _numbered(self, edge: str) -> str:
        """An edge as the main graph would write it."""
        name, _, rest = edge.partition(":")
        if name.startswith("^") or name in self._arguments:
            return name
        output, _, index = rest.partition(":")
        node = self._given.get(name)
        number = 0
        if node is not None and output:
            number = self._ports.number(node, output, int(index) if index.isdecimal() else 0)
        numbered = join_input(name, number)
        self._spelled[numbered] = edge if output else f"{name}:0"
        return numbered

    def spelled(self, nodes: Nodes) -> Nodes:
        """Say what became of the nodes in the words of a body."""
        result: Nodes = {}
        for name, node in nodes.items():
            if name in self._arguments:
                continue
            if node is self.nodes.get(name):
                result[name] = self._given[name]
                continue
            inputs = tuple(self._edge(nodes, each) for each in node.inputs)
            result[name] = node.replace(inputs=inputs)
        return result

    def _edge(self, nodes: Nodes, edge: str) -> str:
        name = parse_input(edge).name
        if edge[:1] == "^" or name in self._arguments:
            return edge
        if edge in self._spelled:
            return self._spelled[edge]
        outputs = output_args(nodes[name].op, self._op_defs)
        assert outputs  # what is made here has one output, and is known
        return f"{name}:{outputs[0].name}:0"
