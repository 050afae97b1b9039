"""Rewriting a checkpoint: renamed, stripped, cast.

What a rewrite does is planned first, from the index alone, and can be looked at before anything
is written. Bytes that do not change are not copied: the new index stands beside links of shards.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._checkpoint.bundle import Bundle
from .._checkpoint.opening import Source, opened
from .._format import dtypes
from .._format.boxes import box_of
from .._format.filenames import shard_path
from .._format.names import as_bytes
from .._locate.location import is_regular_file
from .._write.shards import BundleFiles, DataFile, raw_chunks
from ..errors import ConversionError, MissingFileError, UnsupportedError
from .plan import Plan, Step, plan
from .rules import Cast, Rename, listed, refuse_in_saved_model

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._core import Entry
    from .._format.tensor_info import TensorInfo

_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What `rewrite` did, or would do.

    Attributes:
        renamed: New keys by old ones.
        dropped: Keys that are gone.
        cast: (old dtype, new dtype) by old key, in TensorFlow's names.
        averaged: Keys of the moving averages that variables now have, by the variable's old key.
        kept: How many tensors the result has.
        linked: Shards that are shared with the source, as the source calls them.
        nbytes: Bytes of tensors that are written anew.
        files: The files of the result, the index last; none of a dry run.
    """

    renamed: dict[str, str]
    dropped: tuple[str, ...]
    cast: dict[str, tuple[str, str]]
    averaged: dict[str, str]
    kept: int
    linked: tuple[str, ...]
    nbytes: int
    files: tuple[str, ...]


def rewrite(
    src: Source,
    dst: str | os.PathLike[str] | bytes,
    *,
    rename: Rename | None = None,
    drop: Filter = None,
    cast: Cast | None = None,
    strip_optimizer: bool | Collection[str] = False,
    ema: bool | str = False,
    strict: bool = False,
    compact: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
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
            raw keys. Slots follow their variable.
        drop: Tensors to leave out: names, globs or patterns.
        cast: A dtype for all floating-point tensors, or dtypes by name or glob.
        strip_optimizer: Leave out what belongs to optimizers of TensorFlow 1, Keras 2 and Keras 3;
            or their names, where in a TensorFlow 1 program they had their own.
        ema: Give variables the value of their moving average. In TensorFlow 1 these are called
            ``…/ExponentialMovingAverage``, or as given here, and disappear.
        strict: Refuse tensors that no rule of ``rename`` speaks of.
        compact: Copy what is kept into one new shard, and share none.
        overwrite: Whether a checkpoint at ``dst`` is replaced.
        dry_run: Only say what would be done.

    Returns:
        What was done.

    Raises:
        TensorNotFoundError: Names or patterns that match nothing; all are listed.
        ConversionError: Names collide, or values do not fit their new dtype, or the graph of the
            SavedModel at ``dst`` would not find its variables any more; all are listed.
        MissingFileError: Shards that hold what is kept are not there; all are listed.
        FileExistsError: There is a checkpoint at ``dst``.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = tb.rewrite(
        ...         "tests/golden/data/demo", f"{folder}/out", rename={"dense/bias": "dense/b"}
        ...     )
        >>> done.renamed, done.nbytes
        ({'dense/bias': 'dense/b'}, 0)
    """
    ckpt = opened(src, verify="never")
    prefix = os.fsdecode(dst)
    work = plan(
        ckpt,
        rename=rename,
        drop=drop,
        cast=cast,
        strip_optimizer=strip_optimizer,
        ema=ema,
        strict=strict,
    )
    refuse_in_saved_model(prefix, work.tensors)
    share = isinstance(ckpt, Bundle) and not compact
    if isinstance(ckpt, Bundle) and ckpt.big_endian and (work.changed or compact):
        share = False
    if isinstance(ckpt, Bundle):
        _refuse_missing_shards(ckpt, work)
    if dry_run:
        return _report(ckpt, work, share, ())
    with BundleFiles(prefix, overwrite=overwrite) as out:
        if share:
            assert isinstance(ckpt, Bundle)
            entries = _share(ckpt, work, out, in_place=_is_same(ckpt, prefix))
        else:
            entries = _copy(ckpt, work, out)
        big_endian = share and isinstance(ckpt, Bundle) and ckpt.big_endian
        files = out.commit(entries, big_endian=big_endian)
    return _report(ckpt, work, share, files)


def _shard_file(ckpt: Bundle, shard: int | None) -> str:
    return shard_path(ckpt.location.prefix, shard or 0, ckpt.num_shards)


def _refuse_missing_shards(ckpt: Bundle, work: Plan) -> None:
    shards = {info.shard or 0 for step in work.steps for _, info in ckpt.stored(step.source)}
    paths = [_shard_file(ckpt, shard) for shard in sorted(shards)]
    if missing := [path for path in paths if not is_regular_file(path)]:
        raise MissingFileError(
            f"{len(missing)} of the data shards that are needed are missing: {listed(missing)}"
        )


def _is_same(ckpt: Checkpoint, prefix: str) -> bool:
    index = prefix + ".index"
    return os.path.exists(index) and os.path.samefile(ckpt.location.index or "", index)


def _report(ckpt: Checkpoint, work: Plan, share: bool, files: tuple[str, ...]) -> Rewrite:
    names = dtypes.name_of
    linked: tuple[str, ...] = ()
    written = [step for step in work.steps if step.data_type is not None or not share]
    if share:
        assert isinstance(ckpt, Bundle)
        linked = tuple(_shard_file(ckpt, shard) for shard in sorted(_needed(ckpt, work)))
    graph = 0 if work.graph is None else len(work.graph)
    return Rewrite(
        renamed={s.source.name: s.key for s in work.steps if s.is_renamed},
        dropped=tuple(work.dropped),
        cast={
            step.old: (names(step.source.data_type), names(step.data_type))
            for step in work.steps
            if step.data_type is not None
        },
        averaged={step.old: step.source.name for step in work.steps if step.is_averaged},
        kept=len(work.steps) + (work.graph is not None),
        linked=linked,
        nbytes=sum(step.nbytes for step in written) + graph,
        files=files,
    )


def _needed(ckpt: Bundle, work: Plan) -> set[int]:
    return {
        info.shard or 0
        for step in work.steps
        if step.data_type is None
        for _, info in ckpt.stored(step.source)
    }


def _share(
    ckpt: Bundle, work: Plan, out: BundleFiles, *, in_place: bool
) -> list[tuple[bytes, Entry]]:
    """Entries over links of the source's shards, and a new shard for what changes."""
    shards: Sequence[int] = sorted(_needed(ckpt, work))
    if in_place and len(shards) + work.changed == ckpt.num_shards:
        # Every shard keeps its number, or a new file would take the name of one in use.
        shards = range(ckpt.num_shards)
    number: dict[int, int] = {}
    for shard in shards:
        path = _shard_file(ckpt, shard)
        # One that nobody refers to need not be there.
        number[shard] = out.link(path) if os.path.exists(path) else out.create().shard
    entries: list[tuple[bytes, Entry]] = []
    new = out.create() if work.changed else None
    for step in work.steps:
        if step.data_type is None:
            entries += entries_of(ckpt, step.source, step.key, number)
        else:
            assert new is not None
            entries += _cast_entries(ckpt, step, new)
    if work.graph is not None and new is not None:
        entries.append((work.graph_key, new.add_string(work.graph)))
    return entries


def _copy(ckpt: Checkpoint, work: Plan, out: BundleFiles) -> list[tuple[bytes, Entry]]:
    """Entries of one new shard, in the order in which the bytes lay."""
    new = out.create()
    entries: list[tuple[bytes, Entry]] = []
    for step in sorted(work.steps, key=lambda s: (s.source.shard or 0, s.source.offset or 0)):
        if step.data_type is not None:
            entries += _cast_entries(ckpt, step, new)
        elif isinstance(ckpt, Bundle) and not ckpt.big_endian:
            entries += _copied_entries(ckpt, step, new)
        else:
            entries += _read_entries(ckpt, step, new)
    if work.graph is not None:
        entries.append((work.graph_key, new.add_string(work.graph)))
    return entries


def entries_of(
    ckpt: Bundle, info: TensorInfo, name: str, number: dict[int, int]
) -> Iterator[tuple[bytes, Entry]]:
    """A tensor's entries under another name, with other numbers for its shards."""
    key = as_bytes(name)
    for piece, part in ckpt.stored(info):
        place = number[part.shard or 0], part.offset or 0, part.crc32c or 0
        part_key = _core.slice_key(key, piece) if piece else key
        yield part_key, (part.data_type, part.shape, part.nbytes, *place, ())
    if info.slices:
        yield key, (info.data_type, info.shape, 0, 0, 0, 0, info.slices)


def _copied_entries(ckpt: Bundle, step: Step, new: DataFile) -> Iterator[tuple[bytes, Entry]]:
    """A tensor's bytes as they are, whatever they mean; numbers are checked as they pass."""
    key = as_bytes(step.key)
    for piece, part in ckpt.stored(step.source):
        part_key = _core.slice_key(key, piece) if piece else key
        file = _core.File(_shard_file(ckpt, part.shard))
        opaque = part.dtype is None or part.data_type == dtypes.STRING
        entry = new.add(
            part.data_type, part.shape, _ranges(file, part), part.crc32c if opaque else None
        )
        if entry[5] != part.crc32c or part.data_type == dtypes.STRING:
            ckpt.load([part.name])  # which checks strings, and says what is wrong where
        yield part_key, entry
    if step.source.slices:
        whole = step.source
        yield key, (whole.data_type, whole.shape, 0, 0, 0, 0, whole.slices)


def _ranges(file: _core.File, part: TensorInfo) -> Iterator[memoryview]:
    buffer = np.empty(min(_CHUNK_BYTES, part.nbytes), np.uint8)
    for start in range(0, part.nbytes, _CHUNK_BYTES):
        piece = buffer[: min(_CHUNK_BYTES, part.nbytes - start)]
        file.readinto((part.offset or 0) + start, piece)
        yield piece.data


def _read_entries(ckpt: Checkpoint, step: Step, new: DataFile) -> Iterator[tuple[bytes, Entry]]:
    """A tensor read and written: of a V1 checkpoint, or of one with its bytes the other way."""
    info = step.source
    if info.dtype is None:
        raise UnsupportedError(
            f"tensors of type {info.tf_dtype} cannot be written anew", key=info.name
        )
    key = as_bytes(step.key)
    array = ckpt.load([info.name])[info.name]
    if info.data_type == dtypes.STRING:
        yield key, new.add_strings(array)
    else:
        yield key, new.add(info.data_type, info.shape, raw_chunks(array))


def _cast_entries(ckpt: Checkpoint, step: Step, new: DataFile) -> Iterator[tuple[bytes, Entry]]:
    info, number = step.source, step.data_type or 0
    key = as_bytes(step.key)
    dtype = dtypes.numpy_dtype(number)
    if dtype is None or info.dtype is None:
        raise UnsupportedError(f"cannot cast {info.tf_dtype}", key=info.name)
    if info.slices and isinstance(ckpt, Bundle):
        for piece, part in ckpt.stored(info):
            box = tuple(slice(*extent) for extent in box_of(piece, info.shape))
            array = converted(ckpt.read_slice(info.name, box), dtype, info.name)
            yield _core.slice_key(key, piece), new.add(number, part.shape, raw_chunks(array))
        yield key, (number, info.shape, 0, 0, 0, 0, info.slices)
        return
    nbytes = _CHUNK_BYTES // 16 * 16
    pieces = (
        piece
        for chunk in ckpt.chunks(info.name, nbytes=nbytes)
        for piece in raw_chunks(converted(np.frombuffer(chunk, info.dtype), dtype, info.name))
    )
    yield key, new.add(number, info.shape, pieces)


def converted(array: np.ndarray[Any, Any], dtype: np.dtype[Any], name: str) -> np.ndarray[Any, Any]:
    """Cast values. Raises ConversionError for those that the new dtype cannot hold at all."""
    if array.dtype == dtype:
        return array
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise ConversionError(f"complex numbers cannot become {dtype}", key=name)
    with np.errstate(all="ignore"):
        result = array.astype(dtype)
        whole = dtype.kind in "iu" or dtype.name in ("int2", "int4", "uint2", "uint4")
        if whole:
            wrong = result.astype(np.float64) != np.trunc(array.astype(np.float64))
        elif dtype.kind == "b":
            wrong = np.zeros(array.shape, bool)
        else:
            wrong = np.isfinite(array) & ~np.isfinite(result)
    if wrong.any():
        value = array.reshape(-1)[int(np.argmax(wrong.reshape(-1)))]
        raise ConversionError(
            f"{int(wrong.sum())} values do not fit {dtype.name}, the first is {value}", key=name
        )
    return result
