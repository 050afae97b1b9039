"""Dropout left out: what drops elements at random, or adds noise of a constant size, passes on.

Dropout, of each kind that TensorFlow and Keras had, multiplies by a mask or by noise about one, and
scales; it is known by what it computes, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..._graphdef.nodes import Node, Nodes
from ..._graphdef.tensors import TensorMessage
from ..._ops.edges import data_inputs
from .statistics import Walk

_RANDOM: Final = ("RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2")
_NORMAL: Final = (
    "RandomStandardNormal", "StatelessRandomNormal", "StatelessRandomNormalV2",
)  # fmt: skip
_COMPARISONS: Final = ("GreaterEqual", "Greater", "Less", "LessEqual")
_SELECTS: Final = ("Select", "SelectV2")
_SCALING: Final = ("Mul", "RealDiv", "Div")
_SUMS: Final = ("Add", "AddV2")
_PASSING: Final = frozenset({"Identity", "Enter", "Switch"})
_STEPS: Final = 8


def without_dropout(nodes: Nodes) -> tuple[Nodes, list[str]]:
    """Have dropout pass on what it is given."""
    walk = Walk(nodes)
    changed: dict[str, Node] = {}
    for name, node in nodes.items():
        source = _dropped(walk, node)
        if source is not None:
            attrs = {"T": node.attrs["T"]} if "T" in node.attrs else {}
            changed[name] = node.replace(op="Identity", inputs=(source,), attrs=attrs)
    return ({**nodes, **changed} if changed else nodes), list(changed)


def _dropped(walk: Walk, node: Node) -> str | None:
    """What goes into dropout, if a node is what comes out of one."""
    given = data_inputs(node)
    if node.op in _SELECTS and len(given) == 3:
        return _unscaled(walk, given[1]) if _is_mask(walk, given[0]) else None
    if len(given) != 2:
        return None
    if node.op in _SUMS:
        for kept, noise in (given, given[::-1]):
            if _is_noise(walk, noise, 0.0) and _constant(walk, kept) is None:
                return kept
        return _alpha_dropped(walk, node)
    if node.op == "Mul":
        for kept, mask in (given, given[::-1]):
            if _is_noise(walk, mask, 1.0) and _constant(walk, kept) is None:
                return kept
            if _is_mask(walk, mask):
                return _unscaled(walk, kept)
            # Scaled may be the mask, and not what it is laid on.
            scaled = _unscaled(walk, mask)
            if scaled is not None and _is_mask(walk, scaled):
                return kept
    # Or what is left over: (x * mask) / keep.
    product = _unscaled(walk, node.name) if node.op in _SCALING else None
    inner, _ = walk.origin(product, frozenset({"Identity"})) if product is not None else (None, 0)
    if inner is not None and inner.op == "Mul" and len(data_inputs(inner)) == 2:
        first, second = data_inputs(inner)
        if _is_mask(walk, second):
            return first
        return second if _is_mask(walk, first) else None
    return None


def _is_mask(walk: Walk, edge: str) -> bool:
    """Whether a tensor says at random which elements are kept."""
    node, _ = walk.origin(edge)
    if node is None:
        return False
    if node.op in _COMPARISONS:
        return any(_is_random(walk, each) for each in data_inputs(node))
    return node.op == "Floor" and _is_random(walk, node.inputs[0])


def _is_random(walk: Walk, edge: str) -> bool:
    """Whether a tensor is uniformly random, perhaps scaled and moved by numbers."""
    for _ in range(_STEPS):
        node, _ = walk.origin(edge)
        if node is None:
            return False
        if node.op in _RANDOM:
            return True
        rest = [each for each in data_inputs(node) if not walk.is_scalar(each)]
        if node.op not in ("Add", "AddV2", "Mul", "Sub") or len(rest) != 1:
            return False
        edge = rest[0]
    return False


def _unscaled(walk: Walk, edge: str) -> str | None:
    """What was scaled up for those that are dropped; None where nothing was: it is no dropout."""
    node, _ = walk.origin(edge, frozenset({"Identity"}))
    if node is None or node.op not in _SCALING:
        return None
    first, second = data_inputs(node)[:2]
    if walk.is_scalar(second):
        return first
    return second if node.op == "Mul" and walk.is_scalar(first) else None


# --- noise ----------------------------------------------------------------------------------------


def _is_noise(walk: Walk, edge: str, mean: float) -> bool:
    """Whether a tensor is normal noise about a number, of a deviation that is a constant."""
    about = 0.0
    for _ in range(_STEPS):
        node, _ = walk.origin(edge, _PASSING)
        if node is None:
            return False
        if node.op in _NORMAL:
            return about == mean
        given = data_inputs(node)
        if node.op not in (*_SUMS, "Mul") or len(given) != 2:
            return False
        numbers = [_constant(walk, each) for each in given]
        if (numbers[0] is None) == (numbers[1] is None):
            return False
        edge = given[numbers[0] is not None]
        if node.op != "Mul":
            about += next(each for each in numbers if each is not None)
    return False


def _alpha_dropped(walk: Walk, node: Node) -> str | None:
    """What goes into alpha dropout: (x * kept + alpha * (1 - kept)) * a + b."""
    scaled = _other(walk, node, _SUMS)
    inner = walk.node(scaled) if scaled is not None else None
    masked = _other(walk, inner, ("Mul",)) if inner is not None else None
    total = walk.node(masked) if masked is not None else None
    if total is None or total.op not in _SUMS or len(given := data_inputs(total)) != 2:
        return None
    for product, filled in (given, given[::-1]):
        first, second = walk.node(product), walk.node(filled)
        if first is None or second is None or first.op != "Mul":
            continue
        rest = _other(walk, second, ("Mul",))
        without = walk.node(rest) if rest is not None else None
        mask = without.inputs[1] if without is not None and without.op == "Sub" else ""
        for kept, other in (data_inputs(first)[:2], data_inputs(first)[1::-1]):
            if other == mask and _is_mask(walk, mask):
                return kept
    return None


def _other(walk: Walk, node: Node, ops: Iterable[str]) -> str | None:
    """What a node takes beside a constant number."""
    given = data_inputs(node)
    if node.op not in ops or len(given) != 2:
        return None
    numbers = [_constant(walk, each) is not None for each in given]
    return given[numbers[0]] if numbers[0] != numbers[1] else None


def _constant(walk: Walk, edge: str) -> float | None:
    """The number that a constant is."""
    node, _ = walk.origin(edge, _PASSING)
    value = node.attr("value") if node is not None and node.op == "Const" else None
    if not isinstance(value, TensorMessage) or value.size != 1 or value.shape:
        return None
    return float(value.array().reshape(()))
