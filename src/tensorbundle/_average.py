"""Checkpoints averaged, a few megabytes at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from . import _dtypes
from ._bundle import Bundle
from ._bundle_files import raw_chunks, refuse_existing
from ._edit_rules import listed
from ._objects import GRAPH_KEY
from ._open import open
from ._shards import INDEX_SUFFIX, shard_path
from ._slices import box_of
from ._writer import Writer
from .errors import ConversionError, UnsupportedError

if TYPE_CHECKING:
    from ._tensor_info import TensorInfo

_CHUNK_BYTES: Final = 256 << 10  # small enough for the cache to hold the sum
_AVERAGED: Final = frozenset({1, 2, 8, 14, 18, 19, *range(24, 29)})


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
    sources: Sequence[str | os.PathLike[str]],
    dst: str | os.PathLike[str],
    *,
    weights: Sequence[float] | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> Average:
    """Average the floating-point tensors of several checkpoints.

    Sums are kept in double precision and rounded once, to the tensors' own dtype. Everything else,
    the step too, is as in the last checkpoint. Memory stays at a few megabytes a checkpoint, or one
    slice of a partitioned tensor.

    Args:
        sources: Checkpoints of one model, the newest last.
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
    opened = [open(os.fspath(path), mode="read", verify="never") for path in sources]
    bundles = [each for each in opened if isinstance(each, Bundle)]
    if len(bundles) < 2 or len(bundles) < len(opened):
        raise ConversionError("expected at least two checkpoints, all of the V2 format")
    shares = _shares(weights, len(bundles))
    infos = _common(bundles)
    infos.sort(key=lambda info: (info.shard or 0, info.offset or 0))
    averaged = [i.name for i in infos if i.data_type in _AVERAGED]
    taken = [i.name for i in infos if i.data_type not in _AVERAGED]
    total = sum(info.nbytes for info in infos)
    prefix = os.fspath(dst)
    refuse_existing(prefix, overwrite=overwrite)
    if dry_run:
        return Average(tuple(averaged), tuple(taken), total, ())
    done = 0
    with Writer(prefix) as writer:
        for info in infos:
            _write(bundles, shares, info, writer)
            done += info.nbytes
            if progress is not None:
                progress(done, total)
    files = (shard_path(prefix, 0, 1), prefix + INDEX_SUFFIX)
    return Average(tuple(averaged), tuple(taken), total, files)


def _shares(weights: Sequence[float] | None, count: int) -> list[float]:
    given = [1.0] * count if weights is None else [float(weight) for weight in weights]
    if len(given) != count or not all(np.isfinite(given)) or not sum(given):
        raise ValueError(f"{count} checkpoints need {count} weights with a sum: found {given}")
    return [weight / sum(given) for weight in given]


def _common(bundles: Sequence[Bundle]) -> list[TensorInfo]:
    """The tensors of the last, having checked that all have the same."""
    last = {info.name: info for info in bundles[-1].infos()}
    wrong: list[str] = []
    for bundle in bundles[:-1]:
        others = {info.name: info for info in bundle.infos()}
        prefix = os.path.basename(bundle.location.prefix)
        wrong += [f"{name} is not in {prefix}" for name in last if name not in others]
        wrong += [f"{name} is only in {prefix}" for name in others if name not in last]
        wrong += [
            f"{name} is {_shown(others[name])} in {prefix}, {_shown(info)} in the last"
            for name, info in last.items()
            if name in others
            and name != GRAPH_KEY
            and (others[name].data_type, others[name].shape) != (info.data_type, info.shape)
        ]
    if wrong:
        raise ConversionError(f"checkpoints of different tensors: {listed(wrong)}")
    return list(last.values())


def _shown(info: TensorInfo) -> str:
    return f"{info.tf_dtype}{list(info.shape)}"


def _write(
    bundles: Sequence[Bundle], shares: Sequence[float], info: TensorInfo, writer: Writer
) -> None:
    dtype = info.dtype
    if dtype is None:
        raise UnsupportedError(f"tensors of type {info.tf_dtype} cannot be averaged", key=info.name)
    is_averaged = info.data_type in _AVERAGED
    chosen = bundles if is_averaged else bundles[-1:]
    if info.data_type == _dtypes.STRING:
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
        return total.astype(dtype)
