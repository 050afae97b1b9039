"""Optimizers' variables and moving averages: tensors that belong to training, not to the model.

TensorFlow 1 says so by names alone; object graphs say so by the shape of the optimizer's object,
which differs between Keras 2, its legacy optimizers and Keras 3 (format.md §9.4, §9.5).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final, Literal

from .graph import ObjectGraph, value_of

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

Origin = Literal["tf1", "keras2", "keras3", "tf.Module"]

EMA: Final = "ExponentialMovingAverage"
_OPTIMIZERS: Final = (
    "AMSGrad",
    "AdaMax",
    "Adadelta",
    "Adagrad",
    "AdagradDA",
    "Adam",
    "AdamAsync",
    "AdamW",
    "Adamax",
    "Ftrl",
    "LARSOptimizer",
    "LazyAdam",
    "Momentum",
    "MomentumW",
    "Nadam",
    "ProximalAdagrad",
    "RMSProp",
    "adam_m",  # BERT's own optimizers
    "adam_v",
    "lamb_m",
    "lamb_v",
)
_POWERS: Final = re.compile(r"(^|/)beta[12]_power(_\d+)?$")
_KERAS_TRAINING: Final = re.compile(r"(^|/)training(_\d+)?/([^/]+/)+")
# Children that only an optimizer has, each of these sets by itself.
_SIGNS: Final = (
    {"_variables", "_iterations", "_learning_rate"},  # Keras 2 and 3
    {"iter", "decay", "learning_rate"},  # Keras 2, legacy
    {"iter", "beta_1", "beta_2"},
    {"beta1_power", "beta2_power"},  # tf.compat.v1.train.AdamOptimizer
)
_WRAPPED: Final = (
    "base_optimizer",
    "inner_optimizer",
    "_optimizer",
)  # by a loss scale, or averaging
_AVERAGES: Final = "_model_variables_moving_average"
_TRAINABLE: Final = "_trainable_variables"


def origin(graph: ObjectGraph | None) -> Origin:
    """Which library made a checkpoint, by its object graph.

    Returns:
        ``"tf1"`` when there is no graph: names are all there is; ``"keras2"``, ``"keras3"``; and
        ``"tf.Module"`` for every other ``tf.train.Checkpoint``.
    """
    if graph is None:
        return "tf1"
    names = {name for node in graph.nodes for name, _ in node.children}
    root = {name for name, _ in graph.nodes[0].children}
    if names & {"_functional", "_operations", _TRAINABLE} or {"_all_variables", "serve"} <= root:
        return "keras3"
    keras2 = {"keras_api", "layer_with_weights-0", "layer-0", "_index_dict"}
    if names & keras2 or any(_looks_like(graph, n, _SIGNS[1:3]) for n in range(len(graph.nodes))):
        return "keras2"
    return "tf.Module"


def optimizer_names(infos: Mapping[str, TensorInfo], more: Collection[str] = ()) -> list[str]:
    """The optimizer's tensors in a checkpoint of names.

    A slot is named after its variable and its optimizer, ``dense/kernel/Adam_1``, maybe below the
    scope in which the optimizer was made; so a name counts only if its variable is there too.

    Args:
        infos: All tensors.
        more: Names of optimizers that are not TensorFlow's own.
    """
    known = "|".join(map(re.escape, (*_OPTIMIZERS, *more)))
    slot = re.compile(rf"^(.+)/(?:{known})(?:_\d+)?$")
    found = []
    for name in infos:
        match = slot.match(name)
        is_slot = match and any(tail in infos for tail in _tails(match[1]))
        if is_slot or _POWERS.search(name) or _KERAS_TRAINING.match(name):
            found.append(name)
    return found


def _tails(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def optimizers(graph: ObjectGraph) -> set[int]:
    """The optimizers of an object graph, by number of their nodes."""
    found = {owner for owner, _ in graph.slots()}
    found |= {n for n in range(len(graph.nodes)) if _looks_like(graph, n, _SIGNS)}
    for number, node in enumerate(graph.nodes):
        if any(name in _WRAPPED and child in found for name, child in node.children):
            found.add(number)
    return found


def _looks_like(graph: ObjectGraph, number: int, signs: Collection[set[str]]) -> bool:
    names = {name for name, _ in graph.nodes[number].children}
    return any(sign <= names for sign in signs)


def shadow_names(names: Collection[str], suffix: str = EMA) -> dict[str, str]:
    """Moving averages by the name of their variable, in a checkpoint of names."""
    ending = f"/{suffix}"
    return {name[: -len(ending)]: name for name in names if name.endswith(ending)}


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
