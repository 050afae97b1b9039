"""What the objects of a TensorFlow 2 SavedModel say about its variables (freeze.md §1.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ._object_tree import ATTRIBUTES, SLOT, VARIABLE_VALUE, escape
from ._wire import Field, fields
from .errors import FormatError

if TYPE_CHECKING:
    from ._graphdef import Raw

_NODES, _CHILDREN, _VARIABLE, _TRAINABLE = 1, 1, 7, 3
# Objects lie a few names deep; a chain of them must not make paths that grow without end.
_MAX_DEPTH: Final = 200


class _Object(NamedTuple):
    children: list[tuple[str, int]]
    trainable: bool | None  # None for what is no variable


class SavedObjects:
    """The objects of a SavedModel, node 0 the root."""

    def __init__(self, message: Raw) -> None:
        try:
            self._objects = [_decode(each) for each in fields(message) if each.number == _NODES]
        except FormatError:
            self._objects = []  # that much is not worth failing for
        self._trainable = dict(self._variables())

    def is_trainable(self, key: str) -> bool | None:
        """Whether the variable with this key in the checkpoint is; None if that is not said."""
        return False if SLOT in key else self._trainable.get(key)

    def _variables(self) -> Iterator[tuple[str, bool]]:
        """The key of each variable: the first way to it, breadth first, as savers find it."""
        routes: dict[int, tuple[int, str, int]] = {0: (0, "", 0)}
        queue = [0] if self._objects else []
        for number in queue:
            depth = routes[number][2] + 1
            if (trainable := self._objects[number].trainable) is not None:
                yield f"{self._path(number, routes)}{ATTRIBUTES}{VARIABLE_VALUE}", trainable
            for name, child in self._objects[number].children if depth < _MAX_DEPTH else ():
                if 0 <= child < len(self._objects) and child not in routes:
                    routes[child] = (number, name, depth)
                    queue.append(child)

    @staticmethod
    def _path(number: int, routes: dict[int, tuple[int, str, int]]) -> str:
        names: list[str] = []
        while number:
            number, name, _ = routes[number]
            names.append(escape(name))
        return "/".join(reversed(names))


def _decode(message: Field) -> _Object:
    children: list[tuple[str, int]] = []
    trainable: bool | None = None
    for each in message.message():
        if each.number == _CHILDREN:
            inner = {part.number: part for part in each.message()}
            name = str(inner[2].content(), "utf-8", "surrogateescape") if 2 in inner else ""
            children.append((name, inner[1].int32() if 1 in inner else 0))
        elif each.number == _VARIABLE:
            trainable = any(part.number == _TRAINABLE and part.value for part in each.message())
    return _Object(children, trainable)
