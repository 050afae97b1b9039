"""Checkpoints that do not open: what is missing, damaged or something else."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..._format.filenames import INDEX_SUFFIX, shard_path
from ..._locate.damage import explain_not_a_table
from ..._locate.location import is_regular_file
from ..._locate.neighbours import copies_of
from ..._look.amounts import format_count
from ...errors import MissingFileError, TensorBundleError
from ..mangled import mangled_index
from ..mending.remains import Remains, remains_at
from ..salvage import salvage
from .archives import in_archive
from .around import index_around
from .exchanged import exchanged_index
from .mistaken import mistaken
from .states import of_unopened
from .symptom import Symptom, copying
from .unfinished import unfinished

if TYPE_CHECKING:
    from ..mending.outcome import Salvage


def why_unopened(requested: str, error: TensorBundleError) -> Iterator[Symptom]:
    """Say why what was asked for does not open, and what mends it."""
    if state := of_unopened(requested):
        yield state
        return
    try:
        remains = remains_at(requested)
    except TensorBundleError:
        remains = None
    prefix = requested if remains is None else remains.prefix
    if (remains is None or remains.index is None) and (parts := unfinished(prefix)):
        yield parts
    elif remains is None or remains.tables:
        yield mistaken(requested) or _nowhere(requested, error)
    elif remains.index is not None:
        yield _bad_index(requested, remains.index, remains.shards, error)
    else:
        yield _no_index(remains, error)


def salvaging(requested: str) -> str:
    """Give the command that saves what can be saved."""
    try:
        prefix = remains_at(requested).prefix
    except TensorBundleError:
        prefix = requested
    return f"tensorbundle salvage {shlex.quote(requested)} {shlex.quote(prefix + '-salvaged')}"


def _nowhere(requested: str, error: TensorBundleError) -> Symptom:
    """Nothing of a checkpoint is there: it may be packed, or have a browser's name."""
    told = Symptom(str(error), "it cannot be opened", error.path)
    if not isinstance(error, MissingFileError):
        return told
    if os.path.isdir(requested):
        return in_archive(requested, ()) or told
    directory, base = os.path.split(requested)
    wanted = (base, base + INDEX_SUFFIX, os.path.basename(shard_path(base, 0, 1)))
    if packed := in_archive(directory, wanted):
        return packed
    for name in copies_of(requested + INDEX_SUFFIX):
        copy = os.path.join(directory, name)
        if explain_not_a_table(copy) is None:
            index = requested + INDEX_SUFFIX
            what = "the index has the name of a copy"
            return Symptom(what, f"{copy!r} is a table", index, copying(copy, index))
    return told


def _no_index(remains: Remains, error: TensorBundleError) -> Symptom:
    path = remains.prefix + INDEX_SUFFIX
    if found := index_around(path, remains.shards):
        evidence = f"{found!r} is one of the tensors in this shard, by their checksums"
        return Symptom("the index is missing", evidence, path, copying(found, path))
    directory, base = os.path.split(path)
    if packed := in_archive(directory, (base,)):
        return packed
    if not remains.shards:
        return _nowhere(remains.prefix, error)
    what, command = "the index is missing, the shards are there", salvaging(remains.prefix)
    done = salvage(remains.prefix)
    return Symptom(what, _evidence(done), path, command if done.kept else None)


def _bad_index(
    requested: str, index: str, shards: dict[int, str], error: TensorBundleError
) -> Symptom:
    if not is_regular_file(index):
        return Symptom(str(error), "it cannot be opened", index)
    mangled = mangled_index(index)
    if mangled is not None and mangled.command is not None:
        return Symptom(mangled.what, "undone, its checksums are right", index, mangled.command)
    other = mistaken(index)
    if other is not None and other.command is not None:
        return other
    if turned := exchanged_index(index, shards):
        return turned
    what = f"the index is damaged: {error}" if other is None else other.what
    if found := index_around(index, shards):
        evidence = f"{found!r} is one of the tensors in this shard, by their checksums"
        return Symptom(what, evidence, index, copying(found, index))
    if mangled is not None:
        return Symptom(mangled.what, "by its bytes", index)
    done = salvage(requested)
    if other is not None and not done.kept:
        return other
    evidence = explain_not_a_table(index) or "its blocks have wrong checksums"
    command = salvaging(requested) if done.kept else None
    return Symptom(what, f"{evidence}; {_evidence(done)}", index, command)


def _evidence(done: Salvage) -> str:
    text = f"{format_count(len(done.kept), 'tensor')} can be saved"
    if done.mended:
        text += f", {format_count(sum(len(each.bits) for each in done.mended), 'bit')} mended"
    if done.unproved:
        text += f", {len(done.unproved)} without proof (--unproved)"
    return text
