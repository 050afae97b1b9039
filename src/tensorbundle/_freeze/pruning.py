"""Pruning: the part of a graph that outputs need, without weights."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .._far.verbs import takes_addresses
from .._graph.graph import Graph, load_graph
from .._graphdef.roles import VARIABLES
from .assemble import prepare
from .naming import name_by_keys, name_outputs
from .result import Frozen, inputs_of, notes, unneeded_inputs
from .stages.needed import check_graph, clean
from .stages.needed import prune as prune_nodes
from .stream import Destination, Format, lay_out, raw_versions, write
from .variables.constants import freeze_variables
from .wanted.choice import choose
from .wanted.request import Cuts, Request, refuse_own_input
from .wanted.resolve import Outputs


@takes_addresses(targets=("path",))
def prune(
    graph: str | os.PathLike[str] | Graph,
    *,
    outputs: Outputs = None,
    path: str | os.PathLike[str] | None = None,
    inputs: Cuts = None,
    bind: Mapping[str, Any] | None = None,
    signature: str | None = None,
    tags: str | Iterable[str] | None = None,
    clear_devices: bool = False,
    op_list: str | os.PathLike[str] | None = None,
    text: bool | None = None,
    format: Format | None = None,
    overwrite: bool = False,
) -> Frozen:
    """Write the part of a graph that outputs need, its variables left as they are.

    No checkpoint is needed. Functions and their calls are kept.

    Args:
        graph: A ``.meta``, GraphDef or SavedModel, by path or loaded.
        outputs: What is wanted; as for `tensorbundle.freeze`.
        path: The file to write; None: the result holds the bytes. ``.pbtxt`` means text.
        inputs: Tensors that are to be fed, in the place of what computes them.
        bind: Values for placeholders, which become constants.
        signature: The key of the signature; by default the one to serve, or the only one.
        tags: Which graph of a SavedModel.
        clear_devices: Forget on which devices nodes are to run.
        op_list: A file with an ``OpList`` for operations that nothing else is known of.
        text: Whether to write text, whatever the suffix.
        format: ``"pb"``: write a GraphDef whatever the suffix, also one of another format's.
        overwrite: Whether a file that is there is replaced.

    Returns:
        What was written; no variables became constants.

    Raises:
        TensorNotFoundError, ConversionError: As `tensorbundle.freeze`.
        FormatError, MissingFileError: As `tensorbundle.load_graph`.
        FileExistsError, OSError: The file system refuses, or ``overwrite`` does.

    Example:
        >>> import tensorbundle as tb
        >>> pruned = tb.prune(tb.demo(), outputs="probabilities")
        >>> tb.load_graph(tb.demo()).num_nodes, pruned.num_nodes
        (397, 33)
    """
    request = Request(
        outputs=outputs, signature=signature, inputs=inputs, bind=bind, functions="keep",
        clear_devices=clear_devices, op_list=op_list,
    )  # fmt: skip
    target = Destination.of(path, text=text, overwrite=overwrite, format=format)
    return prune_as(load_graph(graph, tags=tags), request, target)


def prune_as(graph: Graph, request: Request, target: Destination) -> Frozen:
    """Prune a graph as a request says it; see `prune`."""
    refuse_own_input(target.path, graph, None)
    targets, chosen = choose(graph, None, request.outputs, request.signature)
    prepared = prepare(graph, targets, request)
    nodes, tensors = name_outputs(prepared.nodes, prepared)
    roots = list(dict.fromkeys(tensor.rpartition(":")[0] for tensor in tensors.values()))
    functions = graph.functions
    told: tuple[str, ...] = ()
    if prepared.fed:
        fed = freeze_variables(nodes, functions, prepared.fed, roots)
        nodes, functions, told = fed.nodes, fed.functions, fed.warnings
    pruned = clean(*prune_nodes(nodes, functions, roots), clear_devices=request.clear_devices)
    check_graph(pruned.nodes, pruned.functions, prepared.op_defs)
    variables = {name for name, node in pruned.nodes.items() if node.op in VARIABLES}
    by_keys = name_by_keys(pruned.nodes, prepared.targets, tensors, prepared.keys, variables)
    layout = lay_out(by_keys.nodes, pruned.functions, raw_versions(graph.meta), {})
    path, data, nbytes = write(layout, target, verify=True)
    inputs = inputs_of(pruned.nodes, graph.meta, prepared.keys)
    before = prepared.cutter.place_before
    found = notes(pruned.nodes, pruned.functions, graph.meta, nbytes, before)
    return Frozen(
        path=path,
        data=data,
        nbytes=nbytes,
        num_nodes=len(by_keys.nodes),
        outputs={key: by_keys.tensor(each) for key, each in tensors.items()},
        inputs=tuple(replace(each, name=by_keys.tensor(each.name)) for each in inputs),
        variables=(),
        init_op=None,
        warnings=(
            *chosen,
            *told,
            *unneeded_inputs(prepared.cuts, inputs),
            *found,
            *by_keys.notes(),
        ),
    )
