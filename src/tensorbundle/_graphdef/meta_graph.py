"""``MetaGraphDef``: a graph with what is said about it (freeze.md §1.2). Decoded when asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np

from .._core import GraphScan
from .._format.names import as_text
from .._format.wire import Field, Raw, fields, map_entry, text_of, told_if_cut_off
from ..errors import FormatError
from .facts import (
    Asset,
    Collection,
    SaverDef,
    Signature,
    VariableDef,
    Versions,
    decode_asset,
    decode_collection,
    decode_saver,
    decode_signature,
    decode_variable,
    decode_versions,
)
from .functions import FunctionLibrary, OpDef, decode_op_def
from .located import located
from .nodes import Nodes, NodeSource, by_name, make_nodes

_INFO, _GRAPH, _SAVER, _COLLECTION, _SIGNATURE, _ASSET, _OBJECTS = range(1, 8)
_VARIABLES: Final = "variables"  # how collections of variables end
_NODE: Final = 1
# Collections and signatures are fields each. Objects are made of all of them.
_MAX_PARTS: Final = 1 << 20


class Edges(NamedTuple):
    """Edges: which nodes feed which, as arrays of numbers; nodes are counted in stored order.

    The inputs of node ``i`` are those from ``starts[i]`` up to ``starts[i + 1]``.

    Attributes:
        starts: By node, the number of its first input; one more at the end.
        sources: By input, the node it comes from; -1 where no node has the name.
        ports: By input, which output of that node it is; -1 for a control input.
        duplicates: The nodes whose name an earlier node has.
    """

    starts: np.ndarray[Any, np.dtype[np.int32]]
    sources: np.ndarray[Any, np.dtype[np.int32]]
    ports: np.ndarray[Any, np.dtype[np.int32]]
    duplicates: np.ndarray[Any, np.dtype[np.int32]]


def _parts(raw: Raw, offset: int) -> tuple[Field, ...]:
    """Fields of a MetaGraphDef."""
    parts = tuple(islice(fields(raw, offset), _MAX_PARTS))
    if len(parts) == _MAX_PARTS:
        raise FormatError(f"a MetaGraphDef has {_MAX_PARTS} fields or more", offset=offset)
    return parts


class MetaGraph:
    """One graph with its signatures, collections, savers, assets; a bare GraphDef has none of them.

    Attributes:
        raw: The whole message; a bare graph's is what a MetaGraphDef of it alone would hold.
        offset: Where it begins in the file.
        path: The file, or ``""``.
        fields: Its top-level fields in stored order, for who writes it again.
    """

    def __init__(self, raw: Raw, offset: int = 0, path: str = "", *, bare: bool = False) -> None:
        self.raw = raw
        self.offset = offset
        self.path = path
        self._bare = bare
        self.fields: tuple[Field, ...] = (
            (Field(_GRAPH, 2, 0, memoryview(raw), offset),) if bare else _parts(raw, offset)
        )

    def _all(self, number: int) -> Iterator[Field]:
        return (each for each in self.fields if each.number == number)

    def _one(self, number: int) -> tuple[Raw, int]:
        """Bytes of a message that is stored once, and where they begin; empty if it is not."""
        stored = list(self._all(number))
        if len(stored) < 2:
            return (stored[0].content(), stored[0].offset) if stored else (b"", self.offset)
        return b"".join(each.content() for each in stored), stored[0].offset  # protobuf merges them

    @located
    def graph_def(self) -> tuple[memoryview, int]:
        """``GraphDef`` and where it begins in the file."""
        raw, offset = self._one(_GRAPH)
        return memoryview(raw), offset

    @property
    def _source(self) -> NodeSource:
        return NodeSource(*self.graph_def, self.path)

    @located
    def _scan(self) -> GraphScan:
        data, offset = self.graph_def
        if not self._bare:
            return GraphScan(data, offset, _NODE)
        with told_if_cut_off(data):
            return GraphScan(data, offset, _NODE)

    @property
    def num_nodes(self) -> int:
        """Number of nodes of the main graph."""
        return len(self._scan)

    @located
    def nodes(self) -> Nodes:
        """Nodes of the main graph by name, in stored order; of equal names the first counts."""
        return by_name(make_nodes(self._scan, self._source))

    @located
    def node_names(self) -> list[str]:
        """Names of all nodes of the main graph in stored order, without making the nodes."""
        return self._scan.names()

    @located
    def ops(self) -> Mapping[str, int]:
        """Operations of the main graph, and how many nodes each has, most frequent first."""
        return dict(sorted(self._scan.ops(), key=lambda each: (-each[1], each[0])))

    @located
    def devices(self) -> Mapping[str, int]:
        """Devices, and how many nodes of the main graph ask for each, ``""`` for none; sorted."""
        return dict(sorted(self._scan.devices()))

    @located
    def edges(self) -> Edges:
        """Edges of the main graph: which nodes feed which, by number in stored order."""
        return Edges(*(np.frombuffer(each, np.int32) for each in self._scan.edges()))

    @property
    def duplicates(self) -> list[str]:
        """Names that more than one node of the main graph has, in stored order."""
        return list(dict.fromkeys(self.node_names[i] for i in self.edges.duplicates.tolist()))

    @located
    def functions(self) -> FunctionLibrary:
        """Function library: a mapping from names to functions, each decoded when asked for."""
        parts = [each for each in self.graph_fields if each.number == 2]
        if len(parts) == 1:
            return FunctionLibrary(parts[0].content(), parts[0].offset, self.path)
        return FunctionLibrary(b"".join(each.content() for each in parts), path=self.path)

    @located
    def graph_fields(self) -> tuple[Field, ...]:
        """Fields of the ``GraphDef`` that are not nodes, in stored order."""
        data, base = self.graph_def
        return tuple(
            Field(number, wire, value, data[begin:end], base + begin)
            for number, wire, value, begin, end in self._scan.others()
        )

    @located
    def versions(self) -> Versions:
        """Versions of the graph."""
        raw: list[Raw] = [each.content() for each in self.graph_fields if each.number == 4]
        if raw:
            return decode_versions(raw[0] if len(raw) == 1 else b"".join(raw))
        old = [each.int32() for each in self.graph_fields if each.number == 3]
        return Versions(producer=old[-1] if old else 0)

    # --- meta information ---------------------------------------------------------------------

    @located
    def _info(self) -> tuple[Field, ...]:
        return tuple(fields(*self._one(_INFO)))

    def _info_text(self, number: int) -> str:
        texts = [text_of(each) for each in self._info if each.number == number]
        return texts[-1] if texts else ""

    @located
    def tags(self) -> frozenset[str]:
        """Tags of a SavedModel's MetaGraph."""
        return frozenset(text_of(each) for each in self._info if each.number == 4)

    @located
    def tensorflow_version(self) -> str:
        """Version of TensorFlow that wrote it, or ``""``."""
        return self._info_text(5)

    @located
    def tensorflow_git_version(self) -> str:
        """Its git version, or ``""``."""
        return self._info_text(6)

    @located
    def stripped_default_attrs(self) -> bool:
        """Tell whether attributes that have their default value were left out."""
        return any(each.int64() != 0 for each in self._info if each.number == 7)

    @located
    def op_defs(self) -> Mapping[str, OpDef]:
        """Registrations of operations in the model's own list."""
        defs: dict[str, OpDef] = {}
        for ops in self._info:
            if ops.number == 2:
                for each in ops.message():
                    if each.number == 1:
                        op_def = decode_op_def(each.content(), each.offset)
                        defs[op_def.name] = op_def
        return defs

    @located
    def function_aliases(self) -> dict[str, str]:
        """By concrete function, the name that a program gave it."""
        entries = [map_entry(each) for each in self._info if each.number == 8]
        return {key: as_text(value) for key, value, _ in entries}

    # --- beside the graph ----------------------------------------------------------------------

    @located
    def collections(self) -> dict[str, Collection]:
        """Collections by key, sorted."""
        entries = [map_entry(each) for each in self._all(_COLLECTION)]
        stored = {key: decode_collection(value, offset) for key, value, offset in entries}
        return dict(sorted(stored.items()))

    @located
    def signatures(self) -> dict[str, Signature]:
        """Signatures by key, sorted."""
        entries = [map_entry(each) for each in self._all(_SIGNATURE)]
        stored = {key: decode_signature(value, offset) for key, value, offset in entries}
        return dict(sorted(stored.items()))

    @located
    def saver(self) -> SaverDef | None:
        """Saver that TensorFlow would restore with, if there is one."""
        return decode_saver(*self._one(_SAVER)) if any(self._all(_SAVER)) else None

    @located
    def savers(self) -> tuple[SaverDef, ...]:
        """All savers that are described, `saver` first: those of the collection too."""
        savers = [] if self.saver is None else [self.saver]
        listed = self.collections.get("savers")
        for value in listed.values if listed is not None else ():
            if isinstance(value, bytes):
                # A program may call a collection of other things so.
                with contextlib.suppress(FormatError):
                    savers.append(decode_saver(value))
        return tuple(dict.fromkeys(savers))

    @located
    def assets(self) -> tuple[Asset, ...]:
        """Files that the graph needs."""
        return tuple(decode_asset(each.content(), each.offset) for each in self._all(_ASSET))

    @located
    def variable_defs(self) -> tuple[VariableDef, ...]:
        """Variables that collections describe, each once, in order of first mention."""
        # One variable has the same bytes in every collection that it is in.
        mentions: dict[bytes, list[str]] = {}
        for key, collection in self.collections.items():
            if key.endswith(_VARIABLES) and collection.kind == "bytes_list":
                for value in collection.values:
                    assert isinstance(value, bytes)
                    mentions.setdefault(value, []).append(key)
        found: dict[str, VariableDef] = {}
        first: dict[str, bytes] = {}
        for value, keys in mentions.items():
            # A program may call a collection of other things so.
            with contextlib.suppress(FormatError):
                definition = decode_variable(value, tuple(dict.fromkeys(keys)))
                name = definition.variable_name
                if name in found:  # written in another way in another collection
                    together = dict.fromkeys((*found[name].collections, *definition.collections))
                    definition = decode_variable(first[name], tuple(together))
                first.setdefault(name, value)
                found[name] = definition
        found.pop("", None)
        return tuple(found.values())

    @located
    def object_graph(self) -> memoryview | None:
        """``SavedObjectGraph`` of a TensorFlow 2 SavedModel, if there is one."""
        return memoryview(self._one(_OBJECTS)[0]) if any(self._all(_OBJECTS)) else None
