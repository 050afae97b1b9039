"""Findings in one graph: its nodes, its functions' bodies, and the graphs that lie in constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from .._format.names import as_bytes, as_text
from .._graphdef.attributes import FunctionRef, decode_attr
from .._graphdef.meta_graph import MetaGraph
from .._graphdef.tensors import TensorMessage
from .._locate.kinds import tell_kind
from .._ops.facts import is_known
from ..errors import TensorBundleError
from .flow import Flow, NodePlace
from .operations import SAVERS, Kind, is_ordinary, reach_of

if TYPE_CHECKING:
    from .._graphdef.nodes import Node

_MAX_DEPTH: Final = 8
_MAX_SHOWN: Final = 200  # characters of a path or token in a message
_STRING: Final = 7
# Collections whose nodes are run when a SavedModel is loaded.
_ON_LOAD: Final = ("saved_model_main_op", "legacy_init_op", "saved_model_init_op")
_INIT_SIGNATURE: Final = "__saved_model_init_op"
# Operations that run a graph that they are given as a string, and those that pass strings on.
_MAKES_GRAPHS: Final = frozenset(["DatasetFromGraph"])
_PASSES: Final = frozenset(["Const", "Identity", "IdentityN", "StopGradient", "Snapshot", "NoOp"])
# What savers call the file before the caller says.
_UNSET_NAME: Final = b"model"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a graph would do beside computing.

    Attributes:
        path: The file.
        kind: What it is; see `Scan`.
        level: ``"error"``, ``"warning"`` or ``"note"``.
        op: The operation, or ``""``.
        node: The node; ``function/node`` in a function, ``outer -> inner`` in a nested graph.
        message: What it does, and when.
    """

    path: str
    kind: Kind
    level: str
    op: str
    node: str
    message: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """A finding without its file."""

    kind: Kind
    op: str
    node: str
    message: str


def findings_in(meta: MetaGraph, *, depth: int = 0) -> Iterator[Noticed]:
    """Find what a graph would do beside computing.

    Args:
        meta: The graph.
        depth: How many graphs it lies in.
    """
    flow = Flow(meta)
    scanned = _Scanned(flow)
    try:
        for place, node in flow.places():
            yield from scanned.findings(place, node)
            yield from scanned.nested(place, node, depth)
    except TensorBundleError as error:
        yield Noticed("unreadable graph", "", "", f"the graph cannot be read: {error}")


class _Scanned:
    """A graph, with what is asked again for many nodes."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._meta = flow.meta

    def findings(self, place: NodePlace, node: Node) -> Iterator[Noticed]:
        reach = reach_of(node.op)
        if reach is None:
            if not is_known(node.op) and node.op not in self._flow.functions:
                message = f"no TensorFlow has the operation {node.op!r}"
                yield Noticed("unknown operation", node.op, _shown(place), message)
            return
        if node.op in SAVERS and self._is_of_the_saver(place, node):
            return
        kind, where = reach.kind, ""
        if isinstance(reach.place, str):
            value = node.attr(reach.place)
            if is_ordinary(node.op, value):
                return
            where = _text(value)
        elif reach.place is not None:
            if node.op.startswith("CacheDataset") and self._constants(place, node, 1) == {b""}:
                return  # in memory
            if reach.kind == "reads files" and self._is_asset(place, node, reach.place):
                return
            where = ", ".join(
                sorted(_text(each) for each in self._constants(place, node, reach.place) if each)
            )
        if "://" in where.replace("file://", "") and kind in ("reads files", "writes files"):
            kind = "opens the network"
        message = f"{node.op} {kind}" + (f": {where}" if where else "") + self._when(place)
        yield Noticed(kind, node.op, _shown(place), message)

    def _constants(self, place: NodePlace, node: Node, position: int) -> set[bytes]:
        """The strings in constants that an input is made of."""
        found: set[bytes] = set()
        for source in self._sources(place, node, position):
            each = self._flow.nodes(source.function)[source.node]
            if each.op == "Const":
                found.update(_strings(each))
        return found

    def _sources(self, place: NodePlace, node: Node, position: int) -> set[NodePlace]:
        inputs = [each for each in node.inputs if each[:1] != "^"]
        return self._flow.sources(place, inputs[position]) if position < len(inputs) else set()

    # --- what is ordinary -------------------------------------------------------------------------

    def _is_of_the_saver(self, place: NodePlace, node: Node) -> bool:
        """Whether a node saves to, or restores from, where the caller says, and only when asked."""
        if place in self._on_load or place in self._served:
            return False
        position = 1 if node.op.startswith("Merge") else 0
        if any(map(_says_where, self._constants(place, node, position))):
            return False  # the caller's name is only a part of it
        return bool(self._sources(place, node, position) & self._file_names)

    @cached_property
    def _file_names(self) -> frozenset[NodePlace]:
        """The nodes that savers take the name of the file from, and others that may be fed."""
        named = {saver.filename_tensor.partition(":")[0] for saver in self._meta.savers}
        # A graph may hold the nodes of savers that it does not describe.
        fed = {name for name, node in self._meta.nodes.items() if self._may_be_fed(node)}
        return frozenset(NodePlace("", name) for name in named | fed if name)

    def _may_be_fed(self, node: Node) -> bool:
        """Whether a node stands for what the caller gives, and by itself names no file."""
        if node.op in ("Placeholder", "PlaceholderV2"):
            return int(node.attr("dtype", 0) or 0) == _STRING
        if node.op == "PlaceholderWithDefault" and node.inputs:
            default = self._flow.sources(NodePlace("", node.name), node.inputs[0])
            nodes = [self._flow.nodes(each.function)[each.node] for each in default]
            return bool(nodes) and all(each.op == "Const" and _is_unset(each) for each in nodes)
        return node.op == "Const" and _strings(node) == [_UNSET_NAME]

    def _is_asset(self, place: NodePlace, node: Node, position: int) -> bool:
        """Whether a file that is read is one of the model's own."""
        assets = {NodePlace("", asset.tensor.partition(":")[0]) for asset in self._meta.assets}
        sources = self._sources(place, node, position)
        # What is put behind the name of an asset leads anywhere.
        others = [
            text
            for each in sources - assets
            for text in _strings(self._flow.nodes(each.function)[each.node])
        ]
        return bool(assets & sources) and not any(map(_says_where, others))

    # --- graphs inside ----------------------------------------------------------------------------

    def nested(self, place: NodePlace, node: Node, depth: int) -> Iterator[Noticed]:
        """Findings in the graphs that a node holds as strings, as datasets do."""
        for text in _all_strings(node):
            meta = _graph_of(text)
            if meta is None:
                continue
            if depth >= _MAX_DEPTH:
                message = f"graphs lie in graphs more than {_MAX_DEPTH} deep"
                yield Noticed("unreadable graph", node.op, _shown(place), message)
                continue
            for found in findings_in(meta, depth=depth + 1):
                inner = f"{_shown(place)} -> {found.node}"
                yield Noticed(found.kind, found.op, inner, f"in a nested graph: {found.message}")
        if node.op in _MAKES_GRAPHS and (why := self._unseen(place, node)):
            message = f"{node.op} runs a graph that {why}"
            yield Noticed("unreadable graph", node.op, _shown(place), message)

    def _unseen(self, place: NodePlace, node: Node) -> str | None:
        """Why the graph that a node runs was not looked at, if so."""
        seen = 0
        for source in self._sources(place, node, 0):
            each = self._flow.nodes(source.function)[source.node]
            if each.op == "Const":
                texts = _strings(each)
                if any(_graph_of(text) is None for text in texts):
                    return "cannot be read"
                seen += len(texts)
            elif each.op not in _PASSES:
                return f"is only made when it runs, by {each.op}"
        return None if seen else "is not in the file"

    # --- when -------------------------------------------------------------------------------------

    @cached_property
    def _on_load(self) -> set[NodePlace]:
        roots: list[str] = []
        for key in _ON_LOAD:
            if (collection := self._meta.collections.get(key)) is not None:
                roots += [
                    as_text(each) if isinstance(each, bytes) else str(each)
                    for each in collection.values
                ]
        if (init := self._meta.signatures.get(_INIT_SIGNATURE)) is not None:
            roots += [fact.name for fact in init.outputs.values() if fact.name]
        return self._flow.run_for(roots)

    @cached_property
    def _served(self) -> set[NodePlace]:
        return self._flow.run_for(
            fact.name
            for key, signature in self._meta.signatures.items()
            if key != _INIT_SIGNATURE
            for fact in signature.outputs.values()
            if fact.name
        )

    def _when(self, place: NodePlace) -> str:
        if place in self._on_load:
            return ", when the model is loaded"
        return ", when a signature is run" if place in self._served else ""


# --- strings --------------------------------------------------------------------------------------


def _all_strings(node: Node) -> Iterator[bytes]:
    for key in node.attrs:
        yield from _strings_of(node.attr(key), 0)


def _strings_of(value: object, depth: int) -> Iterator[bytes]:
    """All strings in an attribute: in the functions that it names with attributes of theirs too."""
    if isinstance(value, list):
        for each in value:
            yield from _strings_of(each, depth)
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, TensorMessage) and value.dtype == _STRING:
        yield from value.array().reshape(-1).tolist()
    elif isinstance(value, FunctionRef) and depth < _MAX_DEPTH:
        for raw in value.attrs.values():
            yield from _strings_of(decode_attr(raw), depth + 1)


def _strings(node: Node) -> list[bytes]:
    value = node.attr("value")
    if not isinstance(value, TensorMessage) or value.dtype != _STRING:
        return []
    return [as_bytes(each) if isinstance(each, str) else each
            for each in value.array().reshape(-1).tolist()]  # fmt: skip


def _is_unset(node: Node) -> bool:
    """Whether a constant is what savers have before the caller names a file."""
    return _strings(node) in ([_UNSET_NAME], [b""])


def _says_where(text: bytes) -> bool:
    """Whether a part of a path leads somewhere by itself: from the root, up, or to a store."""
    path = text.replace(b"\\", b"/")
    return (
        path.startswith(b"/") or b"://" in path or b".." in path.split(b"/") or path[1:3] == b":/"
    )


def _graph_of(text: bytes) -> MetaGraph | None:
    """The graph that a string is, if it is one; its fields may be in any order."""
    if len(text) < 8 or min(text) >= ord(" "):  # words, of which there may be a million
        return None
    try:
        data = memoryview(text)
        bare = text[:1] != b"\x0a" or tell_kind(data) != "meta"
        meta = MetaGraph(data, bare=bare)
        if not meta.num_nodes and not meta.functions:
            return None
        ops = [*meta.ops, *(each.op for f in meta.functions.values() for each in f.nodes.values())]
        is_graph = all(ops) and any(map(is_known, ops))
        return meta if is_graph else None
    except TensorBundleError:
        return None


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    text = as_text(value) if isinstance(value, bytes) else str(value)
    return repr(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…")


def _shown(place: NodePlace) -> str:
    return f"{place.function}/{place.node}" if place.function else place.node
