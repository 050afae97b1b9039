"""Sources of keys: what graph and checkpoint say of variables, best first (freeze.md §3.1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from .._format.names import as_text
from .._graphdef.nodes import parse_input
from .._graphdef.roles import ASSIGNS, SAVES, TABLE_IMPORTS, VARIABLES
from .._ops.edges import data_inputs
from .variables import How, Variable, slice_text
from .walk import Origin, Placed, Walk

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._graphdef.meta_graph import MetaGraph
    from .._graphdef.nodes import Node

# Keys that the user says: by the name of the variable, or what gives them; None for "as found".
Override: TypeAlias = "Mapping[str, str] | Callable[[str], str | None] | None"

_WRITERS: Final = ASSIGNS | TABLE_IMPORTS | SAVES.keys()
_DEFAULT_FILE: Final = ("", "model")
# The shared name of what is not shared (resource_handle.h).
_ANONYMOUS: Final = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"
_MAX_TWINS: Final = 100
_EMPTY_STRING: Final = 2  # bytes of an attribute that is one


class KeyCandidate(NamedTuple):
    """Key that a variable may have."""

    key: str
    how: How
    slice: str = ""
    reshaped: bool = False
    cast: bool = False
    computed_by: str = ""  # what makes the value out of the restored tensor


class Sources:
    """Sources of keys in a graph and a checkpoint; each source is read when it is first needed."""

    def __init__(self, meta: MetaGraph, ckpt: Checkpoint | None, override: Override) -> None:
        self._meta = meta
        self._ckpt = ckpt
        self.walk = Walk(meta)
        self._given = override

    def candidates(self, variable: Variable, node: Node) -> Iterator[KeyCandidate]:
        """Keys that a variable may have, best first (freeze.md §3.1)."""
        name = variable.name
        if (key := self._key_given(name)) is not None:
            part = next((each.slice for each in self._restored.get(name, ())), "")
            yield KeyCandidate(key, "given", part)
            return
        yield from self._restored.get(name, ())
        twins = self._twins(node)
        for each in twins:
            yield from self._restored.get(each, ())
        for each in (name, *twins):
            yield from self._restored_elsewhere.get(each, ())
        yield from self._saved.get(name, ())
        yield from self._slices.get(name, ())
        yield KeyCandidate(name, "node name")
        shared = shared_name(node)
        if shared and shared != name:
            yield KeyCandidate(shared, "shared name")
        for each in (name, shared):
            keys = self._full_names.get(each, ())
            if len(keys) == 1:
                yield KeyCandidate(keys[0], "full name")

    def _twins(self, node: Node) -> list[str]:
        """Other nodes of the same variable."""
        shared = _resource(node)
        names = self._resources.get(shared, ()) if shared is not None else ()
        return [each for each in names if each != node.name]

    @cached_property
    def _resources(self) -> dict[tuple[str, object], list[str]]:
        """Nodes that are one variable: those which share the name of it."""
        found: dict[tuple[str, object], list[str]] = defaultdict(list)
        for name, node in self._meta.nodes.items():
            if node.op in VARIABLES and (shared := _resource(node)) is not None:
                found[shared].append(name)
        # They are two, or a few: in a graph of thousands, each would ask all the others.
        return {shared: names for shared, names in found.items() if 1 < len(names) <= _MAX_TWINS}

    def _key_given(self, name: str) -> str | None:
        if self._given is None:
            return None
        if callable(self._given):
            return self._given(name)
        return self._given.get(name, self._given.get(f"{name}:0"))

    # --- the nodes that say it -------------------------------------------------------------------

    @cached_property
    def restoring(self) -> list[Placed]:
        """Nodes that the graph's saver runs to restore."""
        saver = self._meta.saver
        return self.walk.before(saver.restore_op, _WRITERS) if saver and saver.restore_op else []

    @cached_property
    def others(self) -> list[Placed]:
        """All that writes variables, saves and fills tables besides."""
        known = set(self.restoring)
        found: list[Placed] = []
        calls: list[Placed] = []
        for node in self._meta.nodes.values():
            if node.op in _WRITERS:
                found.append(Placed(self.walk.main, node))
            elif self.walk.takes_strings(node):
                calls.append(Placed(self.walk.main, node))
        found += self.walk.bodies(calls, _WRITERS)
        return [each for each in found if each not in known]

    # --- restore and save ops --------------------------------------------------------------------

    @cached_property
    def _restored(self) -> dict[str, list[KeyCandidate]]:
        found: dict[str, list[KeyCandidate]] = defaultdict(list)
        for target, placed, value in self.assigned(self.restoring):
            if restored := self.walk.restored(placed.scope, value):
                key, part, reshaped, cast, _ = restored
                found[target].append(KeyCandidate(key, "restore op", part, reshaped, cast))
            elif op := self.walk.is_restored_by_computing(placed.scope, value):
                found[target].append(KeyCandidate("", "restore op", computed_by=op))
        return found

    @cached_property
    def _restored_elsewhere(self) -> dict[str, list[KeyCandidate]]:
        found: dict[str, list[KeyCandidate]] = defaultdict(list)
        for target, placed, value in self.assigned(self.others):
            restored = self.walk.restored(placed.scope, value)
            if restored and not self._is_another_file(restored.file):
                key, part, reshaped, cast, _ = restored
                found[target].append(KeyCandidate(key, "other restore op", part, reshaped, cast))
        return found

    def assigned(self, nodes: Iterable[Placed]) -> Iterator[tuple[str, Placed, str]]:
        """Variables that nodes write: each with the node, and the input that is the value."""
        for placed in nodes:
            if placed.node.op not in ASSIGNS:
                continue
            given = data_inputs(placed.node)
            if len(given) < 2:
                continue
            named = self._meta.nodes.get(given[0]) if placed.scope is self.walk.main else None
            if named is not None and named.op in VARIABLES:  # as it nearly always is
                yield named.name, placed, given[1]
                continue
            target = self.walk.origin(placed.scope, given[0])
            if target is not None and self._is_variable(target):
                yield target.name, placed, given[1]

    def imports(self, nodes: Iterable[Placed]) -> Iterator[tuple[str, str, str]]:
        """Tables that are filled with restored content, and the two keys of it."""
        for placed in nodes:
            if placed.node.op not in TABLE_IMPORTS:
                continue
            given = data_inputs(placed.node)
            table = self.walk.origin(placed.scope, given[0]) if len(given) > 2 else None
            if table is None or table.scope is not self.walk.main:
                continue
            keys, values = (self.walk.restored(placed.scope, each) for each in given[1:3])
            if keys and values:
                yield table.name, keys.key, values.key

    @cached_property
    def _saved(self) -> dict[str, list[KeyCandidate]]:
        found: dict[str, list[KeyCandidate]] = defaultdict(list)
        for scope, node in self.others:
            if node.op not in SAVES:
                continue
            given = data_inputs(node)
            names = self.walk.strings(scope, given[1]) if len(given) > 1 else None
            skipped = SAVES[node.op]
            slices = self.walk.strings(scope, given[2]) if skipped == 3 and names else None
            tensors = given[skipped:]
            for at, (key, text) in enumerate(zip(names or (), tensors, strict=False)):
                source = self.walk.origin(scope, text)
                if source is not None and self._is_variable(source):
                    part = slices[at] if slices and at < len(slices) else ""
                    found[source.name].append(KeyCandidate(key, "save op", part))
        return found

    def _is_variable(self, origin: Origin) -> bool:
        return (
            origin.scope is self.walk.main
            and origin.node is not None
            and origin.node.op in VARIABLES
        )

    @cached_property
    def _saver_files(self) -> set[str]:
        """Nodes that savers take the name of the file from."""
        saver = self._meta.saver
        found = {parse_input(saver.filename_tensor).name} if saver else set()
        for scope, node in self.others:
            todo = list(data_inputs(node)[:1]) if node.op in SAVES else []
            for text in todo:
                source = self.walk.origin(scope, text)
                if source is None or source.node is None or source.name in found:
                    continue
                found.add(source.name)
                # Sharded savers make the names of their files out of the one that is given.
                if source.scope is scope and source.node.op in ("ShardedFilename", "StringJoin"):
                    todo += data_inputs(source.node)
        return found

    def _is_another_file(self, file: Origin | None) -> bool:
        """Tell whether what is restored comes from a file that the graph itself names.

        ``init_from_checkpoint`` starts from a trained model so: its keys mean that model's tensors,
        which this checkpoint may hold under other names.
        """
        if file is None or file.node is None or file.node.op != "Const":
            return False
        if file.name in self._saver_files:
            return False
        value = self.walk.strings(file.scope, file.name)
        return bool(value) and value[0] not in _DEFAULT_FILE  # type: ignore[index]

    # --- names -----------------------------------------------------------------------------------

    @cached_property
    def _slices(self) -> dict[str, list[KeyCandidate]]:
        found: dict[str, list[KeyCandidate]] = defaultdict(list)
        for each in self._meta.variable_defs:
            if (info := each.slice) is not None:
                text = slice_text(info.full_shape, info.var_offset, info.var_shape)
                name = parse_input(each.variable_name).name
                found[name].append(KeyCandidate(info.full_name, "slice info", text))
        return found

    @cached_property
    def _full_names(self) -> dict[str, tuple[str, ...]]:
        """Keys that objects with a name in a graph have in the checkpoint."""
        objects = None if self._ckpt is None else self._ckpt.objects
        found: dict[str, tuple[str, ...]] = {}
        for node in objects.nodes if objects is not None else ():
            for each in node.attributes:
                if each.full_name and each.key not in found.get(each.full_name, ()):
                    found[each.full_name] = (*found.get(each.full_name, ())[:1], each.key)
        return found


def _resource(node: Node) -> tuple[str, object] | None:
    """Name that tells a variable from others at run time; None if it is the node alone."""
    shared = shared_name(node)
    return (shared, node.attr("container")) if shared not in ("", _ANONYMOUS) else None


def shared_name(node: Node) -> str:
    """Name under which sessions share a variable or table; empty if it has none."""
    if len(node.attrs.get("shared_name", b"")) <= _EMPTY_STRING:
        return ""  # of most, and not worth decoding
    value = node.attr("shared_name")
    return as_text(value) if isinstance(value, bytes) else ""
