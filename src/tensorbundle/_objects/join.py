"""Two object graphs made one: what both have under one path becomes one object."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import ConversionError
from .graph import ObjectGraph, readable
from .message import Attribute, Slot, TrackedObject


@dataclass(slots=True)
class _Object:
    """A node while it is added to."""

    children: dict[str, int] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    saver: tuple[str, str] | None = None
    has_values: bool | None = None

    @classmethod
    def of(cls, node: TrackedObject) -> _Object:
        """A node as it is."""
        attributes = {each.name: each for each in node.attributes}
        return cls(dict(node.children), attributes, list(node.slots), node.saver, node.has_values)

    def node(self) -> TrackedObject:
        """The node as it has become."""
        return TrackedObject(
            tuple(self.children.items()),
            tuple(self.attributes.values()),
            tuple(self.slots),
            self.saver,
            self.has_values,
        )


def join(one: ObjectGraph, other: ObjectGraph) -> ObjectGraph:
    """The graph of all objects of two; keys stay as they are.

    Raises:
        ConversionError: Objects at one path are stored under different keys, or are one object in
            one graph and two in the other.
    """
    return _Join(one, other).graph()


class _Join:
    def __init__(self, one: ObjectGraph, other: ObjectGraph) -> None:
        self._other = other
        self._objects = [_Object.of(node) for node in one.nodes]
        self._place = {0: 0}  # of the other's nodes
        self._queue = [0]
        self._seen = {0}

    def graph(self) -> ObjectGraph:
        for number in self._queue:
            self._add(number)
        for number in list(self._place):
            self._add_slots(number)
        for number in self._queue:  # what only slots lead to
            self._add(number)
        return ObjectGraph(each.node() for each in self._objects)

    def _add(self, number: int) -> None:
        node, into = self._other.nodes[number], self._objects[self._place[number]]
        for each in node.attributes:
            if into.attributes.setdefault(each.name, each).key != each.key:
                raise self._conflict(number, f"stored as {into.attributes[each.name].key!r} too")
        if node.saver is not None and into.saver not in (None, node.saver):
            raise self._conflict(number, "saved in another way")
        into.saver = into.saver or node.saver
        if node.has_values is not None:
            into.has_values = node.has_values or bool(into.has_values)
        for name, child in node.children:
            place = into.children.get(name)
            if place is None:
                into.children[name] = self._placed(child)
            elif self._place.setdefault(child, place) != place:
                raise self._conflict(child, "another object by another path")
            elif child not in self._seen:
                self._seen.add(child)
                self._queue.append(child)

    def _placed(self, number: int) -> int:
        if number not in self._place:
            self._place[number] = len(self._objects)
            self._objects.append(_Object())
            self._seen.add(number)
            self._queue.append(number)
        return self._place[number]

    def _add_slots(self, number: int) -> None:
        into = self._objects[self._place[number]]
        known = {(slot.variable, slot.name): slot.node for slot in into.slots}
        for slot in self._other.nodes[number].slots:
            variable = self._placed(slot.variable)
            if (variable, slot.name) in known:
                self._place.setdefault(slot.node, known[variable, slot.name])
            node = self._placed(slot.node)
            if slot.node not in self._seen:
                self._seen.add(slot.node)
                self._queue.append(slot.node)
            if (variable, slot.name) not in known:
                into.slots.append(Slot(variable, slot.name, node))

    def _conflict(self, number: int, what: str) -> ConversionError:
        path = readable(self._other, number)
        return ConversionError(f"object graphs cannot be joined: {path!r} is {what}")
