"""Scanning files and directories of graphs for what they would do beside computing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._far.verbs import takes_addresses
from .._format.filenames import META_SUFFIX, Path, as_path
from .._graph.files import read_graph_file
from .._locate.damage import FileKind, identify_file
from .._locate.graphs import find_graph_file
from .._locate.location import is_regular_file
from .._look.outcomes import Outcome
from ..errors import FormatError, MissingFileError, TensorBundleError
from .graphs import Finding, Noticed, findings_in
from .operations import KINDS

if TYPE_CHECKING:
    from .._graph.files import GraphFile


_GRAPH_NAMES: Final = (META_SUFFIX, ".pb", ".pbtxt", ".cpb")
_NO_GRAPHS: Final = ("fingerprint.pb", "keras_metadata.pb")
_KERAS_METADATA: Final = "keras_metadata.pb"
_GRAPHS: Final = frozenset(
    [
        *(FileKind.GRAPH, FileKind.META_GRAPH, FileKind.SAVED_MODEL),
        *(FileKind.GRAPH_TEXT, FileKind.META_GRAPH_TEXT, FileKind.SAVED_MODEL_TEXT),
    ]
)
# A layer in JSON, which may have spaces, escapes and the name of a package in front.
_CLASS_NAMES: Final = re.compile(rb'"(?:class_name|\\u[^"]{1,60})"\s*:\s*("(?:[^"\\]|\\.)*")')
_LAMBDA: Final = "Lambda"


@dataclass(frozen=True, slots=True, repr=False)
class Scan(Outcome):
    """Result of `scan`: what it found.

    Attributes:
        path: What was scanned.
        files: The files of graphs that were read.
        findings: What they would do beside computing, file by file. Kinds: ``reads files``,
            ``writes files``, ``runs Python``, ``runs native code``, ``opens the network``,
            ``unknown operation``, ``unreadable graph``, ``asset outside the model``.
    """

    path: str
    files: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Tell whether there is nothing but notes."""
        return all(finding.level == "note" for finding in self.findings)


@takes_addresses(sources=("path",))
def scan(path: Path) -> Scan:
    """Find what graphs would do beside computing; nothing is run.

    Operations that read or write files, run Python or native code or open the network are found in
    the main graph, in functions and in graphs that lie in constants of others (datasets). The part
    by which every model saves and restores itself is passed: it writes where its caller says, and
    is not run by a signature or by loading. So is the reading of a model's own assets.

    Args:
        path: A SavedModel, ``.meta``, ``.pb`` or ``.pbtxt``, a checkpoint with a ``.meta``, or a
            directory, of which all graphs below are scanned.

    Returns:
        The findings. That there are none does not mean that a model is what it claims to be.

    Raises:
        MissingFileError: There is no graph.
        FormatError: The file is no graph; in a directory, that is a finding.

    Example:
        >>> import tensorbundle as tb
        >>> tb.scan(tb.demo("saver")).ok
        True
    """
    requested = as_path(path)
    files = list(_files(requested))
    findings: list[Finding] = []
    for file in files:
        try:
            graph = read_graph_file(file)
        except FormatError as error:
            if len(files) == 1 and not os.path.isdir(requested):
                raise
            findings.append(_finding(file, Noticed("unreadable graph", "", "", str(error))))
            continue
        for meta in graph.meta_graphs:
            findings += [_finding(file, found) for found in findings_in(meta)]
        findings += [_finding(file, found) for found in _around(graph)]
    return Scan(requested, tuple(files), tuple(dict.fromkeys(findings)))


def _finding(path: str, found: Noticed) -> Finding:
    return Finding(path, found.kind, KINDS[found.kind][0], found.op, found.node, found.message)


def _files(path: str) -> Iterator[str]:
    """The files of graphs at a path, or below it."""
    if not os.path.isdir(path):
        yield find_graph_file(path)
        return
    found = False
    walked: set[str] = set()
    for folder, folders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        folders[:] = [] if real in walked else sorted(folders)
        if real in walked:  # links may lead round
            continue
        walked.add(real)
        for name in sorted(names):
            if _is_graph(os.path.join(folder, name)):
                found = True
                yield os.path.join(folder, name)
    if not found:
        raise MissingFileError(f"no graph in {path!r}: no .meta, .pb or .pbtxt is below", path=path)


def _is_graph(path: str) -> bool:
    """Whether a file says that it is a graph, by its name or by its first bytes."""
    if not is_regular_file(path):
        return False
    name = os.path.basename(path)
    if name.lower().endswith(_GRAPH_NAMES) and name not in _NO_GRAPHS:
        return True
    found = identify_file(path)
    return found is not None and found.kind in _GRAPHS


def _around(graph: GraphFile) -> Iterator[Noticed]:
    """Assets that lie elsewhere, and code in what Keras keeps beside the graph."""
    if graph.directory is None:
        return
    for meta in graph.meta_graphs:
        try:
            for asset in meta.assets:
                if why := _outside(graph.directory, asset.filename):
                    message = f"asset {asset.filename!r} {why}"
                    yield Noticed("asset outside the model", "", asset.tensor, message)
            objects = bytes(meta.object_graph or b"")
        except TensorBundleError as error:
            yield Noticed("unreadable graph", "", "", str(error))
            continue
        if _has_lambda(objects):
            yield Noticed("runs Python", "", "", "a Keras Lambda layer holds Python code")
    keras = os.path.join(graph.directory, _KERAS_METADATA)
    if os.path.isfile(keras):
        with open(keras, "rb") as file:
            raw = file.read()
        if _has_lambda(raw):
            message = f"a Keras Lambda layer in {_KERAS_METADATA} holds Python code"
            yield Noticed("runs Python", "", "", message)


def _has_lambda(raw: bytes) -> bool:
    """Whether bytes hold the JSON of a Lambda layer of Keras, which is code."""
    for found in _CLASS_NAMES.finditer(raw):
        try:
            name = str(json.loads(found[1]))
        except ValueError:
            continue
        if name.rpartition(">")[2] == _LAMBDA:
            return True
    return False


def _outside(directory: str, filename: str) -> str | None:
    """How an asset leaves the model's directory, if it does."""
    if os.path.isabs(filename) or filename.startswith("\\") or filename[1:2] == ":":
        return "is an absolute path"
    if ".." in filename.replace("\\", "/").split("/"):
        return "leaves the model by '..'"
    root = os.path.realpath(directory)
    real = os.path.realpath(os.path.join(directory, "assets", filename))
    if os.path.commonpath([root, real]) != root:
        return f"is, or lies behind, a link out of the model: {real!r}"
    return None
