"""From any spelling of a path to the file of the graph that it means."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Final

from .._format.filenames import (
    INDEX_SUFFIX,
    META_SUFFIX,
    STATE_NAME,
    split_data_path,
    split_table_path,
)
from .._format.state import named_places
from ..errors import FormatError, MissingFileError
from .damage import is_table
from .location import SAVED_MODELS, VARIABLES, file_mode, find_meta, is_regular_file
from .states import read_state

_ESTIMATOR_GRAPH: Final = "graph.pbtxt"
_SHOWN: Final = 5  # names of a directory in a message


def find_graph_file(path: str) -> str:
    """The file of the graph that a path means.

    Raises:
        MissingFileError: There is none; the message says what is there.
        FormatError: What is there is not a regular file.
    """
    if not path:
        raise MissingFileError("no graph at '': the path is empty")
    mode = file_mode(path)
    if stat.S_ISDIR(mode):
        return _in_directory(path)
    if stat.S_ISREG(mode):
        return _beside(path) or path
    if mode:
        raise FormatError(f"not a graph: {path!r} is not a regular file", path=path)
    for prefix in _prefixes(path):
        if meta := find_meta(prefix):
            return meta
    if model := _saved_model_around(path):
        return model
    raise _missing(path)


def _in_directory(path: str) -> str:
    for name in SAVED_MODELS:
        if is_regular_file(os.path.join(path, name)):
            return os.path.join(path, name)
    state = os.path.join(path, STATE_NAME)
    with contextlib.suppress(FormatError):  # a file of that name that is something else
        if is_regular_file(state) and (found := _by_state(state)):
            return found
    metas = _names_in(path, META_SUFFIX)
    if len(metas) == 1:
        return os.path.join(path, metas[0])
    graph = os.path.join(path, _ESTIMATOR_GRAPH)
    if is_regular_file(graph):
        return graph
    # What `open` takes it for: a SavedModel's variables, or a prefix that is a directory's name.
    if found := _saved_model_around(os.path.join(path, "")) or find_meta(path):
        return found
    if metas:
        raise MissingFileError(
            f"several graphs and no state file in {path!r}: name one of {_show(metas)}", path=path
        )
    raise _missing(path)


def _names_in(path: str, suffix: str) -> list[str]:
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return []
    return [
        name
        for name in names
        if name.endswith(suffix) and is_regular_file(os.path.join(path, name))
    ]


def _by_state(state: str) -> str | None:
    """The graph of the newest checkpoint that a state file names, where there is one."""
    directory = os.path.dirname(state)
    name = read_state(state).state.model_checkpoint_path
    for prefix, _ in named_places(directory, name):
        if meta := find_meta(prefix):
            return meta
    graph = os.path.join(directory, _ESTIMATOR_GRAPH)
    return graph if is_regular_file(graph) else None


def _beside(path: str) -> str | None:
    """The graph that a file belongs to which is none itself: part of a checkpoint, state file."""
    if os.path.basename(path) == STATE_NAME:
        if found := _by_state(path):
            return found
        raise MissingFileError(
            f"no graph at {path!r}: no .meta lies beside the checkpoint that it names", path=path
        )
    if path.endswith(META_SUFFIX):
        return None
    parts = [prefix for prefix in _prefixes(path) if prefix != path or is_table(path)]
    metas = (find_meta(prefix) for prefix in parts)
    return next((meta for meta in metas if meta), None) or _saved_model_around(path)


def _saved_model_around(path: str) -> str | None:
    """The graph of the SavedModel that the file or prefix is the values of."""
    directory = os.path.dirname(path)
    if os.path.basename(directory) != VARIABLES:
        return None
    model = os.path.dirname(directory)
    names = (os.path.join(model, name) for name in SAVED_MODELS)
    return next((name for name in names if is_regular_file(name)), None)


def _prefixes(path: str) -> list[str]:
    """The checkpoint prefixes that a path may be, or be a part of."""
    prefixes = [path]
    if path.endswith(INDEX_SUFFIX):
        prefixes.append(path[: -len(INDEX_SUFFIX)])
    if data := split_data_path(path):
        prefixes.append(data)
    elif table := split_table_path(path):
        prefixes.append(table[0])
    return prefixes


def _missing(path: str) -> MissingFileError:
    if stat.S_ISDIR(file_mode(path)):
        return MissingFileError(
            f"no graph in {path!r}: expected saved_model.pb, a .meta or graph.pbtxt, found "
            f"{_show(os.listdir(path)) or 'nothing'}",
            path=path,
        )
    parent = os.path.dirname(path) or os.curdir
    if any(is_regular_file(prefix + INDEX_SUFFIX) for prefix in _prefixes(path)):
        graphs = [name for name in _listed(parent) if name.endswith((META_SUFFIX, ".pb"))]
        what = "there is a checkpoint, but no .meta of its own beside it" + (
            f", only {_show(graphs)}" if graphs else " (tf.train.Checkpoint writes none)"
        )
    elif not stat.S_ISDIR(file_mode(parent)):
        what = f"there is no directory {parent!r}"
    else:
        graphs = [name for name in os.listdir(parent) if name.endswith((META_SUFFIX, ".pb"))]
        what = f"{parent!r} holds {_show(graphs) or 'none'}"
    return MissingFileError(f"no graph at {path!r}: {what}", path=path)


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _show(names: list[str]) -> str:
    names = sorted(names)
    return ", ".join(map(repr, names[:_SHOWN])) + (", …" if len(names) > _SHOWN else "")
