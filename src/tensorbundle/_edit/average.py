"""Checkpoints averaged, some megabytes at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._checkpoint.bundle import Bundle
from .._checkpoint.opening import Source, places_of
from .._format.filenames import INDEX_SUFFIX
from .._look.outcomes import Outcome
from .._objects.graph import GRAPH_KEY
from .._parallel.runners import Workers
from .._progress import Progress
from .._source.address import Address
from .._write.commit import refuse_existing
from .._write.jobs.parts import target_of
from ..errors import ConversionError, UnsupportedError
from .rules import listed, refuse_in_saved_model
from .shared.averaging import average_by
from .shared.means import AVERAGED, MeanWriter, stored_nbytes
from .sources import GivenCheckpoints, as_bundles, find_sources

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo
    from .._locate.location import Location


@dataclass(frozen=True, slots=True, repr=False)
class Average(Outcome):
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


def average(
    src: Source | Sequence[Source],
    dst: str | os.PathLike[str] | bytes,
    *,
    last: int | None = None,
    weights: Sequence[float] | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    workers: Workers = None,
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
        workers: Who computes: a number of threads, a `concurrent.futures.Executor`, or a Dask
            client. Each writes parts of its own into ``dst_temp_…``, which are made one at the end;
            what ends early is gone on with by the same call. On one machine nothing is won by them.
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
    given = places_of(src)
    found = find_sources(given, last)
    target = target_of(dst)
    prefix = str(target)
    if len(found.locations) < 2:
        raise _too_few(found.locations, prefix)
    counts = _counts(weights, found, len(given))
    if not isinstance(target, Address):
        refuse_existing(target, overwrite=overwrite)
    with as_bundles(found, target, dry_run=dry_run) as bundles:
        tensors = _common(bundles, found.locations)
        files: tuple[str, ...] = ()
        refuse_in_saved_model(prefix, {i.name: (i.data_type, i.shape) for i in tensors})
        if not dry_run and workers is not None:
            files = average_by(
                bundles, counts, tensors, target, workers, overwrite=overwrite, progress=progress
            )
        elif not dry_run:
            with MeanWriter(target, overwrite=overwrite) as writer:
                writer.add_all(bundles, counts, tensors, progress)
            files = writer.files
        return Average(
            averaged=tuple(info.name for info in tensors if info.data_type in AVERAGED),
            taken=tuple(info.name for info in tensors if info.data_type not in AVERAGED),
            nbytes=sum(stored_nbytes(bundles[-1], info) for info in tensors),
            files=files,
            sources=tuple(location.prefix for location in found.locations),
            repeated=found.repeated,
        )


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
