"""Rewriting a graph or a function's body for variables that are values (freeze.md §2)."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..._format.wire import Raw
from ..._graphdef.attributes import rename_functions
from ..._graphdef.functions import Function
from ..._graphdef.nodes import Node, Nodes
from ..._ops.edges import NewNames, Scope, data_inputs, reachable
from ...errors import UnsupportedError
from .forms import Form, Place, constant_form, function_form
from .handles import Handle, Specialised, Traced, WantedFunction, function_use, trace_handles
from .updates import WRITER_OUTPUTS, UpdatePlan, plan_updates, read_later


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What came of a scope.

    Attributes:
        nodes: Its nodes; only those that its roots need.
        handles: The edges, as they were before, that carried variables and carry values now.
        outputs: Edges of a body that are called differently now.
        plan: What was done about writes.
        problems: Users of variables that have no constant form.
        callees: The functions that were made for it.
        written: The variables that it, or what it calls, would have written.
    """

    nodes: Nodes
    handles: Mapping[str, Handle]
    outputs: Mapping[str, str]
    plan: UpdatePlan
    problems: tuple[str, ...]
    callees: tuple[str, ...]
    written: frozenset[str]


class _Changes(NamedTuple):
    nodes: Nodes
    outputs: dict[str, str]
    problems: list[str]


def rewrite_scope(
    scope: Scope, start: Mapping[str, Handle], functions: Mapping[str, Function]
) -> Generator[WantedFunction, Specialised, Rewritten]:
    """Write a scope anew.

    Args:
        scope: The graph or body.
        start: The edges that variables begin at: variables, or arguments of a function.
        functions: All functions.

    Yields:
        Functions that are wanted; see `trace_handles`.

    Raises:
        FormatError: An edge leads nowhere.
    """
    kept: Mapping[str, object] = reachable(scope.nodes, scope.roots, scope.source, scope.arguments)
    traced = yield from trace_handles(scope, kept, start, functions)
    plan = plan_updates(scope, kept, traced.handles, start)
    before, inside = kept, traced.written()
    if plan.dropped or plan.replaced:
        roots = [root for root in scope.roots if root[:1] != "^" or root[1:] not in plan.cut]
        kept = reachable(scope.nodes, roots, scope.source, scope.arguments, inputs=plan.inputs)
    if plan.dropped or inside:
        writers = inside | {each.node: {each.variable} for each in plan.dropped}
        reading = {name: None for name in kept if name not in plan.replaced}
        plan.read_later = read_later(scope, before, reading, traced.handles, start, writers)
    changes = _Changes({}, {}, [])
    names = NewNames(scope.nodes, scope.arguments)
    callees: dict[str, None] = {}
    for name, node in scope.nodes.items():
        if name not in kept:
            continue
        if name in plan.replaced:
            node = plan.replaced[name]
            if scope.function:
                for old in WRITER_OUTPUTS:
                    changes.outputs[f"{name}:{old}:0"] = f"{name}:output:0"
        inputs = plan.inputs(node)
        if len(inputs) != len(node.inputs):
            node = node.replace(inputs=inputs)
        handles = _handles_of(scope, node, traced.handles)
        if name in traced.callees:
            node = _with_callees(scope, node, traced, functions, changes.problems)
            callees.update(dict.fromkeys(each.name for _, each in traced.callees[name]))
        elif handles and name not in plan.wanted:
            node = _in_constant_form(scope, node, handles, start, names, changes)
        changes.nodes[name] = node
    nodes = _renamed_outputs(scope, changes.nodes, changes.outputs)
    return Rewritten(
        nodes,
        traced.handles,
        changes.outputs,
        plan,
        tuple(changes.problems),
        tuple(callees),
        frozenset({each.variable for each in plan.dropped}.union(*inside.values())),
    )


def _handles_of(scope: Scope, node: Node, handles: Mapping[str, Handle]) -> dict[int, Handle]:
    found = {}
    for port, edge in enumerate(data_inputs(node)):
        handle = handles.get(scope.spelled(edge))
        if handle is not None:
            found[port] = handle
    return found


def _in_constant_form(
    scope: Scope,
    node: Node,
    handles: Mapping[int, Handle],
    start: Mapping[str, Handle],
    names: NewNames,
    changes: _Changes,
) -> Node:
    """A node with its variables as values; nodes and names that this makes go to the changes."""
    edge = data_inputs(node)[next(iter(handles))]
    is_start = scope.spelled(edge) in start
    place = Place(handles, scope.source(edge), is_start, bool(scope.function), names.make)
    try:
        form = constant_form(node, place) or Form(node)
    except UnsupportedError as error:
        variable = next(iter(handles.values())).variable
        changes.problems.append(f"{node.op} {scope.where(node.name)} of {variable!r}: {error}")
        return node
    for each in form.before:
        changes.nodes[each.name] = each
    if form.output is not None and scope.function:
        old, new = form.output
        changes.outputs[f"{node.name}:{old}:0"] = f"{node.name}:{new}:0"
    return form.node


def _with_callees(
    scope: Scope,
    node: Node,
    traced: Traced,
    functions: Mapping[str, Function],
    problems: list[str],
) -> Node:
    """A node that uses functions, using those that take values."""
    callees = traced.callees[node.name]
    arguments = traced.arguments[node.name]
    use = function_use(node, functions)
    if use is None:
        return node
    results: Mapping[int, Handle] = callees[-1][1].results
    is_loop = use.takes == use.gives != ""
    same = [callee.results.keys() for _, callee in callees[1 if is_loop else 0 :]]
    if any(keys != (arguments.keys() if is_loop else results.keys()) for keys in same):
        variable = next(iter(arguments.values())).variable
        problems.append(
            f"{node.op} {scope.where(node.name)} of {variable!r}: a variable that is frozen and "
            f"something else come out in the same place"
        )
    names = {old: callee.name for old, callee in callees}
    renamed: dict[str, Raw] = {key: rename_functions(node.attrs[key], names) for key in use.keys}
    if not use.keys:
        node = node.replace(op=names[node.op])
    return function_form(node, use, arguments, arguments if is_loop else results, renamed)


def _renamed_outputs(scope: Scope, nodes: Nodes, outputs: Mapping[str, str]) -> Nodes:
    """The nodes of a body, taking outputs that are called differently now."""
    if not outputs:
        return nodes
    changed: Nodes = {}
    for name, node in nodes.items():
        inputs = [renamed_edge(scope, edge, outputs) for edge in node.inputs]
        changed[name] = node if tuple(inputs) == node.inputs else node.replace(inputs=inputs)
    return changed


def renamed_edge(scope: Scope, edge: str, outputs: Mapping[str, str]) -> str:
    """An edge by its new name."""
    return edge if edge.startswith("^") else outputs.get(scope.spelled(edge), edge)
