"""Lookup tables kept working: who fills them, and from what (freeze.md §2.4).

A frozen graph keeps its tables but, as TensorFlow writes it, not what fills them. Here all that
does is kept behind one ``NoOp``, to be run once; vocabularies and the content of mutable tables
become constants.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from ..._format.dtypes import RESOURCE, STRING
from ..._format.names import as_bytes
from ..._format.wire import Raw
from ..._format.wording import Worded, listed, option, quoted
from ..._graphdef.attributes import shape_attr
from ..._graphdef.functions import Function
from ..._graphdef.meta_graph import MetaGraph
from ..._graphdef.nodes import Node, Nodes, const_node, make_node, parse_input
from ..._graphdef.roles import (
    MUTABLE_TABLES,
    RESTORES,
    STATIC_TABLES,
    TABLE_FILE_INITIALIZERS,
    TABLE_IMPORTS,
    TABLE_INITIALIZERS,
    TABLE_INSERTS,
)
from ..._graphdef.tensors import encode_tensor
from ..._look.amounts import format_subject
from ..._ops.edges import NewNames, data_inputs, main_source, reachable
from ..variables.constants import Constant
from .assets import Assets, columns_of, constant_path, vocabulary
from .inline import called_function, inline_calls

INIT_OP: Final = "frozen_init_tables"

_DENSE: Final = "MutableDenseHashTable"
_WRITERS: Final = TABLE_IMPORTS | TABLE_INSERTS  # static tables are initialised instead
_COLLECTIONS: Final = ("table_initializer", "saved_model_main_op", "legacy_init_op")
_PATHS: Final = frozenset({"Const", "Placeholder", "PlaceholderWithDefault"})
_SIGNATURE: Final = "__saved_model_init_op"


class Tables(NamedTuple):
    """A graph whose tables can be filled.

    Attributes:
        nodes: Its nodes.
        init: The node to run once before lookups; None where no table needs it.
        streamed: By constant that has no value yet, the key of the tensor in the checkpoint.
        constants: Variables that hold paths of assets, and what they hold.
        warnings: Tables that nothing fills, and files that are needed at run time.
    """

    nodes: Nodes
    init: str | None
    streamed: Mapping[str, str]
    constants: Mapping[str, Constant]
    warnings: tuple[str, ...]


def keep_tables(
    nodes: Nodes,
    functions: Mapping[str, Function],
    meta: MetaGraph,
    roots: Iterable[str],
    *,
    contents: Mapping[str, tuple[str, str]],
    directory: str | None,
    home: str | None = None,
    follow_links: bool = False,
) -> Tables:
    """Add to a graph what fills the tables that some nodes need.

    Functions that fill tables are inlined, so that their vocabularies may be found.

    Args:
        nodes: The main graph.
        functions: Its functions.
        meta: What says where tables are filled, and which files there are.
        roots: The nodes.
        contents: By mutable table, the keys in the checkpoint of its keys and its values.
        directory: The SavedModel whose files may be read; None if there is none.
        home: The folder of the graph, whose files may be read too.
        follow_links: Whether others may.

    Raises:
        ConversionError: A vocabulary lies elsewhere, and is not to be read.
        FormatError: The graph is malformed, or a vocabulary is.
        MissingFileError: A vocabulary is not there.
        UnsupportedError: A vocabulary is of a type that cannot be read.
    """
    roots = list(roots)
    nodes = _with_tables(nodes, functions, meta, reachable(nodes, roots))
    needed = reachable(nodes, roots)
    tables = [
        name
        for name in nodes
        if name in needed and nodes[name].op in STATIC_TABLES | MUTABLE_TABLES
    ]
    keeper = _Keeper(nodes, functions, meta, contents, _Place(directory, home, follow_links))
    if tables:
        keeper.fill(tables)
    return keeper.finished(roots)


class _Place(NamedTuple):
    """Where files may be read; see `Assets`."""

    directory: str | None
    home: str | None
    follow_links: bool

    def assets(self, nodes: Nodes, meta: MetaGraph) -> Assets:
        return Assets(nodes, meta, self.directory, self.home, follow_links=self.follow_links)


def _with_tables(
    nodes: Nodes, functions: Mapping[str, Function], meta: MetaGraph, needed: Container[str]
) -> Nodes:
    """The graph with tables in sight that are made inside of functions: those calls inlined.

    A model of TensorFlow 2 that is loaded into a graph of TensorFlow 1 makes each by such a call.
    """
    making = {
        name
        for name, function in functions.items()
        if any(node.op in STATIC_TABLES | MUTABLE_TABLES for node in function.nodes.values())
    }
    if not making:
        return nodes
    calls = []
    for name, node in nodes.items():
        ref = called_function(node, functions) if name in needed else None
        if ref is not None and _makes_table(ref.name, functions, making):
            calls.append(name)
    return inline_calls(nodes, functions, calls, meta.op_defs).nodes if calls else nodes


def _makes_table(name: str, functions: Mapping[str, Function], making: Container[str]) -> bool:
    """Whether a function gives back a table that it, or one that it calls, makes."""
    function = functions.get(name)
    seen = {name}
    waiting = [name]
    if function is None or [each.type for each in function.signature.outputs] != [RESOURCE]:
        return False
    for each in waiting:  # which grows
        if each in making:
            return True
        for node in functions[each].nodes.values():
            ref = called_function(node, functions)
            if ref is not None and ref.name not in seen and ref.name in functions:
                seen.add(ref.name)
                waiting.append(ref.name)
    return False


class _Keeper:
    def __init__(
        self,
        nodes: Nodes,
        functions: Mapping[str, Function],
        meta: MetaGraph,
        contents: Mapping[str, tuple[str, str]],
        place: _Place,
    ) -> None:
        self._nodes: Nodes = dict(nodes)
        self._functions = functions
        self._meta = meta
        self._contents = contents
        self._place = place
        self._streamed: dict[str, str] = {}
        self._warnings: list[str] = []
        self._init: str | None = None

    def fill(self, tables: list[str]) -> None:
        """Find or make what fills each of some tables."""
        initializers = self._initializers(set(tables))
        assets = self._place.assets(self._nodes, self._meta)
        chosen: list[str] = []
        unfilled: list[str] = []
        for name in tables:
            table = self._nodes[name]
            if table.op in MUTABLE_TABLES and name in self._contents:
                chosen.append(self._from_checkpoint(table))
            elif name not in initializers:
                unfilled.append(name)
            elif initializers[name].op in TABLE_FILE_INITIALIZERS:
                chosen.append(self._from_file(table, initializers[name], assets))
            else:
                chosen.append(initializers[name].name)
        if unfilled:
            self._warnings.append(
                f"nothing fills {len(unfilled)} lookup tables, which stay empty: {listed(unfilled)}"
            )
        if chosen:
            self._init = self._new_name(INIT_OP)
            self._nodes[self._init] = make_node(
                self._init, "NoOp", [f"^{name}" for name in dict.fromkeys(chosen)]
            )

    def _initializers(self, tables: set[str]) -> dict[str, Node]:
        """By table, the node that fills it when the model is loaded."""
        beginnings = [name for name in self._beginnings() if name in self._nodes]
        calls = [
            name
            for name in reachable(self._nodes, beginnings)
            if called_function(self._nodes[name], self._functions) is not None
            and any(self._table_of(edge) in tables for edge in data_inputs(self._nodes[name]))
        ]
        made: set[str] = set()
        if calls:
            inlined = inline_calls(self._nodes, self._functions, calls, self._meta.op_defs).nodes
            made = {name for name in inlined if name not in self._nodes}
            self._nodes = dict(inlined)
        beginnings = [name for name in beginnings if name in self._nodes]
        initial = made.union(reachable(self._nodes, beginnings))
        found: dict[str, Node] = {}
        for name, node in self._nodes.items():
            if node.op not in TABLE_INITIALIZERS and not (node.op in _WRITERS and name in initial):
                continue
            inputs = data_inputs(node)
            table = self._table_of(inputs[0]) if inputs else ""
            if table in tables and table not in found and not self._restores(inputs[1:]):
                found[table] = node
        return found

    def _beginnings(self) -> Iterator[str]:
        """The nodes that are run when the model is loaded."""
        for key in _COLLECTIONS:
            collection = self._meta.collections.get(key)
            for value in collection.values if collection is not None else ():
                if isinstance(value, str):
                    yield parse_input(value.removeprefix("^")).name
        signature = self._meta.signatures.get(_SIGNATURE)
        for fact in signature.outputs.values() if signature is not None else ():
            if fact.name:
                yield parse_input(fact.name).name

    def _table_of(self, edge: str) -> str:
        """The node that makes a handle, which may be passed on before it is used."""
        seen = set()
        name = main_source(edge)
        while name in self._nodes and self._nodes[name].op == "Identity" and name not in seen:
            seen.add(name)
            name = main_source(self._nodes[name].inputs[0]) if self._nodes[name].inputs else ""
        return name

    def _restores(self, edges: Iterable[str]) -> bool:
        """Whether this is how a saver fills a table."""
        nodes = (self._nodes.get(self._table_of(edge)) for edge in edges)
        return any(node is not None and node.op in RESTORES for node in nodes)

    # --- contents as constants ------------------------------------------------------------------

    def _from_checkpoint(self, table: Node) -> str:
        constants = []
        for part, key in zip(("key", "value"), self._contents[table.name], strict=True):
            dtype = table.attrs.get(f"{part}_dtype", b"")
            name = self._new_name(f"{table.name}/frozen_{part}s")
            self._nodes[name] = make_node(name, "Const", (), {"dtype": dtype}, table.device)
            self._streamed[name] = key
            if table.op.startswith(_DENSE):
                name = self._of_unknown_shape(name, dtype, table.device)
            constants.append(name)
        return self._import(table, constants, ())

    def _of_unknown_shape(self, constant: str, dtype: Raw, device: str) -> str:
        """The same as a constant, whose shape nobody sees before it is run.

        The buckets of dense tables are saved with a rank that importing them is not declared for.
        """
        name = self._new_name(f"{constant}_buckets")
        attrs = {"dtype": dtype, "shape": shape_attr(None)}
        op = "PlaceholderWithDefault"
        self._nodes[name] = make_node(name, op, (constant,), attrs, device)
        return name

    def _from_file(self, table: Node, node: Node, assets: Assets) -> str:
        edge = data_inputs(node)[1] if len(data_inputs(node)) > 1 else ""
        filename = assets.file_of(edge) if edge else None
        path = constant_path(assets.origin(edge)) if edge and filename is None else None
        named = filename or path
        if filename is not None and assets.has_files():
            lines = assets.read(filename)
        elif named and (found := assets.read_beside(named)) is not None:
            lines, place = found
            if place != named:
                self._warnings.append(
                    f"lookup table {quoted(table.name)} is filled from {quoted(place)}, which lies "
                    f"beside the graph, in place of {quoted(named)}"
                )
        else:
            self._tell_file(table, named, assets)
            return node.name
        content = vocabulary(lines, columns_of(node, table), named or "")
        constants = []
        for part, array in zip(("key", "value"), content, strict=True):
            name = self._new_name(f"{table.name}/frozen_{part}s")
            self._nodes[name] = const_node(name, array, table.device)
            constants.append(name)
        return self._import(table, constants, [e for e in node.inputs if e.startswith("^")])

    def _tell_file(self, table: Node, path: str | None, assets: Assets) -> None:
        """Say which file a table needs when the graph is run, and why it did not go in."""
        where = "its name is computed" if path is None else quoted(path)
        hint: str = ""
        if path is not None and os.path.isfile(path):
            hint = Worded(
                ", which lies outside the model: ", option("follow_links", True), " puts it in"
            )
        elif path is not None and assets.has_home():
            hint = ", which is not there: a file of that name beside the graph goes in"
        self._warnings.append(
            Worded(
                f"lookup table {quoted(table.name)} is filled from a file that is needed at run "
                f"time: {where}",
                hint,
            )
        )

    def _import(self, table: Node, constants: list[str], waits: Iterable[str]) -> str:
        name = self._new_name(f"{table.name}/frozen_import")
        op = "LookupTableImportV2" if table.op.endswith("V2") else "LookupTableImport"
        attrs: dict[str, Raw] = {
            "Tin": table.attrs.get("key_dtype", b""),
            "Tout": table.attrs.get("value_dtype", b""),
        }
        inputs = (table.name, *constants, *waits)
        self._nodes[name] = make_node(name, op, inputs, attrs, table.device)
        return name

    def _new_name(self, wanted: str) -> str:
        return NewNames(self._nodes).make(wanted)

    # --- paths ------------------------------------------------------------------------------------

    def finished(self, roots: list[str]) -> Tables:
        """The graph, with paths of files as constants where something still reads them."""
        assets = self._place.assets(self._nodes, self._meta)
        constants: dict[str, Constant] = {}
        needed = reachable(self._nodes, [*roots, *([self._init] if self._init else [])])
        files: dict[str, None] = {}
        for name, filename in assets.files.items():
            if name not in needed:
                continue
            path = assets.path_of(filename)
            value = np.array(as_bytes(path), object)
            if name in assets.variables:
                constants[name] = Constant(STRING, (), encode_tensor(value))
            elif self._nodes[name].op in _PATHS:
                self._nodes[name] = const_node(name, value, self._nodes[name].device)
            files[path] = None
        if files:
            self._warnings.append(
                f"{format_subject(len(files), 'file of the model', 'is')} needed at run time: "
                f"{listed(list(files))}"
            )
        return Tables(self._nodes, self._init, self._streamed, constants, tuple(self._warnings))
