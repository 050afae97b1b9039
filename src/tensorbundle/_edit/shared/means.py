"""Means of tensors, written some megabytes at a time: by the core, or as their bytes come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ... import _core
from ..._checkpoint.bundle import Bundle
from ..._checkpoint.shards import explain
from ..._format import dtypes
from ..._format.boxes import box_of
from ..._progress import Meter, Progress
from ..._write.casting import rounded
from ..._write.shards import raw_chunks
from ..._write.writer import Writer
from ...errors import TensorBundleError

if TYPE_CHECKING:
    from ..._core import MeanJob
    from ..._format.tensor_info import TensorInfo

_BATCH_BYTES: Final = 256 << 20  # of one call of the core, between two calls of `progress`
_CHUNK_BYTES: Final = 256 << 10  # small enough for the cache to hold the sum
# DataTypes: those that the core averages, and float8, which numpy does.
_DOUBLE: Final = 2
_IN_CORE: Final = frozenset({1, 2, 8, 14, 18, 19})
AVERAGED: Final = _IN_CORE | frozenset(range(24, 29))


def stored_nbytes(bundle: Bundle, info: TensorInfo) -> int:
    """Bytes that there are of a tensor, some of whose parts may be missing."""
    return sum(part.nbytes for _, part in bundle.stored(info)) if info.slices else info.nbytes


class MeanWriter(Writer):
    """Writes tensors that are computed meanwhile: most in the core, many in one call."""

    def add_all(
        self,
        bundles: Sequence[Bundle],
        weights: Sequence[float],
        tensors: Sequence[TensorInfo],
        progress: Progress,
    ) -> None:
        """Write the means, and tell of the bytes that are done."""
        meter = Meter(progress, sum(stored_nbytes(bundles[-1], info) for info in tensors))
        for written in self._steps(bundles, weights, tensors):
            meter.add(written)
        meter.finish()

    def _steps(
        self,
        bundles: Sequence[Bundle],
        weights: Sequence[float],
        tensors: Iterable[TensorInfo],
    ) -> Iterator[int]:
        jobs: list[MeanJob] = []
        nbytes = 0
        for info in tensors:
            own = _jobs(bundles, info)
            jobs += own
            size = stored_nbytes(bundles[-1], info)
            nbytes += size if own else 0
            if jobs and (not own or nbytes >= _BATCH_BYTES):
                self._add_means(jobs, weights)
                yield nbytes
                jobs, nbytes = [], 0
            if not own:
                _write(bundles, weights, info, self)
                yield size
        self._add_means(jobs, weights)
        yield nbytes

    def _add_means(self, jobs: Sequence[MeanJob], weights: Sequence[float]) -> None:
        try:
            self._guarded(self._at_shard(None).add_means, jobs, weights)
        except TensorBundleError as error:
            raise explain(error) from None


def _jobs(bundles: Sequence[Bundle], info: TensorInfo) -> list[MeanJob]:
    """The core's work on a tensor, or on each of its slices; none where it is left to numpy."""
    number = info.data_type
    is_averaged = number in AVERAGED
    if is_averaged > (number in _IN_CORE) or number == dtypes.STRING or dtypes.is_exotic(number):
        return []
    if any(bundle.big_endian or not bundle.is_near for bundle in bundles):
        return []
    chosen = bundles if is_averaged else bundles[-1:]
    stored = [dict(bundle.stored(bundle.info(info.name))) for bundle in chosen]
    if any(parts.keys() != stored[-1].keys() for parts in stored):
        return []
    jobs: list[MeanJob] = []
    for place, part in stored[-1].items():
        ranges = [
            _range(bundle, parts[place]) for bundle, parts in zip(chosen, stored, strict=True)
        ]
        whole = (info.shape, place) if place else (None, None)
        jobs.append((part.name, number, part.shape, ranges, *whole))
    return jobs


def _range(bundle: Bundle, part: TensorInfo) -> tuple[_core.File, int, int]:
    return bundle.file_of(part), part.offset or 0, part.crc32c or 0


def _write(
    bundles: Sequence[Bundle], weights: Sequence[float], info: TensorInfo, writer: Writer
) -> None:
    dtype = info.array_dtype()
    is_averaged = info.data_type in AVERAGED
    chosen = bundles if is_averaged else bundles[-1:]
    if info.data_type == dtypes.STRING:
        writer.add(info.name, bundles[-1].load([info.name])[info.name])
    elif info.slices:
        for piece in info.slices:
            box = tuple(slice(*extent) for extent in box_of(piece, info.shape))
            arrays = [bundle.read_slice(info.name, box) for bundle in chosen]
            array = _mean(arrays, weights, dtype) if is_averaged else arrays[0]
            writer.add_slice(info.name, array, info.shape, piece, dtype=info.tf_dtype)
    else:
        streams = [bundle.chunks(info.name, nbytes=_CHUNK_BYTES) for bundle in chosen]
        pieces = _means(streams, weights, dtype, is_averaged)
        writer.add_chunks(info.name, info.tf_dtype, info.shape, pieces)


def _means(
    streams: Sequence[Iterator[memoryview]],
    weights: Sequence[float],
    dtype: np.dtype[Any],
    is_averaged: bool,
) -> Iterator[memoryview]:
    # To the end of each: a checksum is checked after the last piece.
    for pieces in zip(*streams, strict=True):
        if is_averaged:
            arrays = [np.frombuffer(piece, dtype) for piece in pieces]
            yield from raw_chunks(_mean(arrays, weights, dtype))
        else:
            yield pieces[0]


def _mean(
    arrays: Sequence[np.ndarray[Any, Any]], weights: Sequence[float], dtype: np.dtype[Any]
) -> np.ndarray[Any, Any]:
    """The core's mean of arrays in memory, the same as of files; of float8 in doubles first."""
    number = dtypes.number_of(dtype)
    if number in _IN_CORE:
        raws = [np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in arrays]
        into = np.empty_like(np.ascontiguousarray(arrays[0]))
        _core.mean_of(number, raws, weights, into)
        return into
    wide = np.dtype(np.float64)
    with np.errstate(all="ignore"):  # a NaN may be of a kind that numpy tells of
        terms = [np.ascontiguousarray(array, wide) for array in arrays]
        mean = np.empty_like(terms[0])
        raws = [each.reshape(-1).view(np.uint8) for each in terms]
        _core.mean_of(_DOUBLE, raws, weights, mean)
        return rounded(mean, dtype)
