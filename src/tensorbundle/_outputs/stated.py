"""Outputs that a file states: signatures, and collections of its program (freeze.md §4.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .._format.names import as_text
from .._format.wire import Field, fields
from .._graphdef.facts import Signature, TensorFact
from .._graphdef.meta_graph import MetaGraph
from .._graphdef.nodes import parse_input
from ..errors import FormatError
from . import words

_DEFAULT: Final = "serving_default"
_FEW: Final = 4
_NO_MODELS: Final = ("__saved_model_", "init_op", "train_op")
# Collections that TensorFlow and libraries fill by themselves.
_STANDARD: Final = re.compile(
    r"^(.*variables.*|global_step|train_ops?|summar(y|ies).*|.*summary.*|.*loss(es)?|update_ops|queue_runners|"
    r"savers|.*_?init(_op)?|(ready|train|summary|local|main|init|training|save|update|assign)\w*_op|optimi\w*|iterators|table_initializer|.*contexts?|saved_model_.*|"
    r"graph_ops|is_training|inputs|targets|activations?|restore_.*|eval_step|rpc_layers|"
    r"data_preprocessing|data_augmentation|trainable_.*|while_.*|end_points?.*|.*weights.*|"
    r"concatenated_variables|resources|local_resources|assets|asset_filepaths|input.*|x|"
    r"layer_(tensor|variables)/.*|layers|keep_prob|labels?|y_|data|embed.*_params|.*params|accuracy)$",
    re.IGNORECASE,
)


def signature_outputs(meta: MetaGraph) -> Iterator[tuple[str, str, TensorFact]]:
    """The outputs of the signatures: their signature's key, their own, and the tensor.

    The signature that servers call comes first, the others in the order of their keys.
    """
    for key, signature in _models(meta):
        for name, fact in signature.outputs.items():
            yield from ((key, name, part) for part in _named_parts(fact))


def signature_inputs(meta: MetaGraph) -> Iterator[tuple[str, str, TensorFact]]:
    """The inputs of the signatures, as `signature_outputs`."""
    for key, signature in _models(meta):
        for name, fact in signature.inputs.items():
            yield from ((key, name, part) for part in _named_parts(fact))


def _models(meta: MetaGraph) -> list[tuple[str, Signature]]:
    models = [
        (key, signature)
        for key, signature in meta.signatures.items()
        if not key.startswith(_NO_MODELS[0]) and key not in _NO_MODELS and signature.outputs
    ]
    return sorted(models, key=lambda each: (each[0] != _DEFAULT, each[0]))


def _named_parts(fact: TensorFact) -> list[TensorFact]:
    """The tensors that a fact names; a composite one may nest."""
    found: list[TensorFact] = []
    stack = [fact]
    while stack:
        each = stack.pop()
        if each.name:
            found.append(each)
        stack.extend(reversed(each.parts))
    return found


def bundle_outputs(meta: MetaGraph) -> list[str]:
    """The tensors of a session bundle's ``serving_signatures``, which came before SavedModels."""
    collection = meta.collections.get("serving_signatures")
    if collection is None or collection.kind != "any_list":
        return []
    names: list[str] = []
    for value in collection.values:
        try:
            names += _bundle_names(bytes(value) if isinstance(value, (bytes, memoryview)) else b"")
        except FormatError:
            continue
    return list(dict.fromkeys(names))


def _bundle_names(raw: bytes) -> list[str]:
    """Tensor names in ``Signatures``: {1 default, 2 map of names to signatures}."""
    names: list[str] = []
    for signatures in fields(raw):  # of the Any: 1 type_url, 2 value
        if signatures.number != 2:
            continue
        for part in signatures.message():
            signature = part
            if part.number == 2:
                entry = {each.number: each for each in part.message()}
                if 2 not in entry:
                    continue
                signature = entry[2]
            for kind in signature.message():
                names += _outputs_of(kind)
    return names


def _outputs_of(kind: Field) -> list[str]:
    """Of {1 regression {1 input, 2 output}, 2 classification {1 input, 2 classes, 3 scores}}."""
    names: list[str] = []
    for binding in kind.message():
        if kind.number > 2 or binding.number == 1:
            continue  # a generic signature does not tell inputs from outputs
        for each in binding.message():
            if each.number == 1:
                names.append(as_text(each.content()))
    return names


def collected_nodes(meta: MetaGraph) -> dict[str, tuple[str, float]]:
    """By node, the collection of its own that the program put it in, and what that is worth.

    A collection of a few, called like a result, is how programs hand their output on.
    """
    found: dict[str, tuple[str, float]] = {}
    for key, collection in meta.collections.items():
        if collection.kind != "node_list" or _STANDARD.match(key):
            continue
        few = len(collection.values) <= _FEW
        points = 10.0 if few and not words.BAD_NAMES.search(key) else 3.0
        for value in collection.values:
            if isinstance(value, str):
                found.setdefault(parse_input(value).name, (key, points))
    return found
