"""Inference mode: what was built for training made what it is when a model is used.

Batch normalisation takes the moving averages that its updates keep, dropout passes on what it is
given, switches of training are off. Results are those of the graph that the same program builds for
inference, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

import numpy as np

from ..._format import dtypes
from ..._format.wording import Worded, listed, option
from ..._graphdef.attributes import bool_attr, function_names
from ..._graphdef.nodes import Node, Nodes, const_node, join_input, make_node, parse_input
from ..._graphdef.roles import PLACEHOLDERS
from ..._graphdef.tensors import TensorMessage
from ..._ops.edges import data_inputs, reachable
from ..._ops.types import dtype_of, shape_of
from ..wanted.loops import Frames
from .dropout import without_dropout
from .functions import turned
from .statistics import (
    BATCH_NORMS,
    REDUCTIONS,
    Reads,
    Walk,
    averages,
    fused_in_training,
    statistics_behind,
    written_statistics,
)
from .switches import is_switch, off_value

if TYPE_CHECKING:
    from ..._graphdef.functions import Function, OpDef
    from ..._graphdef.meta_graph import MetaGraph

# Keras' learning phase is a number in some years.
_SWITCH_TYPES: Final = frozenset({dtypes.BOOL, 3, 9})  # and int32, int64
_STEPS: Final = 8


class Inference(NamedTuple):
    """A graph in inference mode.

    Attributes:
        nodes: Its nodes.
        functions: Its functions, in inference mode as well.
        warnings: What was changed.
    """

    nodes: Nodes
    functions: Mapping[str, Function]
    warnings: tuple[str, ...]


def to_inference(
    nodes: Nodes,
    roots: Iterable[str],
    meta: MetaGraph,
    functions: Mapping[str, Function],
    op_defs: Mapping[str, OpDef],
) -> Inference:
    """Turn what some nodes need to inference.

    Args:
        nodes: The main graph, its calls inlined.
        roots: The nodes.
        meta: What is said about the graph.
        functions: Its functions.
        op_defs: What is known of operations beside the table.

    Raises:
        FormatError: An edge leads nowhere.
    """
    roots = list(roots)
    nodes, switched = _switched_off(nodes, reachable(nodes, roots), meta)
    dropped: list[str] = []
    normalised: list[str] = []

    def turn(nodes: Nodes, roots: list[str], where: str) -> Nodes:
        nodes, without = without_dropout(nodes)
        nodes, with_averages = _with_averages(nodes, roots)
        dropped.extend(where + each for each in without)
        normalised.extend(where + each for each in with_averages)
        return nodes

    nodes = turn(nodes, roots, "")
    used = [nodes[name] for name in reachable(nodes, roots)]
    functions = {**functions, **turned(used, functions, op_defs, turn)}
    told = [
        f"{what}: {listed(names)}"
        for names, what in (
            (normalised, "batch normalization takes its moving averages"),
            (dropped, "dropout is left out"),
            (switched, "switches of training are turned off"),
        )
        if names
    ]
    return Inference(nodes, functions, tuple(told))


def training_notes(
    nodes: Nodes,
    functions: Mapping[str, Function],
    before: Nodes,
    given: Mapping[str, Function],
    op_defs: Mapping[str, OpDef],
    *,
    tried: bool,
) -> Iterator[str]:
    """What of a frozen graph is still in training mode.

    Args:
        nodes: The frozen graph.
        functions: Its functions.
        before: The graph that it was made of, with all updates.
        given: The functions that its own were made of.
        op_defs: What is known of operations beside the table.
        tried: Whether it was to be in inference mode.
    """
    apart = switched_branches(nodes, fed=True)
    found = fused_in_training(nodes)
    inside: list[str] = []
    for name, function in functions.items():
        if name in apart:
            continue
        inside += [f"{function.name}/{name}" for name in fused_in_training(function.nodes)]
    if functions and not inside and not tried:
        inside = _normalised_inside(before, given, op_defs)
    means = any(node.op in REDUCTIONS for node in nodes.values())
    unclear = False
    for tensor, variables in (written_statistics(before, nodes) if means else {}).items():
        places = _places(before, tensor)
        if before[places[0]].op in BATCH_NORMS:
            continue  # which of these take the batch's, they say themselves
        kept = [name for name in places if name in nodes]
        used = kept or statistics_behind(before, tensor, nodes)
        unclear = unclear or (bool(used) and (not kept or len(variables) > 1))
        found += [name for name in used[:1] if name not in found]
    found = [name for name in found if name not in apart] + inside
    if not found:
        return
    said = (
        "batch normalization is in training mode, its moving averages are not used: "
        f"{listed(found)}"
    )
    if tried:
        yield f"{said}; no update says which one variable keeps each"
    elif unclear:
        yield said
    else:
        yield Worded(said, "; ", option("training", False), " makes it use them")


def _normalised_inside(
    nodes: Nodes, functions: Mapping[str, Function], op_defs: Mapping[str, OpDef]
) -> list[str]:
    """What of functions would take moving averages in inference mode."""
    found: list[str] = []

    def turn(nodes: Nodes, roots: list[str], where: str) -> Nodes:
        nodes, normalised = _with_averages(nodes, roots)
        found.extend(where + each for each in normalised)
        return nodes

    apart = switched_branches(nodes, fed=True)
    turned(
        nodes.values(), {n: each for n, each in functions.items() if n not in apart}, op_defs, turn
    )
    return found


def switched_branches(nodes: Nodes, *, fed: bool) -> set[str]:
    """List the nodes and functions that never run.

    Args:
        nodes: A graph.
        fed: Whether those count too that run only when something that is fed says so.
    """
    walk = Walk(nodes)
    consumers: dict[str, list[tuple[str, int]]] = {}
    for name, node in nodes.items():
        for text in node.inputs:
            source = parse_input(text)
            consumers.setdefault(source.name, []).append((name, source.port))
    found: set[str] = set()
    waiting: list[tuple[str, int | None]] = []
    for name, node in nodes.items():
        if node.op in ("Switch", "RefSwitch") and len(node.inputs) > 1:
            decides, value = _decision(walk, node.inputs[1])
            if value is not None:
                waiting.append((name, int(not value)))
            elif fed and decides:
                waiting.append((name, None))
        elif node.op in ("If", "StatelessIf") and node.inputs:
            decides, value = _decision(walk, node.inputs[0])
            for key, taken in (("then_branch", True), ("else_branch", False)):
                if (value is not None and value != taken) or (value is None and fed and decides):
                    found.update(function_names(node.attrs.get(key, b"")))
    for name, port in waiting:  # which grows
        for other, used in consumers.get(name, ()):
            if other not in found and nodes[other].op != "Merge" and port in (None, used):
                found.add(other)
                waiting.append((other, None))
    return found


def _decision(walk: Walk, edge: str) -> tuple[bool, bool | None]:
    """Whether what is fed decides, and the value of a decision that is a constant."""
    negated = False
    for _ in range(_STEPS):
        node, _ = walk.origin(edge)
        if node is None:
            break
        if node.op == "LogicalNot" and node.inputs:
            negated, edge = not negated, node.inputs[0]
            continue
        if node.op in ("Equal", "NotEqual") and len(given := data_inputs(node)) == 2:
            first, second = (_number(walk.origin(each)[0]) for each in given)
            if first is None or second is None:
                break
            return False, (first == second) != (negated ^ (node.op == "NotEqual"))
        value = _number(node)
        return node.op in PLACEHOLDERS, None if value is None else bool(value) != negated
    return False, None


def _number(node: Node | None) -> int | None:
    """What a constant truth value is, or a number that stands for one."""
    value = node.attr("value") if node is not None and node.op == "Const" else None
    if not isinstance(value, TensorMessage) or value.dtype not in _SWITCH_TYPES or value.size != 1:
        return None
    return int(value.array().reshape(-1)[0])


# --- switches -----------------------------------------------------------------------------------


def _switched_off(
    nodes: Nodes, needed: Mapping[str, object], meta: MetaGraph
) -> tuple[Nodes, list[str]]:
    found = {}
    for name, node in nodes.items():
        if (
            name not in needed
            or node.op not in PLACEHOLDERS
            or (dtype := dtype_of(node, 0, {})) not in _SWITCH_TYPES
        ):
            continue
        if is_switch(name) and not shape_of(meta, nodes, node, 0):
            value = np.array(off_value(name), dtypes.numpy_dtype(dtype))
            found[name] = const_node(name, value, node.device)
    return ({**nodes, **found} if found else nodes), list(found)


# --- batch normalization ------------------------------------------------------------------------


def _with_averages(nodes: Nodes, roots: Iterable[str]) -> tuple[Nodes, list[str]]:
    """Have batch normalisation take the averages that its updates keep."""
    needed = reachable(nodes, roots)
    kept = averages(nodes, reachable(nodes, roots, inputs=data_inputs))
    if not kept:
        return nodes, []
    reads, frames = Reads(nodes), Frames(nodes)
    changed: dict[str, Node] = {}
    moved: dict[str, str] = {}  # tensor → tensor
    fused = [each for each in fused_in_training(nodes) if each in needed]
    for name in fused:
        mean, variance = (kept.get(f"{name}:{port}") for port in (1, 2))
        if mean is not None and variance is not None:
            node, inside = nodes[name], frames.entries(name)
            taken = reads.of(mean, inside), reads.of(variance, inside)
            inputs = (*node.inputs[:3], *taken, *node.inputs[5:])
            attrs = {**node.attrs, "is_training": bool_attr(False)}
            changed[name] = node.replace(inputs=inputs, attrs=attrs)
    for tensor, variable in kept.items():
        name = parse_input(tensor).name
        node = nodes[name]
        if name in fused or node.op.startswith("FusedBatchNorm"):
            continue
        moved[tensor] = reads.of(variable, frames.entries(name))
        if _is_squeeze(node) and (kept_shape := _unsqueezed(nodes, node, variable)) is not None:
            moved[join_input(*parse_input(node.inputs[0]))] = _reshaped(
                reads, node, variable, moved[tensor], kept_shape
            )
    used = [
        tensor
        for tensor in kept
        if tensor in moved and not needed.keys().isdisjoint(_places(nodes, tensor))
    ]
    result: Nodes = {}
    for name, node in ({**nodes, **changed}).items():
        inputs = tuple(
            moved.get(join_input(*parse_input(text)), text) if text[:1] != "^" else text
            for text in node.inputs
        )
        result[name] = node if inputs == node.inputs else node.replace(inputs=inputs)
    result.update(reads.made)
    return result, [*changed, *used]


def _places(nodes: Nodes, tensor: str) -> list[str]:
    """The node of a statistic; one that keeps its dimensions is squeezed for updates alone."""
    node = nodes[parse_input(tensor).name]
    return [node.name, *(parse_input(each).name for each in node.inputs[: _is_squeeze(node)])]


def _is_squeeze(node: Node | None) -> TypeGuard[Node]:
    return node is not None and node.op == "Squeeze" and bool(node.inputs)


def _unsqueezed(nodes: Nodes, node: Node, variable: str) -> tuple[int, ...] | None:
    """The shape that a statistic had before its dimensions of one element were left out."""
    shape = getattr(nodes[variable].attr("shape"), "dims", None)
    axes = node.attr("squeeze_dims")
    if not isinstance(axes, list) or not axes:
        return None
    if shape is None:  # of what a function is given: then it is a vector
        shape = (-1,)
    rank = len(shape) + len(axes)
    ones = {int(axis) % rank for axis in axes}
    rest = iter(shape)
    return tuple(1 if axis in ones else next(rest, 1) for axis in range(rank))


def _reshaped(reads: Reads, node: Node, variable: str, value: str, shape: tuple[int, ...]) -> str:
    # In a loop a constant without an input would be of none of its rounds.
    after = (f"^{value}",) if value != variable else ()
    dims = const_node(f"{variable}/average/shape", np.array(shape, np.int32))
    inputs = (value, reads.add(dims.replace(inputs=after)))
    attrs = {"T": node.attrs["T"]} if "T" in node.attrs else {}
    return reads.add(make_node(f"{variable}/average/reshaped", "Reshape", inputs, attrs))
