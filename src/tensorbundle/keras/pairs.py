"""Pairs of stored objects and live ones: an object graph and a model walked side by side.

Attributes go with attributes of that name, elements of lists with elements, and the layers of a
Sequential or Functional model, which Keras numbers, by their names where these are the same, or
else by their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from .._objects.graph import ObjectGraph, value_of
from .._objects.keras_layers import layer_nodes, weights_of
from .live import PASSED_OVER, is_variable, layers_of, members, plain

# What Keras 2 called what Keras 3 calls otherwise.
_RENAMED: Final = {"depthwise_kernel": "kernel"}
_ROOT_DEPTH: Final = 3


@dataclass
class Pairs:
    """What a walk from one stored object has found.

    Attributes:
        start: The number of that object.
        keys: The key of each variable that has one, by the variable's identity.
    """

    start: int
    keys: dict[int, str] = field(default_factory=dict)


class Walk:
    """Walks an object graph and a live model side by side.

    Args:
        graph: The objects as they were stored.
        shapes: The shapes of stored values, by key.
    """

    def __init__(self, graph: ObjectGraph, shapes: dict[str, tuple[int, ...]]) -> None:
        self._graph = graph
        self._shapes = shapes

    def best(self, model: Any) -> Pairs:
        """Find the stored object that the model is, and its pairs.

        It is that which most of the model's weights have a value of their shape in, and of several
        the one that is least deep.
        """
        best, most = Pairs(0), -1
        for number in self._roots():
            pairs = self.walk(number, model)
            fitting = sum(
                self._shapes.get(pairs.keys.get(id(each), "")) == tuple(each.shape)
                for each in model.weights
            )
            if fitting > most:
                best, most = pairs, fitting
            if most == len(model.weights):
                break
        if most < len(model.weights):
            best = self._by_names(model) or self._by_list(model) or best
        return best

    def values_below(self, start: int) -> set[str]:
        """The keys of all values that an object of a model holds, but what is passed over."""
        found: set[str] = set()
        seen, waiting = {start}, [start]
        while waiting:
            for name, child in self._graph.nodes[waiting.pop()].children:
                if child in seen or plain(name) in PASSED_OVER:
                    continue
                seen.add(child)
                waiting.append(child)
                if value := value_of(self._graph.nodes[child]):
                    found.add(value.key)
        return found

    def walk(self, number: int, model: Any) -> Pairs:
        """Pair what lies below a stored object with what lies below a live one."""
        pairs = Pairs(number)
        seen: set[tuple[int, int]] = set()
        waiting = [(number, model)]
        while waiting:
            node, live = waiting.pop()
            if (node, id(live)) in seen:
                continue
            seen.add((node, id(live)))
            inner = list(self._step(node, live, pairs))
            waiting += reversed(inner)
        return pairs

    # --- one object ------------------------------------------------------------------------------

    def _step(self, number: int, live: Any, pairs: Pairs) -> Iterator[tuple[int, Any]]:
        """Pair the variables of two objects, and give the objects in them to go on with."""
        layers = layers_of(live)
        stored = [n for n in layer_nodes(self._graph, number) if weights_of(self._graph, n)]
        if layers is not None and stored:
            yield from self._layers(stored, layers)
        attributes = members(live)
        lacking = []
        for name, child in self._graph.nodes[number].children:
            name = plain(name)
            if name in PASSED_OVER:
                continue
            member = attributes.get(name, attributes.get(_RENAMED.get(name, "")))
            value = value_of(self._graph.nodes[child])
            if value is None and member is not None and not is_variable(member):
                yield child, member
            elif value is not None and is_variable(member):
                pairs.keys.setdefault(id(member), value.key)
            elif value is not None:
                lacking.append(value.key)
        if lacking and layers is None:
            self._in_order(number, live, pairs)

    def _layers(self, stored: list[int], layers: list[Any]) -> Iterator[tuple[int, Any]]:
        names = [self._scope(number) for number in stored]
        by_name = {layer.name: layer for layer in layers}
        if len({*names}) == len(stored) and {*names} == by_name.keys():
            yield from ((n, by_name[name]) for n, name in zip(stored, names, strict=True))
        else:
            yield from zip(stored, layers, strict=False)

    def _scope(self, number: int) -> str:
        """What a layer was called, if the names of its variables tell."""
        scopes = {
            name.split("/")[-2] if "/" in name else ""
            for _, _, name in weights_of(self._graph, number)
        }
        return scopes.pop() if len(scopes) == 1 else ""

    def _in_order(self, number: int, live: Any, pairs: Pairs) -> None:
        """Pair a layer's variables by Keras' order, if attributes of other names had them."""
        weights = list(getattr(live, "weights", ()))
        keys = [key for _, key, _ in weights_of(self._graph, number)]
        if [self._shapes.get(key) for key in keys] == [tuple(each.shape) for each in weights]:
            pairs.keys |= {id(each): key for each, key in zip(weights, keys, strict=True)}

    # --- the object that is the model ------------------------------------------------------------

    def _roots(self) -> Iterator[int]:
        """Objects that the model may be, the least deep first."""
        seen, level = {0}, [0]
        for _ in range(_ROOT_DEPTH):
            yield from level
            level = [
                child
                for number in level
                for name, child in self._graph.nodes[number].children
                if plain(name) not in PASSED_OVER and not self._graph.nodes[child].attributes
                if child not in seen and not seen.add(child)  # type: ignore[func-returns-value]
            ]

    def _by_names(self, model: Any) -> Pairs | None:
        """Pair all weights by the names that variables had in TensorFlow."""
        names = self._graph.full_names
        keys = {id(each): names.get(str(each.path)) for each in model.weights}
        if None in keys.values():
            return None
        return Pairs(-1, {variable: key for variable, key in keys.items() if key is not None})

    def _by_list(self, model: Any) -> Pairs | None:
        """Pair all variables with a list of as many, in its order: what Keras 3 exports."""
        variables = list(model.variables)
        expected = [tuple(each.shape) for each in variables]
        for number, node in enumerate(self._graph.nodes):
            children = dict(node.children)
            order = [children.get(str(place)) for place in range(len(variables))]
            if len(children) != len(variables) or None in order:
                continue
            values = [value_of(self._graph.nodes[child]) for child in order if child is not None]
            keys = [value.key for value in values if value is not None]
            if [self._shapes.get(key) for key in keys] == expected:
                return Pairs(
                    number, {id(each): key for each, key in zip(variables, keys, strict=True)}
                )
        return None
