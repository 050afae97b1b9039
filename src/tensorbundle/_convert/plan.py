"""Plans of a conversion: each name of one side with its own on the other, checked before all work.

Every name on both sides is there once, and leads back to where it came from; what does not is
told, all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .._format import dtypes
from .._format.wording import Worded, joined, option
from ..errors import ConversionError
from .operations import CastTo, apply, outline
from .rules import FixedTensor, Rule, Rules, Tie
from .templates import Meanings, Template

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
_MOST_PARTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """Tensors that one rule makes of others: mostly one of one.

    Attributes:
        sources: What they are called in the checkpoint that is converted.
        targets: What they are called on the other side.
        shapes: The shapes there.
        rule: The rule.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    shapes: tuple[Shape, ...]
    rule: Rule


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan of a conversion.

    Attributes:
        rules: The rules.
        inverse: Whether the second side is converted to the first.
        rows: What is made of what.
        averaged: Names whose values are a moving average's, each with the name of that.
        ignored: Names that have no other, as the rules say.
        unread: Second names on the side that is converted, each with the tensor's own.
        tied: Second names on the other side, each with the tensor's own.
        constants: What the other side alone has, by name.
        problems: What is wrong, if anything.
    """

    rules: Rules
    inverse: bool
    rows: tuple[Row, ...]
    averaged: Mapping[str, str]
    ignored: tuple[str, ...]
    unread: Mapping[str, str]
    tied: Mapping[str, str]
    constants: Mapping[str, FixedTensor]
    problems: tuple[str, ...]

    @property
    def targets(self) -> dict[str, tuple[Row, int]]:
        """Each name of the other side, with its row and its place in it."""
        own = {name: (row, n) for row in self.rows for n, name in enumerate(row.targets)}
        return own | {name: own[of] for name, of in self.tied.items()}

    def check(self) -> None:
        """Raise ConversionError if there are problems; it lists them all."""
        if self.problems:
            said = joined("; ", self.problems)
            raise ConversionError(Worded(f"the rules {self.rules.name!r} do not fit: ", said))


def make_plan(
    rules: Rules,
    infos: Mapping[str, TensorInfo],
    *,
    inverse: bool = False,
    tied: bool = True,
    like: Mapping[str, Shape] | None = None,
) -> Plan:
    """Plan a conversion, of names and shapes alone.

    Args:
        rules: The rules.
        infos: What is to be converted, by its names.
        inverse: Whether these are of the second side.
        tied: Whether second names of tensors are made too.
        like: What has to come out: shapes by name.
    """
    here = int(inverse)
    work = _Work(rules, {name: info.shape for name, info in infos.items()}, here)
    made = {name: shape for r in work.rows for name, shape in zip(r.targets, r.shapes, strict=True)}
    problems = [*work.problems, *_twice(work.rows)]
    if not problems:
        problems += _unreturned(rules, work.rows, made, 1 - here)
    problems += _strings(work.rows, infos)
    constants = _constants(rules.constants[1 - here], made)
    ties = _made_ties(rules.tied[1 - here], made) if tied else {}
    made |= {name: made[of] for name, of in ties.items()}
    made |= dict.fromkeys(constants, ())
    if like is not None and not problems:
        untied = set() if tied else {tie.name for tie in rules.tied[1 - here]}
        problems += _unlike(made, like, untied)
    if problems and _fits_turned(rules, infos, 1 - here):
        names = f"these are names of {rules.sides[1 - here]!r}: "
        turn = Worded("without " if inverse else "", option("inverse", True))
        problems.insert(0, Worded(names, turn, "" if inverse else " turns the rules round"))
    return Plan(
        rules,
        inverse,
        tuple(work.rows),
        work.averaged,
        tuple(work.ignored),
        work.unread,
        ties,
        constants,
        tuple(problems),
    )


class _Work:
    """One side's names, gone through."""

    def __init__(self, rules: Rules, shapes: Shapes, here: int) -> None:
        self._rules = rules
        self._shapes = shapes
        self._here = here
        self.problems: list[str] = []
        aside = (*rules.ignored[here], *(each.name for each in rules.constants[here]))
        self.ignored = [n for n in shapes if _is_any(aside, n)]
        self.averaged = _averages(rules.averages[here], shapes)
        self.unread = {
            tie.name: tie.of
            for tie in rules.tied[here]
            if tie.name in shapes and tie.of in shapes and (tie.when is None or tie.when in shapes)
        }
        taken = {*self.ignored, *self.averaged.values(), *self.unread}
        self._names = {n: s for n, s in shapes.items() if n not in taken}
        self._names |= {n: shapes[average] for n, average in self.averaged.items()}
        self._report("needs, which are not there", self._lacking())
        self.rows = self._rows()

    def _lacking(self) -> list[str]:
        return [name for name in self._rules.needs[self._here] if name not in self._names]

    def _report(self, what: str, names: Sequence[Any]) -> None:
        if names:
            self.problems.append(f"{what} ({len(names)}): {', '.join(map(repr, names))}")

    def _rows(self) -> list[Row]:
        groups: dict[tuple[int, tuple[Any, ...]], dict[Any, str]] = {}
        lost, doubtful = [], []
        for name in self._names:
            best = self._best(name)
            if not best:
                lost.append(name)
            elif len(best) > 1:
                doubtful.append(name)
            else:
                number, values = best[0]
                rule = self._rules.rules[number]
                part = values.pop(rule.spread, None) if rule.many == self._here else None  # type: ignore[arg-type]
                groups.setdefault((number, tuple(sorted(values.items()))), {})[part] = name
        self._report("names without a rule", lost)
        self._report("names that several rules mean as exactly", doubtful)
        used = {number for number, _ in groups}
        self._report(
            "rules that match nothing",
            [
                str(rule)
                for number, rule in enumerate(self._rules.rules)
                if number not in used and not rule.optional and (self._here == 0 or rule.invertible)
            ],
        )
        rows = [
            self._row(self._rules.rules[number], dict(values), parts)
            for (number, values), parts in groups.items()
        ]
        return [row for row in rows if row is not None]

    def _best(self, name: str) -> list[tuple[int, Meanings]]:
        """The rules that mean a name most exactly, with what their placeholders stand for."""
        found = []
        for number, rule in enumerate(self._rules.rules):
            template = rule.sides[self._here]
            if self._here and not rule.invertible:
                continue
            values = template.match(name)
            if values is not None and all(
                each.holds(self._names, values) for each in rule.conditions[self._here]
            ):
                found.append((template.exactness(name), number, values))
        most = max((exactness for exactness, _, _ in found), default=0)
        return [(number, values) for exactness, number, values in found if exactness == most]

    def _row(self, rule: Rule, values: Meanings, parts: Mapping[Any, str]) -> Row | None:
        """Make the row of a rule and what its placeholders stand for."""
        here, there = rule.sides[self._here], rule.sides[1 - self._here]
        order: list[Any] = [None]
        try:
            if rule.many == self._here:
                order = _all_parts(here, rule.spread, parts)
            elif rule.many is not None:
                (name,) = parts.values()
                order = self._parts_of(rule, there, name)
            sources = tuple(parts.values()) if len(parts) == 1 else tuple(parts[p] for p in order)
            given = [outline(self._names[name]) for name in sources]
            arrays = apply(rule.operations, given, len(order), inverse=bool(self._here))
        except ValueError as error:
            said = error.message if isinstance(error, ConversionError) else str(error)
            shown = ", ".join(f"{name!r} {list(self._names[name])}" for name in parts.values())
            self.problems.append(f"{shown}: does not fit {str(rule)!r}: {said}")
            return None
        if rule.many == 1 - self._here:
            targets = tuple(there.fill({**values, rule.spread: part}) for part in order)  # type: ignore[dict-item]
        else:
            targets = (there.fill(values),)
        return Row(sources, targets, tuple(each.shape for each in arrays), rule)

    def _parts_of(self, rule: Rule, there: Template, name: str) -> list[Any]:
        """What the placeholder stands for in the names that one tensor becomes."""
        assert rule.spread is not None
        field = there.fields[rule.spread]
        if field.kind == "choice":
            return [meant for _, meant in field.choices]
        # As many as there are along the axis, which the operations up to it may have moved.
        shape = self._names[name]
        for count in sorted({*shape}):
            if 0 < count <= _MOST_PARTS:
                try:
                    apply(rule.operations, [outline(shape)], count, inverse=bool(self._here))
                except ValueError:
                    continue
                return [*range(count)]
        raise ValueError("no axis to go over")


def _all_parts(template: Template, spread: str | None, parts: Mapping[Any, str]) -> list[Any]:
    """What the placeholder stands for in names that become one tensor. Raises ValueError."""
    assert spread is not None
    field = template.fields[spread]
    order = (
        [meant for _, meant in field.choices]
        if field.kind == "choice"
        else [*range(min(max(parts) + 1, _MOST_PARTS))]
    )
    if missing := [each for each in order if each not in parts]:
        raise ValueError(f"parts are missing: {', '.join(map(str, missing[:10]))}")
    return order


def _is_any(templates: Iterable[Template], name: str) -> bool:
    return any(each.match(name) is not None for each in templates)


def _averages(template: Template | None, shapes: Shapes) -> dict[str, str]:
    """The moving averages that there are, by the name of what they are the average of."""
    if template is None:
        return {}
    (field,) = template.fields
    found = {}
    for name in shapes:
        values = template.match(name)
        if values is not None:
            value = values[field]
            found[value if isinstance(value, str) else str(value)] = name
    return found


def _made_ties(ties: Iterable[Tie], made: Mapping[str, Any]) -> dict[str, str]:
    return {
        tie.name: tie.of
        for tie in ties
        if tie.of in made and tie.name not in made and (tie.when is None or tie.when in made)
    }


def _constants(told: Iterable[FixedTensor], made: Iterable[str]) -> dict[str, FixedTensor]:
    """What stands beside tensors that are made."""
    found = {}
    for name in made:
        for constant in told:
            values = constant.beside.match(name)
            if values is not None:
                found[constant.name.fill(values)] = constant
    return found


def _twice(rows: Sequence[Row]) -> list[str]:
    """What is wrong with names that come out more than once."""
    makers: dict[str, list[str]] = {}
    for row in rows:
        for target in row.targets:
            makers.setdefault(target, []).append("+".join(row.sources))
    return [
        f"{target!r} is made of several: {', '.join(map(repr, sources))}"
        for target, sources in makers.items()
        if len(sources) > 1
    ]


def _unreturned(rules: Rules, rows: Sequence[Row], made: Shapes, there: int) -> list[str]:
    """What is wrong with names that do not come back by the inverse."""
    expected = {row.targets: row.sources for row in rows if row.rule.invertible}
    kept = {name: made[name] for targets in expected for name in targets}
    back = {row.sources: row.targets for row in _Work(rules, kept, there).rows}
    lost = [
        f"{' + '.join(sources)} -> {' + '.join(targets)}"
        + (f" -> {' + '.join(back[targets])}" if targets in back else "")
        for targets, sources in expected.items()
        if back.get(targets) != sources
    ]
    return [f"names that do not come back ({len(lost)}): {', '.join(lost)}"] if lost else []


def _strings(rows: Sequence[Row], infos: Mapping[str, TensorInfo]) -> list[str]:
    """What is wrong with tensors that have no numbers, and are to be cast."""
    return [
        f"{name!r} has no numbers to cast: {infos[name].tf_dtype}"
        for row in rows
        if any(isinstance(each, CastTo) for each in row.rule.operations)
        for name in row.sources
        if name in infos and infos[name].data_type == dtypes.STRING
    ]


def _unlike(made: Shapes, like: Shapes, spare: set[str]) -> list[str]:
    """What is wrong where other names or shapes were expected."""
    found = []
    if lacking := [name for name in like if name not in made and name not in spare]:
        found.append(f"not made ({len(lacking)}): {', '.join(map(repr, lacking))}")
    if strange := [name for name in made if name not in like]:
        found.append(f"not expected ({len(strange)}): {', '.join(map(repr, strange))}")
    return found + [
        f"{name!r} becomes {list(made[name])}, expected {list(shape)}"
        for name, shape in like.items()
        if name in made and tuple(shape) != made[name]
    ]


def _fits_turned(rules: Rules, infos: Mapping[str, TensorInfo], there: int) -> bool:
    """Whether the names are all of the other side."""
    turned = _Work(rules, {name: info.shape for name, info in infos.items()}, there)
    return bool(infos) and not turned.problems
