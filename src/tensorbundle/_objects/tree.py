"""Object graphs made from scratch: of the paths that variables are to have, or of a tree of arrays.

Such a graph is a tree: there is one way to each object, and its names make the key of its value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from ..errors import ConversionError
from .message import Attribute, Slot, TrackedObject

VARIABLE_VALUE: Final = "VARIABLE_VALUE"
ATTRIBUTES: Final = "/.ATTRIBUTES/"
SLOT: Final = "/.OPTIMIZER_SLOT/"

# The local names that lead from the root to an object.
Route: TypeAlias = tuple[str, ...]


def escape(name: str) -> str:
    """Escape a local name for a key (format.md §9.2)."""
    return name.replace(".", "..").replace("/", ".S")


def unescape(name: str) -> str:
    """Read an escaped local name; one that was not escaped stays as it is."""
    return name.replace(".S", "/").replace("..", ".")


def path_of(route: Route) -> str:
    """The path that keys begin with."""
    return "/".join(map(escape, route))


def route_of(path: str) -> Route:
    """The local names in a path; those that hold slashes are escaped in it."""
    return tuple(map(unescape, path.split("/")))


def split_slot(path: str) -> tuple[str, str, str] | None:
    """Variable, optimizer and name in the path of a slot; None for other paths."""
    variable, mark, rest = path.partition(SLOT)
    optimizer, slash, name = rest.rpartition("/")
    return (variable, optimizer, name) if mark and slash else None


def leaves(tree: Any, route: Route = ()) -> Iterator[tuple[Route, Any]]:
    """The arrays of nested mappings and lists, each with the local names that lead to it."""
    if isinstance(tree, Mapping):
        for name, inner in tree.items():
            yield from leaves(inner, (*route, str(name)))
    elif isinstance(tree, (list, tuple)):
        for number, inner in enumerate(tree):
            yield from leaves(inner, (*route, str(number)))
    else:
        yield route, tree


def nodes_of_paths(full_names: Mapping[str, str]) -> tuple[TrackedObject, ...]:
    """The objects of variables with these paths, and these full names; see `ObjectGraph.of`.

    Raises:
        ConversionError: A slot's variable is not among them.
    """
    slots = {path: parts for path in full_names if (parts := split_slot(path))}
    tree = _Tree()
    for path, name in full_names.items():
        if path not in slots:
            tree.values[tree.reach(route_of(path))] = name
    for path, (variable, optimizer, slot) in slots.items():
        if variable not in full_names:
            raise ConversionError(f"a slot without its variable: {path!r}, expected {variable!r}")
        owner = tree.reach(route_of(optimizer))
        node = tree.add(route_of(variable))
        tree.values[node] = full_names[path]
        place = Slot(tree.reach(route_of(variable)), unescape(slot), node)
        tree.slots.setdefault(owner, []).append(place)
    return tree.nodes()


def nodes_of_tree(tree: Mapping[str, Any]) -> tuple[TrackedObject, ...]:
    """The objects of ``tf.train.Checkpoint(**tree)``; see `ObjectGraph.of_tree`."""
    made = _Tree()
    # TensorFlow adds the counter when it first saves, after the others.
    order = sorted(tree, key=lambda name: (name == "save_counter", name))
    for route, _ in leaves({name: tree[name] for name in order}):
        made.values[made.reach(route)] = "save_counter" if route == ("save_counter",) else ""
    return made.nodes()


class _Tree:
    def __init__(self) -> None:
        self.children: list[dict[str, int]] = [{}]
        self.routes: list[Route] = [()]
        self.values: dict[int, str] = {}
        self.slots: dict[int, list[Slot]] = {}

    def add(self, route: Route) -> int:
        self.children.append({})
        self.routes.append(route)
        return len(self.children) - 1

    def reach(self, route: Route) -> int:
        """Walk from the root, adding the objects that are not there."""
        number = 0
        for depth, name in enumerate(route, 1):
            step = self.children[number].get(name)
            if step is None:
                step = self.children[number][name] = self.add(route[:depth])
            number = step
        return number

    def nodes(self) -> tuple[TrackedObject, ...]:
        """All objects, numbered as TensorFlow does: breadth first, slots last."""
        order = [0]
        for number in order:
            order += self.children[number].values()
        slots = [(n, slot) for n in order for slot in self.slots.get(n, ())]
        order += [slot.node for _, slot in slots]
        place = {number: position for position, number in enumerate(order)}
        keys = {number: path_of(self.routes[number]) for number in order}
        for owner, slot in slots:
            keys[slot.node] += f"{SLOT}{keys[owner]}/{escape(slot.name)}"
        return tuple(self._node(number, place, keys[number]) for number in order)

    def _node(self, number: int, place: Mapping[int, int], path: str) -> TrackedObject:
        key = f"{path}{ATTRIBUTES}{VARIABLE_VALUE}"
        full_name = self.values.get(number)
        return TrackedObject(
            children=tuple((name, place[child]) for name, child in self.children[number].items()),
            attributes=() if full_name is None else (Attribute(VARIABLE_VALUE, full_name, key),),
            slots=tuple(
                Slot(place[slot.variable], slot.name, place[slot.node])
                for slot in self.slots.get(number, ())
            ),
            has_values=True,
        )
