"""Problems of the variables that a model needs, told together, with what to do about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._format.names import near
from .._format.wording import Worded, joined, listed, option, quoted
from ..errors import ConversionError, TensorBundleError, TensorNotFoundError
from .mapping import AVERAGE

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .variables import Variable

_OBJECT_KEY: Final = "/.ATTRIBUTES/"
_SHOWN: Final = 10  # in a message: the report holds all of them
_WITH_NEAR: Final = 10  # near names are looked for: difflib is slow
_SCOPES: Final = 32  # that may be a prefix


@dataclass(frozen=True, slots=True)
class Missing:
    """Variable that the checkpoint does not hold.

    Attributes:
        variable: The variable; its key is what was looked for, and ``how`` says why.
        near: Up to three keys that are like it.
    """

    variable: Variable
    near: tuple[str, ...]

    def __str__(self) -> str:
        variable = self.variable
        text = quoted(variable.name)
        if variable.key != variable.name:
            text += f" as {quoted(variable.key)}"
        text += " (by the key given" if variable.how == "given" else f" (by {variable.how}"
        return text + (f"; near: {listed(self.near)})" if self.near else ")")


@dataclass(frozen=True, slots=True)
class MappingReport:
    """Report on how the variables of a model were found in a checkpoint.

    Attributes:
        path: The prefix of the checkpoint.
        total: How many variables were asked for.
        missing: Those that it does not hold.
        unfit: Those that it holds in another dtype or shape, or that are no plain tensors in it.
        averaged: Those whose moving average was taken.
        hints: What may be the matter when several are missing.
    """

    path: str
    total: int
    missing: tuple[Missing, ...]
    unfit: tuple[Variable, ...]
    averaged: tuple[Variable, ...]
    hints: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True when every variable has its value."""
        return not self.missing and not self.unfit

    def error(self) -> TensorBundleError | None:
        """Tell what is wrong, all of it in one error; None if nothing is."""
        parts: list[str] = []
        if self.missing:
            told = (
                f"{len(self.missing)} of {self.total} variables are not in the checkpoint: "
                f"{_listed([str(each) for each in self.missing[:_SHOWN]], len(self.missing))}"
            )
            parts.append(joined("; ", [told, *self.hints]))
        if self.unfit:
            parts.append(
                f"{len(self.unfit)} of {self.total} variables do not fit the checkpoint: "
                f"{_listed([_unfit(each) for each in self.unfit[:_SHOWN]], len(self.unfit))}"
            )
        if not parts:
            return None
        if self.missing:
            return TensorNotFoundError(
                joined("; ", parts), path=self.path, key=self.missing[0].variable.key
            )
        return ConversionError(parts[0], path=self.path, key=self.unfit[0].key)

    def raise_problems(self) -> None:
        """Raise `error`, if there is one.

        Raises:
            TensorNotFoundError: Variables are missing.
            ConversionError: Variables do not fit.
        """
        if (error := self.error()) is not None:
            raise error


def report(variables: Iterable[Variable], ckpt: Checkpoint) -> MappingReport:
    """Say what is wrong with variables of a graph.

    Args:
        variables: Those that are needed, as `map_variables` found them.
        ckpt: The checkpoint that they were looked for in.
    """
    needed = list(variables)
    absent = [each for each in needed if not each.problem and not each.found]
    keys = list(ckpt) if absent else []
    return MappingReport(
        path=ckpt.location.prefix,
        total=len(needed),
        missing=tuple(
            Missing(each, near(each.key or each.name, keys) if at < _WITH_NEAR else ())
            for at, each in enumerate(absent)
        ),
        unfit=tuple(each for each in needed if each.problem),
        averaged=tuple(each for each in needed if each.averaged),
        hints=tuple(_hints(absent, len(needed), ckpt, keys)) if absent else (),
    )


def _unfit(variable: Variable) -> str:
    text = quoted(variable.name)
    if variable.key and variable.key != variable.name:
        text += f" as {quoted(variable.key)}"
    return f"{text}, {variable.problem}"


def _listed(parts: list[str], count: int) -> str:
    more = count - _SHOWN
    return "; ".join(parts[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


# --- hints ------------------------------------------------------------------------------------


def _hints(
    absent: Sequence[Variable], total: int, ckpt: Checkpoint, keys: Sequence[str]
) -> Iterator[str]:
    """Tell what several missing variables have in common (freeze.md §10)."""
    wanted = [each.key or each.name for each in absent if each.how != "given"]
    if not wanted:
        return
    known = frozenset(keys)
    averages = sum(key + AVERAGE in known for key in wanted)
    if averages:
        yield Worded(
            f"{averages} of them are there as moving averages: ask for those (",
            option("ema", True),
            ")",
        )
    plain = sum(key.removesuffix(AVERAGE) in known for key in wanted if key.endswith(AVERAGE))
    if plain:
        yield (
            f"the graph restores moving averages, and {plain} of the variables are there without: "
            "give their keys"
        )
    if averages or plain:
        return
    yield from _prefix_hint(wanted, keys, known)
    if len(absent) < total:
        return
    by_object = sum(_OBJECT_KEY in key for key in wanted)
    if ckpt.objects is not None:
        yield (
            "none is there: the checkpoint was saved by objects (tf.train.Checkpoint), "
            "perhaps by another program"
        )
    elif by_object:
        yield "none is there: the graph restores by objects, the checkpoint was saved by names"
    else:
        yield "none is there: the checkpoint may be of another graph"


def _prefix_hint(
    wanted: Sequence[str], keys: Sequence[str], known: frozenset[str]
) -> Iterator[str]:
    """Prefix that the checkpoint has before, or lacks from, what is looked for."""
    by_end: dict[str, Counter[str]] = {}
    ends = frozenset(wanted)
    for key in keys:
        for prefix, end in _divided(key):
            if end in ends:
                by_end.setdefault(end, Counter())[prefix] += 1
    added = Counter(prefix for prefixes in by_end.values() for prefix in prefixes)
    removed = Counter(prefix for key in wanted for prefix, end in _divided(key) if end in known)
    for counts, what in ((added, "before their keys"), (removed, "less in their keys")):
        best = _most(counts)
        if best is not None and best[1] * 2 > len(wanted):
            prefix, count = best
            yield (
                f"{count} of them are there with {prefix!r} {what}: "
                "the scope differs, give the keys"
            )
            return


def _divided(key: str) -> Iterator[tuple[str, str]]:
    """Key divided behind each of its first slashes."""
    cut = -1
    for _ in range(_SCOPES):
        cut = key.find("/", cut + 1)
        if cut < 0:
            return
        yield key[: cut + 1], key[cut + 1 :]


def _most(counts: Mapping[str, int]) -> tuple[str, int] | None:
    """Most frequent; of equals the first in order."""
    return min(counts.items(), key=lambda each: (-each[1], each[0])) if counts else None
