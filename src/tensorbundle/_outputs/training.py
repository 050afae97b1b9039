"""Training networks: copies made for use, networks that only judge others."""

from __future__ import annotations

import re
from typing import Final

from .._graphdef.tensors import TensorMessage
from . import words
from .candidates import Network
from .heads import root
from .topology import shape_of

_GRADIENT: Final = re.compile(r"(?:(?:^|/)gradients(?:_\d+)?)+/(.+?)_grad(?:_\d+)?/")
_NEAR: Final = 256  # nodes between a result and its layers that are looked at
_SHARED: Final = 64  # layers that are looked at, whether they are steps
_LAST_FORM: Final = 6.0  # of a network's result, which another network takes
_FORM: Final = 1.0  # the forms before it


class Training:
    """What the optimizers of a graph ask of its network.

    Attributes:
        trains: Whether the graph computes gradients at all.
        needed: Nodes that some gradient is computed from, and what they depend on.
        copies: Layers that no gradient needs, of variables that are trained in another place:
            a generator's sampler, a test network, a decoder of given codes.
        handed_on: Forms of a network's result that another network goes on with, which another
            optimizer trains: actors, generators; with what that is worth.
        judging: Nodes after the layers of networks through which others are trained: critics,
            discriminators.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.graph, self.roles = network.graph, network.roles
        self.needed = self._needed()
        self.trains = any(self.needed)
        self.copies = self._copies()
        self._steps: dict[int, bool] = {}
        trained = frozenset().union(*self.roles.groups)
        self._untrained = self.roles.chains_of(
            place
            for place in self.roles.trainables
            if place not in trained
            and not any(
                words.SCATTERS.search(self.graph.ops[s]) for s in self.graph.consumers[place]
            )
        )
        self._tellers = self._variables_of_tellers()
        self.handed_on: dict[int, float] = {}
        self.judging = bytearray(len(self.graph))
        if len(self.roles.groups) > 1:
            self._compare_groups()

    def is_for_use(self, place: int) -> bool:
        """Whether all the layers that a node directly comes from are copies for use."""
        return self._comes_from_copies(place) and not self._has_step(place)

    def is_left_over(self, place: int) -> bool:
        """Whether a node is of a step of an unrolled network that nobody asks for."""
        if not self.copies or self.needed[place]:
            return False
        return self._has_step(place)

    def comes_untrained(self, place: int) -> bool:
        """Whether no optimizer changes the variables of a node's own layer, but those of others."""
        return self.trains and not self.needed[place] and bool(self._untrained_before(place))

    def _untrained_before(self, place: int) -> bool:
        """Look for the nearest uses of variables: whether one is of a variable left as it is."""
        graph, roles = self.graph, self.roles
        seen, stack = {place}, [place]
        while stack and len(seen) < _NEAR:
            node = stack.pop()
            sources = graph.inputs[node]
            if graph.ops[node] in words.BEGINNINGS and any(roles.weights[s] for s in sources):
                continue
            if graph.ops[node] in words.BEGINNINGS and any(self._untrained[s] for s in sources):
                return True
            new = [s for s in sources if s not in seen and self.network.inside[s]]
            seen.update(new)
            stack += new
        return False

    def tells_real(self, place: int) -> bool:
        """Whether a layer is trained to give one for all that comes in: a discriminator."""
        return self.roles.variables_of(root(self.network, place)) in self._tellers

    def _variables_of_tellers(self) -> set[frozenset[int]]:
        roles, network = self.roles, self.network
        found = {
            roles.variables_of(root(network, place))
            for place in network.candidates
            if self._meets_ones(place)
        }
        return found - {frozenset()}

    def _meets_ones(self, place: int) -> bool:
        """Whether ones are made in a node's shape: the labels of all that is real."""
        graph = self.graph
        for each in graph.consumers[place]:
            if graph.ops[each] == "OnesLike":
                return True
            for filled in graph.consumers[each] if graph.ops[each] in words.SHAPES else ():
                value = graph.nodes[graph.inputs[filled][-1]].attr("value")
                if graph.ops[filled] == "Fill" and isinstance(value, TensorMessage):
                    return value.shape == () and value.array() == 1
        return False

    def _comes_from_copies(self, place: int) -> bool:
        if not self.copies or self.needed[place]:
            return False
        layers = self._nearest_layers(place)
        return bool(layers) and layers <= self.copies

    def _has_step(self, place: int) -> bool:
        for layer in self._nearest_layers(place) & self.copies:
            if layer not in self._steps:
                self._steps[layer] = len(self._steps) < _SHARED and self._is_step(layer)
            if self._steps[layer]:
                return True
        return False

    def _needed(self) -> bytearray:
        """What has a gradient: TensorFlow names the gradient's scope after it."""
        graph, roles = self.graph, self.roles
        scopes = {
            name.rpartition("/")[0]
            for name, excluded in zip(graph.names, roles.excluded, strict=True)
            if excluded and "gradients" in name
        }
        found = set()
        for scope in scopes:
            match = _GRADIENT.search(scope[: words.LONG * 4] + "/")
            if match and (place := graph.index.get(match[1])) is not None:
                found.add(place)
        return graph.backward(sorted(found), roles.closed)

    def _nearest_layers(self, place: int) -> set[int]:
        """The layers behind a node with no other layer between; none where that is too far."""
        graph, layers, inside = self.graph, self.roles.layers, self.network.inside
        if layers[place]:
            return {place}
        found: set[int] = set()
        seen, stack = {place}, [place]
        while stack:
            for source in graph.inputs[stack.pop()]:
                if source in seen or not inside[source]:
                    continue
                seen.add(source)
                if layers[source]:
                    found.add(source)
                else:
                    stack.append(source)
            if len(seen) > _NEAR:
                return set()
        return found

    def _copies(self) -> frozenset[int]:
        applied: dict[frozenset[int], list[int]] = {}
        for place, marked in enumerate(self.roles.layers):
            if marked and self.network.inside[place] and (shared := self.roles.variables_of(place)):
                applied.setdefault(shared, []).append(place)
        return frozenset(
            place
            for places in applied.values()
            if any(self.needed[each] for each in places)
            for place in places
            if not self.needed[place]
        )

    def _is_step(self, place: int) -> bool:
        """Whether a layer is of one step of a network unrolled: its source goes on to the next."""
        graph, roles = self.graph, self.roles
        for source in self._trained_layers_before(place):
            shared = roles.variables_of(source)
            after = graph.forward([source], roles.closed)
            others = (i for i, marked in enumerate(roles.layers) if marked and after[i])
            if any(each != source and roles.variables_of(each) & shared for each in others):
                return True
        return False

    def _trained_layers_before(self, place: int) -> set[int]:
        """The nearest layers behind a layer that some gradient goes through."""
        found: set[int] = set()
        seen, stack = {place}, [place]
        while stack and len(seen) < _NEAR:
            for source in self.graph.inputs[stack.pop()]:
                layers = self._nearest_layers(source) if self.network.inside[source] else set()
                for layer in layers - seen:
                    seen.add(layer)
                    if self.needed[layer]:
                        found.add(layer)
                    else:
                        stack.append(layer)
        return found

    def _compare_groups(self) -> None:
        roles = self.roles
        behind = [self._weights_of_gradients(group) for group in roles.groups]
        takers: dict[int, set[int]] = {}
        for maker, group in enumerate(roles.groups):
            for taker, other in enumerate(roles.groups):
                if other - group and self._hand_on(maker, other - group):
                    takers.setdefault(maker, set()).add(taker)
        for maker, found in takers.items():
            for taker in found:
                only = roles.groups[taker] - roles.groups[maker]
                if only & behind[maker] and maker not in takers.get(taker, ()):
                    self._mark_judging(only)

    def _weights_of_gradients(self, group: frozenset[int]) -> frozenset[int]:
        """The variables that the gradients of a group of variables go through."""
        graph, roles = self.graph, self.roles
        applies = [
            place
            for place, op in enumerate(graph.ops)
            if words.APPLIES.match(op)
            and graph.inputs[place]
            and roles.variable_of(graph.inputs[place][0]) in group
        ]
        gradients = {each for place in applies for each in graph.inputs[place][1:]}
        barred = bytearray(not excluded for excluded in roles.excluded)
        behind = graph.backward(sorted(gradients), barred)
        return frozenset(
            variable
            for place, marked in enumerate(behind)
            if marked
            for source in graph.inputs[place]
            if roles.reads[source]
            for variable in roles.origins(source)
        )

    def _hand_on(self, maker: int, others: frozenset[int]) -> bool:
        """Note what layers of other variables take from a group's last layers."""
        graph, roles, inside = self.graph, self.roles, self.network.inside
        reads, foreign = roles.reads_of(others), self._not_seen_by(maker)
        level = list(self.network.last_layers[maker])
        seen, before = set(level), dict[int, int]()
        found = False
        while level:
            place = level.pop()
            for each in graph.consumers[place]:
                if each in seen or not inside[each] or self._mixes(each, place, foreign):
                    continue
                seen.add(each)
                if roles.layers[each] and any(reads[source] for source in graph.inputs[each]):
                    self._note_forms(place, before)
                    found = True
                elif graph.ops[each] in words.TAIL:
                    before[each] = place
                    level.append(each)
        return found

    def _not_seen_by(self, maker: int) -> bytearray:
        """What is computed from data that a group's network does not see: real examples."""
        graph, roles = self.graph, self.roles
        behind = graph.backward(sorted(self.network.last_layers[maker]), bytearray(len(graph)))
        apart = [
            each
            for each in roles.sources
            if each.role == "data"
            and not behind[each.place]
            and shape_of(graph, each.place, each.port) != ()
        ]
        found = graph.forward([taker for each in apart for taker in each.takers], roles.closed)
        for each in apart:
            found[each.place] = 1
        return found

    def _mixes(self, place: int, made: int, foreign: bytearray) -> bool:
        """Whether a node mixes what was made with what is real, as penalties on slopes do."""
        return self.graph.ops[place] in words.SCALES and any(
            foreign[each] for each in self.graph.inputs[place] if each != made
        )

    def _note_forms(self, place: int, before: dict[int, int]) -> None:
        points = _LAST_FORM
        while True:
            if self.graph.ops[place] not in words.JOINS:
                self.handed_on[place] = max(points, self.handed_on.get(place, 0.0))
                points = _FORM
            if place not in before:
                return
            place = before[place]

    def _mark_judging(self, variables: frozenset[int]) -> None:
        reads = self.roles.reads_of(variables)
        starts = [
            place
            for place, marked in enumerate(self.roles.layers)
            if marked and any(reads[source] for source in self.graph.inputs[place])
        ]
        for place, marked in enumerate(self.graph.forward(starts, self.roles.closed)):
            if marked:
                self.judging[place] = 1
