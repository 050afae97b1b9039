"""Copies of checkpoints, whole: index, shards and graph, every checksum compared on the way."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .. import _core
from .._checkpoint.opening import open as open_checkpoint
from .._far.verbs import takes_addresses
from .._format.filenames import INDEX_SUFFIX, META_SUFFIX, Path, shard_path
from .._locate.location import Location, is_regular_file
from .._look.amounts import format_count
from .._look.outcomes import Outcome
from .._progress import Progress
from .._write.durable import copy_file
from .._write.staging import Staging
from ..errors import ChecksumError, UnsupportedError


@dataclass(frozen=True, slots=True, repr=False)
class Copy(Outcome):
    """Result of `copy`.

    Attributes:
        files: The files that were written.
        nbytes: Their bytes.
        checked: How many stored ranges were compared with their checksums.
    """

    files: tuple[str, ...]
    nbytes: int
    checked: int


@takes_addresses(sources=("src",), targets=("dst",))
def copy(
    src: Path,
    dst: Path,
    *,
    overwrite: bool = False,
    progress: Progress = None,
) -> Copy:
    """Copy a checkpoint whole, having checked it: here, to a store, from one, or between two.

    Files are copied as they are: the index, its data shards and the graph saved beside them, or the
    files of a V1 checkpoint.

    Args:
        src: Any spelling of a checkpoint, or an address.
        dst: The prefix, or its address.
        overwrite: Whether a checkpoint there is replaced.
        progress: As of `Checkpoint.verify`.

    Raises:
        ChecksumError: The checkpoint is damaged; nothing is written.
        FileExistsError: There is one at ``dst``.
        UnsupportedError: It is no checkpoint of TensorFlow's own.
        OSError: It could not be done; what was there still is.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> done = tb.copy(tb.demo(), tempfile.mkdtemp() + "/model")
        >>> len(done.files)
        3
    """
    ckpt = open_checkpoint(src)
    report = ckpt.verify(progress=progress)
    if report.faults:
        first = report.faults[0]
        raise ChecksumError(
            f"{format_count(len(report.faults), 'fault')} in what is to be copied; the first: "
            f"{first.message}",
            path=first.path or ckpt.location.prefix,
            key=first.name,
        )
    prefix = os.fsdecode(dst)
    directory, base = os.path.split(prefix)
    pairs = _files(ckpt.location, base)
    earlier = [
        name for name in dict(pairs).values() if is_regular_file(os.path.join(directory, name))
    ]
    with Staging(directory, earlier=earlier[::-1], overwrite=overwrite) as staging:
        for path, name in pairs:
            copy_file(path, staging.place(name), durable=False)  # all of them at the end
    nbytes = sum(os.path.getsize(path) for path in staging.files)
    return Copy(staging.files, nbytes, report.checked)


def _files(location: Location, base: str) -> list[tuple[str, str]]:
    """The files of a checkpoint and what they are called at its new prefix; the index last."""
    if location.kind == "v2" and location.index is not None:
        count = _core.Index(_core.File(location.index)).num_shards
        shards = (
            (shard_path(location.prefix, n, count), shard_path(base, n, count))
            for n in range(max(count, 1))
        )
        found = [(path, name) for path, name in shards if is_regular_file(path)]
        if location.meta is not None:
            found.append((location.meta, base + META_SUFFIX))
        return [*found, (location.index, base + INDEX_SUFFIX)]
    if location.kind == "v1":
        old = os.path.basename(location.files[0])
        if len(location.files) == 1:
            return [(location.files[0], base)]
        stem = old[: old.rindex("-", 0, old.rindex("-of-"))]
        return [(path, base + os.path.basename(path)[len(stem) :]) for path in location.files]
    raise UnsupportedError(
        f"only checkpoints are copied: {location.prefix!r} is a {location.kind} file",
        path=location.prefix,
    )
