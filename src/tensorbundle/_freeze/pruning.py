"""Pruning: the part of a graph that outputs need, without weights."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from .._graph.graph import Graph, load_graph
from .assemble import name_outputs, prepare
from .result import Frozen, inputs_of, notes
from .stages.needed import check_graph, clean
from .stages.needed import prune as prune_nodes
from .stream import lay_out, raw_versions, write
from .wanted.choice import choose
from .wanted.request import Cuts, Request, bound_values, cut_shapes, refuse_own_input
from .wanted.resolve import Outputs


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
    text: bool | None = None,
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
        text: Whether to write text, whatever the suffix.
        overwrite: Whether a file that is there is replaced.

    Returns:
        What was written; no variables became constants.

    Raises:
        TensorNotFoundError, ConversionError: As `tensorbundle.freeze`.
        FormatError, MissingFileError: As `tensorbundle.load_graph`.
        FileExistsError, OSError: The file system refuses, or ``overwrite`` does.

    Example:
        >>> import tensorbundle as tb
        >>> pruned = tb.prune("tests/golden/data/demo", outputs="probabilities")
        >>> tb.load_graph("tests/golden/data/demo").num_nodes, pruned.num_nodes
        (397, 33)
    """
    graph = load_graph(graph, tags=tags)
    target = None if path is None else os.fspath(path)
    refuse_own_input(target, graph, None)
    targets, chosen = choose(graph, None, outputs, signature)
    request = Request(functions="keep")
    prepared = prepare(graph, targets, cut_shapes(inputs), bound_values(bind), request)
    nodes, tensors = name_outputs(prepared.nodes, prepared)
    roots = list(dict.fromkeys(tensor.rpartition(":")[0] for tensor in tensors.values()))
    pruned = clean(*prune_nodes(nodes, graph.functions, roots), clear_devices=clear_devices)
    check_graph(pruned.nodes, pruned.functions, prepared.op_defs)
    layout = lay_out(pruned.nodes, pruned.functions, raw_versions(graph.meta), {})
    target, data, nbytes = write(layout, target, text=text, verify=True, overwrite=overwrite)
    return Frozen(
        path=target,
        data=data,
        nbytes=nbytes,
        num_nodes=len(pruned.nodes),
        outputs=tensors,
        inputs=inputs_of(pruned.nodes, graph.meta),
        variables=(),
        init_op=None,
        warnings=(*chosen, *notes(pruned.nodes, pruned.functions, graph.meta, nbytes)),
    )
