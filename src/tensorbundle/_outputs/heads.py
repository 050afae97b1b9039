"""Heads: a result in all its forms (logits, probabilities, arg-max), and what stands for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from .._ops.types import Shape
from . import words
from .candidates import Network
from .topology import shape_of, source_in_loop

_LEADING: Final = 8  # steps between a form and the result that is made of it alone
_REDUCING: Final = 64  # nodes between a number and what it is the sum of
_ARRANGEMENTS: Final = 4  # that are looked through
# Where what comes together is no result any more: a distribution that weighs something.
_PARTED: Final = words.TAIL | {"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"}
_FORMS: Final = 12  # steps from a layer to the last form of its result
_CUTS: Final = frozenset(("Unpack", "Split", "SplitV", "Slice", "StridedSlice"))


@dataclass(slots=True)
class Scored:
    """A candidate with what speaks for it.

    Attributes:
        place: The node.
        score: The sum.
        reasons: What counted, the most telling first.
        variables: How many trained variables it depends on.
        compared: Whether a loss or another network takes it as it is.
        part: Whether it is known to be only a part of a result.
        aliases: Other nodes of the same head, best first.
    """

    place: int
    shape: Shape
    score: float = 0.0
    reasons: list[tuple[float, str]] = field(default_factory=list)
    variables: int = 0
    compared: bool = False
    part: bool = False
    aliases: list[int] = field(default_factory=list)

    def add(self, points: float, reason: str = "") -> None:
        """Count something for it, or against it."""
        self.score += points
        if reason and points:
            self.reasons.append((points, reason))

    def name_instead(self, network: Network, alias: int) -> None:
        """Let another form of the head stand for it."""
        self.aliases[self.aliases.index(alias)] = self.place
        self.place, self.shape = alias, shape_of(network.graph, alias)

    @property
    def reason(self) -> str:
        """The reasons in words, those that count most first."""
        ordered = sorted(self.reasons, key=lambda each: -abs(each[0]))
        return "; ".join(text for _, text in ordered)


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
    scores = {each.place: each.score for each in found}
    best = list(heads.values())[:limit]
    for each in best:
        _take_latest(network, each, scores)
        _take_whole(network, each)
    return best


def _take_latest(network: Network, head: Scored, scores: dict[int, float]) -> None:
    """Of forms that have as much for them, name the last: what is done to a result, is wanted."""
    for other in list(head.aliases):
        decides = network.graph.ops[other] in words.DECISIONS and not network.rounds(other)
        if decides or scores[other] < scores[head.place]:
            continue
        if head.place in _forms_behind(network, other):
            head.name_instead(network, other)


def _take_whole(network: Network, head: Scored) -> None:
    """Name what equal forms of a head are cut from, where no one of them is the whole."""
    graph = network.graph
    behind = _forms_behind(network, head.place)
    for other in head.aliases:
        if graph.ops[other] != graph.ops[head.place] or other in behind:
            continue
        others = _forms_behind(network, other)
        whole = next((each for each in behind if each in others), None)
        if whole is None or head.place in others or whole not in head.aliases:
            continue
        after = [forms[max(forms.index(whole) - 1, 0)] for forms in (behind, others)]
        if graph.ops[whole] in _CUTS or all(graph.ops[each] in _CUTS for each in after):
            head.name_instead(network, whole)
            return


def _forms_behind(network: Network, place: int) -> list[int]:
    """A node and what it is a form of, back to where two things come together."""
    found = [place]
    for _ in range(_FORMS):
        sources = {each for each in network.graph.inputs[place] if network.inside[each]}
        if network.graph.ops[place] not in words.TAIL or len(sources) != 1:
            break
        place = sources.pop()
        found.append(place)
    return found


def root(network: Network, place: int) -> int:
    """The layer that a form of a head comes from."""
    graph = network.graph
    for _ in range(_FORMS):
        sources = {each for each in graph.inputs[place] if network.inside[each]}
        op = graph.ops[place]
        if (within := source_in_loop(graph, place)) is not None:
            place = within
            continue
        if op not in words.TAIL or op in words.JOINS or len(sources) != 1:
            break
        place = sources.pop()
    return place


def is_part(network: Network, place: int) -> bool:
    """Whether all that follows, after mere shaping, comes together with something else."""
    graph, inside = network.graph, network.inside
    for _ in range(_ARRANGEMENTS):
        users = {each for each in graph.consumers[place] if inside[each]}
        if any(graph.ops[each] == "StopGradient" for each in users):
            return False  # taken as it is, like what is fed
        if users and all(graph.ops[each] == "Sum" and graph.consumers[each] for each in users):
            return True
        if not users or not all(graph.ops[each] in _PARTED for each in users):
            return False
        if all(_joins_heads(network, each) for each in users):
            return True
        if any(len({s for s in graph.inputs[each] if inside[s]}) > 1 for each in users):
            return False  # two forms of one come together: an entropy
        if len(users) > 1:
            return False
        place = users.pop()
    return False


def _joins_heads(network: Network, place: int) -> bool:
    """Whether two things come together, not two forms of one (as in an entropy)."""
    sources = {each for each in network.graph.inputs[place] if network.inside[each]}
    return len(sources) > 1 and len({root(network, each) for each in sources}) > 1


def are_steps(network: Network, places: set[int]) -> bool:
    """Whether nodes are what one layer gives, applied again and again."""
    applied = {network.roles.variables_of(root(network, each)) for each in places}
    return len(applied) == 1 and any(applied)


def compares_twins(network: Network, place: int) -> bool:
    """Whether a node takes one result of a layer from another of the same layer."""
    if network.graph.ops[place] not in ("Sub", "Add", "AddV2", "SquaredDifference"):
        return False
    level, found = [place], set[int]()
    for _ in range(_ARRANGEMENTS):
        level = [s for each in level for s in network.graph.inputs[each] if network.inside[s]]
        found.update(root(network, each) for each in level)
        level = [each for each in level if network.graph.ops[each] in words.SCALES]
    products = [each for each in found if network.graph.ops[each] in words.BEGINNINGS]
    applied = {network.roles.variables_of(each) for each in products}
    return len(products) > 1 and len(applied) == 1


def is_reduced(network: Network, place: int) -> bool:
    """Whether a number is a mean or a sum of many, and not the only one there is."""
    stack, seen = [place], {place}
    while stack and len(seen) < _REDUCING:
        place = stack.pop()
        if network.graph.ops[place] in words.REDUCTIONS:
            return True
        if network.roles.layers[place] or network.graph.ops[place] in words.CHOICES:
            continue
        new = {s for s in network.graph.inputs[place] if network.inside[s]} - seen
        seen |= new
        stack += sorted(new)
    return False


def mixes_parts(network: Network, place: int) -> bool:
    """Whether parts that are cut from one result are added up, as corners of boxes are."""
    graph = network.graph
    sources = {each for each in graph.inputs[place] if network.inside[each]}
    if graph.ops[place] not in ("Add", "AddV2", "Sub") or len(sources) < 2:
        return False
    return len({_cut_from(network, each) for each in sources}) == 1


def _cut_from(network: Network, place: int) -> int:
    """The layer of a result, looked for through numbers that its parts are multiplied by."""
    graph = network.graph
    for _ in range(_ARRANGEMENTS):
        place = root(network, place)
        sources = {each for each in graph.inputs[place] if network.inside[each]}
        if graph.ops[place] not in ("Square", "Exp", "Mul", "RealDiv") or len(sources) != 1:
            break
        place = sources.pop()
    return place


def normalises(network: Network, place: int) -> bool:
    """Whether a node is the logarithm of a sum: what losses make distributions sum to one by."""
    graph, level = network.graph, [place]
    for _ in range(_ARRANGEMENTS):
        logs = [each for each in level if graph.ops[each] == "Log"]
        if any(graph.ops[source] == "Sum" for each in logs for source in graph.inputs[each]):
            return True
        level = [
            source
            for each in level
            if graph.ops[each] in ("Add", "AddV2", "Squeeze", "Reshape", "Identity")
            for source in graph.inputs[each]
        ]
    return False


def leads_on(network: Network, place: int, compared: Collection[int]) -> bool:
    """Whether all that is made of a node is one result, by computing and not by arranging."""
    graph, computed = network.graph, False
    fed = {each.place for each in network.roles.sources if each.role == "data"}
    for _ in range(_LEADING):
        users = {each for each in graph.consumers[place] if not network.roles.barred[each]}
        if len(users) != 1:
            return False
        place = users.pop()
        op = graph.ops[place]
        if op in words.MEASURES or op in words.LOSS or network.roles.label_cone[place]:
            return False
        masks = op == "Mul" and any(each in fed for each in graph.inputs[place])
        computed = computed or masks or op in words.MULTIPLIES
        if place in compared:
            return computed
    return False
