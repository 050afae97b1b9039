"""Assembling: the stages of freezing, from a graph and a wish to what is to be written."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._checkpoint.selection import select
from .._format.wording import Worded, joined, listed, option, quoted
from .._graph.mapping import map_tables, map_variables
from .._graph.problems import report
from .._graphdef.functions import Function
from .._graphdef.nodes import Nodes, parse_input
from .._look.amounts import format_count, format_subject
from .._ops.edges import data_inputs, reachable
from .._ops.facts import default_attrs
from ..errors import ConversionError, UnsupportedError
from .contents import contents_of
from .naming import name_outputs
from .stages.idle import drop_idle_controls
from .stages.inference import to_inference, training_notes
from .stages.inline import Inlined, inline_calls
from .stages.needed import check_graph, clean, prune
from .stages.tables import Tables, keep_tables
from .variables.constants import Constant, ConstantGraph, freeze_variables
from .wanted.cuts import Cutter, bind, fed_variables
from .wanted.loops import refuse_inside
from .wanted.places import find_node
from .wanted.request import bound_values, cut_shapes
from .wanted.resolve import Target, check_port
from .wanted.signatures import input_keys
from .wanted.unknown import unknown_name
from .weights import Content

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._graph.graph import Graph
    from .._graph.variables import Variable
    from .._graphdef.functions import OpDef
    from .._graphdef.nodes import Node
    from .wanted.request import Request

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
        fed: The variables that are fed.
        cutter: What was cut, and what it was called before.
        cuts: What the places that are fed are called now.
        keys: By tensor that is fed, its key in the signature.
    """

    nodes: Nodes
    targets: tuple[Target, ...]
    inlined: Inlined | None
    op_defs: Mapping[str, OpDef]
    fed: Mapping[str, Constant]
    cutter: Cutter
    cuts: tuple[str, ...]
    keys: Mapping[str, str]

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
    keys = input_keys(graph, request)
    cuts, bindings = cut_shapes(graph, request.inputs), bound_values(request.bind)
    for name in bindings:
        if name not in nodes:
            raise unknown_name(graph, name, "placeholder")
    inside = _inside(graph, cuts)
    deep = [each.tensor for each in targets if parse_input(each.tensor).name != each.root]
    if request.functions == "keep":
        _refuse_inside(*inside, *deep)
    refuse_inside(
        nodes,
        [each.tensor for each in targets if each.tensor not in deep],
        [name for name in cuts if name not in inside],
    )
    cutter = Cutter(graph.meta, op_defs)
    fed = fed_variables(nodes, cuts)
    apart = {*inside, *fed}
    nodes = cutter.cut(nodes, {name: shape for name, shape in cuts.items() if name not in apart})
    if bindings:
        nodes = bind(nodes, bindings, graph.meta)
    targets = tuple(_moved(each, cutter) for each in targets)
    if request.functions == "keep":
        places = tuple(map(cutter.place_of, cuts))
        return Prepared(nodes, targets, None, op_defs, fed, cutter, places, keys)
    roots = list(dict.fromkeys(each.root for each in targets))
    inlined = inline_calls(nodes, graph.functions, roots, op_defs)
    for name in (*inside, *deep):
        if parse_input(inlined.tensor(name)).name not in inlined.nodes:
            raise unknown_name(graph, name, "tensor")
        check_port(inlined.nodes, inlined.tensor(name), op_defs, graph.functions)
    refuse_inside(inlined.nodes, map(inlined.tensor, deep), map(inlined.tensor, inside))
    nodes = cutter.cut(inlined.nodes, {inlined.tensor(name): cuts[name] for name in inside})
    places = tuple(cutter.place_of(inlined.tensor(each)) for each in cuts)
    return Prepared(nodes, targets, inlined, op_defs, fed, cutter, places, keys)


def _refuse_inside(*names: str) -> None:
    """Raise ConversionError for what is inside of functions that are kept."""
    if names:
        raise ConversionError(
            Worded(
                f"{quoted(names[0])} lives inside a function, and functions are kept: "
                "name a node of the main graph, or have calls inlined (",
                option("functions", "inline"),
                ")",
            )
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
    meta, op_defs, roots = graph.meta, prepared.op_defs, prepared.roots
    variables = map_variables(
        meta, ckpt, override=request.keys, ema=request.ema, missing=request.missing
    )
    nodes, functions, tables = prepared.nodes, graph.functions, None
    inference = None
    if request.training is False:
        inference = to_inference(nodes, roots, meta, functions, op_defs)
        nodes, functions = inference.nodes, inference.functions
    if request.tables:
        tables = _kept_tables(graph, ckpt, nodes, roots, request)
        nodes = tables.nodes
    filling = [tables.init] if tables is not None and tables.init is not None else []
    roots = [*roots, *filling]
    constants = _constants(variables, request)
    constants.update(tables.constants if tables is not None else {})
    constants.update(prepared.fed)
    left: tuple[str, ...] = ()
    try:
        frozen = freeze_variables(nodes, functions, constants, roots, op_defs)
    except UnsupportedError as error:
        prepared, left = _without_writes(graph, nodes, constants, prepared, request, error)
        roots = [*prepared.roots, *filling]
        frozen = freeze_variables(nodes, functions, constants, roots, op_defs)
    if unsaved := _unsaved(frozen, variables, ckpt, request):
        prepared, more = _without_unsaved(frozen.nodes, prepared, unsaved)
        left, roots = (*left, *more), [*prepared.roots, *filling]
        frozen = freeze_variables(nodes, functions, constants, roots, op_defs)
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
    contents = contents_of(graph, ckpt, needed, streamed, request.missing, verify=verify)
    if request.add_default_attrs:
        nodes = {name: with_defaults(node, op_defs) for name, node in nodes.items()}
    check_graph(nodes, pruned.functions, op_defs)
    warnings = [*left, *frozen.warnings, *(tables.warnings if tables is not None else ())]
    warnings += inference.warnings if inference is not None else ()
    known = (prepared.nodes, graph.functions, op_defs)
    warnings += training_notes(nodes, pruned.functions, *known, tried=inference is not None)
    if averaged := [each.name for each in needed if each.averaged]:
        warnings.append(f"moving averages were taken for {format_count(len(averaged), 'variable')}")
    return Assembled(
        nodes,
        pruned.functions,
        outputs,
        contents,
        tuple(needed),
        None if tables is None else tables.init,
        tuple(warnings),
    )


def _kept_tables(
    graph: Graph, ckpt: Checkpoint | None, nodes: Nodes, roots: Sequence[str], request: Request
) -> Tables:
    return keep_tables(
        nodes,
        graph.functions,
        graph.meta,
        roots,
        contents=map_tables(graph.meta, ckpt),
        directory=graph.directory,
        home=os.path.dirname(graph.path) if os.path.exists(graph.path) else None,
        follow_links=request.follow_links,
    )


def _without_writes(
    graph: Graph,
    nodes: Nodes,
    constants: Mapping[str, Constant],
    prepared: Prepared,
    request: Request,
    error: UnsupportedError,
) -> tuple[Prepared, tuple[str, ...]]:
    """Leave out those outputs of a signature that need values written when the graph runs.

    Signatures that train or evaluate give counters and metrics beside what a model computes.

    Raises:
        UnsupportedError: The error itself, if the caller named the outputs, or none is left.
    """
    kept = []
    for target in prepared.targets if request.outputs is None else ():
        root = parse_input(prepared.tensor(target)).name
        try:
            freeze_variables(nodes, graph.functions, constants, [root])
        except UnsupportedError:
            continue
        kept.append(target)
    if not kept:
        others = [tags for tags in graph.tag_sets if tags != graph.tags]
        if others and request.outputs is None:
            ways = joined(" or ", (option("tags", ",".join(tags)) for tags in others[:_SHOWN]))
            error.message = Worded(error.message, "; the model has other graphs: ", ways)
        raise error
    left = [each.key for each in prepared.targets if each not in kept]
    said = (
        f"{format_subject(len(left), 'output of the signature', 'is')} left out, for want of "
        f"values that are written when the graph runs: {listed(left)}"
    )
    return dataclasses.replace(prepared, targets=tuple(kept)), (said,)


def _unsaved(
    frozen: ConstantGraph,
    variables: Mapping[str, Variable],
    ckpt: Checkpoint | None,
    request: Request,
) -> set[str]:
    """The variables that a signature's outputs need and the checkpoint does not have."""
    if ckpt is None or request.outputs is not None:
        return set()
    needed = [variables[name] for name in frozen.constants if name in variables]
    return {each.variable.name for each in report(needed, ckpt).missing}


def _without_unsaved(
    nodes: Nodes, prepared: Prepared, unsaved: set[str]
) -> tuple[Prepared, tuple[str, ...]]:
    """Leave out those outputs of a signature that need variables which nobody saved: metrics.

    All stay where each of them needs one: then the checkpoint is not the graph's.
    """
    kept = []
    for target in prepared.targets:
        root = parse_input(prepared.tensor(target)).name
        if unsaved.isdisjoint(reachable(nodes, [root], inputs=data_inputs)):
            kept.append(target)
    if not kept:
        return prepared, ()
    left = [each.key for each in prepared.targets if each not in kept]
    said = (
        f"{format_subject(len(left), 'output of the signature', 'is')} left out, for want of "
        f"variables that were not saved, {listed(sorted(unsaved))}: {listed(left)}"
    )
    return dataclasses.replace(prepared, targets=tuple(kept)), (said,) if left else ()


def _constants(variables: Mapping[str, Variable], request: Request) -> dict[str, Constant]:
    """What each variable that is to be frozen becomes."""
    chosen = frozen_names(variables, request.allow, request.deny)
    stored = stored_names(variables, request.use_stored)
    return {
        name: Constant(each.dtype, each.shape, is_stored=name in stored)
        for name, each in variables.items()
        if name in chosen
    }


def frozen_names(variables: Mapping[str, Variable], allow: Filter, deny: Filter) -> set[str]:
    """The variables that are to become constants."""
    return _among(variables, allow) - (set() if deny is None else _among(variables, deny))


def _among(variables: Mapping[str, Variable], filter: Filter) -> set[str]:
    return set(select(filter, lambda: list(variables), variables.__contains__))


def stored_names(variables: Mapping[str, Variable], use_stored: bool | Filter) -> set[str]:
    """The variables whose stored value is taken even where a written one is wanted."""
    if isinstance(use_stored, bool):
        return set(variables) if use_stored else set()
    return set() if use_stored is None else _among(variables, use_stored)


def with_defaults(node: Node, op_defs: Mapping[str, OpDef]) -> Node:
    """The node with the attributes that were left out because they have their default."""
    absent = {k: v for k, v in default_attrs(node.op, op_defs).items() if k not in node.attrs}
    return node.replace(attrs={**node.attrs, **absent}) if absent else node
