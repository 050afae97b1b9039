"""Moving averages: which variable keeps the average of which tensor, as its updates say.

Batch normalisation that trains computes the mean and variance of the batch, and beside that updates
variables: ``v -= (v - batch) * rate``, or the same with other signs and factors. What the update
subtracts from the variable is the tensor whose average it keeps.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ..._format.names import as_text
from ..._graphdef.attributes import bool_attr, type_attr
from ..._graphdef.nodes import Node, Nodes, join_input, make_node, parse_input
from ..._graphdef.roles import PLACEHOLDERS, VARIABLES
from ..._graphdef.shapes import ShapeValue
from ..._graphdef.tensors import TensorMessage
from ..._ops.edges import NewNames, data_inputs

if TYPE_CHECKING:
    from ..._format.wire import Raw

BATCH_NORMS: Final = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_WRITERS: Final = frozenset(
    {"Assign", "AssignAdd", "AssignSub"}
    | {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"}
)
_SUMS: Final = frozenset({"Add", "AddV2", "Sub", "Mul", "RealDiv", "Div", "AddN", "Neg"})
_FACTORS: Final = frozenset({"Mul", "RealDiv", "Div"})
_PASSING: Final = frozenset(
    {
        "Identity",
        "Cast",
        "Switch",
        "RefSwitch",
        "Enter",
        "RefEnter",
        "ReadVariableOp",
        "StopGradient",
    }
)
_RESHAPING: Final = frozenset(
    {"Squeeze", "Reshape", "ExpandDims", "StopGradient", "Identity", "Cast"}
)
REDUCTIONS: Final = frozenset({"Mean", "Sum"})
# What statistics are made of others by: a variance of two means, the mean of several towers.
_COMBINING: Final = _SUMS | {"Maximum", "Minimum", "Square", "SquaredDifference"}
_CARRYING: Final = frozenset({"Switch", "RefSwitch", "Enter", "RefEnter"})
# What counts elements, and what takes numbers out of a shape.
_COUNTS: Final = frozenset({"Size", "Rank"})
_SHAPES: Final = frozenset({"Shape", "ShapeN"})
_OF_SHAPES: Final = frozenset({"StridedSlice", "Gather", "GatherV2", "Prod", "Slice", "Reshape"})
_SCALAR_OPS: Final = _SUMS | {
    "Pow", "Minimum", "Maximum", "Identity", "Cast", "Exp", "Log", "FloorDiv", "Reciprocal",
    "Squeeze", "Reshape", "Prod",
}  # fmt: skip
_STEPS: Final = 64  # of an update's arithmetic


class Walk:
    """Ways back through the arithmetic of a graph.

    Args:
        nodes: The main graph.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def node(self, edge: str) -> Node | None:
        """The node that an edge comes from."""
        return self._nodes.get(parse_input(edge).name)

    def origin(self, edge: str, passing: frozenset[str] = _PASSING) -> tuple[Node | None, int]:
        """The node and output that something comes from that is only passed on."""
        for _ in range(_STEPS):
            node, port = self.node(edge), parse_input(edge).port
            if node is None or node.op not in passing or not data_inputs(node):
                return node, port
            edge = node.inputs[0]
        return None, 0

    def variable(self, edge: str) -> str | None:
        """The variable that a reference, a handle or a read leads to."""
        node, _ = self.origin(edge)
        return node.name if node is not None and node.op in VARIABLES else None

    def is_scalar(self, edge: str, steps: int = _STEPS) -> bool:
        """Whether a tensor is one number, made of constants, counters and rates that are fed."""
        node, _ = self.origin(edge)
        if node is None or steps == 0:
            return False
        if node.op == "Const":
            value = node.attr("value")
            return isinstance(value, TensorMessage) and value.size == 1
        if node.op in VARIABLES or node.op in PLACEHOLDERS:
            shape = node.attr("shape")
            dims = shape.dims if isinstance(shape, ShapeValue) else None
            return not dims and (dims is not None or node.op in PLACEHOLDERS)
        if node.op in _WRITERS:
            return self.is_scalar(node.inputs[0], steps - 1)
        if node.op in _COUNTS or self._is_of_shape(node):
            return True
        given = data_inputs(node)
        return node.op in _SCALAR_OPS and all(self.is_scalar(each, steps // 2) for each in given)

    def _is_of_shape(self, node: Node) -> bool:
        """Whether a node takes a number out of a shape, or multiplies some."""
        if node.op not in _OF_SHAPES:
            return False
        found: Node | None = node
        for _ in range(_STEPS):
            if found is None or found.op in _SHAPES:
                return found is not None
            if found.op not in _OF_SHAPES and found.op not in _PASSING:
                return False
            found = self.node(found.inputs[0]) if data_inputs(found) else None
        return False


def averages(nodes: Nodes, used: Container[str]) -> dict[str, str]:
    """The variables that keep the average of a statistic of the batch, by tensor (``node:1``).

    Only vectors are meant: the average of a loss is no part of a model. What several variables
    keep (batch renormalisation corrects one by the other) is left out.

    Args:
        nodes: The main graph.
        used: The nodes that outputs are computed of. Of a sum over a count these tell that the
            quotient is the statistic, of a variance that is corrected for the update that it is
            what was corrected.
    """
    found = written_statistics(nodes, used)
    return {tensor: names.pop() for tensor, names in found.items() if len(names) == 1}


def written_statistics(nodes: Nodes, used: Container[str]) -> dict[str, set[str]]:
    """All statistics that updates write, as `averages`: each with the variables that keep it."""
    walk = Walk(nodes)
    found: dict[str, set[str]] = {}
    copies: list[tuple[str, str]] = []
    for node in nodes.values():
        if node.op not in _WRITERS or len(data_inputs(node)) < 2:
            continue
        variable = walk.variable(node.inputs[0])
        if variable is None or walk.is_scalar(node.inputs[0]):
            continue
        term = _without(walk, node, variable, used)
        if term is None:
            continue
        if _is_statistic(walk, term):
            found.setdefault(term, set()).add(variable)
        elif (biased := _variable_behind(walk, term)) is not None:
            copies.append((variable, biased))
    # A debiased average is made of a biased one, which is no more than a step on the way.
    for variable, biased in copies:
        for names in found.values():
            if biased in names:
                names.discard(biased)
                names.add(variable)
    return found


def statistics_behind(nodes: Nodes, tensor: str, used: Container[str]) -> list[str]:
    """The means of data that a statistic is made of, where outputs are computed of them too.

    Data are what it is a mean of: a mean that something else goes on with is no statistic.
    """
    walk = Walk(nodes)
    found: list[str] = []
    waiting = [tensor]
    for edge in waiting:  # which grows
        node, _ = walk.origin(edge, _RESHAPING | _CARRYING)
        if node is None or len(waiting) > _STEPS:
            break
        if node.op in REDUCTIONS and node.name in used and _centres(walk, nodes, node, used):
            found.append(node.name)
        elif node.op in _COMBINING or node.op in REDUCTIONS:
            waiting += data_inputs(node)[: 1 if node.op in REDUCTIONS else None]
    return found


def _centres(walk: Walk, nodes: Nodes, mean: Node, used: Container[str]) -> bool:
    """Whether a mean is taken from what it is the mean of, or that is squared against it."""
    data, _ = walk.origin(mean.inputs[0], _RESHAPING)
    for name, node in nodes.items():
        if node.op not in ("Sub", "SquaredDifference", "Square") or name not in used:
            continue
        sources = {
            source.name
            for each in data_inputs(node)
            if (source := walk.origin(each, _RESHAPING)[0]) is not None
        }
        if data is not None and {data.name, mean.name} <= sources:
            return True
    return False


def _variable_behind(walk: Walk, edge: str) -> str | None:
    """The variable that something is the value of, perhaps just written."""
    node = walk.node(edge)
    written = node is not None and node.op in _WRITERS
    return walk.variable(node.inputs[0] if node is not None and written else edge)


def _without(walk: Walk, writer: Node, variable: str, used: Container[str]) -> str | None:
    """The one term of an update, as a tensor, that is neither the variable nor a factor."""
    direct = writer.op in ("Assign", "AssignVariableOp")
    terms: list[str] = []
    waiting = [(writer.inputs[1], "")]  # with the outermost tensor of the same term in use
    has_variable = False
    for _ in range(_STEPS):
        if not waiting:
            break
        edge, outer = waiting.pop()
        node = walk.node(edge)
        if node is None:
            return None
        outer = outer or (edge if node.name in used else "")
        if walk.variable(edge) == variable:
            has_variable = True
        elif walk.is_scalar(edge):
            continue
        elif node.op in _SUMS and _leads_to(walk, edge, variable):
            waiting += ((each, "") for each in data_inputs(node))
        elif node.op in _FACTORS or node.op in ("Identity", "Cast"):
            given = [each for each in data_inputs(node) if not walk.is_scalar(each)]
            if node.op == "Cast" or len(given) == 1:
                waiting += ((each, outer) for each in given[:1])
            else:
                terms.append(outer or edge)
        else:
            terms.append(outer or edge)
    if len(terms) != 1 or waiting or not (has_variable or direct):
        return None
    # In a branch the term is what was handed to it.
    node, port = walk.origin(terms[0], _CARRYING)
    return None if node is None else join_input(node.name, port)


def _leads_to(walk: Walk, edge: str, variable: str, steps: int = 16) -> bool:
    """Whether a sum has a variable among its terms."""
    if walk.variable(edge) == variable:
        return True
    node, _ = walk.origin(edge)
    if node is None or node.op not in _SUMS or not steps:
        return False
    return any(_leads_to(walk, each, variable, steps // 2) for each in data_inputs(node))


def _is_statistic(walk: Walk, tensor: str, steps: int = 16) -> bool:
    """Whether a tensor is a mean or variance of data, and not what a variable holds."""
    node, port = walk.origin(tensor, _RESHAPING | _CARRYING)
    if node is None or not steps:
        return False
    if node.op in BATCH_NORMS:
        return port in (1, 2)
    if node.op in REDUCTIONS:
        return True
    parts = [each for each in data_inputs(node) if not walk.is_scalar(each)]
    if node.op not in _COMBINING or not parts:
        return False
    return all(_is_statistic(walk, each, steps // 2) for each in parts)


def _frame(entry: Node) -> str:
    name = entry.attr("frame_name")
    return as_text(name) if isinstance(name, bytes) else entry.name


class Reads:
    """Reads of variables, made once for each.

    Args:
        nodes: The main graph.

    Attributes:
        made: The nodes that read.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._names = NewNames(nodes)
        self._edges: dict[tuple[str, ...], str] = {}
        self.made: dict[str, Node] = {}

    def of(self, variable: str, entries: Sequence[Node] = ()) -> str:
        """The edge on which the value of a variable comes.

        Args:
            variable: The variable.
            entries: By loop that the value is wanted in, the outermost first, a node that enters.
        """
        key = (variable, *(_frame(each) for each in entries))
        if key not in self._edges:
            node = self._nodes[variable]
            dtype = node.attr("dtype")
            dtype_attr = type_attr(int(dtype) if isinstance(dtype, int) else 1)
            if entries:
                self._edges[key] = self._entered(variable, entries, dtype_attr)
            elif node.op == "VarHandleOp":
                attrs = {"dtype": dtype_attr}
                self._edges[key] = self.add(
                    make_node(f"{variable}/average", "ReadVariableOp", (variable,), attrs)
                )
            else:
                self._edges[key] = variable
        return self._edges[key]

    def _entered(self, variable: str, entries: Sequence[Node], dtype: Raw) -> str:
        """The value as a loop has it in each of its rounds."""
        outside = self.of(variable, entries[:-1])
        entry = entries[-1]
        kept = ("frame_name", "parallel_iterations")
        attrs = {key: entry.attrs[key] for key in kept if key in entry.attrs}
        attrs |= {"T": dtype, "is_constant": bool_attr(True)}
        return self.add(make_node(f"{variable}/average/Enter", "Enter", (outside,), attrs))

    def add(self, node: Node) -> str:
        """Take a node under a name that is free."""
        name = self._names.make(node.name)
        self.made[name] = node.replace(name=name)
        return name


def fused_in_training(nodes: Mapping[str, Node]) -> list[str]:
    """The batch normalisations that take the statistics of the batch."""
    return [
        name
        for name, node in nodes.items()
        if node.op in BATCH_NORMS and node.attr("is_training", True) is not False
    ]
