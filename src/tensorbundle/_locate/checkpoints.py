"""From any spelling of a path to the `Location` of the checkpoint that it means.

Spellings: the prefix; one of the files ``.index``, ``.data-…``, ``.meta``; the state file
``checkpoint``; a directory that holds one, or a single checkpoint; a SavedModel; a V1 file, set of
shards or glob; a GraphDef, whose constants are taken for a checkpoint. Of several checkpoints none
is chosen by guess.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace

from .._format.filenames import (
    INDEX_SUFFIX,
    STATE_NAME,
    as_path,
    base_name,
    shard_path,
    spelled_prefix,
)
from ..errors import FormatError, MissingFileError
from .damage import describe_mistaken, is_table
from .location import (
    SAVED_MODELS,
    VARIABLES,
    Location,
    bundle_at,
    checkpoint_at,
    file_mode,
    graph_at,
    is_regular_file,
    is_saved_model,
)

__all__ = ["Location", "locate", "shard_path"]


def locate(path: str | os.PathLike[str] | bytes) -> Location:
    """Find the checkpoint that a path means.

    When both formats lie under one prefix V2 wins, as in TensorFlow. A path that ends in a
    separator means the directory if it has a state file, as in TensorFlow, else the checkpoint with
    the empty base name (files ``.index``, ``.data-…``) if there is one.

    Args:
        path: Any of the spellings that this module's docstring lists.

    Returns:
        The location; its ``index`` or ``files`` are regular files, not yet known to be sound.

    Raises:
        MissingFileError: Nothing is there, or a state file names what is gone, or a directory holds
            several checkpoints; the message says what is there.
        FormatError: There is a file, but it is something else; the message says what.
        OSError: The file system refuses to say.

    Example:
        >>> locate("no/such/model.ckpt")
        Traceback (most recent call last):
        tensorbundle.errors.MissingFileError: no checkpoint at 'no/such/model.ckpt': ...
    """
    requested = as_path(path)
    if not requested:
        raise MissingFileError("no checkpoint at '': the path is empty")
    if not _has_state(requested) and (found := bundle_at(requested, requested, ())):
        return found
    mode = file_mode(requested)
    if stat.S_ISDIR(mode):
        return _in_directory(requested)
    if stat.S_ISREG(mode):
        return _from_file(requested)
    if mode:
        raise FormatError(f"not a checkpoint: {requested!r} is not a regular file", path=requested)
    return _from_name(requested)


def _has_state(path: str) -> bool:
    """Whether a path written with a separator at its end is a directory with a state file."""
    return os.path.basename(path) == "" and is_regular_file(os.path.join(path, STATE_NAME))


def _from_file(requested: str) -> Location:
    """A regular file: a part of a checkpoint, a V1 table, a state file, or something else."""
    prefix = spelled_prefix(requested)
    if prefix is not None:
        if requested.endswith(INDEX_SUFFIX):
            found = bundle_at(requested, prefix, ())
        else:
            found = checkpoint_at(requested, prefix)
        if found:
            return found
    if is_table(requested) and (found := checkpoint_at(requested, requested)):
        return found
    directory, name = os.path.split(requested)
    if name in SAVED_MODELS:
        return graph_at(requested) or _from_saved_model(requested, directory)
    if name == STATE_NAME or _begins_as_state(requested):
        return _from_state(requested, os.path.join(directory, name))
    if found := graph_at(requested):
        return found
    if prefix is not None:
        raise _missing(prefix)
    what = describe_mistaken(requested)
    raise FormatError(f"not a checkpoint: {requested!r} is {what}", path=requested)


def _from_name(requested: str) -> Location:
    """A name under which there is no file: V1 shards, a glob, or a part of what is left."""
    if found := checkpoint_at(requested, requested):
        return found
    prefix = spelled_prefix(requested)
    if prefix and (found := checkpoint_at(requested, prefix)):
        return found
    raise _missing(requested if prefix is None else prefix)


def _in_directory(requested: str) -> Location:
    """A directory: its state file decides, else it must be a SavedModel or hold one checkpoint."""
    state = os.path.join(requested, STATE_NAME)
    if is_regular_file(state):
        named = _from_state(requested, state)
        unnamed = os.path.join(requested, INDEX_SUFFIX)
        if named.index != unnamed and is_regular_file(unnamed):
            note = f"there is also a checkpoint with the empty base name: write {unnamed!r} for it"
            named = replace(named, notes=(*named.notes, note))
        return named
    if is_saved_model(requested):
        return _from_saved_model(requested, requested)
    from .neighbours import checkpoints_in, describe_directory, list_names

    names = checkpoints_in(requested)
    if len(names) > 1:
        raise MissingFileError(
            f"several checkpoints and no state file in {requested!r}: "
            f"name one of {list_names(names)}",
            path=requested,
        )
    if names:
        prefix = os.path.join(requested, names[0])
        note = f"no state file in {requested!r}: its only checkpoint {names[0]!r} was taken"
    else:
        prefix = os.path.join(requested, VARIABLES, VARIABLES)
        note = f"no saved_model.pb in {requested!r}: its variables were taken"
    if found := checkpoint_at(requested, prefix, (note,)):
        return found
    raise MissingFileError(describe_directory(requested), path=requested)


def _from_saved_model(requested: str, directory: str) -> Location:
    prefix = os.path.join(directory, VARIABLES, VARIABLES)
    if found := checkpoint_at(requested, prefix):
        return found
    graphs = [os.path.join(directory, name) for name in SAVED_MODELS]
    for graph in filter(is_regular_file, graphs):
        if found := graph_at(graph):
            note = f"{graph!r} is a frozen graph, and no SavedModel: its constants were taken"
            return replace(found, requested=requested, notes=(note,))
    from .neighbours import describe_absence

    raise MissingFileError(
        f"no variables in the SavedModel {directory!r}: {describe_absence(prefix)}", path=directory
    )


def _from_state(requested: str, state: str) -> Location:
    """The newest checkpoint by a state file, found again when its directory has moved."""
    # What few paths need is loaded for those that do: it is a part of what starting costs.
    from .._format.state import named_places
    from .states import is_outside, read_state

    said = read_state(state)
    name, directory = said.state.model_checkpoint_path, os.path.dirname(state)
    if not name:
        raise FormatError(f"the state file {state!r} names no checkpoint", path=state)
    for prefix, note in named_places(directory, name):
        notes = tuple(each for each in (said.note, note) if each)
        if found := checkpoint_at(requested, prefix, notes, state):
            if is_outside(directory, prefix):
                note = _outside_note(directory, name, prefix)
                found = replace(found, notes=(*found.notes, note))
            return found
    from .neighbours import findings

    message = f"the state file {state!r} names {name!r}, which is not there"
    there = findings(directory, base_name(name))
    raise MissingFileError("; ".join([message, *there]), path=state)


def _outside_note(directory: str, name: str, prefix: str) -> str:
    beside = os.path.join(directory, base_name(name))
    here, there = beside + INDEX_SUFFIX, prefix + INDEX_SUFFIX
    two = is_regular_file(here) and is_regular_file(there) and not os.path.samefile(here, there)
    taken = f"which was taken, not {beside!r}" if two else "which lies outside its directory"
    return f"the state file names {name!r}, {taken}"


def _begins_as_state(path: str) -> bool:
    from .._format.state import mentions_state

    with open(path, "rb") as file:
        return mentions_state(file.read(4096))


def _missing(prefix: str) -> MissingFileError:
    from .neighbours import describe_absence

    return MissingFileError(describe_absence(prefix), path=prefix)
