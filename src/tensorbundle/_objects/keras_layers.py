"""Layers of a Keras model in an object graph, in the model's order, with their weights.

Keras 2 numbers the layers that have weights (``layer_with_weights-3``), Keras 3 all operations of a
functional model (``_functional/_operations/3``). Within a layer weights are in the order of its
attributes, those of inner layers after its own, and what is not trained after what is: the order of
Keras' own ``layer.trainable_weights + layer.non_trainable_weights``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from .graph import ObjectGraph, value_of

_KERAS_2: Final = "layer_with_weights-"
_KERAS_3: Final = ("_functional", "_operations")
# Attributes of Keras' own layers that no optimizer changes.
_NOT_TRAINED: Final = frozenset(
    [
        *("moving_mean", "moving_variance", "moving_stdev", "mean", "variance", "count"),
        *("adapt_mean", "adapt_variance", "renorm_mean", "renorm_stddev", "u", "sn_u"),
    ]
)
# Children of a layer that hold no weights of it.
_NOT_OF_A_LAYER: Final = frozenset(
    [
        *("keras_api", "optimizer", "seed_generator", "_seed_generator", "_metrics", "loss"),
        *("_inbound_nodes", "_outbound_nodes", "_losses"),
    ]
)


class Layer(NamedTuple):
    """A layer with weights.

    Attributes:
        name: A name for it, unique in the model.
        keys: The keys of its weights, in Keras' order.
        weights: Names for these.
    """

    name: str
    keys: tuple[str, ...]
    weights: tuple[str, ...]


def layers_of(graph: ObjectGraph) -> tuple[Layer, ...]:
    """Find the first Keras model in an object graph; no layers where there is none.

    Example:
        >>> import tensorbundle as tb
        >>> layers_of(tb.open(tb.demo("keras")).objects)[0].weights
        ('hidden/kernel:0', 'hidden/bias:0')
    """
    for number in range(len(graph.nodes)):
        if graph.route(number) is not None and (numbers := layer_nodes(graph, number)):
            layers = (_layer(graph, node) for node in numbers)
            return tuple(_named(layer for layer in layers if layer.keys))
    return ()


def layer_nodes(graph: ObjectGraph, number: int) -> list[int]:
    """The layers of the object of that number in their order, if it is a model."""
    children = dict(graph.nodes[number].children)
    numbered = {
        int(digits): child
        for name, child in children.items()
        if (digits := name.removeprefix(_KERAS_2)) != name and _is_number(digits)
    }
    if not numbered:
        for name in _KERAS_3:
            child = children.get(name)
            children = {} if child is None else dict(graph.nodes[child].children)
        numbered = {int(name): child for name, child in children.items() if _is_number(name)}
    return [numbered[each] for each in sorted(numbered)]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _layer(graph: ObjectGraph, number: int) -> Layer:
    ordered = weights_of(graph, number)
    full_names = [full_name for _, _, full_name in ordered]
    scopes = [name.rpartition("/")[0].rpartition("/")[2] for name in full_names]
    scope = scopes[0] if scopes and scopes[0] else "layer"
    weights: list[str] = []
    for attribute, _, full_name in ordered:
        base = f"{scope}/{full_name.rpartition('/')[2] or attribute}"
        name, again = f"{base}:0", 1
        while name in weights:
            name, again = f"{base}_{again}:0", again + 1
        weights.append(name)
    return Layer(scope, tuple(key for _, key, _ in ordered), tuple(weights))


def weights_of(graph: ObjectGraph, number: int) -> list[tuple[str, str, str]]:
    """Attribute, key and full name of each weight of a layer, in Keras' order."""
    found = list(_weights(graph, number))
    ordered = [each for each in found if each[0] not in _NOT_TRAINED]
    return ordered + [each for each in found if each[0] in _NOT_TRAINED]


def _weights(graph: ObjectGraph, start: int) -> Iterator[tuple[str, str, str]]:
    """Attribute, key and full name of each weight: an object's own, then those within."""
    seen = {start}
    waiting = [start]
    while waiting:
        inner = []
        for name, child in graph.nodes[waiting.pop()].children:
            if child in seen or name in _NOT_OF_A_LAYER:
                continue
            seen.add(child)
            value = value_of(graph.nodes[child])
            if value is None:
                inner.append(child)
            else:
                yield name, value.key, value.full_name
        waiting += reversed(inner)


def _named(layers: Iterator[Layer]) -> Iterator[Layer]:
    """Tell apart layers of one name."""
    seen: set[str] = set()
    for layer in layers:
        name, again = layer.name, 1
        while name in seen:
            name, again = f"{layer.name}_{again}", again + 1
        seen.add(name)
        yield layer._replace(name=name)
