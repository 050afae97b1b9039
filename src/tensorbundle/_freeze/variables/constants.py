"""Variables made constants, with all that uses them (freeze.md §2.1)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from ..._format.wording import Worded, joined, option, quoted
from ..._graphdef.attributes import shape_attr, tensor_attr, type_attr
from ..._graphdef.functions import Function, OpDef
from ..._graphdef.nodes import Nodes, make_node
from ..._graphdef.roles import REF_VARIABLES, VARIABLES
from ..._ops.edges import Scope, main_source
from ...errors import UnsupportedError
from .forms import variable_constant
from .handles import Handle
from .rewrite import Rewritten, rewrite_scope
from .specialise import Specialiser
from .states import pass_on_states
from .updates import Update, update_warnings

_SHOWN = 10


class Constant(NamedTuple):
    """What a variable is frozen to.

    Attributes:
        dtype: The DataType number of its values.
        shape: Its shape as far as it is known; -1 is an unknown dimension.
        value: A ``TensorProto``; None for one that is written later, from a checkpoint.
        is_fed: Whether it becomes a placeholder, and no constant.
        is_stored: Whether the stored value is taken even where a written one is wanted.
    """

    dtype: int
    shape: tuple[int, ...] | None
    value: bytes | None = None
    is_fed: bool = False
    is_stored: bool = False


class ConstantGraph(NamedTuple):
    """A graph whose variables are constants.

    Attributes:
        nodes: The nodes that the roots need.
        functions: The functions given, and those made for arguments that are values.
        constants: The constants without a value, in the order of the nodes.
        updates: Writes that were left out.
        warnings: What is to be said about them.
    """

    nodes: Nodes
    functions: Mapping[str, Function]
    constants: tuple[str, ...]
    updates: tuple[Update, ...]
    warnings: tuple[str, ...]


def freeze_variables(
    nodes: Nodes,
    functions: Mapping[str, Function],
    frozen: Mapping[str, Constant],
    roots: Iterable[str],
    op_defs: Mapping[str, OpDef] | None = None,
) -> ConstantGraph:
    """Make constants of variables, as far as some nodes need them.

    Args:
        nodes: The main graph.
        functions: Its functions.
        frozen: The variables that may become constants, by node. Others stay as they are.
        roots: The nodes that are needed.
        op_defs: Not needed; every stage takes it.

    Raises:
        FormatError: An edge leads nowhere, or a function is missing.
        UnsupportedError: A variable is used, or written, in a way that has no constant form; all
            such uses are named.
    """
    del op_defs
    roots = [main_source(root) for root in roots]
    start = {}
    fed = {name for name, each in frozen.items() if each.is_fed and name in nodes}
    nodes = pass_on_states(nodes, functions, {name: frozen[name].dtype for name in fed}, roots)
    for name, constant in frozen.items():
        node = nodes.get(name)
        if node is None or node.op not in VARIABLES:
            continue  # the graph was cut there, and it is fed
        is_ref = node.op in REF_VARIABLES
        start[name] = Handle(name, constant.dtype, constant.shape, is_ref, constant.is_stored)
    specialiser = Specialiser(functions)
    main = specialiser.run(rewrite_scope(Scope(nodes, tuple(roots)), start, functions))
    used = _used(main, specialiser.rewritten)
    _check(used, fed)
    result: Nodes = {}
    for name, node in main.nodes.items():
        if name in start and name in fed:
            handle = start[name]
            attrs = {"dtype": type_attr(handle.dtype), "shape": shape_attr(handle.shape)}
            node = make_node(name, "Placeholder", (), attrs, node.device)
        elif name in start:
            value = frozen[name].value
            attr = None if value is None else tensor_attr(value)
            node = variable_constant(node, start[name], attr)
        result[name] = node
    made = {name: function for name, function in specialiser.functions.items() if name in used}
    return ConstantGraph(
        result,
        {**functions, **made} if made else functions,
        tuple(
            name
            for name in result
            if name in start and frozen[name].value is None and name not in fed
        ),
        tuple(update for each in used.values() for update in each.plan.dropped),
        update_warnings(each.plan for each in used.values()),
    )


def _used(main: Rewritten, made: Mapping[str, Rewritten]) -> dict[str, Rewritten]:
    """The main graph (under an empty name), and the functions made that something uses."""
    used = {"": main}
    todo = list(main.callees)
    for name in todo:  # which grows
        if name not in used:
            used[name] = made[name]
            todo += made[name].callees
    return used


def _check(used: Mapping[str, Rewritten], fed: Container[str]) -> None:
    """Raise UnsupportedError for all that has no constant form, together."""
    written = [problem for each in used.values() for problem in each.plan.problems]
    uses = [problem for each in used.values() for problem in each.problems]
    parts = [_refused_states(used, fed)]
    written = [each for each in written if each.variable not in fed]
    if written:
        variables = list(dict.fromkeys(each.variable for each in written))
        parts.append(
            Worded(
                "variables are written on the way to an output: ",
                f"{_listed(list(map(str, written)))}; for the stored values in the place of the "
                "written ones give ",
                option("use_stored", True),
                "; a state that is to be fed is named by ",
                option("inputs", variables[:1]),
                "; of a graph for training choose outputs before these",
            )
        )
    if uses:
        parts.append(
            Worded(f"variables are used in ways that have no constant form: {_listed(uses)}")
        )
    if parts := list(filter(None, parts)):
        raise UnsupportedError(joined("; ", parts))


def _refused_states(used: Mapping[str, Rewritten], fed: Container[str]) -> str:
    """What is said of fed variables whose written value is wanted and cannot be passed on."""
    plans = [each.plan for each in used.values()]
    wanted = {each.variable: str(each) for plan in plans for each in plan.problems}
    for plan in plans:
        writes = {each.variable: f"{each.op} {quoted(each.node)}" for each in plan.dropped}
        for name in plan.read_later:
            by = f" by {writes[name]}" if name in writes else ""
            wanted.setdefault(name, f"{quoted(name)}{by}")
    found = [each for name, each in wanted.items() if name in fed]
    if not found:
        return ""
    return (
        "variables that are to be fed are read after they are written in a branch, a loop or a "
        f"function, in no certain order, or by an operation without a form as values: "
        f"{_listed(found)}; cut the graph at what is computed of them"
    )


def _listed(problems: list[str]) -> str:
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return "; ".join(problems[:_SHOWN]) + more
