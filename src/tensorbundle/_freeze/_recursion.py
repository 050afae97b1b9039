"""Functions that call themselves have no inlined form; they are told before the first call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from .._graphdef import Function, FunctionRef, Node
from ..errors import FormatError

CALLS: Final = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_SHOWN: Final = 5


def called_function(node: Node, functions: Mapping[str, Function]) -> FunctionRef | None:
    """The function that a node calls, with the attributes for it; None if it is no plain call."""
    if node.op in CALLS:
        ref = node.attr("f")
        if not isinstance(ref, FunctionRef):
            raise FormatError(f"the call {node.name!r} does not say what it calls")
        return ref
    return FunctionRef(node.op, dict(node.attrs)) if node.op in functions else None


def check_recursion(name: str, functions: Mapping[str, Function], checked: set[str]) -> None:
    """Raise FormatError if a function calls itself, perhaps through others.

    Args:
        name: The function.
        functions: All functions.
        checked: Those that do not; what is found is added.
    """
    path: dict[str, Iterator[str]] = {}
    current = name
    while True:
        if current in path:
            circle = [*list(path)[list(path).index(current) :], current]
            shown = circle if len(circle) <= _SHOWN else [*circle[:_SHOWN], "...", current]
            raise FormatError(f"functions call themselves: {' -> '.join(shown)}")
        if current not in checked and current in functions:
            path[current] = _callees(functions[current], functions)
        while path:
            top = next(reversed(path))
            following = next(path[top], None)
            if following is not None:
                current = following
                break
            checked.add(top)
            del path[top]
        if not path:
            return


def _callees(function: Function, functions: Mapping[str, Function]) -> Iterator[str]:
    for node in function.nodes.values():
        ref = called_function(node, functions)
        if ref is not None:
            yield ref.name
