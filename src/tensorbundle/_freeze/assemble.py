"""Assembling: the stages of freezing, from a graph and a wish to what is to be written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .._checkpoint.selection import select
from .._graph.mapping import map_tables, map_variables
from .._graph.problems import report
from .._graphdef.attributes import type_attr
from .._graphdef.functions import Function
from .._graphdef.nodes import Nodes, make_node, parse_input
from .._ops.edges import unique_name
from .._ops.facts import default_attrs
from .._ops.types import dtype_of
from ..errors import ConversionError, MissingFileError, TensorBundleError
from .stages.idle import drop_idle_controls
from .stages.inline import Inlined, inline_calls
from .stages.needed import check_graph, clean, prune
from .stages.tables import keep_tables
from .variables.constants import Constant, freeze_variables
from .wanted.cuts import Cutter, bind
from .wanted.resolve import Target, check_port, find_node, unknown_name
from .weights import Content, Weights

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._graph.graph import Graph
    from .._graph.variables import Variable
    from .._graphdef.functions import OpDef
    from .._graphdef.nodes import Node
    from .wanted.request import Request

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_.\\/>-]")
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Assembled:
    """A frozen graph whose constants have their values elsewhere.

    Attributes:
        nodes: Its nodes.
        functions: Its functions.
        outputs: By the name it was asked for, each output's tensor.
        contents: By constant, the value that its node lacks.
        variables: The variables that became constants.
        init_op: The op that fills lookup tables, or None.
        warnings: What was left out or changed on the way.
    """

    nodes: Nodes
    functions: Mapping[str, Function]
    outputs: Mapping[str, str]
    contents: Mapping[str, Content]
    variables: tuple[Variable, ...]
    init_op: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A graph that is cut and inlined; its variables are still there.

    Attributes:
        nodes: Its nodes.
        targets: What is wanted of it; names are those in ``inlined``.
        inlined: What became of the results of calls.
        op_defs: What is known of operations beside the table.
    """

    nodes: Nodes
    targets: tuple[Target, ...]
    inlined: Inlined | None
    op_defs: Mapping[str, OpDef]

    @property
    def roots(self) -> list[str]:
        """The nodes that the wanted tensors come from."""
        return list(dict.fromkeys(parse_input(self.tensor(each)).name for each in self.targets))

    def tensor(self, target: Target) -> str:
        """The name of a wanted tensor, as it is now."""
        return target.tensor if self.inlined is None else self.inlined.tensor(target.tensor)


def prepare(
    graph: Graph,
    targets: tuple[Target, ...],
    cuts: Mapping[str, tuple[int, ...] | str | None],
    bindings: Mapping[str, Any],
    request: Request,
) -> Prepared:
    """Cut a graph where it is to be fed, bind placeholders, and inline its calls.

    Raises:
        TensorNotFoundError: There is no such place.
        ConversionError: It cannot be cut there, or a value does not fit.
        FormatError: The graph is malformed.
        UnsupportedError: It grows beyond reason.
    """
    op_defs = request.op_defs(graph.meta)
    nodes = graph.nodes
    for name in bindings:
        if name not in nodes:
            raise unknown_name(graph, name, "placeholder")
    inside = _inside(graph, cuts)
    deep = [each.tensor for each in targets if parse_input(each.tensor).name != each.root]
    if request.functions == "keep":
        _refuse_inside(*inside, *deep)
    cutter = Cutter(graph.meta, op_defs)
    nodes = cutter.cut(nodes, {name: shape for name, shape in cuts.items() if name not in inside})
    if bindings:
        nodes = bind(nodes, bindings, graph.meta)
    targets = tuple(_moved(each, cutter) for each in targets)
    if request.functions == "keep":
        return Prepared(nodes, targets, None, op_defs)
    roots = list(dict.fromkeys(each.root for each in targets))
    inlined = inline_calls(nodes, graph.functions, roots, op_defs)
    for name in (*inside, *deep):
        if parse_input(inlined.tensor(name)).name not in inlined.nodes:
            raise unknown_name(graph, name, "tensor")
        check_port(inlined.nodes, inlined.tensor(name), op_defs, graph.functions)
    nodes = cutter.cut(inlined.nodes, {inlined.tensor(name): cuts[name] for name in inside})
    return Prepared(nodes, targets, inlined, op_defs)


def _refuse_inside(*names: str) -> None:
    """Raise ConversionError for what is inside of functions that are kept."""
    if names:
        raise ConversionError(
            f"{names[0]!r} lives inside a function, and functions are kept: "
            "name a node of the main graph, or have calls inlined (functions='inline')"
        )


def _moved(target: Target, cutter: Cutter) -> Target:
    """A wanted tensor under the name that it has after cuts."""
    tensor = cutter.place_of(target.tensor)
    if tensor == target.tensor:
        return target
    return target._replace(tensor=tensor, root=parse_input(tensor).name)


def _inside(graph: Graph, cuts: Iterable[str]) -> list[str]:
    """The places to cut that are inside of functions: there once these are inlined."""
    inside = []
    for text in cuts:
        root = find_node(graph, text)
        if root is None:
            raise unknown_name(graph, text, "tensor")
        if root != parse_input(text).name:
            inside.append(text)
        else:
            check_port(graph.nodes, text, graph.meta.op_defs, graph.functions)
    return inside


def assemble(
    graph: Graph, ckpt: Checkpoint | None, prepared: Prepared, request: Request, *, verify: bool
) -> Assembled:
    """Make constants of variables, and keep what the outputs need.

    Raises:
        TensorNotFoundError: Variables are not in the checkpoint.
        ConversionError: Variables do not fit the checkpoint.
        MissingFileError: There are variables and no checkpoint, or shards of it are missing.
        UnsupportedError: Something has no form without variables.
        FormatError: The graph or the checkpoint is malformed.
    """
    meta, op_defs = graph.meta, prepared.op_defs
    roots = prepared.roots
    variables = map_variables(
        meta, ckpt, override=request.keys, ema=request.ema, missing=request.missing
    )
    nodes, tables = prepared.nodes, None
    if request.tables:
        tables = keep_tables(
            nodes,
            graph.functions,
            meta,
            roots,
            contents=map_tables(meta, ckpt),
            directory=graph.directory,
        )
        nodes = tables.nodes
        roots += [tables.init] if tables.init is not None else []
    chosen = frozen_names(variables, request.allow, request.deny)
    constants = {
        name: Constant(each.dtype, each.shape) for name, each in variables.items() if name in chosen
    }
    constants.update(tables.constants if tables is not None else {})
    frozen = freeze_variables(nodes, graph.functions, constants, roots, op_defs)
    nodes = frozen.nodes
    if prepared.inlined is not None and prepared.inlined.tensors:
        nodes = drop_idle_controls(nodes, graph.nodes, op_defs)
    nodes, outputs = name_outputs(nodes, prepared)
    kept = [*(parse_input(each).name for each in outputs.values()), *roots]
    pruned = prune(nodes, frozen.functions, list(dict.fromkeys(kept)))
    pruned = clean(*pruned, clear_devices=request.clear_devices)
    nodes = pruned.nodes
    needed = [variables[n] for n in frozen.constants if n in nodes and n in variables]
    streamed = {} if tables is None else {n: k for n, k in tables.streamed.items() if n in nodes}
    contents = _contents(graph, ckpt, needed, streamed, verify=verify)
    if request.add_default_attrs:
        nodes = {name: with_defaults(node, op_defs) for name, node in nodes.items()}
    check_graph(nodes, pruned.functions, op_defs)
    warnings = [*frozen.warnings, *(tables.warnings if tables is not None else ())]
    if averaged := [each.name for each in needed if each.averaged]:
        warnings.append(f"moving averages were taken for {len(averaged)} variables")
    return Assembled(
        nodes,
        pruned.functions,
        outputs,
        contents,
        tuple(needed),
        None if tables is None else tables.init,
        tuple(warnings),
    )


def frozen_names(variables: Mapping[str, Variable], allow: Filter, deny: Filter) -> set[str]:
    """The variables that are to become constants."""
    names = list(variables)

    def among(filter: Filter) -> set[str]:
        return set(select(filter, lambda: names, variables.__contains__))

    return among(allow) - (among(deny) if deny is not None else set())


def with_defaults(node: Node, op_defs: Mapping[str, OpDef]) -> Node:
    """The node with the attributes that were left out because they have their default."""
    absent = {k: v for k, v in default_attrs(node.op, op_defs).items() if k not in node.attrs}
    return node.replace(attrs={**node.attrs, **absent}) if absent else node


# --- values -----------------------------------------------------------------------------------


def _contents(
    graph: Graph,
    ckpt: Checkpoint | None,
    needed: Sequence[Variable],
    streamed: Mapping[str, str],
    *,
    verify: bool,
) -> dict[str, Content]:
    """The values of constants; what is wrong with any of them is told together."""
    if not needed and not streamed:
        return {}
    if ckpt is None:
        raise _no_checkpoint(graph, needed)
    report(needed, ckpt).raise_problems()
    weights = Weights(ckpt, verify=verify)
    contents: dict[str, Content] = {}
    absent: dict[str, tuple[MissingFileError, list[str]]] = {}
    for variable in needed:
        try:
            contents[variable.name] = weights.of(variable)
        except MissingFileError as gone:
            absent.setdefault(gone.path or "", (gone, []))[1].append(variable.name)
        except TensorBundleError as other:
            raise other.add_context(path=ckpt.location.prefix, key=variable.key) from None
    for error, names in absent.values():
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        shown = ", ".join(map(repr, names[:_SHOWN]))
        raise MissingFileError(
            f"{error.message}; it is needed by {shown}{more}", path=error.path
        ) from None
    for name, key in streamed.items():
        contents[name] = weights.content(key)
    return contents


def _no_checkpoint(graph: Graph, needed: Sequence[Variable]) -> MissingFileError:
    """The error for a graph with variables whose values are nowhere."""
    shown = ", ".join(repr(each.name) for each in needed[:_SHOWN])
    more = ", …" if len(needed) > _SHOWN else ""
    what = f"no values for the {len(needed)} variables of the graph ({shown}{more})"
    if graph.checkpoint_path is None:
        return MissingFileError(f"{what}: give a checkpoint", path=graph.path)
    from .._locate.checkpoints import locate

    try:
        locate(graph.checkpoint_path)
    except TensorBundleError as error:
        return MissingFileError(f"{what}: {error.message}", path=graph.checkpoint_path)
    return MissingFileError(f"{what}: give a checkpoint", path=graph.checkpoint_path)


# --- outputs ----------------------------------------------------------------------------------


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
        name = _NOT_IN_NAMES.sub("_", target.key)
        name = name if re.match(r"[A-Za-z0-9.]", name) else f"output{name}"
        return name if name == source else unique_name(name, nodes)
    # What was a call's result is called as the call was, which is gone.
    return wanted.name if wanted.port == 0 and wanted.name not in nodes else None
