"""Optimizer slots and moving averages in checkpoints of names, each with the variable it is of.

TensorFlow 1 writes no roles, only names, and a model may use any name too. So a slot is told from
the variables that are there: its name is made of a variable's, and its shape fits that variable's;
and what has slots of its own is a variable, whatever it is called.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

EMA: Final = "ExponentialMovingAverage"

# Optimizers after which slots are called, ``dense/kernel/Adam_1``, in any case of letters.
_NAMES: Final = (
    "AdaBelief|AdaBound|AdaHessian|AdaMax|AdaMod|AdaShift|Adadelta|Adafactor|Adagrad|AdagradDA|"
    "Adam|AdamAsync|AdamGS|AdamP|AdamW|AdamWeightDecay|Adan|AddSign|AGN|AMSBound|AMSGrad|COCOB|"
    "CoupledAdam|MADGRAD|RangerLars|SGDMomentum|SGDP|Sophia[GH]?|"
    "DiffGrad|Ftrl|GGT|KFAC|LAMB|LARS|LazyAdam|LazyAdamGS|Lion|MultistepAdam|Nadam|NadamW|NovoGrad|"
    "PAdam|PowerSign|ProximalAdagrad|QHAdam|RAdam|RegAdagrad|RMSProp|Rprop|SGDW|SM3|Shampoo|SWATS|"
    "YellowFin|Yogi|adafactor_(?:vr|vc|v|m)|adam_[mv]|lamb_[mv]"  # the last are BERT's and Grover's
)
# And as they are spelled here only: in small letters they are words that models use.
_WORDS: Final = "Momentum|MomentumW|Lookahead|SGD"
# Those that others are made of, and called after: `LazyAdagrad`, `AdagradDecayV2`, `GroupFtrl`.
_MADE_OF: Final = (
    "(?:[A-Z][A-Za-z]*)?(?:Ada[Mm]ax|Adadelta|Adagrad|AdaGrad|Adam|Ftrl|FTRL|Momentum|"
    "NovoGrad|RMS[Pp]rop)(?:[A-Z][A-Za-z0-9]*)?"
)
_ANY_OPTIMIZER: Final = (
    rf"(?:Distributed)?(?:(?i:(?:{_NAMES})(?:_?optimizer)?)|(?:{_WORDS})(?:Optimizer)?|"
    rf"{_MADE_OF})(?:_\d+)?"
)
_OPTIMIZER: Final = re.compile(_ANY_OPTIMIZER)
# Mesh TensorFlow puts its own at the end of the variable's name.
_ENDING: Final = re.compile(r"(.+)_(?:slot_(?:vr|vc|v|m)|momentum_v|adam_[mv])")
# Whose slots are not of the variable's shape: sums along its dimensions, or squares of them.
_FACTORED: Final = re.compile(
    r"(?i)shampoo|sm3|ggt|kfac|novograd|adafactor|slot_v|(?:^|/)[rc](?:/|$)"
)
# Keras' optimizers, a scope of each, and what they keep below it for a variable.
_KERAS: Final = re.compile(
    rf"(?i:(?:distributed)?(?:ftrl|sgd|tfoptimizer))(?:_\d+)?|{_ANY_OPTIMIZER}"
)
_KERAS_SLOT: Final = re.compile(
    r"(?:m|v|u|r|c|vhat|rms|mg|momentum|velocity|accumulator|linear|accum_grad|accum_var|"
    r"accumulated_grad|accumulated_delta_var|average_gradient|average|slow)(?:_\d+)?"
)
_STEPS: Final = {"iter", "iteration", "iterations"}
_RATES: Final = {"lr", "learning_rate", "decay", "current_learning_rate"}
_HYPER: Final = re.compile(
    r"(?:iter|iterations?|lr|(?:current_)?learning_rate(?:_power)?|loss_scal(?:e|ing)(?:_var)?|decay|momentum|rho|epsilon|"
    r"beta(?:_[12])?|m_schedule|momentum_cache|l[12]_regularization_strength)(?:_\d+)?"
)
_POWER: Final = re.compile(r"beta([12])_power(?:_\d+)?")
_SCALES: Final = {"current_loss_scale", "loss_scale"}
_GOOD_STEPS: Final = {"good_steps", "num_good_steps"}
_BAD_STEPS: Final = {"num_bad_steps"}
_NO_NUMBERS: Final = frozenset({7, 20, 21})  # DataTypes: strings, resources, variants
# Words that are a hint, where nothing is known.
_HINT: Final = re.compile(r"(?i)adam|adagrad|momentum|velocity|accum|optimizer|(?:^|_)slot_")
_PART: Final = re.compile(r"(.*?)(\d+)")


@dataclass(frozen=True, slots=True)
class NamedSlot:
    """A tensor that is kept for a variable, and is called after it.

    Attributes:
        name: Its name.
        variable: The variable's.
        start: Where in its name that of the variable begins.
    """

    name: str
    variable: str
    start: int

    def renamed(self, variable: str) -> str:
        """Its name when the variable has another."""
        rest = self.name[self.start + len(self.variable) :]
        middle, slash, slot = rest[1:].rpartition("/")
        part = _PART.fullmatch(middle)
        if slash and part and part[1]:
            end = f"{self.variable}/part_"
            if not (end.endswith(part[1]) or part[1].endswith(end)):
                return self.name[: self.start] + variable + rest
            scope = part[1].removesuffix(end) if part[1].endswith(end) else ""
            # As long as it was: so much is left of where the optimizer was made.
            stem = f"{scope}{variable}/part_"[-len(part[1]) :]
            rest = f"/{stem}{part[2]}/{slot}"
        return self.name[: self.start] + variable + rest


@dataclass(frozen=True, slots=True)
class Slots:
    """What optimizers keep, in a checkpoint of names.

    Attributes:
        slots: Slots by name.
        others: Names of what they keep for no variable: powers, rates, steps, scales of the loss.
        alike: Names that look like slots, of optimizers that are not known.
    """

    slots: Mapping[str, NamedSlot]
    others: frozenset[str]
    alike: tuple[str, ...]

    @property
    def names(self) -> set[str]:
        """All names that are an optimizer's."""
        return {*self.slots, *self.others}


def find_slots(infos: Mapping[str, TensorInfo], more: Collection[str] = ()) -> Slots:
    """Find what optimizers keep in a checkpoint of names.

    Args:
        infos: All tensors.
        more: Names of optimizers, or ends of slots' names, that are not known here.
    """
    scopes = _scopes_of_keras(infos)
    own = re.compile(rf"(.+)[/_](?:{'|'.join(map(re.escape, more))})(?:_\d+)?") if more else None
    slots = {
        name: slot
        for name, info in infos.items()
        if info.data_type not in _NO_NUMBERS and (slot := _slot(name, infos, scopes, own))
    }
    for name in {slot.variable for slot in slots.values()}:
        slots.pop(name, None)
    others = _others(infos, slots, scopes)
    return Slots(slots, frozenset(others), tuple(_alike(infos, {*slots, *others})))


def shadows(infos: Mapping[str, TensorInfo], suffix: str = EMA) -> dict[str, NamedSlot]:
    """Moving averages by name; ``variable`` is empty for one whose variable is not there."""
    ending = f"/{suffix}"
    found = {}
    for name, info in infos.items():
        if name.endswith(ending):
            slot = _called_after(name, name[: -len(ending)], infos)
            beside = slot and (slot.start == 0 or _is_like(info, infos[slot.variable], slot))
            found[name] = slot if slot and beside else NamedSlot(name, "", 0)
    owners = {slot.variable for slot in found.values()}
    return {name: slot for name, slot in found.items() if name not in owners}


def _slot(
    name: str,
    infos: Mapping[str, TensorInfo],
    scopes: Collection[str],
    own: re.Pattern[str] | None,
) -> NamedSlot | None:
    if own and (match := own.fullmatch(name)) and (slot := _called_after(name, match[1], infos)):
        return slot
    head, _, last = name.rpartition("/")
    slot = None
    if head and _OPTIMIZER.fullmatch(last):
        slot = _called_after(name, head, infos)
    if slot is None and (_KERAS_SLOT.fullmatch(last) or _OPTIMIZER.fullmatch(last)):
        # Programs with optimizers of their own put a scope between: `kernel/LAMB/adam_m`.
        variable, _, scope = head.rpartition("/")
        if variable and _OPTIMIZER.fullmatch(scope):
            slot = _called_after(name, variable, infos)
    if slot is None and (match := _ENDING.fullmatch(name)):
        slot = _called_after(name, match[1], infos)
    if slot is None:
        slot = _below_keras(name, infos, scopes)
    return slot if slot and _is_like(infos[name], infos[slot.variable], slot) else None


def _called_after(name: str, head: str, infos: Mapping[str, TensorInfo]) -> NamedSlot | None:
    """The variable whose name ``head`` ends with, below whatever scope the optimizer had."""
    for start in _starts(head):
        if head[start:] in infos:
            return NamedSlot(name, head[start:], start)
    # A part of a partitioned variable: TensorFlow puts the variable's name before that of the slot,
    # and from this cuts as many characters as the part's name has, although the optimizer's scope
    # stands before it. What is left is `part_0`, or less of it, or the end of the scope as well.
    for start in _starts(head):
        tail = head[start:]
        for stop in range(len(tail) - 1, 0, -1):
            if tail[stop] == "/" and (variable := tail[:stop]) in infos:
                part = _PART.fullmatch(tail[stop + 1 :])
                end = f"{variable}/part_"
                if part and (end.endswith(part[1]) or part[1].endswith(f"/{end}")):
                    return NamedSlot(name, variable, start)
    return None


def _starts(name: str) -> Iterator[int]:
    """Where the components of a name begin."""
    yield 0
    for match in re.finditer("/", name):
        yield match.end()


def _below_keras(
    name: str, infos: Mapping[str, TensorInfo], scopes: Collection[str]
) -> NamedSlot | None:
    """``training/Adam/dense/kernel/m``, or of later versions ``Adam/m/dense/kernel``."""
    parts = name.split("/")
    for depth in range(1, len(parts) - 1):
        if not (_KERAS.fullmatch(parts[depth - 1]) or "/".join(parts[:depth]) in scopes):
            continue
        for slot, begin, end in ((-1, depth, -1), (depth, depth + 1, len(parts))):
            variable = "/".join(parts[begin:end])
            if variable in infos and _KERAS_SLOT.fullmatch(parts[slot]):
                inside = "/".join((*parts[:depth], variable))
                if inside == name or inside not in infos:
                    return NamedSlot(name, variable, len("/".join(parts[:begin])) + 1)
    return None


def _is_like(info: TensorInfo, variable: TensorInfo, slot: NamedSlot) -> bool:
    """Whether a slot's shape is one that a slot of that variable has."""
    if info.shape == variable.shape:
        return True
    stop = slot.start + len(slot.variable)
    rest = slot.name[: slot.start] + "/" + slot.name[stop:].lstrip("/_")
    if _FACTORED.search(rest):
        sides = set(variable.shape) | {1}
        return info.size <= 1 or set(info.shape) <= sides
    # A part of a variable, stored as a tensor of its own.
    whole = zip(info.shape, variable.shape, strict=False)
    return (
        "/" in slot.name[stop + 1 :]
        and len(info.shape) == len(variable.shape)
        and all(part <= size for part, size in whole)
    )


def _scalars(infos: Mapping[str, TensorInfo]) -> dict[str, set[str]]:
    """Numbers that stand alone, by their scope."""
    found: dict[str, set[str]] = {}
    for name, info in infos.items():
        if not info.shape and info.data_type not in _NO_NUMBERS:
            scope, _, last = name.rpartition("/")
            found.setdefault(scope, set()).add(last)
    return found


def _scopes_of_keras(infos: Mapping[str, TensorInfo]) -> set[str]:
    """Scopes in which the steps and the rate of an optimizer stand beside each other."""
    return {
        scope
        for scope, names in _scalars(infos).items()
        if scope and names & _STEPS and names & _RATES
    }


def _others(
    infos: Mapping[str, TensorInfo], slots: Mapping[str, NamedSlot], scopes: Collection[str]
) -> set[str]:
    variables = {slot.variable for slot in slots.values()}
    # Scopes that an optimizer had: slots stand in them, and their variables outside.
    made_in = {each.name[: each.start - 1] for each in slots.values() if each.start}
    found: set[str] = set()
    scalars = _scalars(infos)
    keras = any(_KERAS.fullmatch(scope.partition("/")[0]) for scope in made_in)
    for scope, names in scalars.items():
        below = f"{scope}/" if scope else ""
        powers = {match[1] for each in names if (match := _POWER.fullmatch(each))}
        if slots or len(powers) == 2:
            found |= {below + each for each in names if _POWER.fullmatch(each)}
        is_keras = scope in scopes or (not scope and keras and names & _STEPS and names & _RATES)
        if is_keras or (scope and scope in made_in):
            found |= {below + each for each in names if _HYPER.fullmatch(each)}
        if names & _SCALES and names & _GOOD_STEPS:
            found |= {below + each for each in names & (_SCALES | _GOOD_STEPS | _BAD_STEPS)}
    return (found | _nameless(infos, slots, scopes)) - variables


def _nameless(
    infos: Mapping[str, TensorInfo], slots: Mapping[str, NamedSlot], scopes: Collection[str]
) -> set[str]:
    """Early Keras called slots ``training/Adam/Variable_1``, and the rates ``Adam/lr``."""
    shapes = {info.shape for name, info in infos.items() if name not in slots} | {(1,)}
    found = set()
    for name, info in infos.items():
        scope, _, last = name.rpartition("/")
        if re.fullmatch(r"Variable(?:_\d+)?", last) and info.shape in shapes:
            tails = {scope[start:] for start in _starts(scope)}
            if tails & set(scopes):
                found.add(name)
    return found


def _alike(infos: Mapping[str, TensorInfo], known: Collection[str]) -> list[str]:
    """Names made of a variable's and the same ending in several places, of the same shape."""
    endings: dict[str, str] = {}
    for name, info in infos.items():
        head, _, last = name.rpartition("/")
        if name in known or info.size <= 1:
            continue
        stem = re.sub(r"_\d+$", "", last)
        variable = infos.get(head)
        if variable is not None and variable.shape == info.shape:
            endings[name] = stem
            continue
        for match in re.finditer("_", last):
            variable = infos.get(name[: len(name) - len(last) + match.start()])
            if variable is not None and variable.shape == info.shape and _HINT.search(last):
                endings[name] = last[match.end() :]
    often = Counter(endings.values())
    return [name for name, stem in endings.items() if often[stem] > 1 or _HINT.search(stem)]
