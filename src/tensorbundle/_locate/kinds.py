"""Kinds of graph files: which message one holds, and what it is else (freeze.md §1.5, §10)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np

from .._core import File, empty
from .._format.filenames import INDEX_SUFFIX, split_data_path
from .._format.wire import BYTES, VARINT, Field, fields
from ..errors import FormatError, UnsupportedError
from .damage import FileKind, identify_head, is_table

Kind: TypeAlias = Literal["meta", "graph", "saved_model"]

_MESSAGE_LIMIT: Final = 1 << 31
_TABLE_BYTES: Final = 48  # the shortest table is its footer
_GRAPH_TEXTS: Final = (
    b"node", b"library", b"versions", b"version", b"debug_info",
    b"meta_info_def", b"graph_def", b"saver_def", b"collection_def", b"signature_def",
    b"asset_file_def", b"object_graph_def",
    b"saved_model_schema_version", b"meta_graphs",
)  # fmt: skip

_GRAPHS: Final = frozenset(
    [
        *(FileKind.GRAPH, FileKind.META_GRAPH, FileKind.SAVED_MODEL),
        *(FileKind.GRAPH_TEXT, FileKind.META_GRAPH_TEXT, FileKind.SAVED_MODEL_TEXT),
    ]
)
_BESIDE_SAVED_MODELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "fingerprint.pb": "the fingerprint of a SavedModel: its graph is saved_model.pb",
        "keras_metadata.pb": "what Keras notes of a SavedModel: its graph is saved_model.pb",
    }
)


def read_message(file: File) -> memoryview:
    """Read a whole graph into memory of its own, which stays whatever becomes of the file.

    Raises:
        UnsupportedError: It is too large for a message.
        FormatError: The file was cut off meanwhile.
        OSError: The system refuses.
    """
    if file.size >= _MESSAGE_LIMIT:
        raise UnsupportedError(
            f"a graph of {file.size} bytes: protobuf reads less than {_MESSAGE_LIMIT}"
        )
    content = empty((file.size,), np.dtype(np.uint8))
    file.readinto(0, content)
    return content.data.toreadonly()


def is_text(head: bytes) -> bool:
    """Whether a file begins as a graph in protobuf's text format does, comments skipped."""
    rest = head.removeprefix(b"\xef\xbb\xbf")
    while True:
        rest = rest.lstrip()
        if not rest.startswith(b"#"):
            break
        _, newline, rest = rest.partition(b"\n")
        if not newline:
            return False
    for name in _GRAPH_TEXTS:
        if rest.startswith(name) and rest[len(name) :].lstrip()[:1] in (b"{", b":", b"<"):
            return True
    return False


def describe_wrong_kind(path: str, head: bytes, size: int) -> str | None:
    """What a binary file is when it is no graph, from its first bytes; None when it may be one."""
    if size >= _TABLE_BYTES and (explained := _table(path)):
        return explained
    if beside := _BESIDE_SAVED_MODELS.get(os.path.basename(path)):
        return beside
    if split_data_path(path):
        return "a data shard of a checkpoint, which holds no graph"
    found = identify_head(head, size)
    return None if found is None or found.kind in _GRAPHS else found.phrase


def _table(path: str) -> str | None:
    if not is_table(path):
        return None
    if path.endswith(INDEX_SUFFIX):
        return "the index of a checkpoint: its graph is the .meta beside it, if there is one"
    return "a V1 checkpoint, or another table: its graph is the .meta beside it, if there is one"


def tell_kind(data: memoryview) -> Kind:
    """Tell GraphDef, MetaGraphDef and SavedModel apart by their fields (freeze.md §1.5).

    Raises:
        FormatError: The bytes are none of them.
    """
    first: Field | None = None
    for each in fields(data):
        if each.number == 1 and each.wire == VARINT:
            if each.value != 1:
                raise FormatError(
                    f"not a SavedModel of a known schema: version {each.value}, expected 1",
                    offset=each.offset,
                )
            return "saved_model"
        if each.number == 1 and first is None:
            first = each
        elif each.number == 1:
            return _graph_of(first)
        elif first is None or each.number > 4 or (each.number > 2 and each.wire == BYTES):
            break
    if first is not None:
        return "graph" if _is_node(first) else "meta"
    return _without_firsts(data)


def _graph_of(first: Field | None) -> Kind:
    """The kind of a message with several fields 1, which can be nodes only: the first one is."""
    numbers = {part.number for part in first.message()} if first is not None else set()
    if {1, 2} <= numbers:
        return "graph"
    raise FormatError(
        "not a graph: its fields are not those of a GraphDef, MetaGraphDef or SavedModel",
        offset=0 if first is None else first.offset,
    )


def _is_node(first: Field) -> bool:
    """Whether a field 1 is a node: a name and an operation, both text."""
    texts: dict[int, bytes] = {}
    try:
        for part in first.message():
            if part.number in (1, 2):
                texts[part.number] = bytes(part.content()[:1024])
    except FormatError:
        return False
    found = (texts.get(1, b""), texts.get(2, b""))
    return all(text and all(32 < byte < 127 for byte in text) for text in found)


def _without_firsts(data: memoryview) -> Kind:
    """The kind of a message that does not begin with field 1, as nobody writes them."""
    for each in fields(data):
        if each.number == 4:
            return "graph"
        if each.number == 3:
            return "graph" if each.wire == VARINT else "meta"
        if each.number == 2 and each.wire == BYTES:
            inner = next(each.message(), None)
            if inner is None or inner.number != 1:
                return "saved_model" if inner is not None and inner.number == 2 else "graph"
            if _is_node(inner):
                return "meta"
            part = next(inner.message(), None)
            return "graph" if part is not None and part.number == 1 else "saved_model"
        raise FormatError("not a graph: it begins with no field of one", offset=each.offset)
    raise FormatError("not a graph: there is nothing in it")
