"""Scores of candidates: what speaks for each, and why (freeze.md §4.2: structure beats names)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from .._graphdef.roles import ACTIVATIONS
from .._graphdef.tensors import TensorMessage
from . import words
from .candidates import Network
from .heads import (
    Scored,
    are_steps,
    compares_twins,
    is_part,
    is_reduced,
    mixes_parts,
    normalises,
    root,
)
from .parts import count_variables
from .topology import LoopResults, shape_of, source_in_loop
from .training import Training

_LIMIT: Final = 256  # candidates that are looked at closely
_FEEDING_STEPS: Final = 3
_OF_ONE_LAYER: Final = 3  # uses of variables: a product, a bias, a normalisation
_FEW_USERS: Final = 4
_ARRANGEMENTS: Final = 4  # that are looked through

_LOOKUPS: Final = frozenset(("Gather", "GatherV2", "ResourceGather", "GatherNd"))


def score_candidates(
    network: Network,
    order: Sequence[int],
    collected: Mapping[int, tuple[str, float]],
    missing: Collection[int],
) -> list[Scored]:
    """Score the candidates of a network.

    Args:
        network: The network.
        order: Its graph's nodes, each after its inputs.
        collected: Nodes that the program put in a collection of its own: which, and its worth.
        missing: Variables that the checkpoint does not hold.

    Returns:
        The candidates, best first; of equal ones, the first in the graph.
    """
    scorer = _Scorer(network, collected)
    found = [scorer.look_at(place) for place in network.candidates]
    found.sort(key=lambda each: (-each.score, each.place))
    found = found[:_LIMIT]
    count_variables(scorer.training, scorer.loops, found, order, missing)
    found.sort(key=lambda each: (-each.score, each.place))
    return found


class _Scorer:
    """What can be said of one node by itself."""

    def __init__(self, network: Network, collected: Mapping[int, tuple[str, float]]) -> None:
        self.network = network
        self.graph = network.graph
        self.roles = network.roles
        self.collected = collected
        self.sinks = frozenset(network.sinks)
        self.last = frozenset(
            root(network, place) for layers in network.last_layers for place in layers
        )
        self.training = Training(network)
        self.labelled = any(source.role == "label" for source in self.roles.sources)
        self.layers_in = self._layers_in_scopes()
        self.loops = LoopResults(self.graph, network.inside)

    def _layers_in_scopes(self) -> Counter[str]:
        """How many layers are in each scope, those of its own scopes with them."""
        found: Counter[str] = Counter()
        for place, marked in enumerate(self.roles.layers):
            if marked:
                scope = self.graph.names[place].rpartition("/")[0]
                while scope:
                    found[scope] += 1
                    scope = scope.rpartition("/")[0]
        return found

    def look_at(self, place: int) -> Scored:
        found = Scored(place, shape_of(self.graph, place))
        self._judge_op(found)
        self._judge_name(found)
        self._judge_shape(found)
        self._judge_use(found)
        if place in self.collected:
            key, points = self.collected[place]
            found.add(points, f"in the program's collection {key!r}")
        head = root(self.network, place)
        if head in self.last or place in self.last:
            found.add(1.0, "comes from a last layer")
        if self.training.is_for_use(place):
            found.add(6.0, "has the variables of a trained copy, but is not trained itself")
        elif not self._gathers_steps(place) and self.training.is_left_over(place):
            found.add(-8.0, "a step of many, which nothing asks for")
        if place in self.sinks:
            found.add(1.0, "nothing in the network uses it" if self.graph.consumers[place] else "")
        if points := self.training.handed_on.get(place, 0.0):
            found.add(points, "goes into a network that another optimizer trains")
        elif self.training.judging[place]:
            found.add(-5.0, "judges what another network makes")
        return found

    def _gathers_steps(self, place: int) -> bool:
        """Whether a node brings together what one layer gives in all steps."""
        sources = {each for each in self.graph.inputs[place] if self.network.inside[each]}
        joins = self.graph.ops[place] in words.JOINS and len(sources) > 1
        return joins and are_steps(self.network, sources)

    def _judge_op(self, found: Scored) -> None:
        """How much like a result the operation is; of an arrangement, what it arranges counts."""
        graph, network = self.graph, self.network
        points, place = 0.0, found.place
        for _ in range(_ARRANGEMENTS):
            sources = {each for each in graph.inputs[place] if network.inside[each]}
            joined = sources & network.tails
            several = graph.ops[place] in words.JOINS and len(sources) > 1
            if self._gathers_steps(place):
                points += 5.0
            elif several and joined == sources:
                points += 1.0
            elif several and joined:
                points -= 4.0  # for a layer that is to come
                break
            elif network.rounds(place):
                points += 2.0  # a picture as it is shown
                place = graph.inputs[place][0]
                continue
            elif (within := source_in_loop(graph, place)) is not None:
                points += 0.5
                place = within
                continue
            elif len(sources) == 1 and self._keeps(place, sources):
                points += 0.5
            else:
                break
            place = min(sources)
        if self._flattens(found.place):
            points -= 1.5  # as losses want it
        op = graph.ops[found.place]
        if network.is_unit(found.place):
            points += 3.0  # made one long, as an embedding is
        elif not self.labelled and compares_twins(network, found.place):
            points -= 8.0  # as losses without labels do
        found.add(points + words.OP_SCORES.get(graph.ops[place], 0.0), f"is {_article(op)} {op}")
        if graph.ops[place] in _LOOKUPS and self.roles.layers[place]:
            found.add(-3.0, "only looks rows up")

    def _flattens(self, place: int) -> bool:
        """Whether a node makes one list of rows, as losses want it."""
        sources = self.graph.inputs[place]
        if self.graph.ops[place] != "Reshape" or not sources:
            return False
        before, after = shape_of(self.graph, sources[0]), shape_of(self.graph, place)
        size = self.graph.nodes[sources[-1]].attr("value")
        flat = isinstance(size, TensorMessage) and size.size == 1
        return (flat or (after is not None and len(after) == 1)) and (
            before is None or len(before) > 1
        )

    def _keeps(self, place: int, sources: set[int]) -> bool:
        """Whether a node only arranges its source, or moves its values to another range."""
        graph = self.graph
        used = {graph.ops[each] for each in self._users_past_clips(place)}
        if graph.ops[place] in words.LAYOUT:
            return graph.ops[place] != "Transpose" or not used & words.MULTIPLIES
        if graph.ops[place] == "Cast":
            return True
        if graph.ops[place] not in words.SCALES or self.roles.layers[place]:
            return False
        if graph.ops[place] in words.TURNS and shape_of(graph, graph.inputs[place][0]) == ():
            return False  # what is missing to one, as losses take it
        if used & words.MEASURES or used & words.BEGINNINGS:
            return False
        return all(
            shape_of(graph, each) == () or self.roles.data_cone[each]
            for each in graph.inputs[place]
            if each not in sources
        )

    def _judge_name(self, found: Scored) -> None:
        name, op = self.graph.names[found.place][-words.LONG :], self.graph.ops[found.place]
        scope, _, last = name.rpartition("/")
        hand_made = words.is_hand_made(name, op)
        bonus = 0.0
        for pattern, points in ((words.PREDICTION, 9.0), (words.OUTPUT, 6.0)):
            if hand_made and pattern.match(last):
                bonus = max(bonus, points)
            elif (
                words.is_hand_made(scope, "")
                and pattern.match(scope.rpartition("/")[2])
                and self.layers_in[scope] <= _OF_ONE_LAYER
            ):
                bonus = max(bonus, points / 2)
        if bonus:
            found.add(bonus, "named like a result")
        in_network = self.roles.in_side_scope[found.place] and not self.roles.side[found.place]
        if words.BAD_NAMES.search(last if in_network else name):
            found.add(-9.0, "named like a loss or a metric")
        if words.INNER_NAMES.search(name) and not self._leaves(found.place):
            found.add(-4.0, "inside an operation's scope")
        if words.TWIN_NAMES.search(name):
            found.add(-3.0, "named like the copy that training compares with")
        if hand_made:
            found.add(1.0)

    def _leaves(self, place: int) -> bool:
        """Whether a node of an operation's scope is what the operation gives: used outside only."""
        scope = self.graph.names[place].rpartition("/")[0] + "/"
        users = [each for each in self.graph.consumers[place] if self.network.inside[each]]
        return self.graph.ops[place] != "Switch" and not any(
            self.graph.names[each].startswith(scope) for each in users
        )

    def _judge_shape(self, found: Scored) -> None:
        shape, place = found.shape, found.place
        for _ in range(_ARRANGEMENTS):  # what rearranges a batch of any size gives one
            if shape is not None or self.graph.ops[place] not in words.LAYOUT:
                break
            place = self.graph.inputs[place][0]
            shape = shape_of(self.graph, place)
        if shape is None:
            return
        if not shape:
            found.add(-8.0 if is_reduced(self.network, found.place) else -2.0, "a scalar")
        elif shape[0] == -1:
            found.add(3.0, "batch of any size")
        if len(shape) >= 2:
            found.add(1.0 if shape[-1] != 1 else 0.9)  # of equals rather an action than its worth

    def _judge_use(self, found: Scored) -> None:
        graph = self.graph
        found.compared = True
        if self._feeds_loss(found.place):
            if self._meets_known_classes(found.place):
                found.add(-8.0, "to tell the rows of a batch apart, which only training does")
            else:
                found.add(4.0, "the loss takes it")
        elif self._meets_labels(found.place):
            if mixes_parts(self.network, found.place) and self.training.needed[found.place]:
                found.add(-4.0, "made of parts of one result, for the loss")
            found.add(0.0 if self._is_metric(found.place) else 2.0, "compared with the labels")
        else:
            found.compared = found.place in self.training.handed_on
            unit = self.network.is_unit(found.place)
            if self._arranges_compared(found.place):
                found.add(-3.0, "another arrangement of what is compared")
            if not found.compared and not unit and is_part(self.network, found.place):
                found.part = True
                found.add(-4.0, "only a part of what follows")
        self._judge_users(found)
        op = graph.ops[found.place]
        if self.loops.is_left(found.place):
            found.add(-6.0, "of a loop of which other results are taken")
        elif self._ends(found.place):
            found.add(4.0 if op == "Merge" else 1.5, "nothing else uses it")
            name = graph.names[found.place]
            measured = found.shape == () and words.BAD_NAMES.search(name[-words.LONG :])
            if words.is_hand_made(name, op) and not measured:
                found.add(10.0 if op == "Identity" else 3.0, "named to be fetched")

    def _judge_users(self, found: Scored) -> None:
        graph = self.graph
        users = graph.consumers[found.place]
        if users and all(self.roles.excluded[each] for each in users):
            reported = any(words.SUMMARY.search(graph.ops[each]) for each in users)
            trained = any(map(self._is_compared, graph.inputs[found.place]))
            found.add(
                -8.0 if not reported else -6.0 if trained else -2.0,
                "only for a summary" if reported else "only for training",
            )

        seen = [each for each in users if not self.roles.excluded[each]]
        taking = self._users_past_clips(found.place)
        taking = [each for each in taking if not self.roles.excluded[each]]
        if len(set(seen)) == 1 and graph.ops[seen[0]] in ACTIVATIONS:
            found.add(-3.0, "only its activation is used")
        if self.training.tells_real(found.place):
            found.add(-4.0, "to be one, whatever comes in: it tells what is real")
        if taking and not self.labelled and all(graph.ops[each] == "Log" for each in taking):
            found.add(-5.0, "only its logarithm is trained")
        if self.training.needed[found.place] and normalises(self.network, found.place):
            found.add(-6.0, "only normalises what is trained")
        if self.training.comes_untrained(found.place):
            found.add(-6.0, "of a layer that is not trained")
        if (
            self.training.trains
            and not self.training.needed[found.place]
            and (not users or any(self.network.inside[each] for each in seen))
        ):
            found.add(2.0, "no gradient needs it")

    def _users_past_clips(self, place: int) -> list[int]:
        """Who takes a value, also what lies between two numbers of it: of a clip both halves."""
        graph, users = self.graph, list(self.graph.consumers[place])
        for _ in range(2):
            users = [
                user
                for each in users
                for user in (graph.consumers[each] if self._clips(each) else [each])
            ]
        return users

    def _clips(self, place: int) -> bool:
        """Whether a node only keeps values on one side of a number."""
        graph = self.graph
        return graph.ops[place] in ("Minimum", "Maximum", "ClipByValue") and any(
            shape_of(graph, each) == () for each in graph.inputs[place]
        )

    def _is_compared(self, place: int) -> bool:
        return self._feeds_loss(place) or self._meets_labels(place)

    def _arranges_compared(self, place: int) -> bool:
        """Whether a nameless node only arranges a result for what comes after it in the loss."""
        graph = self.graph
        users = [each for each in graph.consumers[place] if self.network.inside[each]]
        return bool(
            users
            and graph.ops[place] == "Transpose"
            and not words.is_hand_made(graph.names[place], graph.ops[place])
            and self.training.needed[place]
            and self._is_compared(graph.inputs[place][0])
        )

    def _meets_labels(self, place: int) -> bool:
        """Whether a node, or a list of all its numbers, meets the labels or a scope of losses."""
        roles, users = self.roles, list(self.graph.consumers[place])
        flat = [
            each for each in users if self.graph.ops[each] == "Reshape" and self._flattens(each)
        ]
        users += [user for each in flat for user in self.graph.consumers[each]]
        return any(roles.label_cone[each] or roles.side[each] for each in users)

    def _ends(self, place: int) -> bool:
        """Whether nothing is made of a node, but decisions to be counted."""
        users = self.graph.consumers[place]
        return (
            all(
                self.graph.ops[each] in words.DECISIONS - words.CHOICES
                and self.graph.consumers[each]
                and (self._is_metric(each) or self._ends(each))
                for each in users
            )
            if len(users) < _FEW_USERS
            else False
        )

    def _is_metric(self, place: int) -> bool:
        """Whether a decision is only there to count how many are right."""
        graph = self.graph
        return graph.ops[place] in words.DECISIONS and all(
            graph.ops[each] in words.JUDGEMENTS for each in graph.consumers[place]
        )

    def _meets_known_classes(self, place: int) -> bool:
        """Whether the classes that a loss compares with are known before anything is fed."""
        losses = self._losses_after(place)
        if not all("CrossEntropy" in self.graph.ops[each] for each in losses):
            return False
        classes = [each for loss in losses for each in self.graph.inputs[loss][1:2]]
        behind = self.graph.backward(classes, self.roles.barred)
        return self.roles.has_data and not any(behind[each.place] for each in self.roles.sources)

    def _feeds_loss(self, place: int) -> bool:
        return bool(self._losses_after(place))

    def _losses_after(self, place: int) -> list[int]:
        """The losses that take a node, as it is or in another form."""
        level = [place]
        for _ in range(_FEEDING_STEPS):
            users = [each for start in level for each in self.graph.consumers[start]][:64]
            if losses := [each for each in users if self.graph.ops[each] in words.LOSS]:
                return losses
            level = [
                each
                for each in users
                if self.graph.ops[each]
                in ("Reshape", "Cast", "Transpose", "Identity", "Squeeze", "Slice")
                and not self.roles.excluded[each]
            ]
        return []


def _article(word: str) -> str:
    return "an" if word[:1] in "AEIOU" else "a"
