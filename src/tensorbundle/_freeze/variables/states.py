"""States that are fed: what a write leaves in a variable goes to those that read it afterwards.

A recurrent cell that keeps its state in a variable is run step by step with the state as an input.
Each value that the variable has in a run becomes a tensor: the one that is fed, and one for each
write, computed of the value before it. Who reads after a write takes that write's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from ..._format.wire import Raw
from ..._graphdef.attributes import function_names, type_attr
from ..._graphdef.functions import Function
from ..._graphdef.nodes import Node, Nodes, const_node, make_node
from ..._graphdef.roles import (
    FUNCTION_USES,
    HANDLE_CARRIERS,
    HANDLE_READERS,
    RESOURCE_VARIABLES,
    writes_variable,
)
from ..._ops.edges import NewNames, data_inputs, main_source, reachable
from .forms import Place, constant_form
from .handles import Handle

_INT32: Final = 3
# Each write is followed to all that comes after it.
_MAX_WRITES: Final = 100
# What the value before a write has no part in.
_WHOLE: Final = frozenset({"Assign", "AssignVariableOp"})
_SUMS: Final[Mapping[str, str]] = {
    "AssignAdd": "AddV2",
    "AssignAddVariableOp": "AddV2",
    "AssignSub": "Sub",
    "AssignSubVariableOp": "Sub",
}
# By what is written of rows: the operation on values, whose indices are vectors.
_ROWS: Final[Mapping[str, str]] = {
    f"{resource}Scatter{nd}{kind}": f"TensorScatter{kind}"
    for resource in ("", "Resource")
    for nd in ("", "Nd")
    for kind in ("Update", "Add", "Sub", "Min", "Max")
}
_RANGES: Final = frozenset({"StridedSliceAssign", "ResourceStridedSliceAssign"})
# They tell nothing of the value, so that it is the same before and after a write.
_INDIFFERENT: Final = frozenset({"VariableShape", "VarIsInitializedOp", "IsVariableInitialized"})
_RANGE_ATTRS: Final = (
    "T", "Index", "begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask",
)  # fmt: skip


class _State(NamedTuple):
    """A variable that is fed.

    Attributes:
        name: Its node.
        is_ref: Whether it is a reference, which every user reads.
        dtype: The type of its values.
        writes: The nodes that write it, in the order in which they do.
        after: By write, all that comes after it.
        places: The nodes that give the variable, or what shares its memory.
    """

    name: str
    is_ref: bool
    dtype: int
    writes: list[str]
    after: Mapping[str, set[str]]
    places: tuple[str, ...]

    def place(self, source: str, names: NewNames) -> Place:
        """Where a node is that reads a value which was written."""
        handle = Handle(self.name, self.dtype, None, False)
        return Place({0: handle}, source, False, False, names.make)

    def latest(self, node: str) -> str:
        """The last write before a node; empty where there is none."""
        done = [write for write in self.writes if node in self.after[write]]
        return done[-1] if done else ""


def pass_on_states(
    nodes: Nodes, functions: Mapping[str, Function], fed: Mapping[str, int], roots: Iterable[str]
) -> Nodes:
    """Give who reads a fed variable after a write the value that was written.

    A variable that is written in a branch, a loop or a function, or in no certain order, stays as
    it is.

    Args:
        nodes: The main graph.
        functions: Its functions.
        fed: The types of the variables that are fed, by node.
        roots: The nodes that are needed.

    Raises:
        FormatError: An edge leads nowhere.
    """
    if not fed:
        return nodes
    ends = set(roots)
    kept = reachable(nodes, ends)
    consumers: dict[str, list[str]] = {}
    for name in kept:
        for edge in nodes[name].inputs:
            consumers.setdefault(main_source(edge), []).append(name)
    names = NewNames(nodes)
    for variable, dtype in fed.items():
        if variable not in kept:
            continue
        state = _state(nodes, functions, consumers, variable, dtype)
        if state is not None:
            nodes = {**nodes, **_passed_on(nodes, consumers, state, names, ends)}
    return nodes


def _state(
    nodes: Nodes,
    functions: Mapping[str, Function],
    consumers: Mapping[str, list[str]],
    variable: str,
    dtype: int,
) -> _State | None:
    """A variable with its writes, if they are all plain and one after the other."""
    is_ref = nodes[variable].op not in RESOURCE_VARIABLES
    writes: list[str] = []
    places, carried = [variable], list[str]()
    for place in places:  # which grows: a write gives its reference on
        for name in dict.fromkeys(consumers.get(place, ())):
            node = nodes[name]
            given = [main_source(edge) for edge in data_inputs(node)]
            if place not in given:
                continue  # it only waits
            if writes_variable(node.op) and given[0] == place and _is_plain(node):
                if name not in writes:
                    writes.append(name)
                    places += [name] if is_ref else []
            elif is_ref and node.op == "Identity":
                places += [name] if name not in places else []  # it shares the variable's memory
            elif is_ref and (
                node.op.startswith("Ref") or (writes_variable(node.op) and given[0] == place)
            ):
                return None
            elif not is_ref and (node.op in HANDLE_CARRIERS or node.op in FUNCTION_USES):
                carried.append(name)
            elif not is_ref and node.op not in HANDLE_READERS:
                return None
    if len(writes) > _MAX_WRITES:
        return None
    branches = _read_only(nodes, functions, consumers, carried)
    if branches is None:
        return None
    after = {name: _after(consumers, name) for name in writes}
    # What comes earlier has more behind it.
    writes.sort(key=lambda name: len(after[name]), reverse=True)
    if any(later not in after[write] for write, later in pairwise(writes)):
        return None
    if any(not branches.isdisjoint(each) for each in after.values()):
        return None
    return _State(variable, is_ref, dtype, writes, after, tuple(places))


def _read_only(
    nodes: Nodes,
    functions: Mapping[str, Function],
    consumers: Mapping[str, list[str]],
    carried: Iterable[str],
) -> set[str] | None:
    """The nodes of branches and loops that take a handle, if all that they do is read."""
    found = set(carried)
    waiting = list(found)
    while waiting:
        place = waiting.pop()
        if nodes[place].op in FUNCTION_USES:
            if _writes_any(nodes[place], functions):
                return None
            continue  # it may give a handle back, which nobody does of a variable's
        for name in consumers.get(place, ()):
            node = nodes[name]
            if name in found or place not in map(main_source, data_inputs(node)):
                continue
            if node.op in HANDLE_CARRIERS or node.op in FUNCTION_USES:
                waiting.append(name)
            elif node.op not in HANDLE_READERS:
                return None
            found.add(name)
    return found


def _writes_any(node: Node, functions: Mapping[str, Function]) -> bool:
    """Whether a function that a node uses writes a variable, or one that this uses."""
    users = [node]
    seen: set[str] = set()
    for user in users:  # which grows
        for raw in user.attrs.values():
            for name in function_names(raw):
                if name in functions and name not in seen:
                    seen.add(name)
                    users += functions[name].nodes.values()
        if writes_variable(user.op):
            return True
    return False


def _is_plain(node: Node) -> bool:
    """Whether what a write leaves can be computed of values."""
    given = len(data_inputs(node))
    if node.op in _WHOLE or node.op in _SUMS:
        return given == 2
    return (node.op in _ROWS and given == 3) or (node.op in _RANGES and given == 5)


def _after(consumers: Mapping[str, list[str]], name: str) -> set[str]:
    """All nodes that come after one."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for other in consumers.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _passed_on(
    nodes: Nodes,
    consumers: Mapping[str, list[str]],
    state: _State,
    names: NewNames,
    ends: set[str],
) -> Nodes:
    """The nodes that change, and those that are made."""
    changed: Nodes = {}
    wanted = ends.intersection(state.writes) if state.is_ref else set()
    users = (each for place in state.places for each in consumers.get(place, ()))
    for name in dict.fromkeys(users):
        node, latest = nodes[name], state.latest(name)
        if name in state.writes or not latest or node.op in _INDIFFERENT:
            continue
        moved = {edge: latest for edge in data_inputs(node) if main_source(edge) in state.places}
        if moved:
            node = node.replace(inputs=tuple(moved.get(edge, edge) for edge in node.inputs))
            form = None if state.is_ref else constant_form(node, state.place(latest, names))
            for each in (*(form.before if form is not None else ()), form.node if form else node):
                changed[each.name] = each
            wanted.add(latest)
    for write in reversed(state.writes):
        if write in wanted:
            latest = state.latest(write)
            if latest and nodes[write].op not in _WHOLE:
                wanted.add(latest)
            before = latest or _read(state, names, changed)
            changed.update(_value_of(nodes[write], before, names, state))
    return changed


def _read(state: _State, names: NewNames, made: Nodes) -> str:
    """The value that a variable has before all writes."""
    if state.is_ref:
        return state.name
    attrs = {"dtype": type_attr(state.dtype)}
    read = make_node(names.make(f"{state.name}/Read/fed"), "ReadVariableOp", (state.name,), attrs)
    made[read.name] = read
    return read.name


def _value_of(write: Node, before: str, names: NewNames, state: _State) -> Nodes:
    """What a write leaves in a variable, computed of the value before it."""
    given = data_inputs(write)
    waits = write.inputs[len(given) :]
    attrs: dict[str, Raw] = {"T": type_attr(state.dtype)}
    made: Nodes = {}
    if write.op in _WHOLE:
        op, inputs = "Identity", given[1:]
    elif write.op in _SUMS:
        op, inputs = _SUMS[write.op], (before, *given[1:])
    elif write.op in _RANGES:
        op, inputs = "TensorStridedSliceUpdate", (before, *given[1:])
        attrs |= {key: write.attrs[key] for key in _RANGE_ATTRS[1:] if key in write.attrs}
    else:
        op, indices = _ROWS[write.op], given[1]
        number = write.attrs.get("Tindices", type_attr(_INT32))
        if "Nd" not in write.op:
            last = const_node(names.make(f"{write.name}/last"), np.array(-1, np.int32))
            wide = make_node(
                names.make(f"{write.name}/rows"), "ExpandDims", (indices, last.name),
                {"T": number, "Tdim": type_attr(_INT32)},
            )  # fmt: skip
            made = {last.name: last, wide.name: wide}
            indices = wide.name
        inputs = (before, indices, *given[2:])
        attrs["Tindices"] = number
    made[write.name] = write.replace(op=op, inputs=(*inputs, *waits), attrs=attrs)
    return made
