"""Operations that write variables: dropped where nothing but control edges reach them.

A frozen graph cannot write. What only had to happen (moving averages of batch normalisation, call
counters) is left out, with a warning; where the written value is wanted, there is no constant form
(freeze.md §2.1, §2.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ..._format.wording import listed, quoted
from ..._graphdef.attributes import type_attr
from ..._graphdef.nodes import Node
from ..._graphdef.roles import writes_variable
from ..._look.amounts import format_count, format_subject
from ..._ops.edges import Scope, data_inputs, reachable
from .handles import Handle, passes

# So many inputs from the first on are references; of other operations one.
_REFERENCES: Final[Mapping[str, int]] = {
    "AdaMax": 3,
    "Adadelta": 3,
    "Adagrad": 2,
    "AdagradDA": 3,
    "AdagradV2": 2,
    "Adam": 3,
    "AddSign": 2,
    "CenteredRMSProp": 4,
    "Ftrl": 3,
    "FtrlV2": 3,
    "Momentum": 2,
    "PowerSign": 2,
    "ProximalAdagrad": 2,
    "RMSProp": 3,
}
_MAX_STEPS: Final = 5_000_000
WRITER_OUTPUTS: Final = ("output_ref", "out")


class Update(NamedTuple):
    """A write to a frozen variable that was left out.

    Attributes:
        node: The node that wrote.
        op: Its operation.
        variable: The variable.
        function: The function that the node is in; empty for the main graph.
    """

    node: str
    op: str
    variable: str
    function: str = ""


class Wanted(NamedTuple):
    """A write whose result an output needs, which has no constant form.

    Attributes:
        node: The node that writes.
        op: Its operation.
        variable: The variable.
        user: The node that takes what it gives; empty when that is an output itself.
        function: The function that they are in; empty for the main graph.
    """

    node: str
    op: str
    variable: str
    user: str
    function: str

    def __str__(self) -> str:
        inside = f" in function {quoted(self.function)}" if self.function else ""
        user = f", which {quoted(self.user)} takes" if self.user else ""
        return f"{quoted(self.variable)} by {self.op} {quoted(self.node)}{user}{inside}"


@dataclass(slots=True)
class UpdatePlan:
    """What is to be done about the writes in a scope.

    Attributes:
        dropped: All of them.
        cut: The nodes that nothing waits for any more.
        replaced: Nodes that become the value of the variable, as it is stored or fed.
        stored: The variables whose stored value is taken where a written one was wanted.
        problems: Those whose result is wanted.
        wanted: The nodes of these.
        read_later: Variables that are read after a write that was left out; see `read_later`.
    """

    dropped: list[Update] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    replaced: dict[str, Node] = field(default_factory=dict)
    stored: list[str] = field(default_factory=list)
    problems: list[Wanted] = field(default_factory=list)
    wanted: set[str] = field(default_factory=set)
    read_later: list[str] = field(default_factory=list)

    def inputs(self, node: Node) -> tuple[str, ...]:
        """The inputs of a node that are left."""
        if node.name in self.replaced:
            return self.replaced[node.name].inputs
        inputs = node.inputs
        if self.cut and inputs and inputs[-1].startswith("^"):
            return tuple(edge for edge in inputs if edge[:1] != "^" or edge[1:] not in self.cut)
        return inputs


def written(node: Node, port: int, handle: Handle) -> bool:
    """Whether a node writes the variable that one of its inputs is."""
    if not writes_variable(node.op):
        return False
    if not handle.is_ref:
        return True
    kind = node.op.removeprefix("Sparse").removeprefix("Apply")
    return port < _REFERENCES.get(kind, 2 if node.op == "NegTrain" else 1)


def plan_updates(
    scope: Scope, kept: Mapping[str, object], handles: Mapping[str, Handle], start: Iterable[str]
) -> UpdatePlan:
    """Decide about the writes in a scope.

    Args:
        scope: The graph or body.
        kept: The nodes that its roots need.
        handles: The edges that carry frozen variables.
        start: Those of them that come from the variables themselves.
    """
    plan = UpdatePlan()
    found = _find(scope, kept, handles)
    if not found:
        return plan
    wanted = [root for root in scope.roots if not root.startswith("^")]
    on_path = reachable(scope.nodes, wanted, scope.source, scope.arguments, inputs=data_inputs)
    first = set(start)
    used = _with_used_output(scope, kept, found)
    for name, edges in found.items():
        node = scope.nodes[name]
        handle = handles[scope.spelled(edges[0])]
        variable = handle.variable
        if name in on_path and not handle.is_stored:
            plan.wanted.add(name)
            problem = Wanted(name, node.op, variable, on_path[name], scope.function)
            plan.problems.append(problem)
            continue
        if name in on_path:
            plan.stored.append(variable)
        plan.dropped.append(Update(name, node.op, variable, scope.function))
        if name not in used and all(scope.spelled(edge) in first for edge in edges):
            plan.cut.add(name)
        else:
            # In a loop or branch of TensorFlow 1 who waits for this one would not belong there
            # any more: the value of the variable is there in the same place at the same time.
            attrs = {"T": type_attr(handle.dtype)}
            plan.replaced[name] = node.replace(op="Identity", inputs=edges[:1], attrs=attrs)
    return plan


def _find(
    scope: Scope, kept: Mapping[str, object], handles: Mapping[str, Handle]
) -> dict[str, list[str]]:
    """The nodes that write, with the edges to what they write."""
    found: dict[str, list[str]] = {}
    for name in kept:
        node = scope.nodes[name]
        if not writes_variable(node.op):
            continue
        for port, edge in enumerate(data_inputs(node)):
            handle = handles.get(scope.spelled(edge))
            if handle is not None and written(node, port, handle):
                found.setdefault(name, []).append(edge)
    return found


def _with_used_output(
    scope: Scope, kept: Mapping[str, object], found: Mapping[str, object]
) -> set[str]:
    source = scope.source
    edges = (edge for name in kept for edge in data_inputs(scope.nodes[name]))
    return {name for name in map(source, edges) if name in found}


def read_later(
    scope: Scope,
    before: Mapping[str, object],
    kept: Mapping[str, object],
    handles: Mapping[str, Handle],
    start: Mapping[str, Handle],
    writers: Mapping[str, set[str]],
) -> list[str]:
    """Variables that a node reads which had to wait for a write, or comes after one that had.

    Args:
        scope: The graph or body.
        before: The nodes of it that mattered before writes were left out.
        kept: Those that are left.
        handles: The edges that carry frozen variables.
        start: Those of them that come from the variables themselves.
        writers: By node that wrote, or whose functions did, the variables.
    """
    source = scope.source
    consumers: dict[str, list[str]] = {}
    losers: dict[str, list[str]] = {}
    readers: dict[str, set[str]] = {}
    copies = _copies(scope, kept, start)
    for name in before:
        for edge in scope.nodes[name].inputs:
            other = source(edge)
            for variable in writers.get(other, ()):
                losers.setdefault(variable, []).append(name)
            consumers.setdefault(other, []).append(name)
            if name not in kept or name in writers or edge.startswith("^"):
                continue
            handle = handles.get(scope.spelled(edge))
            if handle is not None and not passes(scope.nodes[name].op, handle):
                readers.setdefault(handle.variable, set()).add(name)
            elif other in copies:
                readers.setdefault(copies[other], set()).add(name)
    steps = 0
    later = []
    for variable, first in losers.items():
        wanted = readers.get(variable, set())
        todo, seen = list(first) if wanted else [], set(first)
        # The steps are bounded, since there may be many variables: beyond, the worst is said.
        while todo and wanted.isdisjoint(todo[-1:]) and steps < _MAX_STEPS:
            following = consumers.get(todo.pop(), ())
            steps += len(following) + 1
            todo += (name for name in following if name not in seen)
            seen.update(following)
        if todo:
            later.append(variable)
    return later


def _copies(
    scope: Scope, kept: Mapping[str, object], start: Mapping[str, Handle]
) -> dict[str, str]:
    """Identities of references, by the variable: they share its memory, so show later writes."""
    found = {}
    for name in kept:
        node = scope.nodes[name]
        edge = node.inputs[0] if node.op == "Identity" and node.inputs else ""
        handle = start.get(scope.spelled(edge)) if edge else None
        if handle is not None and handle.is_ref:
            found[name] = handle.variable
    return found


def update_warnings(plans: Iterable[UpdatePlan]) -> tuple[str, ...]:
    """What is to be said about the writes that were left out."""
    chosen = list(plans)
    stored = list(dict.fromkeys(name for plan in chosen for name in plan.stored))
    dropped = [
        update for plan in chosen for update in plan.dropped if update.variable not in stored
    ]
    first = (
        (
            f"the stored values are taken of {format_count(len(stored), 'variable')}, and not "
            f"those that are written: {listed(stored)}",
        )
        if stored
        else ()
    )
    if not dropped:
        return first
    variables = list(dict.fromkeys(update.variable for update in dropped))
    shown = format_count(len(variables), "variable")
    warnings = [
        *first,
        f"{format_subject(len(dropped), f'update of {shown}', 'is')} left out, the results of "
        f"which no output takes: {listed(variables)}",
    ]
    read = (name for plan in chosen for name in plan.read_later if name not in stored)
    later = list(dict.fromkeys(read))
    if later:
        warnings.append(
            f"{format_subject(len(later), 'variable', 'is')} read after an update that is left "
            f"out, so that outputs may differ: the stored values are used of {listed(later)}"
        )
    return tuple(warnings)
