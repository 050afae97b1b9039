"""Graphs as JSON, and in the language of Graphviz."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..terminal.values import jsonable

if TYPE_CHECKING:
    from ..._graph.graph import Graph
    from ..._graphdef.facts import Signature, TensorFact


_HEAD: Final = ("path", "kind", "tensorflow_version", "tags", "notes")
_VIEWS: Final = {
    "--outputs": ("inputs", "outputs"),
    "--variables": ("variables",),
    "--signatures": ("signatures",),
    "--ops": ("ops",),
}


def dtype_name(number: int) -> str:
    """The name of a DataType; a reference's is that of what it refers to, and ``_ref``."""
    from ..._graphdef.attributes import DataType

    return DataType(number).name


def describe_graph(graph: Graph, ckpt: Any, asked: Sequence[str]) -> dict[str, Any]:
    """All that ``--json`` says but the nodes; of views that are asked for only what is in them."""
    if asked:
        kept = [*_HEAD, *(field for flag in asked for field in _VIEWS.get(flag, ()))]
        whole = describe_graph(graph, ckpt, ())
        return {field: value for field, value in whole.items() if field in kept}
    return {
        "path": graph.path,
        "kind": graph.kind,
        "tensorflow_version": graph.tensorflow_version,
        "tags": list(graph.tags),
        "tag_sets": [list(tags) for tags in graph.tag_sets],
        "versions": {
            "producer": graph.versions.producer,
            "min_consumer": graph.versions.min_consumer,
            "bad_consumers": list(graph.versions.bad_consumers),
        },
        "ops": dict(graph.ops),
        "functions": list(graph.functions),
        "variables": [_describe_variable(each) for each in variables_of(graph, ckpt).values()],
        "signatures": {
            key: {
                "method": signature.method,
                "inputs": describe_facts(signature, "inputs"),
                "outputs": describe_facts(signature, "outputs"),
            }
            for key, signature in graph.signatures.items()
        },
        "savers": [dataclasses.asdict(saver) for saver in graph.savers],
        "collections": {
            key: {"kind": each.kind, "values": [_readable(value) for value in each.values]}
            for key, each in graph.collections.items()
        },
        "tables": list(graph.tables),
        "assets": [dataclasses.asdict(asset) for asset in graph.assets],
        "devices": dict(graph.devices),
        "notes": list(graph.notes) if ckpt is None else [],
        **_describe_ends(graph, ckpt),
    }


def variables_of(graph: Graph, ckpt: Any) -> Any:
    """The variables with their keys: in a checkpoint that was given, or the graph's own."""
    if ckpt is None:
        return graph.variables
    from ..._graph.mapping import map_variables

    return map_variables(graph.meta, ckpt)


def _describe_variable(variable: Any) -> dict[str, Any]:
    return {
        "name": variable.name,
        "op": variable.op,
        "dtype": dtype_name(variable.dtype),
        "shape": _listed(variable.shape),
        "key": variable.key,
        "slice": variable.slice,
        "how": variable.how,
        "trainable": variable.trainable,
        "in_checkpoint": variable.in_checkpoint,
        "problem": variable.problem,
    }


def describe_facts(signature: Signature, side: str) -> dict[str, Any]:
    """The inputs or the outputs of a signature."""
    return {key: _describe_fact(fact) for key, fact in getattr(signature, side).items()}


def _describe_fact(fact: TensorFact) -> dict[str, Any]:
    return {
        "name": fact.name,
        "dtype": dtype_name(fact.dtype),
        "shape": _listed(fact.shape),
        "parts": [_describe_fact(each) for each in fact.parts],
    }


def _describe_ends(graph: Graph, ckpt: Any) -> dict[str, Any]:
    from ..._outputs.inputs import suggest_inputs
    from ..._outputs.suggest import suggest_outputs

    return {
        "inputs": [_describe_end(each) for each in suggest_inputs(graph, ckpt)],
        "outputs": [_describe_end(each) for each in suggest_outputs(graph, ckpt)],
    }


def _describe_end(end: Any) -> dict[str, Any]:
    record = dataclasses.asdict(end)
    return {
        key: jsonable(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else value
        for key, value in record.items()
    }


def _listed(shape: tuple[int, ...] | None) -> list[int] | None:
    return None if shape is None else list(shape)


def _readable(value: Any) -> Any:
    """A value of a collection; of bytes that are not text, only the size is told."""
    if not isinstance(value, bytes):
        return value
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {"bytes": len(value)}
    return text if text.isprintable() else {"bytes": len(value)}


def dot_lines(graph: Graph) -> Iterator[str]:
    """Write the main graph for ``dot``: control edges dotted, constants and variables set apart."""
    from ..._graphdef.nodes import parse_input
    from ..._graphdef.roles import VARIABLES

    yield "digraph {"
    yield '  rankdir="TB"; node [shape=box, fontname="sans-serif", fontsize=10];'
    for name, node in graph.nodes.items():
        style = {"Const": ", style=dotted"}.get(node.op, "")
        if node.op in VARIABLES:
            style = ", style=filled, fillcolor=lightgrey"
        yield f"  {_quoted(name)} [label={_quoted(name, node.op)}{style}];"
    for name, node in graph.nodes.items():
        for text in node.inputs:
            source = parse_input(text)
            dotted = " [style=dotted]" if source.port < 0 else ""
            yield f"  {_quoted(source.name)} -> {_quoted(name)}{dotted};"
    yield "}"


def _quoted(*lines: str) -> str:
    # A string of JSON is one of DOT, but for escapes that DOT does not know and shows as they are.
    return "\\n".join([json.dumps(line)[1:-1] for line in lines]).join('""')
