"""Checkpoints averaged, some megabytes at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .. import _core
from .._checkpoint.bundle import Bundle
from .._checkpoint.opening import Source, opened, paths_of
from .._checkpoint.shards import explain
from .._far.verbs import takes_addresses
from .._format import dtypes
from .._format.boxes import box_of
from .._format.filenames import INDEX_SUFFIX, as_path, shard_path
from .._objects.graph import GRAPH_KEY
from .._progress import Meter, Progress
from .._write.casting import rounded
from .._write.commit import refuse_existing
from .._write.shards import raw_chunks
from .._write.writer import Writer
from ..errors import ConversionError, TensorBundleError, UnsupportedError
from .rules import listed, refuse_in_saved_model
from .sources import GivenCheckpoints, as_bundles, find_sources

if TYPE_CHECKING:
    from .._core import MeanJob
    from .._format.tensor_info import TensorInfo
    from .._locate.location import Location

_BATCH_BYTES: Final = 256 << 20  # of one call of the core, between two calls of `progress`
_CHUNK_BYTES: Final = 256 << 10  # small enough for the cache to hold the sum
# DataTypes: those that the core averages, and float8, which numpy does.
_IN_CORE: Final = frozenset({1, 2, 8, 14, 18, 19})
_AVERAGED: Final = _IN_CORE | frozenset(range(24, 29))


@dataclass(frozen=True, slots=True)
class Average:
    """Result of `average`: what it did, or would do.

    Attributes:
        averaged: Keys of the tensors that were averaged.
        taken: Keys of those that are the last checkpoint's: steps, strings, whatever is no float.
        nbytes: Bytes of the result.
        files: The files of the result, the index last; none of a dry run.
        sources: The prefixes of the checkpoints, each once; the last is the one to take from.
        repeated: Paths that led to one of them again, and were not counted.
    """

    averaged: tuple[str, ...]
    taken: tuple[str, ...]
    nbytes: int
    files: tuple[str, ...]
    sources: tuple[str, ...]
    repeated: tuple[str, ...]


@takes_addresses(sources=("src",), targets=("dst",))
def average(
    src: Source | Sequence[Source],
    dst: str | os.PathLike[str] | bytes,
    *,
    last: int | None = None,
    weights: Sequence[float] | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    progress: Progress = None,
) -> Average:
    """Average the floating-point tensors of several checkpoints.

    Sums are kept in double precision, those of doubles in twice that, and rounded once, to the
    tensors' own dtype. Everything else, the step too, is as in the last checkpoint. Memory stays at
    some megabytes, but for tensors that the checkpoints partition differently: one slice of each is
    held.

    Args:
        src: Checkpoints of one model, or their paths, the newest last; or where all are steps of
            one run, ``model.ckpt-1000`` …, in any order. One counts once, however often and in
            whatever spelling it is given. Those of the V1 format are converted on the way.
        dst: The prefix of the result.
        last: Take the checkpoints of the highest steps only, so many. ``src`` may then be a
            directory, or have some among them, for all that lie in them.
        weights: What each counts, of those that are given or, oldest first, those of a directory;
            the same by default. They are divided by their sum.
        overwrite: Whether a checkpoint at ``dst`` is replaced.
        dry_run: Only say what would be done.
        progress: As of `Checkpoint.verify`.

    Returns:
        What was done.

    Raises:
        ConversionError: They do not have the same tensors; all differences are listed. There are
            fewer than two, or than ``last``.
        ChecksumError: A tensor is damaged; nothing is written.
        UnsupportedError: There are variants: `rewrite` can drop them.
        FileExistsError: There is a checkpoint at ``dst``.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> source = tb.demo()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = tb.rewrite(source, f"{folder}/copy")
        ...     done = tb.average([source, f"{folder}/copy"], f"{folder}/average")
        ...     same = tb.diff(source, f"{folder}/average").same
        >>> same
        True
    """
    given = paths_of(src)
    found = find_sources(given, last)
    prefix = as_path(dst)
    if len(found.locations) < 2:
        raise _too_few(found.locations, prefix)
    counts = _counts(weights, found, len(given))
    refuse_existing(prefix, overwrite=overwrite)
    with as_bundles(found.locations, prefix, dry_run=dry_run) as prefixes:
        bundles = [_opened(each + INDEX_SUFFIX) for each in prefixes]
        tensors = _common(bundles, found.locations)
        files: tuple[str, ...] = ()
        refuse_in_saved_model(prefix, {i.name: (i.data_type, i.shape) for i in tensors})
        if not dry_run:
            with _MeanWriter(prefix, overwrite=overwrite) as writer:
                writer.add_all(bundles, counts, tensors, progress)
            files = (shard_path(prefix, 0, 1), prefix + INDEX_SUFFIX)
        return Average(
            averaged=tuple(info.name for info in tensors if info.data_type in _AVERAGED),
            taken=tuple(info.name for info in tensors if info.data_type not in _AVERAGED),
            nbytes=sum(_stored_nbytes(bundles[-1], info) for info in tensors),
            files=files,
            sources=tuple(location.prefix for location in found.locations),
            repeated=found.repeated,
        )


def _opened(path: str) -> Bundle:
    bundle = opened(path, mode="read", verify="never")
    assert isinstance(bundle, Bundle)  # `as_bundles` gives no others
    return bundle


def _too_few(locations: Sequence[Location], dst: str) -> ConversionError:
    """What is told where fewer than two checkpoints are given."""
    one = "".join(repr(location.prefix) for location in locations)
    what = f"expected at least two checkpoints: found one, {one}" if one else "no checkpoints"
    if os.path.lexists(dst + INDEX_SUFFIX) or os.path.lexists(dst):
        return ConversionError(f"{what}; {dst!r}, given last, is where the result would be written")
    return ConversionError(f"{what}; of a directory --last N (last=) says how many")


def _counts(weights: Sequence[float] | None, found: GivenCheckpoints, given: int) -> list[float]:
    """What each counts, for any sum."""
    if weights is None:
        return [1.0] * len(found.locations)
    if isinstance(weights, (str, bytes)):
        raise TypeError(f"weights are numbers, one a checkpoint, not {weights!r}")
    of_directory = given == 1 and len(weights) == len(found.locations)
    if not of_directory and not len(weights) == given == len(found.locations):
        again = f", {listed(found.repeated)} given again" if found.repeated else ""
        raise ConversionError(
            f"{len(found.locations)} checkpoints need a weight each: found {len(weights)}{again}"
        )
    positions = range(len(weights)) if of_directory else found.positions
    counts = [float(weights[position]) for position in positions]
    largest = max(map(abs, counts))
    if not all(map(math.isfinite, counts)) or not math.fsum(
        each / largest for each in counts if largest
    ):
        raise ConversionError(
            f"weights are divided by their sum, which is a number other than 0: found {counts}"
        )
    return counts


def _common(bundles: Sequence[Bundle], locations: Sequence[Location]) -> list[TensorInfo]:
    """Each tensor of the last, as they are stored, having checked that all have the same."""
    tensors = {info.name: info for info in bundles[-1].iter_infos()}
    wrong: list[str] = []
    for bundle, location in list(zip(bundles, locations, strict=True))[-2::-1]:
        lacking = dict.fromkeys(tensors)
        prefix = os.path.basename(location.prefix)
        only: list[str] = []
        unlike: list[str] = []
        for info in bundle.iter_infos():
            last = tensors.get(info.name)
            lacking.pop(info.name, None)
            if last is None:
                only.append(f"{info.name} is only in {prefix}")
            elif info.name != GRAPH_KEY and _form(info) != _form(last):
                unlike.append(
                    f"{info.name} is {_shown(info)} in {prefix}, {_shown(last)} in the last"
                )
        wrong += [*(f"{name} is not in {prefix}" for name in lacking), *only, *unlike]
    if wrong:
        raise ConversionError(f"checkpoints of different tensors: {listed(wrong)}")
    for info in tensors.values():
        if info.dtype is None:
            raise UnsupportedError(
                f"cannot write {info.tf_dtype} tensors anew: drop them from the checkpoints first",
                key=info.name,
            )
    return sorted(tensors.values(), key=lambda info: (info.shard or 0, info.offset or 0))


def _form(info: TensorInfo) -> tuple[int, tuple[int, ...]]:
    return info.data_type, info.shape


def _shown(info: TensorInfo) -> str:
    return f"{info.tf_dtype}{list(info.shape)}"


def _stored_nbytes(bundle: Bundle, info: TensorInfo) -> int:
    """Bytes that there are of a tensor, some of whose parts may be missing."""
    return sum(part.nbytes for _, part in bundle.stored(info)) if info.slices else info.nbytes


class _MeanWriter(Writer):
    """Writes tensors that are computed meanwhile: most in the core, many in one call."""

    def add_all(
        self,
        bundles: Sequence[Bundle],
        weights: Sequence[float],
        tensors: Sequence[TensorInfo],
        progress: Progress,
    ) -> None:
        """Write the means, and tell of the bytes that are done."""
        meter = Meter(progress, sum(_stored_nbytes(bundles[-1], info) for info in tensors))
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
            size = _stored_nbytes(bundles[-1], info)
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
    is_averaged = number in _AVERAGED
    if is_averaged > (number in _IN_CORE) or number == dtypes.STRING or dtypes.is_exotic(number):
        return []
    if any(bundle.big_endian for bundle in bundles):
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
    is_averaged = info.data_type in _AVERAGED
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
    """The core's mean of arrays in memory: in doubles, rounded once."""
    wide = np.dtype(np.complex128 if dtype.kind == "c" else np.float64)
    number = dtypes.number_of(wide)
    assert number is not None
    with np.errstate(all="ignore"):  # a NaN may be of a kind that numpy tells of
        terms = [np.ascontiguousarray(array, wide) for array in arrays]
        mean = np.empty_like(terms[0])
        _core.mean_of(number, [each.reshape(-1).view(np.uint8) for each in terms], weights, mean)
        return mean.astype(dtype) if dtype.kind == "c" else rounded(mean, dtype)
