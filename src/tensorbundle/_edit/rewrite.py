"""Rewriting a checkpoint: renamed, stripped, cast.

What a rewrite does is planned first, from the index alone, and can be looked at before anything
is written. Bytes that do not change are not copied: the new index stands beside links of shards.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .. import _core
from .._checkpoint.bundle import Bundle
from .._checkpoint.far.bundle import FarBundle
from .._checkpoint.opening import Source, opened
from .._format import dtypes
from .._format.filenames import shard_path
from .._format.names import as_bytes
from .._look.outcomes import Outcome
from .._parallel.runners import Workers
from .._progress import Meter, Progress
from .._source.address import Address
from .._source.copies import is_of_store
from .._write.casting import Cast, Loss
from .._write.jobs.parts import JobTarget, target_of
from .._write.names import warn_of_patterns, warn_unless_joinable
from .._write.shards import BundleFiles
from ..errors import MissingFileError
from .copying import Copying
from .inputs import far_shard
from .plan import Plan, Step, in_stored_order, plan
from .rules import Rename, listed, refuse_in_saved_model
from .shared.rewriting import rewrite_by

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._core import Entry


@dataclass(frozen=True, slots=True, repr=False)
class Rewrite(Outcome):
    """Result of `rewrite`: what it did, or would do.

    Attributes:
        renamed: New keys by old ones.
        dropped: Keys that are gone.
        cast: (old dtype, new dtype) by old key, in TensorFlow's names.
        averaged: Keys of the moving averages that variables now have, by the variable's old key.
        kept: How many tensors the result has.
        linked: Shards that are shared with the source, as the source calls them.
        nbytes: Bytes of tensors that are written anew.
        files: The files of the result, the index last; none of a dry run.
        alike: Keys that stay although they look like an optimizer's, which is not known by name.
        unused_nbytes: Bytes of the shared shards that nothing in the result uses.
    """

    renamed: dict[str, str]
    dropped: tuple[str, ...]
    cast: dict[str, tuple[str, str]]
    averaged: dict[str, str]
    kept: int
    linked: tuple[str, ...]
    nbytes: int
    files: tuple[str, ...]
    alike: tuple[str, ...] = ()
    unused_nbytes: int = 0


def rewrite(
    src: Source,
    dst: str | os.PathLike[str] | bytes,
    *,
    rename: Rename | None = None,
    drop: Filter = None,
    keep: Filter = None,
    cast: Cast | None = None,
    lossy: bool = False,
    saturate: bool = False,
    strip_optimizer: bool | str | Collection[str] = False,
    ema: bool | str = False,
    strict: bool = False,
    compact: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
    workers: Workers = None,
    progress: Progress = None,
) -> Rewrite:
    """Write a checkpoint with other names, fewer tensors or other dtypes.

    Shards are not copied but shared, by reflinks or hard links: only the index and what changes is
    written, so that dropped tensors keep their place on the disk until ``compact``. Keys in an
    object graph follow, and the graph with them: TensorFlow restores the result.

    Args:
        src: A checkpoint, in any spelling that `tensorbundle.open` takes.
        dst: The prefix of the result. It may be the source itself, with ``overwrite``.
        rename: New names by old ones; or (pattern, replacement) pairs, all applied one after the
            other by ``re.sub``; or a function of the name. Names in an object-based checkpoint are
            readable paths, ``model/layer1/kernel``, and rename the objects too; a mapping may use
            raw keys, and scopes: ``{"conv1": "block1"}`` renames all that stands below ``conv1/``.
            Slots and moving averages follow their variable, but where a rule speaks of them.
        drop: Tensors to leave out: names, globs or patterns.
        keep: The tensors that are kept, likewise; those that ``drop`` names too are left out.
        cast: A dtype for all floating-point tensors, or dtypes by name or glob, None standing for
            all floating-point tensors that no other part of it names. All of these being written
            anew, that implies ``compact``. Values are rounded once.
        lossy: Whether a cast may take the fraction of numbers (to integers, towards zero) or their
            size (to bool).
        saturate: Whether values out of range become the largest there is, instead of an error.
        strip_optimizer: Leave out what belongs to optimizers of TensorFlow 1, Keras 2 and Keras 3;
            or their names, where in a TensorFlow 1 program they had their own. What they are is
            told from the variables that are there. Weights that Keras 3 stores by way of the
            optimizer alone stay there.
        ema: Give variables the value of their moving average. In TensorFlow 1 these are called
            ``…/ExponentialMovingAverage``, or as given here, and disappear.
        strict: Refuse tensors that no rule of ``rename`` speaks of.
        compact: Copy what is kept into one new shard, and share none.
        overwrite: Whether a checkpoint at ``dst`` is replaced.
        dry_run: Only say what would be done.
        workers: Who writes what is written anew, and copies shards far away: see `average`.
        progress: As of `Checkpoint.verify`, of the bytes written anew.

    Returns:
        What was done.

    Raises:
        TensorNotFoundError: Names or patterns that match nothing; all are listed.
        ConversionError: Names collide, or values do not fit their new dtype, or no weights would be
            left without the optimizer, or the graph of the SavedModel at ``dst`` would not find its
            variables any more; all are listed.
        MissingFileError: Shards that hold what is kept are not there; all are listed.
        FileExistsError: There is a checkpoint at ``dst``.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = tb.rewrite(
        ...         tb.demo(), f"{folder}/out", rename={"global_step": "step"}
        ...     )
        >>> done.renamed, done.nbytes
        ({'global_step': 'step'}, 0)
    """
    ckpt = opened(src, verify="never")
    target = target_of(dst)
    prefix = str(target)
    work = plan(
        ckpt,
        rename=rename,
        drop=drop,
        keep=keep,
        cast=cast,
        strip_optimizer=strip_optimizer,
        ema=ema,
        strict=strict,
    )
    refuse_in_saved_model(prefix, work.tensors)
    compact = compact or not (cast is None or (isinstance(cast, Mapping) and None not in cast))
    share = isinstance(ckpt, Bundle) and not compact and _may_share(ckpt, target)
    if isinstance(ckpt, Bundle) and ckpt.big_endian and (work.changed or compact):
        share = False
    if isinstance(ckpt, Bundle):
        _refuse_missing_shards(ckpt, work)
    report = _report(ckpt, work, share)
    if dry_run:
        return report
    _warn(prefix, work)
    meter = Meter(progress, _new_nbytes(work, share))
    loss = Loss(lossy, saturate)
    with BundleFiles(target, overwrite=overwrite) as out:
        if workers is not None and not share:
            files = rewrite_by(ckpt, work, loss, target, out, workers, meter)
        else:
            copying = Copying(ckpt, loss, meter)
            if share:
                assert isinstance(ckpt, Bundle)
                _share(ckpt, work, out, copying, in_place=_is_same(ckpt, prefix))
            else:
                _copy(work, out, copying)
            big_endian = share and isinstance(ckpt, Bundle) and ckpt.big_endian
            files = out.commit(big_endian=big_endian, workers=workers)
    meter.finish()
    return replace(report, files=files)


def _may_share(ckpt: Bundle, target: JobTarget) -> bool:
    """Whether the result may have shards of the source: not if these had to come from far away."""
    if not isinstance(ckpt, FarBundle):
        return True
    return isinstance(target, Address) and is_of_store(ckpt.address, target)


def _shard_file(ckpt: Bundle, shard: int | None) -> str:
    return shard_path(ckpt.location.prefix, shard or 0, ckpt.num_shards)


def _refuse_missing_shards(ckpt: Bundle, work: Plan) -> None:
    shards = {info.shard or 0 for step in work.steps for _, info in step.parts}
    sizes = ckpt.sizes_of(sorted(shards))
    if missing := [_shard_file(ckpt, shard) for shard, size in sizes.items() if size is None]:
        raise MissingFileError(
            f"{len(missing)} of the data shards that are needed are missing: {listed(missing)}"
        )


def _warn(prefix: str, work: Plan) -> None:
    """Tell of what is sound, but not for TensorFlow."""
    warn_of_patterns(prefix)
    for step in work.steps:
        if step.data_type is not None and step.source.slices:
            warn_unless_joinable(step.key, step.data_type, len(step.source.shape))


def _is_same(ckpt: Checkpoint, prefix: str) -> bool:
    index = prefix + ".index"
    return os.path.exists(index) and os.path.samefile(ckpt.location.index or "", index)


def _report(ckpt: Checkpoint, work: Plan, share: bool) -> Rewrite:
    names = dtypes.name_of
    linked: tuple[str, ...] = ()
    unused = 0
    if share:
        assert isinstance(ckpt, Bundle)
        used = _shared(work)
        linked = tuple(_shard_file(ckpt, shard) for shard in sorted(used))
        sizes = ckpt.sizes_of(sorted(used))
        unused = sum(each or 0 for each in sizes.values()) - sum(map(_extent, used.values()))
    return Rewrite(
        renamed={step.old: step.key for step in work.steps if step.is_renamed},
        dropped=tuple(work.dropped),
        cast={
            step.old: (names(step.source.data_type), names(step.data_type))
            for step in work.steps
            if step.data_type is not None
        },
        averaged={step.old: step.source.name for step in work.steps if step.is_averaged},
        kept=len(work.steps) + (work.graph is not None),
        linked=linked,
        nbytes=_new_nbytes(work, share),
        files=(),
        alike=work.alike,
        unused_nbytes=max(unused, 0),
    )


def _new_nbytes(work: Plan, share: bool) -> int:
    written = (step for step in work.steps if step.data_type is not None or not share)
    return sum(step.nbytes for step in written) + len(work.graph or b"")


def _shared(work: Plan) -> dict[int, list[tuple[int, int]]]:
    """By shard, where the bytes lie that stay in it."""
    found: dict[int, list[tuple[int, int]]] = {}
    for step in work.steps:
        if step.data_type is None:
            for _, info in step.parts:
                begin = info.offset or 0
                found.setdefault(info.shard or 0, []).append((begin, begin + info.nbytes))
    return found


def _extent(ranges: list[tuple[int, int]]) -> int:
    """How many bytes lie in ranges, some of which may share theirs."""
    total = end = 0
    for begin, stop in sorted(ranges):
        total += max(stop - max(begin, end), 0)
        end = max(end, stop)
    return total


def _share(ckpt: Bundle, work: Plan, out: BundleFiles, copying: Copying, *, in_place: bool) -> None:
    """Link the source's shards, and write a new one for what changes."""
    shards: Sequence[int] = sorted(_shared(work))
    if in_place and len(shards) + work.changed == ckpt.num_shards:
        # Every shard keeps its number, or a new file would take the name of one in use.
        shards = range(ckpt.num_shards)
    for shard in shards:
        if ckpt.sizes_of([shard])[shard] is None:
            out.writer.next_shard()  # one that nobody refers to need not be there
        elif isinstance(ckpt, FarBundle):
            out.link(far_shard(ckpt, shard))
        else:
            out.link(_shard_file(ckpt, shard))
    number = {shard: i for i, shard in enumerate(shards)}
    for step in work.steps:
        if step.data_type is None:
            out.writer.add_entries(_entries_of(step, number))
        else:
            copying.write(step, out.writer)
    _add_graph(work, out)


def _copy(work: Plan, out: BundleFiles, copying: Copying) -> None:
    """Write one new shard, in the order in which the bytes lay."""
    for step in in_stored_order(work.steps):
        copying.write(step, out.writer)
    _add_graph(work, out)


def _add_graph(work: Plan, out: BundleFiles) -> None:
    if work.graph is not None:
        out.writer.add_strings(work.graph_key, (), [work.graph])


def _entries_of(step: Step, number: Mapping[int, int]) -> Iterator[tuple[bytes, Entry]]:
    """A tensor's entries under another name, with other numbers for its shards."""
    key, info = as_bytes(step.key), step.source
    for piece, part in step.parts:
        place = number[part.shard or 0], part.offset or 0, part.crc32c or 0
        part_key = _core.slice_key(key, piece) if piece else key
        yield part_key, (part.data_type, part.shape, part.nbytes, *place, ())
    if info.slices:
        yield key, (info.data_type, info.shape, 0, 0, 0, 0, info.slices)
