"""Objects of a TensorFlow 2 SavedModel, and what they say of its variables (freeze.md §1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from .._format.names import as_text
from .._format.wire import Field, fields
from ..errors import FormatError
from .tree import ATTRIBUTES, SLOT, VARIABLE_VALUE, escape

if TYPE_CHECKING:
    from .._format.wire import Raw

_NODES, _CHILDREN, _VARIABLE, _TRAINABLE = 1, 1, 7, 3
_VALUE: Final = f"{ATTRIBUTES}{VARIABLE_VALUE}"


class _Object(NamedTuple):
    children: dict[str, int]  # by name as keys spell it
    trainable: bool | None  # None for what is no variable


class SavedObjects:
    """Objects of a SavedModel, node 0 the root.

    Attributes:
        problem: Why nothing is known of them; empty where something is.
    """

    def __init__(self, message: Raw) -> None:
        self.problem = ""
        try:
            self._objects = [_decode(each) for each in fields(message) if each.number == _NODES]
        except FormatError as error:
            self._objects = []  # that much is not worth failing for
            self.problem = f"the objects are malformed: {error}"

    def is_trainable(self, key: str) -> bool | None:
        """Whether the variable with this key in the checkpoint is; None if that is not said."""
        if SLOT in key:
            return False
        if not key.endswith(_VALUE) or not self._objects:
            return None
        # A key is the names on the way from the root to the variable.
        found = self._objects[0]
        for name in key.removesuffix(_VALUE).split("/"):
            number = found.children.get(name, -1)
            if not 0 <= number < len(self._objects):
                return None
            found = self._objects[number]
        return found.trainable


def _decode(message: Field) -> _Object:
    children: dict[str, int] = {}
    trainable: bool | None = None
    for each in message.message():
        if each.number == _CHILDREN:
            inner = {part.number: part for part in each.message()}
            name = as_text(inner[2].content()) if 2 in inner else ""
            children[escape(name)] = inner[1].int32() if 1 in inner else 0
        elif each.number == _VARIABLE:
            trainable = any(part.number == _TRAINABLE and part.value for part in each.message())
    return _Object(children, trainable)
