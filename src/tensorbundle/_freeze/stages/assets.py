"""Files that a SavedModel brings along: who reads them, vocabularies as tensors (freeze.md §2.4).

A vocabulary is read by the rules of TensorFlow's ``TextFileLineIterator``.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from ..._format.dtypes import STRING
from ..._format.names import as_text
from ..._format.wire import fields
from ..._format.wording import Worded, option, quoted
from ..._graphdef.facts import Asset, decode_asset
from ..._graphdef.meta_graph import MetaGraph
from ..._graphdef.nodes import Node, Nodes, parse_input
from ..._graphdef.roles import ASSIGNS, VARIABLES
from ..._graphdef.tensors import TensorMessage
from ..._ops.edges import data_inputs
from ...errors import ConversionError, FormatError, MissingFileError, UnsupportedError

_FLOAT, _DOUBLE, _INT32, _INT64 = 1, 2, 3, 9
_PASSING: Final = frozenset({"Enter", "Identity", "ReadVariableOp", "Switch"})
_MAX_BYTES: Final = 1 << 31
_COLLECTION: Final = "saved_model_assets"
_ANY_VALUE: Final = 2

_DEEPEST: Final = 8  # folders above a vocabulary that are tried beside the graph

_WHOLE_LINE, _LINE_NUMBER = -2, -1


class Assets:
    """The files of a model, by the tensors that hold their paths.

    Args:
        nodes: The main graph.
        meta: What says which tensors these are.
        directory: The SavedModel; None if there is none.
        home: Where the files of the model lie: the SavedModel, or the folder of the graph's file.
        follow_links: Whether files may be read that lie elsewhere.

    Attributes:
        files: By node, the name of the file whose path it gives: placeholders and variables.
        variables: Those of these nodes that are variables.
    """

    def __init__(
        self,
        nodes: Nodes,
        meta: MetaGraph,
        directory: str | None,
        home: str | None = None,
        *,
        follow_links: bool = False,
    ) -> None:
        self._nodes = nodes
        self._directory = directory
        self._home = directory if home is None else home
        self._follow_links = follow_links
        self.files = {
            parse_input(asset.tensor).name: asset.filename
            for asset in _declared(meta)
            if parse_input(asset.tensor).name in nodes
        }
        self.variables: list[str] = []
        if self.files:
            for node in nodes.values():
                self._follow_assignment(node)

    def _follow_assignment(self, node: Node) -> None:
        inputs = data_inputs(node)
        if node.op not in ASSIGNS or len(inputs) < 2:
            return
        target, value = (self._origin(edge) for edge in inputs[:2])
        if target.op in VARIABLES and value.name in self.files:
            self.files[target.name] = self.files[value.name]
            self.variables.append(target.name)

    def _origin(self, edge: str) -> Node:
        """The node that something comes from that is only passed on."""
        node = self._node(edge)
        seen = set()
        while node.op in _PASSING and node.inputs and node.name not in seen:
            seen.add(node.name)
            node = self._node(node.inputs[0])
        return node

    def _node(self, edge: str) -> Node:
        name = parse_input(edge).name
        if name not in self._nodes:
            raise FormatError(f"there is no node {quoted(name)} in the graph")
        return self._nodes[name]

    def path_of(self, name: str) -> str:
        """The path of a file, from where the model was opened.

        Raises:
            FormatError: The name is that of something outside the model.
        """
        directory = self._directory or ""
        clean = os.path.normpath(name.replace("\\", "/"))
        if os.path.isabs(clean) or clean.split(os.sep)[0] in (".", "..") or "\0" in clean:
            raise FormatError(
                f"asset {quoted(name)} is not a file of the model: expected a plain name"
            )
        return os.path.join(directory, "assets", clean) if directory else name

    def file_of(self, edge: str) -> str | None:
        """The name of the file whose path comes along an edge; None if it is no asset."""
        return self.files.get(self._origin(edge).name)

    def origin(self, edge: str) -> Node:
        """The node that an edge's value comes from in the end."""
        return self._origin(edge)

    def has_files(self) -> bool:
        """Whether there is a directory to read them from."""
        return self._directory is not None

    def has_home(self) -> bool:
        """Whether it is known where files may lie beside the graph."""
        return self._home is not None

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            MissingFileError: It is not there.
            ConversionError: A link leads out of the model, and is not to be followed.
            UnsupportedError: It has 2 GiB or more, which no graph can hold.
        """
        path = self.path_of(name)
        if os.path.exists(path) and not self.may_read(path):
            raise ConversionError(
                Worded(
                    f"asset {quoted(name)} is a link that leads out of the model, to "
                    f"{quoted(os.path.realpath(path))}: ",
                    option("follow_links", True),
                    " reads it all the same",
                ),
                path=path,
            )
        return self._content(name, path)

    def read_beside(self, path: str) -> tuple[bytes, str] | None:
        """The content of a file that a graph names by its path, and the path where it is.

        Graphs are moved, and the files of their tables with them: where the path leads nowhere that
        may be read, the file is looked for in the graph's own folder, by as much of its path as
        there is. None where it is in neither place.

        Raises:
            UnsupportedError: It has 2 GiB or more, which no graph can hold.
        """
        for place in (path, *self._places_beside(path)):
            if os.path.isfile(place) and self.may_read(place):
                return self._content(place, place), place
        return None

    def _places_beside(self, path: str) -> Iterator[str]:
        """Where a file may be that has been moved along with its graph, longest paths first."""
        if self._home is None or "\0" in path:
            return
        clean = posixpath.normpath(path.replace("\\", "/"))
        parts = [each for each in clean.split("/") if each not in ("", ".", "..")]
        for start in range(max(0, len(parts) - _DEEPEST), len(parts)):
            yield os.path.join(self._home, *parts[start:])
        if parts:
            yield os.path.join(self._home, "assets", parts[-1])

    def may_read(self, path: str) -> bool:
        """Whether a file is one of the model's own, links followed, or all may be read."""
        if self._follow_links:
            return True
        if self._home is None:
            return False
        home = os.path.realpath(self._home or os.curdir)
        try:
            return os.path.commonpath([home, os.path.realpath(path)]) == home
        except ValueError:  # on another drive
            return False

    def _content(self, name: str, path: str) -> bytes:
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                raise FormatError(f"asset {quoted(name)} is not a file", path=path)
            if status.st_size >= _MAX_BYTES:
                raise UnsupportedError(
                    f"asset {quoted(name)} has {status.st_size} bytes", path=path
                )
            with open(path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise MissingFileError(
                f"asset {quoted(name)} of the model is not there", path=path
            ) from None


def _declared(meta: MetaGraph) -> Iterator[Asset]:
    """The files of a model; version 1 lists them in a collection, each wrapped in an ``Any``."""
    yield from meta.assets
    collection = meta.collections.get(_COLLECTION)
    for value in collection.values if collection is not None else ():
        for field in fields(value) if isinstance(value, bytes) else ():
            if field.number == _ANY_VALUE:
                yield decode_asset(field.content(), 0)


class Columns(NamedTuple):
    """What a table takes from the lines of a file; -2 is the whole line, -1 its number."""

    key: int
    value: int
    key_dtype: int
    value_dtype: int
    delimiter: bytes = b"\t"
    vocab_size: int = -1
    offset: int = 0


def columns_of(node: Node, table: Node) -> Columns:
    """What a node that fills a table from a file takes."""

    def number(key: str, default: int) -> int:
        value = node.attr(key, default)
        return value if isinstance(value, int) else default

    def dtype(key: str) -> int:
        value = table.attr(key)
        return int(value) if isinstance(value, int) else 0

    delimiter = node.attr("delimiter")
    return Columns(
        number("key_index", 0),
        number("value_index", 0),
        dtype("key_dtype"),
        dtype("value_dtype"),
        delimiter if isinstance(delimiter, bytes) else b"\t",
        number("vocab_size", -1),
        number("offset", 0),
    )


def vocabulary(content: bytes, columns: Columns, name: str) -> tuple[Any, Any]:
    """Keys and values of a table from a file.

    Args:
        content: The file.
        columns: What is taken from it.
        name: What errors call the file.

    Raises:
        FormatError: TensorFlow would refuse the file too.
    """
    # TensorFlow leaves carriage returns out wherever they are.
    lines = content.replace(b"\r", b"").split(b"\n")
    if not lines[-1]:
        lines.pop()
    if columns.vocab_size >= 0:
        if columns.vocab_size > len(lines):
            raise FormatError(
                f"vocabulary {quoted(name)} has {len(lines)} lines: expected {columns.vocab_size}"
            )
        lines = lines[: columns.vocab_size]
    if b"" in lines:
        raise FormatError(
            f"vocabulary {quoted(name)} has an empty line: line {lines.index(b'') + 1}"
        )
    needed = max(columns.key, columns.value)
    rows = [line.split(columns.delimiter) for line in lines] if needed >= 0 else []
    for number, row in enumerate(rows):
        if len(row) <= needed:
            raise FormatError(
                f"line {number + 1} of vocabulary {quoted(name)} has {len(row)} columns: expected "
                f"at least {needed + 1}"
            )
    return (
        _column(lines, rows, columns.key, columns.key_dtype, columns.offset, name),
        _column(lines, rows, columns.value, columns.value_dtype, columns.offset, name),
    )


def _column(
    lines: list[bytes], rows: list[list[bytes]], index: int, dtype: int, offset: int, name: str
) -> Any:
    if index == _LINE_NUMBER:
        return np.arange(offset, offset + len(lines), dtype=np.int64)
    tokens = lines if index == _WHOLE_LINE else [row[index] for row in rows]
    if dtype == STRING:
        array = np.empty(len(tokens), object)
        array[:] = tokens
        return array
    convert = _NUMBERS.get(dtype)
    if convert is None:
        raise UnsupportedError(f"vocabulary {quoted(name)} has values of DataType {dtype}")
    kind, parse = convert
    try:
        return np.array([parse(token) for token in tokens], kind)
    except (ValueError, OverflowError) as error:
        raise FormatError(f"vocabulary {quoted(name)} holds what is no number: {error}") from None


_NUMBERS: Final[Mapping[int, tuple[type[Any], Callable[[bytes], Any]]]] = {
    _INT32: (np.int32, int),
    _INT64: (np.int64, int),
    _FLOAT: (np.float32, float),
    _DOUBLE: (np.float64, float),
}


def constant_path(node: Node) -> str | None:
    """The text that a string constant holds."""
    value = node.attr("value") if node.op == "Const" else None
    if not isinstance(value, TensorMessage) or value.dtype != STRING or value.size != 1:
        return None
    return as_text(bytes(value.array().reshape(-1)[0]))
