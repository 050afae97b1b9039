"""Checkpoints averaged, some megabytes at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .. import _core
from .._checkpoint.bundle import Bundle
from .._checkpoint.opening import Source, opened
from .._checkpoint.shards import explain
from .._format import dtypes
from .._format.boxes import box_of
from .._format.filenames import INDEX_SUFFIX, shard_path
from .._objects.graph import GRAPH_KEY
from .._write.commit import refuse_existing
from .._write.shards import raw_chunks
from .._write.writer import Writer
from ..errors import ConversionError, TensorBundleError, UnsupportedError
from .rules import listed, refuse_in_saved_model

if TYPE_CHECKING:
    from .._core import MeanJob
    from .._format.tensor_info import TensorInfo

_BATCH_BYTES: Final = 256 << 20  # of one call of the core, between two calls of `progress`
_CHUNK_BYTES: Final = 256 << 10  # small enough for the cache to hold the sum
# DataTypes: those that the core averages, and float8, which numpy does.
_IN_CORE: Final = frozenset({1, 2, 8, 14, 18, 19})
_AVERAGED: Final = _IN_CORE | frozenset(range(24, 29))


@dataclass(frozen=True, slots=True)
class Average:
    """What `average` did, or would do.

    Attributes:
        averaged: Keys of the tensors that were averaged.
        taken: Keys of those that are the last checkpoint's: steps, strings, whatever is no float.
        nbytes: Bytes of the result.
        files: The files of the result, the index last; none of a dry run.
    """

    averaged: tuple[str, ...]
    taken: tuple[str, ...]
    nbytes: int
    files: tuple[str, ...]


def average(
    src: Sequence[Source],
    dst: str | os.PathLike[str] | bytes,
    *,
    weights: Sequence[float] | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> Average:
    """Average the floating-point tensors of several checkpoints.

    Sums are kept in double precision and rounded once, to the tensors' own dtype. Everything else,
    the step too, is as in the last checkpoint. Memory stays at some megabytes, but for tensors that
    the checkpoints partition differently: one slice of each is held.

    Args:
        src: Checkpoints of one model, or their paths, the newest last.
        dst: The prefix of the result.
        weights: What each counts; the same by default. They are divided by their sum.
        overwrite: Whether a checkpoint at ``dst`` is replaced.
        dry_run: Only say what would be done.
        progress: Called with the bytes done and the bytes in all.

    Returns:
        What was done.

    Raises:
        ConversionError: They do not have the same tensors; all differences are listed.
        ChecksumError: A tensor is damaged; nothing is written.
        UnsupportedError: There are variants: `rewrite` can drop them.
        FileExistsError: There is a checkpoint at ``dst``.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> source = "tests/golden/data/demo/model.ckpt-2000"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = tb.average([source, source], f"{folder}/average")
        ...     same = tb.diff(source, f"{folder}/average").same
        >>> same
        True
    """
    given = [opened(each, mode="read", verify="never") for each in src]
    bundles = [each for each in given if isinstance(each, Bundle)]
    if len(bundles) < 2 or len(bundles) < len(given):
        raise ConversionError("expected at least two checkpoints, all of the V2 format")
    shares = _shares(weights, len(bundles))
    tensors = _common(bundles)
    tensors.sort(key=lambda infos: (infos[-1].shard or 0, infos[-1].offset or 0))
    averaged = [i[-1].name for i in tensors if i[-1].data_type in _AVERAGED]
    taken = [i[-1].name for i in tensors if i[-1].data_type not in _AVERAGED]
    total = sum(infos[-1].nbytes for infos in tensors)
    prefix = os.fsdecode(dst)
    refuse_existing(prefix, overwrite=overwrite)
    refuse_in_saved_model(prefix, {i[-1].name: (i[-1].data_type, i[-1].shape) for i in tensors})
    for *_, info in tensors:
        if info.dtype is None:
            raise UnsupportedError(
                f"cannot write {info.tf_dtype} tensors anew: drop them from the checkpoints first",
                key=info.name,
            )
    if dry_run:
        return Average(tuple(averaged), tuple(taken), total, ())
    done = 0
    with _MeanWriter(prefix, overwrite=overwrite) as writer:
        for written in writer.add_all(bundles, shares, tensors):
            done += written
            if progress is not None:
                progress(done, total)
    files = (shard_path(prefix, 0, 1), prefix + INDEX_SUFFIX)
    return Average(tuple(averaged), tuple(taken), total, files)


def _shares(weights: Sequence[float] | None, count: int) -> list[float]:
    given = [1.0] * count if weights is None else [float(weight) for weight in weights]
    if len(given) != count or not all(np.isfinite(given)) or not sum(given):
        raise ValueError(f"{count} checkpoints need {count} weights with a sum: found {given}")
    return [weight / sum(given) for weight in given]


def _common(bundles: Sequence[Bundle]) -> list[list[TensorInfo]]:
    """Each tensor of the last as all have it, having checked that they have the same."""
    tensors = {info.name: [info] for info in bundles[-1].infos()}
    wrong: list[str] = []
    for bundle in bundles[-2::-1]:
        others = {info.name: info for info in bundle.infos()}
        prefix = os.path.basename(bundle.location.prefix)
        wrong += [f"{name} is not in {prefix}" for name in tensors if name not in others]
        wrong += [f"{name} is only in {prefix}" for name in others if name not in tensors]
        for name, (*_, last) in tensors.items():
            if (info := others.get(name)) is None:
                continue
            tensors[name].insert(0, info)
            if name != GRAPH_KEY and (info.data_type, info.shape) != (last.data_type, last.shape):
                wrong.append(f"{name} is {_shown(info)} in {prefix}, {_shown(last)} in the last")
    if wrong:
        raise ConversionError(f"checkpoints of different tensors: {listed(wrong)}")
    return list(tensors.values())


def _shown(info: TensorInfo) -> str:
    return f"{info.tf_dtype}{list(info.shape)}"


class _MeanWriter(Writer):
    """Writes tensors that are computed meanwhile: most in the core, many in one call."""

    def add_all(
        self,
        bundles: Sequence[Bundle],
        shares: Sequence[float],
        tensors: Iterable[Sequence[TensorInfo]],
    ) -> Iterator[int]:
        """Write the means; gives the bytes of each step."""
        jobs: list[MeanJob] = []
        nbytes = 0
        for infos in tensors:
            own = _jobs(bundles, infos)
            jobs += own
            nbytes += infos[-1].nbytes if own else 0
            if jobs and (not own or nbytes >= _BATCH_BYTES):
                self._add_means(jobs, shares)
                yield nbytes
                jobs, nbytes = [], 0
            if not own:
                _write(bundles, shares, infos[-1], self)
                yield infos[-1].nbytes
        self._add_means(jobs, shares)
        yield nbytes

    def _add_means(self, jobs: Sequence[MeanJob], shares: Sequence[float]) -> None:
        try:
            self._guarded(self._at_shard(None).add_means, jobs, shares)
        except TensorBundleError as error:
            raise explain(error, error.path) if error.path else error from None


def _jobs(bundles: Sequence[Bundle], infos: Sequence[TensorInfo]) -> list[MeanJob]:
    """The core's work on a tensor, or on each of its slices; none where it is left to numpy."""
    number = infos[-1].data_type
    is_averaged = number in _AVERAGED
    if is_averaged > (number in _IN_CORE) or number == dtypes.STRING or dtypes.is_exotic(number):
        return []
    if any(bundle.big_endian for bundle in bundles):
        return []
    chosen = list(zip(bundles, infos, strict=True))[0 if is_averaged else -1 :]
    stored = [dict(bundle.stored(info)) for bundle, info in chosen]
    if any(parts.keys() != stored[-1].keys() for parts in stored):
        return []
    jobs: list[MeanJob] = []
    for place, part in stored[-1].items():
        ranges = [
            _range(bundle, parts[place]) for (bundle, _), parts in zip(chosen, stored, strict=True)
        ]
        whole = (infos[-1].shape, place) if place else (None, None)
        jobs.append((part.name, number, part.shape, ranges, *whole))
    return jobs


def _range(bundle: Bundle, part: TensorInfo) -> tuple[_core.File, int, int]:
    assert part.dtype is not None
    return bundle.checked_range(part, part.dtype), part.offset or 0, part.crc32c or 0


def _write(
    bundles: Sequence[Bundle], shares: Sequence[float], info: TensorInfo, writer: Writer
) -> None:
    dtype = info.dtype
    assert dtype is not None
    is_averaged = info.data_type in _AVERAGED
    chosen = bundles if is_averaged else bundles[-1:]
    if info.data_type == dtypes.STRING:
        writer.add(info.name, bundles[-1].load([info.name])[info.name])
    elif info.slices:
        for piece in info.slices:
            box = tuple(slice(*extent) for extent in box_of(piece, info.shape))
            arrays = [bundle.read_slice(info.name, box) for bundle in chosen]
            array = _mean(arrays, shares, dtype) if is_averaged else arrays[0]
            writer.add_slice(info.name, array, info.shape, piece, dtype=info.tf_dtype)
    else:
        streams = [bundle.chunks(info.name, nbytes=_CHUNK_BYTES) for bundle in chosen]
        pieces = _means(streams, shares, dtype, is_averaged)
        writer.add_chunks(info.name, info.tf_dtype, info.shape, pieces)


def _means(
    streams: Sequence[Iterator[memoryview]],
    shares: Sequence[float],
    dtype: np.dtype[Any],
    is_averaged: bool,
) -> Iterator[memoryview]:
    # To the end of each: a checksum is checked after the last piece.
    for pieces in zip(*streams, strict=True):
        if is_averaged:
            arrays = [np.frombuffer(piece, dtype) for piece in pieces]
            yield from raw_chunks(_mean(arrays, shares, dtype))
        else:
            yield pieces[0]


def _mean(
    arrays: Sequence[np.ndarray[Any, Any]], shares: Sequence[float], dtype: np.dtype[Any]
) -> np.ndarray[Any, Any]:
    wide = np.dtype(np.complex128 if dtype.kind == "c" else np.float64)
    with np.errstate(all="ignore"):
        if len(set(shares)) == 1:
            total: np.ndarray[Any, Any] = arrays[0].astype(wide)
            for array in arrays[1:]:
                np.add(total, array, out=total)
            total *= shares[0]
        else:
            total = arrays[0] * wide.type(shares[0])
            for array, share in zip(arrays[1:], shares[1:], strict=True):
                total += array.astype(wide) * share
        return _rounded(total, dtype)


def _rounded(values: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    if dtype.kind != "V" and dtype.itemsize > 1:
        return values.astype(dtype)
    # ml_dtypes goes by way of float32, and would round twice: unless what is cut off leaves a mark.
    near = values.astype(np.float32)
    bits = near.view(np.uint32)
    bits -= np.abs(near) > np.abs(values)
    bits |= near != values
    return near.astype(dtype)
