"""Files of graphs: found, told apart by their content, and read (freeze.md §1.5, §10)."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .._core import File
from .._format.containers import Part, bundle_in, graph_in_events, is_records
from .._format.filenames import as_path
from .._format.wire import fields, told_if_cut_off
from .._graphdef.meta_graph import MetaGraph
from .._locate.graphs import find_graph_file
from .._locate.kinds import Kind, describe_wrong_kind, is_text, read_message, tell_kind
from .._locate.location import SAVED_MODELS
from ..errors import FormatError, TensorBundleError


@dataclass(frozen=True, slots=True)
class GraphFile:
    """File of graphs.

    Attributes:
        path: The file that was read.
        kind: What message it holds.
        text: Whether it is protobuf's text format.
        meta_graphs: Its graphs: one, but for a SavedModel, which may hold several.
        directory: The directory of a SavedModel.
        data: The bytes of the message: of a large file, a view of the mapped file.
    """

    path: str
    kind: Kind
    text: bool
    meta_graphs: tuple[MetaGraph, ...]
    directory: str | None
    data: memoryview


def read_graph_file(path: str | os.PathLike[str] | bytes) -> GraphFile:
    """Read a graph.

    Args:
        path: A ``.meta``, GraphDef or SavedModel file, binary or text; a SavedModel's directory; a
            checkpoint's prefix, one of its files, or a directory with a ``checkpoint`` state file,
            which mean the ``.meta`` beside the checkpoint, or the directory's ``graph.pbtxt``.

    Raises:
        MissingFileError: There is no graph; the message says what is there.
        FormatError: The file is damaged, or something else: the message says what.
        UnsupportedError: It is too large for a message, or what reads it is not installed.
        OSError: The file system refuses.
    """
    found = find_graph_file(as_path(path))
    data, text = _read(found)
    try:
        if text:
            from .._graphdef.text import parse_text

            kind, message = parse_text(data, found)
            data = memoryview(message)
        else:
            if os.path.basename(found) == SAVED_MODELS[2] or _is_chunked(data):
                from .chunked import join_chunks

                data = memoryview(join_chunks(bytes(data)))
            with told_if_cut_off(data):
                kind = tell_kind(data)
        with told_if_cut_off(data):
            metas = _meta_graphs(kind, data, found)
    except TensorBundleError as error:
        raise error.add_context(path=found) from None
    directory = (os.path.dirname(found) or os.curdir) if kind == "saved_model" else None
    return GraphFile(found, kind, text, metas, directory, data)


def _is_chunked(data: memoryview | bytes) -> bool:
    """Tell whether these are Riegeli records: the hash of an empty first block, and its sizes."""
    return bytes(data[:8]) == bytes.fromhex("83af70d10d884a3f") and len(data) >= 64


def _meta_graphs(kind: Kind, data: memoryview, path: str) -> tuple[MetaGraph, ...]:
    if kind != "saved_model":
        return (MetaGraph(data, path=path, bare=kind == "graph"),)
    metas = tuple(
        MetaGraph(each.content(), each.offset, path) for each in fields(data) if each.number == 2
    )
    if not metas:
        raise FormatError("the SavedModel holds no graph")
    return metas


def _part_with_graph(path: str, head: bytes) -> Part | None:
    """Find where in a file that holds others the graph lies; None for other files."""
    if is_records(head):
        part = graph_in_events(path)
        if part is None:
            raise FormatError(f"not a graph: {path!r} is a file of records without one", path=path)
        return part
    bundle = bundle_in(path)
    return bundle.graph if bundle is not None else None


def _read(path: str) -> tuple[memoryview, bool]:
    """Bytes of a file, and whether they are text; refused when they cannot be a graph."""
    file = File(path)
    head = file.read(0, min(file.size, 4096))
    if (part := _part_with_graph(path, head)) is not None:
        return memoryview(part.read(path)), False
    text = is_text(head)
    if not text and (what := describe_wrong_kind(path, head, file.size)) is not None:
        raise FormatError(f"not a graph: {path!r} is {what}", path=path)
    if text or _is_chunked(head):
        return memoryview(file.read(0, file.size)), text
    return read_message(file), text
