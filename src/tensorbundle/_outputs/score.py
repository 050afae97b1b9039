"""Scores of candidates: what speaks for each, and why (freeze.md §4.2: structure beats names)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from . import words
from .candidates import Network
from .copies import copies_to_use
from .shapes import Shape, shape_of

_LIMIT: Final = 256  # candidates that are looked at closely
_FEEDING_STEPS: Final = 3
_ARRANGEMENTS: Final = 4  # that are looked through
_FORMS: Final = 12  # steps from a layer to the last form of its result

_OP_SCORES: Final = {
    op: points
    for points, ops in (
        (9.0, "Softmax"),
        (8.0, "Sigmoid"),
        (7.0, "LogSoftmax"),
        (6.0, "ArgMax TopK TopKV2 GatherTree"),
        (5.0, "BiasAdd Tanh Atan CTCGreedyDecoder CTCBeamSearchDecoder"),
        (4.0, "Sin Cos Add AddV2 Squeeze L2Normalize SparseToDense DepthToSpace"),
        (
            3.0,
            "Identity MatMul Conv2D Relu Transpose Conv2DBackpropInput Reshape Softplus "
            "Elu LeakyRelu RealDiv Round",
        ),
        (2.0, "BatchMatMul BatchMatMulV2 Mul Cast TensorArrayGatherV3 Merge ClipByValue"),
        (1.0, "Sub GatherV2 Gather Exit Minimum Maximum ConcatV2 Sum"),
        (-1.0, "Mean"),
        (-3.0, "Log Neg"),
        (-4.0, "Fill Where Square"),
        (-6.0, "Switch LogicalAnd Enter Less TensorArrayWriteV3 RandomUniform Range"),
        (
            -8.0,
            "Equal NotEqual ZerosLike OnesLike L2Loss SquaredDifference InTopK InTopKV2 "
            "SoftmaxCrossEntropyWithLogits NextIteration "
            "SparseSoftmaxCrossEntropyWithLogits CTCLoss TensorArrayV3",
        ),
        (-9.0, "LoopCond StackPushV2 StackV2"),
    )
    for op in ops.split()
}


# Where what comes together is no result any more: a distribution that weighs something.
_PARTED: Final = words.TAIL | {"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"}
_LOOKUPS: Final = frozenset(("Gather", "GatherV2", "ResourceGather", "GatherNd"))


@dataclass(slots=True)
class Scored:
    """A candidate with what speaks for it.

    Attributes:
        place: The node.
        score: The sum.
        reasons: What counted, the most telling first.
        variables: How many trained variables it depends on.
        aliases: Other nodes of the same head, best first.
    """

    place: int
    shape: Shape
    score: float = 0.0
    reasons: list[tuple[float, str]] = field(default_factory=list)
    variables: int = 0
    aliases: list[int] = field(default_factory=list)

    def add(self, points: float, reason: str = "") -> None:
        """Count something for it, or against it."""
        self.score += points
        if reason and points:
            self.reasons.append((points, reason))

    @property
    def reason(self) -> str:
        """The reasons in words, those that count most first."""
        ordered = sorted(self.reasons, key=lambda each: -abs(each[0]))
        return "; ".join(text for _, text in ordered)


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
    _count_variables(network, found, order, missing)
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
        self.handed_on = self._handed_on()
        self.copies = copies_to_use(network, sorted(self.last))

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
        if head in self.copies:
            found.add(6.0, "has the variables of a trained copy, but is not trained itself")
        if place in self.sinks:
            found.add(1.0, "nothing in the network uses it" if self.graph.consumers[place] else "")
        if place in self.handed_on:
            found.add(6.0, "goes into a network that another optimizer trains")
        return found

    def _judge_op(self, found: Scored) -> None:
        """How much like a result the operation is; of an arrangement, what it arranges counts."""
        graph, network = self.graph, self.network
        points, place = 0.0, found.place
        for _ in range(_ARRANGEMENTS):
            sources = {each for each in graph.inputs[place] if network.inside[each]}
            if graph.ops[place] in words.JOINS and len(sources) > 1 and sources <= network.tails:
                points += 1.0
            elif len(sources) == 1 and self._keeps(place, sources):
                points += 0.5
            else:
                break
            place = min(sources)
        if self._flattens(found):
            points -= 1.5  # as losses want it
        op = graph.ops[found.place]
        if op == "Mul" and any(graph.ops[each] == "Rsqrt" for each in graph.inputs[found.place]):
            points += 3.0  # made one long, as an embedding is
        found.add(points + _OP_SCORES.get(graph.ops[place], 0.0), f"is {_article(op)} {op}")
        if graph.ops[place] in _LOOKUPS and self.roles.layers[place]:
            found.add(-3.0, "only looks rows up")

    def _flattens(self, found: Scored) -> bool:
        sources = self.graph.inputs[found.place][:1]
        if self.graph.ops[found.place] != "Reshape" or not sources:
            return False
        before = shape_of(self.graph, sources[0])
        return (
            before is not None
            and len(before) > 1
            and found.shape is not None
            and len(found.shape) == 1
        )

    def _keeps(self, place: int, sources: set[int]) -> bool:
        """Whether a node only arranges its source, or moves its values to another range."""
        graph = self.graph
        if graph.ops[place] in words.LAYOUT:
            return True
        if graph.ops[place] not in words.SCALES or self.roles.layers[place]:
            return False
        if graph.ops[place] in words.TURNS and shape_of(graph, graph.inputs[place][0]) == ():
            return False  # what is missing to one, as losses take it
        used = {graph.ops[each] for each in graph.consumers[place]}
        if used & words.MEASURES or used & words.BEGINNINGS:
            return False
        return all(
            shape_of(graph, each) == () or self.roles.data_cone[each]
            for each in graph.inputs[place]
            if each not in sources
        )

    def _is_part(self, place: int) -> bool:
        """Whether all that follows, after mere shaping, comes together with something else."""
        graph, inside = self.graph, self.network.inside
        for _ in range(_ARRANGEMENTS):
            users = {each for each in graph.consumers[place] if inside[each]}
            if users and all(graph.ops[each] == "Sum" and graph.consumers[each] for each in users):
                return True
            if not users or not all(graph.ops[each] in _PARTED for each in users):
                return False
            if all(len({s for s in graph.inputs[each] if inside[s]}) > 1 for each in users):
                return True
            if len(users) > 1:
                return False
            place = users.pop()
        return False

    def _handed_on(self) -> frozenset[int]:
        """Last forms of a group's network that layers of another group use: actors, generators."""
        network, roles = self.network, self.roles
        found: set[int] = set()
        if len(roles.groups) < 2:
            return frozenset()
        for group, layers in zip(roles.groups, network.last_layers, strict=True):
            others = frozenset().union(*(each - group for each in roles.groups))
            reads = roles.reads_of(others)
            level, seen = list(layers), set(layers)
            chain: dict[int, int] = {}
            while level:
                place = level.pop()
                for each in self.graph.consumers[place]:
                    if each in seen or not network.inside[each]:
                        continue
                    seen.add(each)
                    if roles.layers[each] and any(
                        reads[source] for source in self.graph.inputs[each]
                    ):
                        while place not in found:
                            found.add(place)
                            place = chain.get(place, place)
                    elif self.graph.ops[each] in words.TAIL:
                        chain[each] = place
                        level.append(each)
        return frozenset(each for each in found if self.graph.ops[each] not in words.JOINS)

    def _judge_name(self, found: Scored) -> None:
        name, op = self.graph.names[found.place][-words.LONG :], self.graph.ops[found.place]
        scope, _, last = name.rpartition("/")
        hand_made = words.is_hand_made(name, op)
        bonus = 0.0
        for pattern, points in ((words.PREDICTION, 9.0), (words.OUTPUT, 6.0)):
            if hand_made and pattern.match(last):
                bonus = max(bonus, points)
            elif words.is_hand_made(scope, "") and pattern.match(scope.rpartition("/")[2]):
                bonus = max(bonus, points / 2)
        if bonus:
            found.add(bonus, "named like a result")
        if words.BAD_NAMES.search(name):
            found.add(-9.0, "named like a loss or a metric")
        if words.INNER_NAMES.search(name):
            found.add(-4.0, "inside an operation's scope")
        if words.TWIN_NAMES.search(name):
            found.add(-3.0, "named like the copy that training compares with")
        if hand_made:
            found.add(1.0)

    def _judge_shape(self, found: Scored) -> None:
        shape = found.shape
        if shape is None:
            return
        if not shape:
            found.add(-8.0, "a scalar")
        elif shape[0] == -1:
            found.add(3.0, "batch of any size")
        if len(shape) >= 2:
            found.add(1.0)

    def _judge_use(self, found: Scored) -> None:
        graph, roles = self.graph, self.roles
        if self._feeds_loss(found.place):
            found.add(4.0, "the loss takes it")
        elif any(
            roles.label_cone[each] or roles.side[each] for each in graph.consumers[found.place]
        ):
            found.add(2.0, "compared with the labels")
        self._judge_users(found)
        if not graph.consumers[found.place]:
            op = graph.ops[found.place]
            found.add(4.0 if op == "Merge" else 1.5, "nothing else uses it")
            if words.is_hand_made(graph.names[found.place], op):
                found.add(10.0 if op == "Identity" else 3.0, "named to be fetched")

    def _judge_users(self, found: Scored) -> None:
        graph = self.graph
        users = graph.consumers[found.place]
        if self._is_part(found.place):
            found.add(-4.0, "only a part of what follows")
        if users and all(self.roles.excluded[each] for each in users):
            reported = any(words.SUMMARY.search(graph.ops[each]) for each in users)
            found.add(
                -2.0 if reported else -8.0,
                "only for a summary" if reported else "only for training",
            )

    def _feeds_loss(self, place: int) -> bool:
        level = [place]
        for _ in range(_FEEDING_STEPS):
            users = [each for start in level for each in self.graph.consumers[start]][:64]
            if any(self.graph.ops[each] in words.LOSS for each in users):
                return True
            level = [
                each
                for each in users
                if self.graph.ops[each]
                in ("Reshape", "Cast", "Transpose", "Identity", "Squeeze", "Slice")
                and not self.roles.excluded[each]
            ]
        return False


def _article(word: str) -> str:
    return "an" if word[:1] in "AEIOU" else "a"


def _count_variables(
    network: Network, found: list[Scored], order: Sequence[int], missing: Collection[int]
) -> None:
    """Count the trained variables behind each candidate: all candidates in one pass."""
    roles = network.roles
    masks = network.graph.reached_by([each.place for each in found], order, roles.barred)
    groups = [_counts((masks[place] for place in group), len(found)) for group in roles.groups]
    choices = [
        place
        for place, kept in enumerate(network.inside)
        if kept and network.graph.ops[place] in words.CHOICES and network.fed_back[place]
    ]
    deciding = _counts((masks[place] for place in choices), len(found))
    lacking = _counts((masks[place] for place in missing), len(found))
    trained = sum(len(group) for group in roles.groups)
    for bit, each in enumerate(found):
        counts = [group[bit] for group in groups]
        each.variables = sum(counts)
        if trained:
            shares = [count / len(group) for count, group in zip(counts, roles.groups, strict=True)]
            points = 5.0 * max(shares) + 3.0 * each.variables / trained
            each.add(points, f"depends on {each.variables} of {trained} trained variables")
        if deciding[bit] and each.place not in choices:
            each.add(5.0, "made of choices that were fed back")
        if lacking[bit]:
            plural = "s" if lacking[bit] > 1 else ""
            each.add(-12.0, f"needs {lacking[bit]} variable{plural} that the checkpoint lacks")


def _counts(masks: Iterable[int], width: int) -> list[int]:
    """How often each bit is set."""
    counts = [0] * width
    for mask in masks:
        while mask:
            low = mask & -mask
            counts[low.bit_length() - 1] += 1
            mask ^= low
    return counts


def join_heads(network: Network, found: Sequence[Scored], limit: int) -> list[Scored]:
    """Name each head once: the best of its forms (logits, probabilities, arg-max) speaks for it."""
    head_of: dict[int, int] = {}
    heads: dict[int, Scored] = {}
    for each in found:
        head = root(network, each.place)
        head_of[each.place] = head
        if head in heads:
            heads[head].aliases.append(each.place)
        else:
            heads[head] = each
    return list(heads.values())[:limit]


def root(network: Network, place: int) -> int:
    """The layer that a form of a head comes from."""
    graph = network.graph
    for _ in range(_FORMS):
        sources = {each for each in graph.inputs[place] if network.inside[each]}
        op = graph.ops[place]
        if op not in words.TAIL or op in words.JOINS or len(sources) != 1:
            break
        place = sources.pop()
    return place
