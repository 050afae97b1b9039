"""Tensors or nodes as a tree of scopes: names cut at each slash, counts and sizes summed up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

_DRAWN: Final = ("├── ", "└── ", "│   ", "    ")
_PLAIN: Final = ("  ", "  ", "  ", "  ")


class Named(Protocol):
    """What a tree is made of."""

    @property
    def name(self) -> str:
        """Its name, with slashes."""

    @property
    def nbytes(self) -> int:
        """Its size, 0 for what has none."""


Leaf = TypeVar("Leaf", bound=Named)


@dataclass(slots=True)
class Group(Generic[Leaf]):
    """All leaves whose names begin alike; ``leaf`` when there is one of exactly that name."""

    name: str
    leaf: Leaf | None = None
    scopes: dict[str, Group[Leaf]] = field(default_factory=dict)
    count: int = 0
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class Branch(Generic[Leaf]):
    """One line of a drawn tree; ``name`` is a path where scopes hold nothing but one another."""

    guide: str
    name: str
    scope: Group[Leaf]


def grow(leaves: Iterable[Leaf], root: str) -> Group[Leaf]:
    """Sort leaves into scopes, in the order they come."""
    tree: Group[Leaf] = Group(root)
    for leaf in leaves:
        scope = tree
        path = [scope]
        for part in map(sys.intern, leaf.name.split("/")):  # the same few words again and again
            if (next_scope := scope.scopes.get(part)) is None:
                next_scope = scope.scopes[part] = Group(part)
            scope = next_scope
            path.append(scope)
        scope.leaf = leaf
        for each in path:
            each.count += 1
            each.nbytes += leaf.nbytes
    return tree


@dataclass(frozen=True, slots=True)
class Tree(Generic[Leaf]):
    """A root as lines, from the top; they can be gone through more than once.

    Attributes:
        root: All leaves.
        order: What to sort the scopes of one level by; None keeps their order.
        reverse: Whether to turn the order round.
        drawn: Whether guides are lines instead of spaces.
    """

    root: Group[Leaf]
    order: Callable[[Group[Leaf]], Any] | None
    reverse: bool
    drawn: bool

    def __iter__(self) -> Iterator[Branch[Leaf]]:
        """Walk the tree; a leaf may have others below it."""
        yield Branch("", self.root.name, self.root)
        fork, last, down, empty = _DRAWN if self.drawn else _PLAIN
        stack: list[tuple[Group[Leaf], str, str]] = []

        def push(scope: Group[Leaf], indent: str) -> None:
            below = list(scope.scopes.values())
            if self.order is not None:
                below.sort(key=self.order)
            if self.reverse:
                below.reverse()
            for number, each in enumerate(reversed(below)):
                stack.append((each, indent, last if number == 0 else fork))

        push(self.root, "")
        while stack:  # not recursion: names may hold thousands of slashes
            scope, indent, turn = stack.pop()
            # Several scopes with nothing beside them are one line.
            names = [scope.name]
            while scope.leaf is None and len(scope.scopes) == 1:
                scope = next(iter(scope.scopes.values()))
                names.append(scope.name)
            name = "/".join(names)
            yield Branch(indent + turn, name, scope)
            push(scope, indent + (empty if turn == last else down))
