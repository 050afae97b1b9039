"""Files of a SavedModel that is written: graph, and the checkpoint's files as its variables."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from .._core import File, Index
from .._format.filenames import INDEX_SUFFIX, shard_path
from .._graph.graph import Graph, load_graph
from .._locate.location import shards_at
from .._progress import Meter, Progress
from .._write.journal import HIDDEN
from .._write.shards import clone
from .._write.staging import FolderStaging, Staging, check_target
from ..errors import ConversionError, TensorBundleError
from .saver_nodes import Restored
from .stream import Layout, require_space, write_file

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint

_GRAPH_FILE: Final = "saved_model.pb"
_VARIABLES: Final = "variables/variables"
# What TensorFlow and Keras put beside the graph.
_SMALL_FILES: Final = ("fingerprint.pb", "keras_metadata.pb")
_MAX_SHARDS: Final = 99_999


def target_of(path: str, graph: Graph, ckpt: Checkpoint | None) -> str:
    """The directory to write, which is not what is read."""
    directory = check_target(path, is_directory=True)
    sources = [graph.directory, None if ckpt is None else ckpt.location.saved_model]
    for source in sources:
        if source is not None and os.path.isdir(directory) and os.path.samefile(directory, source):
            raise ConversionError(f"the result would replace what it is made of: {source!r}")
    return directory


def _earlier_files(directory: str) -> list[str]:
    """List the files of a SavedModel that is there, its graph first.

    Raises:
        FileExistsError: The directory holds a file that is no part of the SavedModel.
    """
    found = {
        os.path.relpath(os.path.join(folder, name), directory)
        for folder, folders, names in os.walk(directory)
        if not any(map(HIDDEN.fullmatch, os.path.relpath(folder, directory).split(os.sep)))
        for name in [*names, *(each for each in folders if os.path.islink(f"{folder}/{each}"))]
    }
    own = _files_of_model(directory) if _GRAPH_FILE in found else set()
    if strange := sorted(found - own):
        raise FileExistsError(
            f"directory {directory!r} holds more than a SavedModel: {strange[0]!r}"
        )
    return sorted(found, key=lambda name: (name != _GRAPH_FILE, name))


def _files_of_model(directory: str) -> set[str]:
    """Name the files that a SavedModel may have: those that its graph and its index speak of."""
    names = {_GRAPH_FILE, *_SMALL_FILES, _VARIABLES + INDEX_SUFFIX}
    with contextlib.suppress(TensorBundleError, OSError):
        count = Index(File(os.path.join(directory, _VARIABLES + INDEX_SUFFIX))).num_shards
        names |= {shard_path(_VARIABLES, n, count) for n in range(min(count, _MAX_SHARDS))}
    with contextlib.suppress(TensorBundleError, OSError):
        assets = load_graph(directory).meta.assets
        names |= {os.path.join("assets", each.filename) for each in assets}
    return names


def write_files(
    layout: Layout,
    ckpt: Checkpoint | None,
    restored: Sequence[Restored],
    directory: str,
    overwrite: bool,
    progress: Progress,
) -> tuple[tuple[str, ...], bool]:
    """Write the model; whether the weights are shared with the checkpoint."""
    require_space(os.path.dirname(directory), layout.nbytes)
    earlier = _earlier_files(directory)
    linked = False
    shared = _shared_files(ckpt)
    meter = Meter(progress, layout.nbytes + sum(os.path.getsize(path) for path, _ in shared))
    with FolderStaging(directory, earlier=earlier, overwrite=overwrite) as staging:
        if ckpt is not None:
            linked = bool(shared) and _link(shared, staging, meter)
            if ckpt.location.kind == "v1":
                _rewrite(ckpt, restored, staging)
        # Last, because what has no graph is no SavedModel yet.
        write_file(layout, staging.place(_GRAPH_FILE), meter, verify=True)
    meter.finish()
    return staging.files, linked


def _shared_files(ckpt: Checkpoint | None) -> list[tuple[str, str]]:
    """Files of a checkpoint that become the model's, and their names in it."""
    if ckpt is None or ckpt.location.kind != "v2":
        return []
    prefix, count = ckpt.location.prefix, ckpt.num_shards
    shards = shards_at(prefix, count)
    pairs = [(shard_path(prefix, n, count), shard_path(_VARIABLES, n, count)) for n in shards]
    return [*pairs, (prefix + INDEX_SUFFIX, _VARIABLES + INDEX_SUFFIX)]


def _link(files: Sequence[tuple[str, str]], staging: Staging, meter: Meter) -> bool:
    """Make the files of a checkpoint those of the model; whether none had to be copied."""
    linked = True
    for source, name in files:
        place = staging.place(name)
        clone(os.path.realpath(source), place)
        linked = linked and os.path.samefile(place, source)
        meter.add(os.path.getsize(place))
    return linked


def _rewrite(ckpt: Checkpoint, restored: Sequence[Restored], staging: Staging) -> None:
    """Write the tensors that a model needs of a V1 checkpoint as V2."""
    from .._write.writer import Writer

    prefix = staging.place(_VARIABLES + INDEX_SUFFIX).removesuffix(INDEX_SUFFIX)
    staging.place(shard_path(_VARIABLES, 0, 1))
    with Writer(prefix) as writer:
        for key in sorted({each.variable.key or "" for each in restored}):
            writer.add(key, ckpt[key], dtype=ckpt.info(key).tf_dtype)
