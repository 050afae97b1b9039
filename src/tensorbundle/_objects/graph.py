"""Object graph that a ``tf.train.Checkpoint`` saves beside its tensors (format.md §9).

Objects are found by walking names from the root, as TensorFlow does. The keys of tensors are only
the addresses that a walk ends at, made of the first path, breadth first, that leads to the object.
There may be several paths to one object, and cycles.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .._printable import printable
from ..errors import ConversionError
from .message import Attribute, Slot, TrackedObject, decode_nodes, encode_nodes
from .tree import (
    ATTRIBUTES,
    SLOT,
    VARIABLE_VALUE,
    Route,
    escape,
    leaves,
    nodes_of_paths,
    nodes_of_tree,
    path_of,
)

_SHOWN: Final = 50  # variables
GRAPH_KEY: Final = "_CHECKPOINTABLE_OBJECT_GRAPH"


@dataclass(frozen=True, slots=True)
class SavedVariable:
    """A variable of an object graph.

    Attributes:
        path: Its readable path, ``model/layer1/kernel``.
        key: The key under which the checkpoint holds its value.
        full_name: Its name in a graph, ``layer1/kernel``; not unique, and may be empty.
        node: Number of its node.
        slots: The keys of what optimizers keep for it, by ``optimizer path/slot name``.
    """

    path: str
    key: str
    full_name: str
    node: int
    slots: Mapping[str, str]


class ObjectGraph:
    """Objects of a checkpoint; node 0 is the root. Immutable.

    Example:
        >>> import tensorbundle as tb
        >>> graph = tb.open(tb.demo("keras")).objects
        >>> graph.variables[0].path, graph.variables[0].full_name
        ('optimizer/_iterations', 'adam/iteration')
    """

    def __init__(self, nodes: Iterable[TrackedObject]) -> None:
        self.nodes = tuple(nodes)

    # --- made and written ----------------------------------------------------------------------

    @classmethod
    def decode(cls, message: bytes) -> ObjectGraph:
        """Read the message that a checkpoint holds. Raises FormatError."""
        return cls(decode_nodes(message))

    @classmethod
    def of(
        cls, names: Iterable[str], *, full_names: Mapping[str, str] | None = None
    ) -> ObjectGraph:
        """Make the graph of variables that have these readable paths.

        Args:
            names: Paths such as ``model/layer1/kernel``; those of slots are
                ``model/layer1/kernel/.OPTIMIZER_SLOT/optimizer/m``.
            full_names: Their names in a graph, for those that have one.

        Raises:
            ConversionError: A slot's variable is not among the names.

        Example:
            >>> from tensorbundle import ObjectGraph
            >>> ObjectGraph.of(["model/w", "step"]).key_of("model/w")
            'model/w/.ATTRIBUTES/VARIABLE_VALUE'
        """
        known = full_names or {}
        return cls(nodes_of_paths({name: known.get(name, "") for name in names}))

    @classmethod
    def of_tree(cls, tree: Mapping[str, Any]) -> ObjectGraph:
        """Make the graph of ``tf.train.Checkpoint(**tree)``.

        Args:
            tree: Nested mappings and lists of arrays; names in it are local names, not paths.
        """
        return cls(nodes_of_tree(tree))

    def encode(self) -> bytes:
        """Write the message, as TensorFlow writes it."""
        return encode_nodes(self.nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectGraph) and self.nodes == other.nodes

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<ObjectGraph of {len(self.nodes)} objects, {len(self.variables)} variables>"

    def __str__(self) -> str:
        lines = [repr(self)]
        lines += [f"  {printable(each.path)}" for each in self.variables[:_SHOWN]]
        if len(self.variables) > _SHOWN:
            lines.append(f"  and {len(self.variables) - _SHOWN:,} more")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from .._look.markup import block, heading, part, table

        shown = [
            (each.path, each.full_name, ", ".join(each.slots)) for each in self.variables[:_SHOWN]
        ]
        counts = f"{len(self.nodes):,} objects", f"{len(self.variables):,} variables"
        listed = table(
            ("path", "name in a graph", "slots"), shown, more=len(self.variables) - len(shown)
        )
        return block(heading("object graph", *counts), part("variables", listed, is_open=True))

    # --- paths -----------------------------------------------------------------------------------

    @functools.cached_property
    def _parents(self) -> tuple[tuple[int, str] | None, ...]:
        """Per node, the parent on the first way to it, breadth first, and its name there.

        Ways are made of it when they are asked for: those of all objects together may be long.
        """
        found: list[tuple[int, str] | None] = [None] * len(self.nodes)
        queue = [0]
        for number in queue:
            for name, child in self.nodes[number].children:
                if child and found[child] is None:
                    found[child] = (number, name)
                    queue.append(child)
        return tuple(found)

    def route(self, number: int) -> tuple[str, ...] | None:
        """Local names of the first way to an object, breadth first; None if there is none.

        Slot variables are nobody's children and have no route.
        """
        names: list[str] = []
        while number:
            above = self._parents[number]
            if above is None:
                return None
            number, name = above
            names.append(name)
        return tuple(reversed(names))

    def path(self, number: int) -> str | None:
        """Path of an object in the form that keys have: names escaped, joined by slashes."""
        route = self.route(number)
        if route is not None:
            return path_of(route)
        if number not in self._owners_of_slots:
            return None
        owner, slot = self._owners_of_slots[number]
        path, optimizer = self.route(slot.variable), self.route(owner)
        if path is None or optimizer is None:
            return None
        return f"{path_of(path)}{SLOT}{path_of(optimizer)}/{escape(slot.name)}"

    @functools.cached_property
    def _owners_of_slots(self) -> dict[int, tuple[int, Slot]]:
        found: dict[int, tuple[int, Slot]] = {}
        for owner, slot in self.slots():
            found.setdefault(slot.node, (owner, slot))
        return found

    def slots(self) -> Iterator[tuple[int, Slot]]:
        """All slot variables, each with the number of its optimizer."""
        for number, node in enumerate(self.nodes):
            for slot in node.slots:
                yield number, slot

    def find(self, path: str) -> int | None:
        """Walk a path from the root: any way that leads to an object, not only the first.

        Local names are taken raw or escaped; a raw one may hold slashes.

        Returns:
            The number of the node, or None.
        """
        ends = [(0, path)]
        seen = set(ends)
        while ends:
            number, rest = ends.pop()
            if not rest:
                return number
            for _, child, left in self.steps(number, rest):
                end = (child, left)
                if end not in seen:
                    seen.add(end)
                    ends.append(end)
        return self._slot_nodes.get(path)

    def steps(self, number: int, path: str) -> Iterator[tuple[str, int, str]]:
        """Children that a path may go on to from an object: local name, number, what is left."""
        children = self.nodes[number].children
        if path.count("/") >= len(children):
            for name, child in children:
                for spelling in {name, escape(name)}:
                    if path == spelling or path.startswith(spelling + "/"):
                        yield name, child, path[len(spelling) + 1 :]
            return
        known = self._spellings.get(number)
        if known is None:
            known = {}
            for name, child in children:
                for spelling in {name, escape(name)}:
                    known.setdefault(spelling, []).append((name, child))
            self._spellings[number] = known
        stop = path.find("/")
        while True:
            stop = len(path) if stop < 0 else stop
            for name, child in known.get(path[:stop], ()):
                yield name, child, path[stop + 1 :]
            if stop == len(path):
                return
            stop = path.find("/", stop + 1)

    @functools.cached_property
    def _spellings(self) -> dict[int, dict[str, list[tuple[str, int]]]]:
        """Children by what a path may call them, of the objects that were asked for one."""
        return {}

    @functools.cached_property
    def _slot_nodes(self) -> dict[str, int]:
        found = {}
        for _, slot in self.slots():
            if path := self.path(slot.node):
                found[path] = slot.node
        return found

    # --- keys ------------------------------------------------------------------------------------

    def key_of(self, name: str) -> str | None:
        """Find the key of the value of the object at a readable path; None if there is none."""
        number = self.find(name)
        if number is None:
            return None
        attributes = self.nodes[number].attributes
        return attributes[0].key if len(attributes) == 1 else None

    def path_of(self, key: str) -> str | None:
        """Find the readable path of a key: the inverse of `key_of`; None for other keys."""
        owner = self._owners.get(key)
        if owner is None or len(self.nodes[owner].attributes) != 1:
            return None
        return readable(self, owner)

    @functools.cached_property
    def _owners(self) -> dict[str, int]:
        return {
            attribute.key: number
            for number, node in enumerate(self.nodes)
            for attribute in node.attributes
        }

    def owner(self, key: str) -> int | None:
        """Find the node whose value a key holds, by number; tables and iterators add to theirs."""
        if key in self._owners:
            return self._owners[key]
        for suffix in ("-keys", "-values", "_STATE"):
            if key.endswith(suffix) and (stem := key[: -len(suffix)]) in self._owners:
                return self._owners[stem]
        return None

    @functools.cached_property
    def full_names(self) -> Mapping[str, str]:
        """Keys of variables by their name in a graph, ``dense/kernel``, where only one has it."""
        keys: dict[str, set[str]] = {}
        for each in self.variables:
            keys.setdefault(each.full_name, set()).add(each.key)
        return {name: keys.pop() for name, keys in keys.items() if name and len(keys) == 1}

    @property
    def save_counter(self) -> str | None:
        """Key of the save counter, which counts ``Checkpoint.save``; None without one."""
        return self.key_of("save_counter")

    @functools.cached_property
    def variables(self) -> tuple[SavedVariable, ...]:
        """Variables in the order of nodes; slots are folded under theirs."""
        slots: dict[int, dict[str, str]] = {}
        folded = set()
        for owner, slot in self.slots():
            if attribute := value_of(self.nodes[slot.node]):
                name = f"{readable(self, owner) or ''}/{slot.name}".lstrip("/")
                slots.setdefault(slot.variable, {})[name] = attribute.key
                folded.add(slot.node)
        return tuple(
            SavedVariable(
                readable(self, number) or attribute.key,
                attribute.key,
                attribute.full_name,
                number,
                slots.get(number, {}),
            )
            for number, node in enumerate(self.nodes)
            if number not in folded and (attribute := value_of(node))
        )

    # --- saving ----------------------------------------------------------------------------------

    def arrange(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """Order tensors for saving as TensorFlow does, and add the graph itself.

        Args:
            tensors: Arrays by readable path or raw key; one for every value in the graph.

        Returns:
            Arrays by raw key: of objects in node order, others after them, the graph last.

        Raises:
            ConversionError: A value of the graph has no tensor, or two names mean one key.
        """
        by_key: dict[str, Any] = {}
        for name, tensor in tensors.items():
            key = name if self.owner(name) is not None else self.key_of(name) or name
            if key in by_key:
                raise ConversionError(f"two tensors for one key: {name!r} means {key!r} too")
            by_key[key] = tensor
        lacking = [each.key for each in self.variables if each.key not in by_key]
        lacking += [k for each in self.variables for k in each.slots.values() if k not in by_key]
        if lacking:
            raise ConversionError(
                "no tensor for these variables of the object graph: "
                + ", ".join(map(repr, lacking[:10]))
                + (f" and {len(lacking) - 10:,} more" if len(lacking) > 10 else "")
            )
        by_key.pop(GRAPH_KEY, None)

        def place(key: str) -> int:
            owner = self.owner(key)
            return len(self.nodes) if owner is None else owner

        ordered = {key: by_key[key] for key in sorted(by_key, key=place)}
        return ordered | {GRAPH_KEY: np.array(self.encode(), dtype=object)}


def flatten(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of a tree by readable path, for saving with `ObjectGraph.of_tree` of the same."""
    return {_readable(route): leaf for route, leaf in leaves(tree)}


def _readable(route: Route) -> str:
    """A path that people read and write: names as they are, unless they hold slashes."""
    return path_of(route) if any("/" in name for name in route) else "/".join(route)


def value_of(node: TrackedObject) -> Attribute | None:
    """The value of a variable's node; None for other objects."""
    return next((each for each in node.attributes if each.name == VARIABLE_VALUE), None)


def readable(graph: ObjectGraph, number: int) -> str | None:
    """The path of an object that people read and write; None where nothing leads to it."""
    route = graph.route(number)
    return graph.path(number) if route is None else _readable(route)


def canonical_key(graph: ObjectGraph, number: int, attribute: str) -> str | None:
    """The key that TensorFlow would give a value; None for an object that nothing leads to."""
    path = graph.path(number)
    return None if path is None else f"{path}{ATTRIBUTES}{escape(attribute)}"
