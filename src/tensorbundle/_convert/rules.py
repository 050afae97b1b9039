"""Rules of a conversion as they are once read: what is called what on two sides.

How they are written is told in `reading`.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from .operations import Operation
from .templates import Meanings, Template


@dataclass(frozen=True, slots=True)
class Condition:
    """A tensor that has to be there, or must not, on the side that is converted.

    Attributes:
        name: Its name, of the placeholders that the rule has.
        there: Whether it has to be there.
    """

    name: Template
    there: bool

    def holds(self, names: Container[str], values: Meanings) -> bool:
        """Whether it is as it has to be."""
        return (self.name.fill(values) in names) == self.there


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: what tensors of a kind are called on two sides, and how their values differ.

    Attributes:
        sides: The templates.
        operations: What makes the second side's values of the first's.
        conditions: Per side, what has to be so for the rule to be used there.
        optional: Whether it may match nothing.
        spread: The placeholder of the names that one tensor of the other side is in parts.
        many: The side that has these names: 0, 1, or None.
    """

    sides: tuple[Template, Template]
    operations: tuple[Operation, ...]
    conditions: tuple[tuple[Condition, ...], tuple[Condition, ...]]
    optional: bool
    spread: str | None
    many: int | None

    @property
    def invertible(self) -> bool:
        """Whether the second side's tensors give back the first's."""
        return all(each.invertible for each in self.operations)

    def __str__(self) -> str:
        return f"{self.sides[0].text} -> {self.sides[1].text}"


@dataclass(frozen=True, slots=True)
class Tie:
    """A second name of a tensor.

    Attributes:
        name: The name.
        of: The tensor's own name on that side.
        when: A name that has to be there for it.
    """

    name: str
    of: str
    when: str | None


@dataclass(frozen=True, slots=True)
class FixedTensor:
    """A tensor that one side has beside another, and the other side has not.

    Attributes:
        name: Its name.
        beside: The name of the tensor beside which it stands, of the same placeholders.
        number: Its DataType.
        value: Its value.
    """

    name: Template
    beside: Template
    number: int
    value: float


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules for converting checkpoints of a model from one side's form to the other's, and back.

    Attributes:
        name: What they are called, or the file that they stand in.
        about: What they are for.
        sides: What the sides are called.
        scope: What the first side's names begin with, if nobody says otherwise.
        rules: The rules, in the order of the file.
        needs: Per side, names that have to be there.
        ignored: Per side, templates of names that have no other.
        averages: Per side, the template of names that others take their values from.
        tied: Per side, second names.
        constants: Per side, what it alone has.
    """

    name: str
    about: str
    sides: tuple[str, str]
    scope: str
    rules: tuple[Rule, ...]
    needs: tuple[tuple[str, ...], tuple[str, ...]]
    ignored: tuple[tuple[Template, ...], tuple[Template, ...]]
    averages: tuple[Template | None, Template | None]
    tied: tuple[tuple[Tie, ...], tuple[Tie, ...]]
    constants: tuple[tuple[FixedTensor, ...], tuple[FixedTensor, ...]]
