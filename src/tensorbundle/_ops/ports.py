"""Named outputs as numbered ones: what function bodies write, in the words of the main graph."""

from __future__ import annotations

from collections.abc import Mapping

from .._format.wire import Raw
from .._graphdef.attributes import decode_attr
from .._graphdef.functions import Function, OpDef
from .._graphdef.nodes import Node
from ..errors import FormatError, UnsupportedError
from .facts import output_args, output_ports

_MAX_LIST = 1 << 20  # tensors in one argument; each of them is an input of some node


class PortNumbers:
    """Finds the number of an output by its name (freeze.md §1.4).

    Args:
        functions: The graph's functions; those too may be operations.
        op_defs: What the model itself says of operations.
    """

    def __init__(self, functions: Mapping[str, Function], op_defs: Mapping[str, OpDef]) -> None:
        self._functions = functions
        self._op_defs = op_defs
        self._plain: dict[str, dict[str, int] | None] = {}  # by op: None if a node must be asked
        self._listed: dict[Node, dict[str, int]] = {}
        self._only: dict[str, str] = {}  # the one output that an unknown op was seen to have

    def number(self, node: Node, output: str, index: int) -> int:
        """Number of a node's output.

        Raises:
            FormatError: The operation has no such output.
            UnsupportedError: Nothing is known of the operation, and it has several outputs.
        """
        if node.op not in self._plain:
            self._plain[node.op] = self._ports_of_op(node.op)
        ports = self._plain[node.op]
        if ports is None:
            if node not in self._listed:
                self._listed[node] = self._ports_of_node(node)
            ports = self._listed[node]
        if output in ports:
            return ports[output] + index
        if len(ports) == 1:
            return index  # outputs were renamed between versions; there is only the one
        if ports:
            raise FormatError(
                f"op {node.op!r} of node {node.name!r} has no output {output!r}: expected one of "
                f"{', '.join(map(repr, ports))}"
            )
        return self._unknown(node, output, index)

    def _ports_of_op(self, op: str) -> dict[str, int] | None:
        if op in self._functions:
            outputs = self._functions[op].signature.outputs
        else:
            outputs = output_args(op, self._op_defs) or ()
        if any(each.number_attr or each.type_list_attr for each in outputs):
            return None
        return {each.name: number for number, each in enumerate(outputs)}

    def _ports_of_node(self, node: Node) -> dict[str, int]:
        if node.op in self._functions:
            ports = {}
            first = 0
            for arg in self._functions[node.op].signature.outputs:
                ports[arg.name] = first
                first += list_length(arg.number_attr, arg.type_list_attr, node.attrs) or 1
            return ports
        return {name: first for name, first, _ in output_ports(node, self._op_defs) or ()}

    def _unknown(self, node: Node, output: str, index: int) -> int:
        only = self._only.setdefault(node.op, output)
        if only != output:
            raise UnsupportedError(
                f"op {node.op!r} of node {node.name!r} is not known, and its outputs {only!r} and "
                f"{output!r} are used: a list of operations is needed that says their order"
            )
        return index


def list_length(number_attr: str, type_list_attr: str, attrs: Mapping[str, Raw]) -> int | None:
    """Count the tensors of an argument by a call's attributes; None if it is plainly one."""
    key = number_attr or type_list_attr
    if not key:
        return None
    value = decode_attr(attrs[key]) if key in attrs else None
    if isinstance(value, list):
        return len(value)
    if isinstance(value, int) and 0 <= value <= _MAX_LIST:
        return value
    raise FormatError(f"a call does not say how many tensors an argument has: no attribute {key!r}")
