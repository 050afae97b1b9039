"""Graphs written again: frozen to constants, and as files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ..._freeze.freeze import freeze
from ..._freeze.pruning import prune
from ..._graph.graph import Graph as LoadedGraph
from ..._graphdef.text import format_text
from ..._write.durable import replace_file
from ...train.errors import raised_as_both
from .graph import Graph
from .messages import GraphDef
from .session import Session


def convert_variables_to_constants(
    sess: Session,
    input_graph_def: Any,
    output_node_names: Sequence[str],
    variable_names_whitelist: Any = None,
    variable_names_blacklist: Any = None,
) -> GraphDef:
    """Freeze the graph of a session: see `tensorbundle.freeze`.

    Args:
        sess: The session, whose values are taken.
        input_graph_def: The message of its graph.
        output_node_names: What is to be computed.
        variable_names_whitelist: The only variables that become constants.
        variable_names_blacklist: Variables that stay.
    """
    names = list(output_node_names)
    known = {name: each.op.name for name, each in sess.graph.variables.items()}
    allow = [n for n, told in known.items() if told in set(variable_names_whitelist or ())]
    deny = [n for n, told in known.items() if told in set(variable_names_blacklist or ())]
    keys = [sess.graph.get_operation_by_name(name).node.name for name in names]
    sess.values.check(sess.variables_before(keys))
    with raised_as_both():
        frozen = freeze(
            sess.graph.loaded,
            sess.values.checkpoint(),
            outputs=keys,
            allow=allow if variable_names_whitelist is not None else None,
            deny=deny,
        )
    return GraphDef(bytes(frozen.data or b""))


def freeze_graph(
    input_graph: str,
    input_saver: Any,
    input_binary: Any,
    input_checkpoint: str,
    output_node_names: str,
    restore_op_name: Any,
    filename_tensor_name: Any,
    output_graph: str,
    clear_devices: bool,
    initializer_nodes: Any,
    variable_names_whitelist: str = "",
    variable_names_blacklist: str = "",
    input_meta_graph: str | None = None,
    input_saved_model_dir: str | None = None,
    saved_model_tags: str = "serve",
    checkpoint_version: Any = None,
) -> GraphDef:
    """Freeze a graph from files into a file: see `tensorbundle.freeze`, which finds the rest."""
    source = input_saved_model_dir or input_meta_graph or input_graph
    with raised_as_both():
        freeze(
            source,
            input_checkpoint or None,
            outputs=[each.strip() for each in output_node_names.split(",")],
            path=output_graph,
            tags=saved_model_tags.split(",") if input_saved_model_dir else None,
            allow=[each.strip() for each in variable_names_whitelist.split(",") if each] or None,
            deny=[each.strip() for each in variable_names_blacklist.split(",") if each],
            clear_devices=clear_devices,
            format="pb",
            overwrite=True,
        )
    with open(output_graph, "rb") as file:
        return GraphDef.FromString(file.read())


def extract_sub_graph(graph_def: GraphDef, dest_nodes: Sequence[str]) -> GraphDef:
    """Cut a graph to what some nodes need: see `tensorbundle.prune`."""
    with raised_as_both():
        pruned = prune(LoadedGraph("<bytes>", "graph", graph_def.meta), outputs=list(dest_nodes))
    return GraphDef(bytes(pruned.data or b""))


def write_graph(graph_or_graph_def: Any, logdir: Any, name: str, as_text: bool = True) -> str:
    """Write a graph into a file.

    Returns:
        The path of the file.
    """
    found = graph_or_graph_def
    message = found.as_graph_def() if isinstance(found, Graph) else found
    data = message.SerializeToString()
    path = os.path.join(os.fspath(logdir), name)
    os.makedirs(os.path.dirname(path) or os.curdir, exist_ok=True)
    replace_file(path, format_text(data).encode() if as_text else data)
    return path
