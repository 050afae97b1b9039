"""Save a mapping of tensors as a V2 checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .._format.names import as_name
from .._progress import Meter, Progress
from .writer import Writer, check_shard, nbytes_of

if TYPE_CHECKING:
    from .._objects.graph import ObjectGraph


def save(
    prefix: str | os.PathLike[str] | bytes,
    tensors: Mapping[str, Any],
    *,
    objects: ObjectGraph | None = None,
    shards: Mapping[str, int] | None = None,
    max_shard_bytes: int | None = None,
    alignment: int = 1,
    dtypes: Mapping[str, str] | None = None,
    threads: int = 0,
    fsync: bool = True,
    overwrite: bool = False,
    progress: Progress = None,
) -> str:
    """Save tensors as a V2 checkpoint that TensorFlow restores.

    The files are those of TensorFlow's ``SaveV2``, byte for byte. They appear in one step: whoever
    looks, or comes after a crash, finds the previous checkpoint or this one, whole.

    Args:
        prefix: Where: the files are ``PREFIX.index`` and ``PREFIX.data-…``. Their directory is made
            if only the last level is missing.
        tensors: Values by name: arrays, scalars, nested lists; see `Writer.add`. Partitioned
            tensors, and more than fit in memory, want a `Writer`.
        objects: The graph of a ``tf.train.Checkpoint`` that is to restore it; names are paths in
            it.
        shards: The number of the data shard of each tensor, from 0 on. Such a checkpoint is what
            TensorFlow merges from one save per shard.
        max_shard_bytes: Begin another data shard when a tensor would make one larger than that.
        alignment: Pad, so that each tensor begins at a multiple of this power of two.
        dtypes: Other TensorFlow types for some names, of the same bytes, such as ``"qint8"``.
        threads: How many to use; 0 means as many as are useful.
        fsync: Wait until the files are on the disk.
        overwrite: Whether a checkpoint at ``prefix`` is replaced.
        progress: As of `Checkpoint.verify`; what is no array yet counts nothing.

    Returns:
        The prefix.

    Raises:
        FileExistsError: There is a checkpoint at ``prefix``, and no ``overwrite``.
        ConversionError: A value that no TensorFlow type holds.
        OSError: The files cannot be written; what was at the prefix is still there.

    Warns:
        CompatibilityWarning: TensorFlow will not find a checkpoint of that name.

    Example:
        >>> import numpy as np, tempfile, tensorbundle as tb
        >>> prefix = tempfile.mkdtemp() + "/model.ckpt-1"
        >>> _ = tb.save(prefix, {"w": np.arange(3), "step": 1})
        >>> tb.open(prefix)["w"]
        array([0, 1, 2])
    """
    if objects is not None:
        tensors = objects.arrange(tensors)
    groups = [tensors] if shards is None else _by_shard(tensors, shards)
    if shards is not None and (max_shard_bytes is not None or objects is not None):
        raise ValueError("shards goes without max_shard_bytes and without objects")
    with Writer(
        prefix,
        max_shard_bytes=max_shard_bytes,
        alignment=alignment,
        threads=threads,
        fsync=fsync,
        overwrite=overwrite,
    ) as writer:
        meter = Meter(progress, 0 if progress is None else sum(map(nbytes_of, groups)))
        for group in groups:
            before = meter.done
            writer.add_many(
                group, dtypes=dtypes, progress=progress and partial(_tell, meter, before)
            )
            writer.next_shard()
    meter.finish()
    return writer.prefix


def _tell(meter: Meter, before: int, done: int, total: int) -> None:
    meter.at(before + done)


def _by_shard(tensors: Mapping[str, Any], shards: Mapping[str, int]) -> list[Mapping[str, Any]]:
    numbers = {name: shards.get(as_name(name), -1) for name in tensors}
    check_shard(min(numbers.values(), default=0))
    check_shard(last := max(numbers.values(), default=0))
    groups: list[dict[str, Any]] = [{} for _ in range(last + 1)]
    for name, value in tensors.items():
        groups[numbers[name]][name] = value
    return [*groups]
