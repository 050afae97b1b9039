"""Object graphs made anew without some objects, or with other names.

Keys follow: a key that was made of its object's path is made of its new one, so that the result is
what TensorFlow would have written. Keys of another make stay as they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ..errors import ConversionError, FormatError
from .graph import ObjectGraph, canonical_key
from .message import Slot, TrackedObject
from .tree import unescape


class Draft:
    """A graph while it is changed; `finish` gives the new one."""

    def __init__(self, graph: ObjectGraph) -> None:
        self.graph = graph
        for number, node in enumerate(graph.nodes):
            if len({name for name, _ in node.children}) < len(node.children):
                raise FormatError(
                    f"object {number} of the object graph has two children of one name"
                )
        self.children = [dict(node.children) for node in graph.nodes]
        self.attributes = [node.attributes for node in graph.nodes]
        self.slots = [list(node.slots) for node in graph.nodes]
        self._had_values = self._valued()

    def add(self) -> int:
        """Add an object without a parent."""
        self.children.append({})
        self.attributes.append(())
        self.slots.append([])
        return len(self.children) - 1

    def reach(self, names: Iterable[str]) -> int:
        """Walk from the root, adding the objects that are not there."""
        number = 0
        for name in names:
            below = self.children[number]
            step = _child(below, name)
            if step is None:
                step = below[unescape(name)] = self.add()
            number = step
        return number

    def walk(self, names: Iterable[str]) -> int | None:
        """Walk from the root."""
        number: int | None = 0
        for name in names:
            number = None if number is None else _child(self.children[number], name)
        return number

    def finish(self) -> tuple[ObjectGraph, dict[str, str]]:
        """Number the objects that the root leads to, as TensorFlow does, and make their keys.

        Objects that lost all their values are gone; so are slots without variable or optimizer.

        Returns:
            The new graph, and its key for each old one that is left.
        """
        valued = self._valued()
        emptied = self._had_values - valued
        order = [0]
        seen = {0}
        slotted = 0
        for number in order:
            for name, child in list(self.children[number].items()):
                if child in emptied:
                    del self.children[number][name]
                elif child not in seen:
                    seen.add(child)
                    order.append(child)
            if number == order[-1]:  # slots come last; in files that are odd they lead on
                owners, slotted = order[slotted:], len(order)
                for owner in owners:
                    self._keep_slots(owner, seen, order)
        place = {number: position for position, number in enumerate(order)}
        graph = ObjectGraph(self._node(number, place, number in valued) for number in order)
        return self._keyed(graph, order)

    def _keep_slots(self, owner: int, seen: set[int], order: list[int]) -> None:
        kept = [s for s in self.slots[owner] if s.variable in seen and self.attributes[s.node]]
        self.slots[owner] = kept
        order += dict.fromkeys(slot.node for slot in kept if slot.node not in seen)
        seen.update(slot.node for slot in kept)

    def _node(self, number: int, place: Mapping[int, int], has_values: bool) -> TrackedObject:
        old = (
            self.graph.nodes[number]
            if number < len(self.graph.nodes)
            else TrackedObject(has_values=True)
        )
        return replace(
            old,
            children=tuple((name, place[child]) for name, child in self.children[number].items()),
            attributes=self.attributes[number],
            slots=tuple(
                Slot(place[slot.variable], slot.name, place[slot.node])
                for slot in self.slots[number]
            ),
            has_values=None if old.has_values is None else has_values,
        )

    def _valued(self) -> set[int]:
        """The objects that have values, or lead to some that have."""
        parents: dict[int, set[int]] = {}
        for number, below in enumerate(self.children):
            for child in below.values():
                parents.setdefault(child, set()).add(number)
        nodes = self.graph.nodes
        queue = [
            number
            for number in range(len(self.children))
            if self.attributes[number]
            or self.slots[number]
            or (number < len(nodes) and nodes[number].saver)
        ]
        found = set(queue)
        for number in queue:
            above = parents.get(number, set()) - found
            found |= above
            queue += above
        return found

    def _keyed(
        self, graph: ObjectGraph, order: Sequence[int]
    ) -> tuple[ObjectGraph, dict[str, str]]:
        nodes = []
        renamed: dict[str, str] = {}
        for position, number in enumerate(order):
            node = graph.nodes[position]
            attributes = []
            for each in node.attributes:
                key = each.key
                if key == canonical_key(self.graph, number, each.name):
                    key = canonical_key(graph, position, each.name) or key
                renamed[each.key] = key
                attributes.append(replace(each, key=key))
            nodes.append(replace(node, attributes=tuple(attributes)))
        return ObjectGraph(nodes), renamed


def _child(below: Mapping[str, int], name: str) -> int | None:
    return below[name] if name in below else below.get(unescape(name))


def without(
    graph: ObjectGraph,
    dropped: Collection[int],
    only: Mapping[int, Collection[int]] | None = None,
) -> tuple[ObjectGraph, dict[str, str]]:
    """The graph without some objects and what only they lead to.

    Args:
        graph: The graph.
        dropped: The objects, by number of their nodes.
        only: All children of some objects that these keep, who keep no slots.
    """
    draft = Draft(graph)
    for number, kept in (only or {}).items():
        draft.slots[number] = []
        children = draft.children[number].items()
        draft.children[number] = {name: child for name, child in children if child in kept}
    for number, below in enumerate(draft.children):
        draft.children[number] = {n: child for n, child in below.items() if child not in dropped}
        draft.slots[number] = [
            slot
            for slot in draft.slots[number]
            if number not in dropped and not {slot.node, slot.variable} & set(dropped)
        ]
    return draft.finish()


def move(graph: ObjectGraph, paths: Mapping[str, str]) -> tuple[ObjectGraph, dict[str, str]]:
    """The graph with values at other paths.

    Where all values below an object agree, the object itself gets the new name, so that other
    ways to it stay; otherwise values are moved one by one.

    Args:
        graph: The graph.
        paths: New readable paths by old ones; of variables and other values, not of slots, which
            follow their variables.

    Raises:
        ConversionError: A new path is taken by an object that is not moved.
    """
    draft = Draft(graph)
    wanted = {}
    for path, new in paths.items():
        route = route_of(graph, path)
        wanted[route] = tuple(map(unescape, new.split("/")))
    _rename_edges(draft, wanted)
    _move_objects(draft, wanted)
    return draft.finish()


def route_of(graph: ObjectGraph, path: str) -> tuple[str, ...]:
    """The local names of a path that leads somewhere: `ObjectGraph.find` for the way itself."""
    ends: list[tuple[int, str, tuple[str, ...]]] = [(0, path, ())]
    while ends:
        number, rest, route = ends.pop()
        if not rest:
            return route
        for name, child, left in graph.steps(number, rest):
            ends.append((child, left, (*route, name)))
    raise ConversionError(f"the object graph has no object at {path!r}")


def _rename_edges(draft: Draft, wanted: dict[tuple[str, ...], tuple[str, ...]]) -> None:
    """Give objects new names where all values below them agree on one."""
    says: dict[tuple[int, str], set[str]] = {}
    valued = (n for n in range(len(draft.graph.nodes)) if draft.attributes[n])
    routes = (route for n in valued if (route := draft.graph.route(n)))
    for route in itertools.chain(routes, wanted):
        target = wanted.get(route, route)
        if len(target) != len(route):
            target = route
        number = 0
        for old, new in zip(route, target, strict=True):
            says.setdefault((number, old), set()).add(new)
            number = draft.children[number][old]
    agreed = {edge: min(names) for edge, names in says.items() if len(names) == 1}
    for number in range(len(draft.children)):
        below = draft.children[number]
        names = [agreed.get((number, name), name) for name in below]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ConversionError(f"names collide: two objects would be called {twice[0]!r}")
        draft.children[number] = dict(zip(names, below.values(), strict=True))
    for route, target in list(wanted.items()):
        number, now = 0, []
        for old in route:
            new = agreed.get((number, old), old)
            number = draft.children[number][new]
            now.append(new)
        del wanted[route]
        if tuple(now) != target:
            wanted[tuple(now)] = target


def _move_objects(draft: Draft, wanted: Mapping[tuple[str, ...], tuple[str, ...]]) -> None:
    """Hang objects elsewhere: whole ones where everything below them moves alike."""
    steps: dict[tuple[str, ...], tuple[str, ...]] = {}
    for route, target in wanted.items():
        common = 0
        while common < min(len(route), len(target)) and route[-1 - common] == target[-1 - common]:
            common += 1
        # The highest object whose values all move alike; at the least the value itself.
        for keep in range(max(common, 1) - 1, -1, -1):
            top, end = route[: len(route) - keep], target[: len(target) - keep]
            below = _routes_below(draft, top)
            if all(wanted.get(top + rest) == end + rest for rest in below):
                break
        steps[top] = end
    places = [(draft.walk(top[:-1]) or 0, top[-1], end) for top, end in steps.items()]
    moved = {end: draft.children[parent].pop(name) for parent, name, end in places}
    for end, number in moved.items():
        parent = draft.reach(end[:-1])
        if draft.children[parent].setdefault(end[-1], number) != number:
            raise ConversionError(f"names collide: there is an object at {'/'.join(end)!r} already")


def _routes_below(draft: Draft, top: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The ways from an object to the values below it, each value by its first way."""
    start = draft.walk(top)
    if start is None:
        return []
    above: dict[int, tuple[int, str]] = {}
    queue = [start]
    for number in queue:
        for name, child in draft.children[number].items():
            if child != start and child not in above:
                above[child] = (number, name)
                queue.append(child)
    found = []
    for number in queue:
        if draft.attributes[number]:
            names: list[str] = []
            while number != start:
                number, name = above[number]
                names.append(name)
            found.append(tuple(reversed(names)))
    return found
