"""Keys of signatures: which signature what is fetched is of, and which tensors its keys are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .._format.wording import Worded, listed, option
from .._freeze.naming import as_node_name
from .._freeze.wanted.places import find_node
from .._freeze.wanted.signatures import (
    default_signature,
    inputs_by_key,
    models_of,
    signature_or_none,
)
from .._freeze.wanted.unknown import unknown_name
from .._graphdef.nodes import join_input, parse_input
from .._ops.edges import reachable
from ..errors import ConversionError, TensorNotFoundError

if TYPE_CHECKING:
    from .._graph.graph import Graph


def signature_of(
    graph: Graph, fetches: Sequence[str] | None, feeds: Iterable[str], signature: str | None
) -> str | None:
    """The key of the signature that keys are meant of: the one that the fetches are of.

    Args:
        graph: The graph.
        fetches: What is fetched; None for all outputs of a signature.
        feeds: What is fed.
        signature: The one that the caller names.

    Raises:
        TensorNotFoundError: There is no such signature.
        ConversionError: Several fit, and none is the default.
    """
    models = models_of(graph)
    if signature is not None or not models:
        signature_or_none(graph, signature)
        return signature
    default = default_signature(graph)
    preferred = models if default is None else {default: models[default]}
    order = sorted(models, key=lambda key: key != default)
    # A name that is also a node's means a key where one signature has all that are named so.
    for claimed in (preferred, {}):
        keys = [
            name
            for name in fetches or ()
            if find_node(graph, name) is None or any(name in m.outputs for m in claimed.values())
        ]
        fed = [
            name
            for name in feeds
            if find_node(graph, name) is None
            or any(name in inputs_by_key(m) for m in claimed.values())
        ]
        fitting = [
            key
            for key in order
            if all(name in models[key].outputs for name in keys)
            and all(name in inputs_by_key(models[key]) for name in fed)
        ]
        if fitting:
            break
    if fetches and not keys and fed and len(fitting) > 1:
        places = [root for name in fetches if (root := find_node(graph, name)) is not None]
        needed = reachable(graph.nodes, places)
        for key in fitting:
            tensors = inputs_by_key(models[key])
            if all(parse_input(tensors[name]).name in needed for name in fed):
                return key
    if default not in fitting and (keys or fetches is None):
        _refuse_several(graph, fitting, keys)
    return fitting[0] if fitting else default


def _refuse_several(graph: Graph, fitting: Sequence[str], keys: Sequence[str]) -> None:
    """Raise ConversionError where signatures give different tensors under the same keys."""
    models = models_of(graph)
    given = {
        tuple(str(models[key].outputs[name].name) for name in keys or models[key].outputs)
        for key in fitting
    }
    if len(given) > 1:
        raise ConversionError(
            Worded(
                f"there are several signatures that this fits, {listed(fitting)}: give ",
                option("signature", fitting[0]),
                " or another",
            ),
            path=graph.path,
        )


def tensor_fed(graph: Graph, name: str, signature: str | None) -> str:
    """The tensor that a user calls so: an input of the signature, or one of the graph.

    Raises:
        TensorNotFoundError: There is none; what may be fed is named.
    """
    chosen = None if signature is None else graph.signatures.get(signature)
    keys = {} if chosen is None else inputs_by_key(chosen)
    if name in keys:
        return keys[name]
    if find_node(graph, name) is not None:
        return join_input(*parse_input(name))
    spelled = as_node_name(name, "input")
    if not graph.signatures and spelled in graph.nodes:  # of a frozen graph, as its key was
        return spelled
    others = {
        tensors[name]
        for each in models_of(graph).values()
        if name in (tensors := inputs_by_key(each))
    }
    if len(others) == 1:
        return others.pop()
    error: TensorNotFoundError = unknown_name(graph, name, "input")
    raise error.add_context(path=graph.path)
