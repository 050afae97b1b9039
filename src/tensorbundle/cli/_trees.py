"""Tensors as a tree of scopes: names cut at each slash, with counts and sizes summed up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .._tensor_info import TensorInfo

_DRAWN: Final = ("├── ", "└── ", "│   ", "    ")
_PLAIN: Final = ("  ", "  ", "  ", "  ")


@dataclass(slots=True)
class Scope:
    """All tensors whose names begin alike; ``tensor`` when there is one of exactly that name."""

    name: str
    tensor: TensorInfo | None = None
    scopes: dict[str, Scope] = field(default_factory=dict)
    count: int = 0
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of a drawn tree; ``name`` is a path where scopes hold nothing but one another."""

    guide: str
    name: str
    scope: Scope


def grow(infos: Iterable[TensorInfo], root: str) -> Scope:
    """Sort tensors into scopes, in the order they come."""
    tree = Scope(root)
    for info in infos:
        scope = tree
        path = [scope]
        for part in info.name.split("/"):
            if (next_scope := scope.scopes.get(part)) is None:
                next_scope = scope.scopes[part] = Scope(part)
            scope = next_scope
            path.append(scope)
        scope.tensor = info
        for each in path:
            each.count += 1
            each.nbytes += info.nbytes
    return tree


def branches(
    tree: Scope, *, order: Callable[[Scope], Any] | None, reverse: bool, drawn: bool
) -> Iterator[Branch]:
    """Walk a tree from its root; a tensor may have others below it.

    Args:
        tree: The root.
        order: What to sort the scopes of one level by; None keeps their order.
        reverse: Whether to turn the order round.
        drawn: Whether guides are lines instead of spaces.
    """
    yield Branch("", tree.name, tree)
    fork, last, down, empty = _DRAWN if drawn else _PLAIN
    stack: list[tuple[Scope, str, str]] = []

    def push(scope: Scope, indent: str) -> None:
        below = list(scope.scopes.values())
        if order is not None:
            below.sort(key=order)
        if reverse:
            below.reverse()
        for number, each in enumerate(reversed(below)):
            stack.append((each, indent, last if number == 0 else fork))

    push(tree, "")
    while stack:  # not recursion: names may hold thousands of slashes
        scope, indent, turn = stack.pop()
        # Several scopes with nothing beside them are one line.
        names = [scope.name]
        while scope.tensor is None and len(scope.scopes) == 1:
            scope = next(iter(scope.scopes.values()))
            names.append(scope.name)
        name = "/".join(names)
        yield Branch(indent + turn, name, scope)
        push(scope, indent + (empty if turn == last else down))
