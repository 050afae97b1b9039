"""Signatures: which one is meant, and the tensors that its keys are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ..._format.wording import listed, quoted
from ...errors import TensorNotFoundError

if TYPE_CHECKING:
    from ..._graph.graph import Graph
    from ..._graphdef.facts import Signature, TensorFact
    from .request import Request

# The keys that are used when none is named: those of TensorFlow 2 and of modules of TF-Hub.
_DEFAULT_SIGNATURES: Final = ("serving_default", "default")
_NO_MODELS: Final = ("init_op", "train_op")
_INTERNAL: Final = "__saved_model_"
_SPARSE: Final = ("values", "indices", "shape")


def models_of(graph: Graph) -> dict[str, Signature]:
    """The signatures that are models: with outputs, and not of TensorFlow's own book-keeping."""
    return {
        key: each
        for key, each in graph.signatures.items()
        if each.outputs and key not in _NO_MODELS and not key.startswith(_INTERNAL)
    }


def default_signature(graph: Graph) -> str | None:
    """The key of the signature that is used when none is named; None when there is no such one."""
    models = models_of(graph)
    for key in _DEFAULT_SIGNATURES:
        if key in models:
            return key
    return next(iter(models)) if len(models) == 1 else None


def signature_or_none(graph: Graph, key: str | None) -> Signature | None:
    """The signature of a key; by default the one that is used when none is named.

    Raises:
        TensorNotFoundError: There is none of that key.
    """
    if key is not None and key not in graph.signatures:
        raise _unknown_signature(graph, key)
    key = default_signature(graph) if key is None else key
    return None if key is None else graph.signatures[key]


def input_keys(graph: Graph, request: Request) -> dict[str, str]:
    """By tensor that is fed, its key in the signature that outputs are taken from."""
    signature = signature_or_none(graph, request.signature)
    found = {} if signature is None else inputs_by_key(signature)
    return {tensor if ":" in tensor else f"{tensor}:0": key for key, tensor in found.items()}


def inputs_by_key(signature: Signature) -> dict[str, str]:
    """The tensors of a signature's inputs, by key; of a sparse one each of its three."""
    return {
        key: tensor
        for name, fact in signature.inputs.items()
        for key, tensor in tensor_parts(name, fact)
    }


def tensor_parts(key: str, fact: TensorFact) -> Iterator[tuple[str, str]]:
    """The tensors that one of a signature is made of, each with its key."""
    if fact.name is not None:
        yield key, fact.name.removesuffix(":0")
    for number, part in enumerate(fact.parts):
        kind = _SPARSE[number] if len(fact.parts) == len(_SPARSE) else str(number)
        yield from tensor_parts(f"{key}_{kind}", part)


def _unknown_signature(graph: Graph, key: str) -> TensorNotFoundError:
    shown = listed(models_of(graph) or graph.signatures) or "none"
    message = f"there is no signature {quoted(key)}: expected one of {shown}"
    return TensorNotFoundError(message, key=key)
