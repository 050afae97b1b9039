"""Parts of results: how much of the network candidates need, and which only lead to others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from . import words
from .candidates import Network
from .heads import Scored, leads_on, root
from .topology import LoopResults, bit_counts
from .training import Training


def count_variables(
    training: Training,
    loops: LoopResults,
    found: list[Scored],
    order: Sequence[int],
    missing: Collection[int],
) -> None:
    """Count the trained variables behind each candidate: all candidates in one pass.

    Args:
        training: What the optimizers of the graph ask of its network.
        loops: What leaves its loops.
        found: The candidates.
        order: The graph's nodes, each after its inputs.
        missing: Variables that the checkpoint does not hold.
    """
    network, roles = training.network, training.roles
    masks = network.graph.reached_by([each.place for each in found], order, roles.barred)
    groups = [bit_counts((masks[place] for place in group), len(found)) for group in roles.groups]
    choices = [
        place
        for place, kept in enumerate(network.inside)
        if kept and network.graph.ops[place] in words.CHOICES and network.fed_back[place]
    ]
    deciding = bit_counts((masks[place] for place in choices), len(found))
    lacking = bit_counts((masks[place] for place in missing), len(found))
    trained = sum(len(group) for group in roles.groups)
    for bit, each in enumerate(found):
        each.variables = sum(group[bit] for group in groups)
    _mark_parts(training, loops, found, masks)
    _mark_decided(training, found)
    for bit, each in enumerate(found):
        counts = [group[bit] for group in groups]
        if trained:
            shares = [count / len(group) for count, group in zip(counts, roles.groups, strict=True)]
            points = 5.0 * max(shares) + 3.0 * each.variables / trained
            each.add(points, f"depends on {each.variables} of {trained} trained variables")
        if deciding[bit] and each.place not in choices and not _only_trains(network, each.place):
            each.add(5.0, "made of choices that were fed back")
        if lacking[bit]:
            plural = "s" if lacking[bit] > 1 else ""
            each.add(-12.0, f"needs {lacking[bit]} variable{plural} that the checkpoint lacks")


def _mark_decided(training: Training, found: list[Scored]) -> None:
    """Count for a head that somebody decides by it: of several that are trained the one to use."""
    network = training.network
    heads = [root(network, each.place) for each in found]
    decided = {
        head
        for head, each in zip(heads, found, strict=True)
        if network.graph.ops[each.place] in words.DECISIONS | words.CHOICES
        and not training.needed[each.place]
    }
    trained = {head for head, each in zip(heads, found, strict=True) if each.compared}
    if len(trained - decided) and len(trained & decided):
        for head, each in zip(heads, found, strict=True):
            if head in decided and head in trained:
                each.add(3.0, "decided by")


def _only_trains(network: Network, place: int) -> bool:
    users = network.graph.consumers[place]
    return bool(users) and all(network.roles.excluded[each] for each in users)


def _mark_parts(
    training: Training, loops: LoopResults, found: list[Scored], masks: Sequence[int]
) -> None:
    """Count against a candidate that a result made of it depends on more of the network."""
    needed, handed_on = training.needed, training.handed_on
    compared = {each.place for each in found if each.compared}
    for each in found:
        if not each.compared and not each.part and leads_on(training.network, each.place, compared):
            each.part = True
            each.add(-4.0, "leads to what is compared")
    results = [
        (bit, each)
        for bit, each in enumerate(found)
        if not needed[each.place] and not loops.is_left(each.place)
    ]
    layers = [root(training.network, each.place) for each in found]
    applied = [training.roles.variables_of(layer) for layer in layers]
    for i, each in enumerate(found):
        later = masks[each.place]
        if (
            each.place not in handed_on
            and applied[i]
            and any(
                later >> bit & 1 and applied[bit] == applied[i] and layers[bit] != layers[i]
                for bit in range(len(found))
            )
        ):
            each.add(-6.0, "a step: the same layer comes again after it")
    for i, each in enumerate(found):
        fed = training.roles.data_cone[each.place]
        if fed and applied[i] and not needed[each.place] and each.place not in handed_on:
            trained = [
                other
                for bit, other in enumerate(found)
                if applied[bit] == applied[i] and needed[other.place]
            ]
            if trained and all(other.part for other in trained):
                each.add(-12.0, "a copy of what is only a part where it is trained")
    _mark_leading(training, found, masks, results, layers)


def _mark_leading(
    training: Training,
    found: Sequence[Scored],
    masks: Sequence[int],
    results: Sequence[tuple[int, Scored]],
    layers: Sequence[int],
) -> None:
    """Count against a candidate that more is made of it, where that is a result as well."""
    units = [training.network.is_unit(each.place) for each in found]
    used = [training.is_for_use(each.place) for each in found]
    for i, each in enumerate(found):
        if each.compared or each.part:
            continue
        later = masks[each.place]
        leads = any(
            later >> bit & 1
            and other.score > 0
            and (
                other.variables > each.variables
                # Nothing is trained here: what something is made of, is on the way to it.
                or (used[i] and used[bit] and layers[i] != layers[bit])
            )
            for bit, other in results
        )
        longer = units[i] and any(
            later >> bit & 1 for bit, unit in enumerate(units) if unit and bit != i
        )
        if leads or longer:
            each.part = True
            each.add(-4.0, "leads to more")
