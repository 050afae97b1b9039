"""Graphs as a user sees them: `load_graph` and what it gives."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from .._far.verbs import graph_near
from .._format.filenames import META_SUFFIX, STATE_NAME, Path, as_path
from .._format.wording import Worded, option
from .._graphdef.facts import Asset, Collection, SaverDef, Signature, Versions
from .._graphdef.functions import Function
from .._graphdef.meta_graph import MetaGraph
from .._graphdef.nodes import Node, Nodes
from .._graphdef.roles import TABLES
from .._locate.location import VARIABLES
from .._source.address import Address, is_far
from ..errors import FormatError, MissingFileError, TensorBundleError, TensorNotFoundError
from .files import read_graph_file

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._locate.checkpoints import Location
    from .mapping import Variable

_SHOWN: Final = 10  # tag sets in a message
_SERVE: Final = frozenset(["serve"])


class Graph:
    """Graph of TensorFlow with what is stored beside it; made by `load_graph`.

    Everything but the file's outline is decoded when it is first asked for. Nothing is changed by
    anybody: what alters a graph makes another file.

    Attributes:
        path: The file that was read.
        kind: ``"meta"`` (a ``.meta``), ``"graph"`` (a GraphDef) or ``"saved_model"``.
        meta: The graph's message, for who needs its parts.
        tag_sets: The tags of every graph in the file: one set each, sorted.
        directory: The directory of a SavedModel, else None.
        checkpoint_path: Where the values of its variables belong: a path for `open`, whether or
            not a checkpoint is there; None when the graph says nothing of the kind.

    Example:
        >>> import tensorbundle as tb
        >>> graph = tb.load_graph(tb.demo("saver"))
        >>> graph.kind, graph.checkpoint.prefix, graph.saver.restore_op
        ('meta', 'demo/saver/model.ckpt-20', 'save/restore_all')
    """

    def __init__(
        self,
        path: str,
        kind: Literal["meta", "graph", "saved_model"],
        meta: MetaGraph,
        tag_sets: tuple[tuple[str, ...], ...] = (),
        directory: str | None = None,
        checkpoint_path: Path | None = None,
    ) -> None:
        self.path = path
        self.kind: Literal["meta", "graph", "saved_model"] = kind
        self.meta = meta
        self.tag_sets = tag_sets
        self.directory = directory
        self.checkpoint_path = checkpoint_path
        self._notes: list[str] = []
        self._signatures: Mapping[str, Signature] | None = None

    def __repr__(self) -> str:
        return f"<Graph {self.path!r}: {self.kind}, {self.num_nodes} nodes>"

    def _repr_html_(self) -> str:
        from .._look.markup import block, heading, part, table

        signatures = [
            (key, ", ".join(each.inputs), ", ".join(each.outputs), each.method)
            for key, each in self.signatures.items()
        ]
        ops = list(self.ops.items())
        frequent = table(("operation", "nodes"), ops[:_SHOWN], more=max(0, len(ops) - _SHOWN))
        titles = ("signature", "inputs", "outputs", "method")
        counts = f"{self.num_nodes:,} nodes", f"{len(self.functions):,} functions"
        writer = self.tensorflow_version and f"TensorFlow {self.tensorflow_version}"
        return block(
            heading(self.path, self.kind, *counts, writer),
            part("signatures", table(titles, signatures), is_open=True) if signatures else "",
            part("operations", frequent),
        )

    def with_signatures(self, signatures: Mapping[str, Signature]) -> Graph:
        """Copy the graph, with other signatures than its file has; the rest is shared."""
        found = copy.copy(self)
        found._signatures = signatures
        return found

    @property
    def num_nodes(self) -> int:
        """Number of nodes of the main graph."""
        return self.meta.num_nodes

    @property
    def nodes(self) -> Nodes:
        """Nodes of the main graph by name, in stored order; of equal names the first counts."""
        return self.meta.nodes

    @property
    def ops(self) -> Mapping[str, int]:
        """Operations of the main graph, and how many nodes each has, most frequent first."""
        return self.meta.ops

    @property
    def devices(self) -> Mapping[str, int]:
        """Devices, and how many nodes of the main graph ask for each, ``""`` for none."""
        return self.meta.devices

    @property
    def functions(self) -> Mapping[str, Function]:
        """Function library by name, in stored order; each is decoded when asked for."""
        return self.meta.functions

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """Signatures by key, sorted."""
        return self.meta.signatures if self._signatures is None else self._signatures

    @property
    def collections(self) -> Mapping[str, Collection]:
        """Collections by key, sorted."""
        return self.meta.collections

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Files that the graph needs."""
        return self.meta.assets

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of this graph, sorted."""
        return tuple(sorted(self.meta.tags))

    @property
    def versions(self) -> Versions:
        """Versions of TensorFlow that the graph is for."""
        return self.meta.versions

    @property
    def tensorflow_version(self) -> str:
        """Version of TensorFlow that wrote the file, or ``""``."""
        return self.meta.tensorflow_version

    @property
    def saver(self) -> SaverDef | None:
        """Saver that TensorFlow would restore with, if there is one."""
        return self.meta.saver

    @property
    def savers(self) -> tuple[SaverDef, ...]:
        """All savers that the file describes, `saver` first."""
        return self.meta.savers

    @cached_property
    def tables(self) -> Mapping[str, Node]:
        """Nodes of the main graph that are lookup tables, by name."""
        if TABLES.isdisjoint(self.ops):
            return {}
        return {name: node for name, node in self.nodes.items() if node.op in TABLES}

    @cached_property
    def checkpoint(self) -> Location | None:
        """Checkpoint with the values of its variables, or None where none lies."""
        if self.checkpoint_path is None:
            return None
        from .._locate.checkpoints import locate

        try:
            if is_far(self.checkpoint_path):
                found = self.open_checkpoint()
                return None if found is None else found.location
            return locate(self.checkpoint_path)
        except MissingFileError:
            return None
        except TensorBundleError as error:
            self._notes.append(f"what lies where the values belong is no checkpoint: {error}")
            return None

    def open_checkpoint(self) -> Checkpoint | None:
        """Open the checkpoint with the values of its variables.

        Returns:
            The checkpoint, or None where none lies.

        Raises:
            FormatError: There is one, but it is damaged.
        """
        if self.checkpoint_path is None or not (is_far(self.checkpoint_path) or self.checkpoint):
            return None
        from .._checkpoint.opening import open

        return open(self.checkpoint_path)

    @cached_property
    def variables(self) -> Mapping[str, Variable]:
        """Variables by node name, with the key of each in the checkpoint and how it was found.

        A checkpoint that lies where the graph's values belong decides between candidates.
        """
        from .mapping import find_variables, map_variables

        try:
            ckpt = self.open_checkpoint()
        except TensorBundleError as error:
            # The graph still says what it would read.
            self._notes.append(f"the checkpoint was not asked for the variables: {error}")
            ckpt = None
        return find_variables(self.meta) if ckpt is None else map_variables(self.meta, ckpt)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what could not be asked, for the user to read; mostly there are none.

        Example:
            >>> import tensorbundle as tb
            >>> tb.load_graph(tb.demo("saver")).notes
            ()
        """
        from .._objects.saved_objects import SavedObjects

        _ = self.variables  # which notes what is wrong with the checkpoint
        notes = [*self._notes]
        objects = None if self.meta.variable_defs else self.meta.object_graph
        if objects is not None and (problem := SavedObjects(objects).problem):
            notes.append(f"which variables are trained is not known: {problem}")
        return tuple(notes)


def load_graph(
    path: str | os.PathLike[str] | bytes | Graph, *, tags: str | Iterable[str] | None = None
) -> Graph:
    """Read a graph; its values, if it has any, are left where they are.

    Args:
        path: A ``.meta``, a GraphDef (``.pb``, ``.pbtxt``), a SavedModel's directory or file; a
            checkpoint's prefix, one of its files, or a directory with a ``checkpoint`` state file,
            which mean the ``.meta`` beside the checkpoint, or the directory's ``graph.pbtxt``. A
            `Graph` is returned as it is; its tags must be those that are asked for.
        tags: Which graph of a SavedModel: the exact set of its tags, empty for the one without.
            By default the one tagged ``serve``, the one without tags, or the only one there is.

    Raises:
        MissingFileError: There is no graph; the message says what is there.
        FormatError: The file is damaged, or something else: the message says what.
        UnsupportedError: It is too large for a message, or what reads it is not installed.
        TensorNotFoundError: No graph, or more than one, has these tags; the message lists the sets.

    Example:
        >>> import tensorbundle as tb
        >>> graph = tb.load_graph(tb.demo("saver"))
        >>> graph.num_nodes == len(graph.nodes)
        True
    """
    if isinstance(path, Graph):
        if tags is not None:
            _choose((path.meta,), tags, path.path)
        return path
    if is_far(path):
        graph, values = graph_near(Address.of(path), lambda near: load_graph(near, tags=tags))
        graph.checkpoint_path = values
        return graph
    requested = as_path(path)
    found = read_graph_file(requested)
    meta = _choose(found.meta_graphs, tags, found.path)
    if not meta.num_nodes and not meta.functions:  # walks all of it: damage is told here and now
        raise FormatError("the graph has no nodes", path=found.path)
    return Graph(
        found.path,
        found.kind,
        meta,
        tuple(tuple(sorted(each.tags)) for each in found.meta_graphs),
        found.directory,
        _values_path(requested, found.path, found.directory),
    )


def _choose(metas: tuple[MetaGraph, ...], tags: str | Iterable[str] | None, path: str) -> MetaGraph:
    """Graph with these tags; by default the one to serve, or the only one."""
    if tags is None and len(metas) == 1:
        return metas[0]
    sets = (_SERVE, frozenset[str]()) if tags is None else (_tag_set(tags),)
    for wanted in sets:
        found = [meta for meta in metas if meta.tags == wanted]
        if len(found) == 1:
            return found[0]
    wanted, chosen = sets[0], [meta for meta in metas if meta.tags == sets[0]]
    shown = ", ".join(_show(meta.tags) for meta in metas[:_SHOWN])
    shown += f" and {len(metas) - _SHOWN} more" if len(metas) > _SHOWN else ""
    hint: str = ""
    if any(not meta.tags for meta in metas):
        hint = Worded("; ", option("tags", ""), " means the one without tags")
    count = "several graphs are" if chosen else "no graph is"
    raise TensorNotFoundError(
        Worded(f"{count} tagged exactly {_show(wanted)}: expected one of {shown}", hint), path=path
    )


def _tag_set(tags: str | Iterable[str]) -> frozenset[str]:
    """Tags that are meant; an empty text has none in it."""
    return frozenset([tags] if isinstance(tags, str) else tags) - {""}


def _show(tags: frozenset[str]) -> str:
    return "{" + ", ".join(map(repr, sorted(tags))) + "}"


def _values_path(requested: str, found: str, directory: str | None) -> str | None:
    """Path of the checkpoint that belongs to a graph, whether or not it is there."""
    if directory is not None:
        return os.path.join(directory, VARIABLES, VARIABLES)
    if found.endswith(META_SUFFIX):
        prefix = found[: -len(META_SUFFIX)]
        # A checkpoint of empty base name is named by its file: the prefix alone is the directory.
        return prefix if os.path.basename(prefix) else found
    # An Estimator's graph.pbtxt lies beside the state file that names its checkpoints.
    folder = os.path.dirname(found) or os.curdir
    state = os.path.join(folder, STATE_NAME)
    if os.path.basename(found) == "graph.pbtxt" and os.path.isfile(state):
        return state
    return None if requested == found else requested
