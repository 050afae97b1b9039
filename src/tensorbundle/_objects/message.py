"""Message ``TrackableObjectGraph``: nodes as stored, read and written (format.md §9.1).

Reader and writer are twins in this one room; what nodes mean is `graph`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .._format.names import as_text
from .._format.wire import Field, bytes_field, fields, int_field, text_field
from ..errors import FormatError


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value of an object.

    Attributes:
        name: What it is: ``VARIABLE_VALUE``, ``py_state``, ``table``, …
        full_name: The variable's name in a graph, as in ``dense/kernel``; not unique, often empty.
        key: The key under which the checkpoint holds it. Tables and iterators add a suffix to it.
    """

    name: str
    full_name: str
    key: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A variable that an optimizer keeps for another variable.

    Attributes:
        variable: Number of the node of the variable that it belongs to.
        name: What the optimizer calls it: ``m``, ``momentum``, …
        node: Number of the slot's own node.
    """

    variable: int
    name: str
    node: int


@dataclass(frozen=True, slots=True)
class TrackedObject:
    """One object.

    Attributes:
        children: (local name, number of the child's node), in the object's own order.
        attributes: Its values.
        slots: For an optimizer, its slot variables.
        saver: Name and object name of a registered saver, if one stored the values.
        has_values: Whether it or anything below it has values; None in files that do not say.
    """

    children: tuple[tuple[str, int], ...] = ()
    attributes: tuple[Attribute, ...] = ()
    slots: tuple[Slot, ...] = ()
    saver: tuple[str, str] | None = None
    has_values: bool | None = None


def decode_nodes(message: bytes) -> tuple[TrackedObject, ...]:
    """Read a graph.

    Raises:
        FormatError: The bytes are no such message, or name nodes that are not there.
    """
    nodes = tuple(_decode_node(field.message()) for field in fields(message) if field.number == 1)
    if not nodes:
        raise FormatError("the object graph has no nodes: expected at least the root")
    for number, node in enumerate(nodes):
        named = [child for _, child in node.children]
        named += [each for slot in node.slots for each in (slot.variable, slot.node)]
        if wrong := [each for each in named if not 0 <= each < len(nodes)]:
            raise FormatError(
                f"object {number} of the object graph names object {wrong[0]}: "
                f"expected one of {len(nodes)}"
            )
    return nodes


def _decode_node(message: Iterable[Field]) -> TrackedObject:
    children: list[tuple[str, int]] = []
    attributes: list[Attribute] = []
    slots: list[Slot] = []
    saver: tuple[str, str] | None = None
    has_values: bool | None = None
    for field in message:
        if field.number == 1:
            inner = {each.number: each for each in field.message()}
            children.append((_text(inner, 2), _number(inner, 1)))
        elif field.number == 2:
            inner = {each.number: each for each in field.message()}
            attributes.append(Attribute(_text(inner, 1), _text(inner, 2), _text(inner, 3)))
        elif field.number == 3:
            inner = {each.number: each for each in field.message()}
            slots.append(Slot(_number(inner, 1), _text(inner, 2), _number(inner, 3)))
        elif field.number == 4:
            inner = {each.number: each for each in field.message()}
            saver = (_text(inner, 1), _text(inner, 2))
        elif field.number == 5:
            has_values = any(each.number == 1 and each.value for each in field.message())
    return TrackedObject(tuple(children), tuple(attributes), tuple(slots), saver, has_values)


def _text(inner: dict[int, Field], number: int) -> str:
    return as_text(inner[number].content()) if number in inner else ""


def _number(inner: dict[int, Field], number: int) -> int:
    return inner[number].int32() if number in inner else 0


def encode_nodes(nodes: Iterable[TrackedObject]) -> bytes:
    """Write a graph as TensorFlow does: fields in order, defaults left out."""
    return b"".join(bytes_field(1, _encode_node(node)) for node in nodes)


def _encode_node(node: TrackedObject) -> bytes:
    parts = [
        bytes_field(1, int_field(1, child) + text_field(2, name)) for name, child in node.children
    ]
    parts += [
        bytes_field(
            2, text_field(1, each.name) + text_field(2, each.full_name) + text_field(3, each.key)
        )
        for each in node.attributes
    ]
    parts += [
        bytes_field(
            3, int_field(1, slot.variable) + text_field(2, slot.name) + int_field(3, slot.node)
        )
        for slot in node.slots
    ]
    if node.saver is not None:
        parts.append(bytes_field(4, text_field(1, node.saver[0]) + text_field(2, node.saver[1])))
    if node.has_values is not None:
        parts.append(bytes_field(5, int_field(1, int(node.has_values))))
    return b"".join(parts)
