"""Choosing outputs: those named, the signature's, or the best of what may be some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._format.wording import Worded, option, plain, quoted
from ..._graphdef.nodes import Nodes, parse_input
from ..._graphdef.roles import VARIABLES
from ...errors import ConversionError
from ..result import shown_shape
from .resolve import Outputs, Target, resolve
from .signatures import default_signature, models_of

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint
    from ..._graph.graph import Graph


def choose(
    graph: Graph, ckpt: Checkpoint | None, outputs: Outputs, signature: str | None
) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """The tensors that are wanted, and what is to be said about the choice.

    Raises:
        ConversionError: Nothing says which they are; the candidates are listed.
        TensorNotFoundError, ConversionError: As `resolve`.
    """
    if isinstance(outputs, str) and outputs == "auto" and "auto" not in graph.nodes:
        from ..._outputs.suggest import suggest_outputs

        found = suggest_outputs(graph, ckpt)
        if not found:
            raise ConversionError("no node looks like an output: name it", path=graph.path)
        best = found[0]
        said = Worded(
            option("outputs", "auto"),
            f" took {quoted(best.name)} ({plain(best.op)}): {best.reason}",
        )
        # With its port it is a tensor, whatever is a key.
        tensor = best.name if ":" in best.name else f"{best.name}:0"
        return resolve(graph, {best.name: tensor}, signature), (said,)
    if outputs is None and signature is None and default_signature(graph) is None:
        if models_of(graph):
            return resolve(graph, None, None), ()
        constant = graph.kind == "graph" and not VARIABLES.keys() & graph.ops.keys()
        if constant and (sinks := _sinks(graph.nodes)):
            return resolve(graph, sinks, None), ()
        raise _no_outputs(graph, ckpt)
    return resolve(graph, outputs, signature), ()


def _sinks(nodes: Nodes) -> list[str]:
    """What a graph without variables computes for nobody in it: its outputs (freeze.md §4.1)."""
    used = {parse_input(text).name for node in nodes.values() for text in node.inputs}
    silent = {"NoOp", "Assert", "Placeholder", "Const"}
    return [name for name, node in nodes.items() if name not in used and node.op not in silent]


def _no_outputs(graph: Graph, ckpt: Checkpoint | None) -> ConversionError:
    from ..._outputs.suggest import suggest_outputs

    shown = "; ".join(
        f"{quoted(each.name)} ({plain(each.op)}{shown_shape(each.shape)})"
        for each in suggest_outputs(graph, ckpt)[:5]
    )
    auto = option("outputs", "auto")
    hint = Worded("; ", auto, f" takes the first of the candidates: {shown}") if shown else ""
    return ConversionError(
        Worded(
            "no outputs are named and the graph has no signature: give ", option("outputs"), hint
        ),
        path=graph.path,
    )
