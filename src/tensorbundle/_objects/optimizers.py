"""Optimizers of an object graph, their moving averages, and which library made it.

An optimizer is told by the shape of its object, which differs between Keras 2, its legacy
optimizers and Keras 3 (format.md §9.4, §9.5); names alone, which any program may use, are not
enough. For checkpoints that have only names see `slots`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final, Literal

from .graph import ObjectGraph, value_of

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

Origin = Literal["tf1", "keras2", "keras3", "tf.Module"]

# The numbers that optimizers without lists keep: each of these sets by itself.
_LEGACY: Final = (
    {"iter", "decay"},  # Keras 2, legacy
    {"iter", "learning_rate"},
    {"iter", "beta_1", "beta_2"},
)
_NUMBERS: Final = (
    *_LEGACY,
    {"beta1_power", "beta2_power"},  # tf.compat.v1.train.AdamOptimizer
    {"current_loss_scale", "good_steps"},
)
_WRAPPED: Final = {"base_optimizer", "inner_optimizer", "_optimizer"}
_AVERAGES: Final = "_model_variables_moving_average"
_TRAINABLE: Final = "_trainable_variables"
_KERAS_2: Final = {"keras_api", "layer_with_weights-0", "layer-0"}


def origin(graph: ObjectGraph | None) -> Origin:
    """Which library made a checkpoint, by its object graph.

    Returns:
        ``"tf1"`` when there is no graph: names are all there is; ``"keras2"``, ``"keras3"``; and
        ``"tf.Module"`` for every other ``tf.train.Checkpoint``.
    """
    if graph is None:
        return "tf1"
    names = [{name for name, _ in node.children} for node in graph.nodes]
    lists = [n for n in range(len(names)) if _has_lists(graph, n)]
    if any(_TRAINABLE in names[n] for n in lists) or any(_is_keras_3(each) for each in names):
        return "keras3"
    if lists or any(each & _KERAS_2 for each in names):
        return "keras2"
    legacy = (n for n, each in enumerate(names) if any(sign <= each for sign in _LEGACY))
    return "keras2" if any(_has_only_numbers(graph, n) for n in legacy) else "tf.Module"


def _is_keras_3(names: set[str]) -> bool:
    """Whether an object is one of Keras 3's functional models, or what its ``export`` makes."""
    functional = {"_inbound_nodes", "_outbound_nodes", "_operations"}
    exported = {"_all_variables", "serve"}
    return functional <= names or exported <= names


def optimizers(graph: ObjectGraph, infos: Mapping[str, TensorInfo] | None = None) -> set[int]:
    """The optimizers of an object graph, by number of their nodes.

    Args:
        graph: The graph.
        infos: All tensors, by which numbers are told from weights.
    """
    found = {owner for owner, _ in graph.slots()}
    found |= {number for number in range(len(graph.nodes)) if _has_lists(graph, number)}
    names = [{name for name, _ in node.children} for node in graph.nodes]
    likely = {n for n, each in enumerate(names) if any(sign <= each for sign in _NUMBERS)}
    likely |= {n for n, each in enumerate(names) if each & _WRAPPED}
    while new := {n for n in likely - found if _has_only_numbers(graph, n, infos, found)}:
        found |= new
    return found


def _has_lists(graph: ObjectGraph, number: int) -> bool:
    """Whether an object keeps its variables in a list, its steps among them, as Keras' do."""
    children = dict(graph.nodes[number].children)
    steps, variables = children.get("_iterations"), children.get("_variables")
    if steps is None or variables is None:
        return False
    return any(child == steps for _, child in graph.nodes[variables].children)


def _has_only_numbers(
    graph: ObjectGraph,
    number: int,
    infos: Mapping[str, TensorInfo] | None = None,
    beside: Collection[int] = (),
) -> bool:
    """Whether all that an object has are single numbers, and optimizers that are known."""
    for _, child in graph.nodes[number].children:
        node = graph.nodes[child]
        if child in beside or not (node.children or node.attributes):
            continue
        value = value_of(node)
        if node.children or value is None:
            return False
        if infos is not None and value.key in infos and infos[value.key].shape:
            return False
    return True


def kept_below(graph: ObjectGraph, found: Collection[int]) -> dict[int, set[int]]:
    """What belongs to the model, although only optimizers lead to it.

    TensorFlow does not see what Keras 3 keeps in lists: the weights of such layers are stored as
    the optimizer's trainable variables only. There they stay, since there a program that restores
    them has them too.

    Args:
        graph: The graph.
        found: Its optimizers.

    Returns:
        For the objects on the way to such weights, the children that they keep.
    """
    reached = _reached(graph, 0, found)
    kept: dict[int, set[int]] = {}
    for optimizer in sorted(found):
        trainable = dict(graph.nodes[optimizer].children).get(_TRAINABLE)
        members = [] if trainable is None else [c for _, c in graph.nodes[trainable].children]
        lost = {child for child in members if graph.nodes[child].attributes} - reached
        if trainable is None or not lost:
            continue
        reached |= lost
        kept[optimizer], kept[trainable] = {trainable}, lost
        # An optimizer around this one leads to it.
        for number in found:
            if any(child == optimizer for _, child in graph.nodes[number].children):
                kept.setdefault(number, set()).add(optimizer)
    return kept


def _reached(graph: ObjectGraph, start: int, without: Collection[int]) -> set[int]:
    """The objects that one leads to by a way without some others."""
    seen = {start} - set(without)
    queue = list(seen)
    for number in queue:
        for _, child in graph.nodes[number].children:
            if child not in seen and child not in without:
                seen.add(child)
                queue.append(child)
    return seen


def shadow_keys(graph: ObjectGraph) -> dict[str, str]:
    """Keys of moving averages by the key of their variable, in an object graph.

    Keras 3 keeps both in lists of the same order; Keras 2 tells by the average's full name,
    ``Adam/average/dense/kernel``; optimizers with slots call it ``average``.
    """
    found = {}
    by_name = {each.full_name: each.key for each in graph.variables}
    for variable in graph.variables:
        for slot, key in variable.slots.items():
            if slot.rpartition("/")[2] == "average":
                found[variable.key] = key
    for node in graph.nodes:
        children = dict(node.children)
        if _AVERAGES not in children:
            continue
        trainable = _members(graph, children.get(_TRAINABLE))
        for name, (key, full_name) in _members(graph, children[_AVERAGES]).items():
            plain = full_name.partition("/average/")[2]
            if name in trainable:
                found[trainable[name][0]] = key
            elif plain in by_name:
                found[by_name[plain]] = key
    return found


def _members(graph: ObjectGraph, number: int | None) -> dict[str, tuple[str, str]]:
    """Key and full name of the variables in a list, by their place in it."""
    children = () if number is None else graph.nodes[number].children
    return {
        name: (value.key, value.full_name)
        for name, child in children
        if (value := value_of(graph.nodes[child]))
    }
