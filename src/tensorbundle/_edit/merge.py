"""Several bundles made one, as TensorFlow's ``MergeV2Checkpoints`` does (format.md §7).

The inputs stay: their shards are shared, not moved. What a sharded save left in ``P_temp`` when it
was interrupted is merged likewise, even when some of its shards were moved already.
"""

from __future__ import annotations

import functools
import math
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .. import _core
from .._checkpoint.opening import Source, places_of
from .._format import boxes as _slices
from .._format import dtypes
from .._format.filenames import INDEX_SUFFIX
from .._format.names import as_bytes, as_text
from .._format.wording import Worded
from .._locate.location import Location, is_regular_file
from .._look.amounts import format_subject
from .._look.outcomes import Outcome
from .._objects.graph import GRAPH_KEY, ObjectGraph
from .._objects.join import join
from .._parallel.runners import Workers
from .._progress import Meter, Progress
from .._write.jobs.parts import JobTarget, target_of
from .._write.names import warn_of_patterns
from .._write.shards import BundleFiles
from ..errors import (
    ConversionError,
    LeftOutWarning,
)
from .inputs import MergeInput, find_shards, has_same_bytes, read_input
from .rules import listed, refuse_in_saved_model
from .sources import as_bundles, gather

if TYPE_CHECKING:
    from .._core import Entry


@dataclass(frozen=True, slots=True, repr=False)
class Merge(Outcome):
    """Result of `merge`: what it did, or would do.

    Attributes:
        prefixes: The bundles that were merged, in order.
        tensors: How many tensors the result has.
        shards: The shards of the inputs, in the order of their numbers in the result.
        files: The files of the result, the index last; none of a dry run.
        equal: Names of tensors that several inputs have, with the same values.
        joined: Whether object graphs were joined.
        incomplete: Names of tensors that were left out: no input has the slices that they lack.
    """

    prefixes: tuple[str, ...]
    tensors: int
    shards: tuple[str, ...]
    files: tuple[str, ...]
    equal: tuple[str, ...]
    joined: bool
    incomplete: tuple[str, ...] = ()


def merge(
    src: Source | Iterable[Source],
    dst: str | os.PathLike[str] | bytes,
    *,
    partial: bool = False,
    prefer: Literal["first", "last"] | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    workers: Workers = None,
    progress: Progress = None,
) -> Merge:
    """Merge checkpoints into one; the inputs are kept.

    No tensor is copied: shards are shared with the inputs by reflinks or hard links, or copied
    whole to another file system. Slices of one partitioned tensor may come from several inputs. A
    tensor that several inputs have with the same values, such as the step, is taken once. The
    object graphs of several `tf.train.Checkpoint` are joined: objects at one path become one.

    Args:
        src: Checkpoints, opened or in any spelling, or directories of parts that a sharded save
            left (``P_temp``, with ``part-00000-of-00002.index`` …), together complete. Those of
            the V1 format are converted on the way.
        dst: The prefix of the result.
        partial: Whether parts may be missing, and tensors that lack slices are kept as they are;
            otherwise these are left out, with a `LeftOutWarning`.
        prefer: Of tensors that several inputs have with different values, which to take.
        overwrite: Whether a checkpoint at ``dst`` is replaced.
        dry_run: Only say what would be done.
        workers: Who copies shards that lie far away to another place there: see `average`. Nothing
            else is left to do for them.
        progress: As of `Checkpoint.verify`, of the bytes of shards.

    Returns:
        What was done.

    Raises:
        ConversionError: Tensors of one name and different values; all are listed. Object graphs
            do not go together, or no tensor is complete.
        MissingFileError: A part or a shard is not there; all are listed.
        FileExistsError: There is a checkpoint at ``dst``.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     parts = [tb.demo(), tb.save(f"{folder}/more", {"w": 1.0})]
        ...     done = tb.merge(parts, f"{folder}/all")
        >>> len(done.shards)
        2
    """
    target = target_of(dst)
    found = gather(places_of(src), partial=partial)
    _refuse_forgotten_target(found.locations, str(target), overwrite=overwrite)
    with as_bundles(found, target, dry_run=dry_run) as bundles:
        inputs = [
            read_input(location.prefix, bundle)
            for location, bundle in zip(found.locations, bundles, strict=True)
        ]
        if len({one.bundle.big_endian for one in inputs}) > 1:
            raise ConversionError("inputs of both byte orders cannot be merged")
        return _merged(inputs, target, partial, prefer, overwrite, dry_run, workers, progress)


def _merged(
    inputs: Sequence[MergeInput],
    target: JobTarget,
    partial: bool,
    prefer: Literal["first", "last"] | None,
    overwrite: bool,
    dry_run: bool,
    workers: Workers,
    progress: Progress,
) -> Merge:
    graph = _joined(inputs)
    used, equal = _chosen(inputs, prefer, graph is not None)
    numbers, entries = _combine(inputs, used)
    gaps = _gaps(entries)
    if incomplete := () if partial else gaps:
        _leave_out(inputs, incomplete)
        numbers, entries = _combine(inputs, used)
    shards = find_shards(inputs, numbers)
    named = {as_text(key): each[:2] for key, each in entries.items()}
    if graph is not None:
        named[GRAPH_KEY] = (dtypes.STRING, ())
    refuse_in_saved_model(str(target), named)
    tensors = sum(not _is_slice(as_bytes(key), entries) for key in named)
    warn_of_patterns(str(target))
    files: tuple[str, ...] = ()
    if not dry_run:
        meter = Meter(progress, sum(shard.nbytes for shard in shards))
        with BundleFiles(target, overwrite=overwrite) as out:
            for shard in shards:
                if out.link(shard.place):
                    meter.add(shard.nbytes)
            out.writer.add_entries(entries.items())
            if graph is not None:
                out.writer.add_strings(GRAPH_KEY, (), [graph.encode()])
            files = out.commit(
                big_endian=inputs[0].bundle.big_endian, workers=workers, tick=meter.add
            )
        meter.finish()
    told = (equal, graph is not None, tuple(map(as_text, incomplete)))
    known = tuple(
        shard.path if one.prefix == one.given else one.given
        for shard, one in zip(shards, (inputs[position] for position, _ in numbers), strict=True)
    )
    return Merge(tuple(one.given for one in inputs), tensors, known, files, *told)


def _refuse_forgotten_target(
    locations: Sequence[Location], target: str, *, overwrite: bool
) -> None:
    """Raise ConversionError where one checkpoint is given, and another as the target."""
    one = locations[0] if len(locations) == 1 and not overwrite else None
    if one and (one.index or one.files) and is_regular_file(target + INDEX_SUFFIX):
        raise ConversionError(
            f"expected at least two checkpoints: found one, {one.prefix!r}; {target!r}, "
            "given last, is where the result would be written"
        )


def _joined(inputs: Sequence[MergeInput]) -> ObjectGraph | None:
    """The objects of all inputs, where more than one of them has some that the others have not."""
    graphs: list[ObjectGraph] = []
    for one in inputs:
        if GRAPH_KEY.encode() in one.tensors:
            graph = one.bundle.objects
            if graph is not None and graph not in graphs:
                graphs.append(graph)
    return functools.reduce(join, graphs) if len(graphs) > 1 else None


def _chosen(
    inputs: Sequence[MergeInput], prefer: Literal["first", "last"] | None, joined: bool
) -> tuple[list[set[bytes]], tuple[str, ...]]:
    """The keys that each input gives, of tensors and of their parts; and what several had alike."""
    used: list[set[bytes]] = [set() for _ in inputs]
    owners: dict[bytes, list[int]] = {}
    equal: list[str] = []
    clashes: list[str] = []
    for position, one in enumerate(inputs):
        for key, entry in one.tensors.items():
            if joined and key == GRAPH_KEY.encode():
                continue
            parts = one.parts.get(key, {})
            earlier = owners.setdefault(key, [])
            same = _same(inputs, earlier, position, key)
            if same is None and prefer is None:
                clashes += _described(inputs, earlier, position, key)
            elif same is None and prefer == "last":
                for other in earlier:
                    used[other] -= {key, *inputs[other].parts.get(key, {})}
                earlier.clear()
                same = set()
            if same is None or same >= ({*parts} or {key}):
                equal += [as_text(key)] if same else []
                continue
            used[position] |= {key, *parts} - same if entry[6] else {key}
            earlier.append(position)
    if clashes := list(dict.fromkeys(clashes)):
        what = format_subject(len(clashes), "tensor", "is")
        raise ConversionError(
            f"{what} in several inputs with different values: {listed(clashes)}; "
            "--prefer (prefer=) takes those of the first or the last"
        )
    return used, tuple(dict.fromkeys(equal))


def _same(
    inputs: Sequence[MergeInput], earlier: Sequence[int], position: int, key: bytes
) -> set[bytes] | None:
    """The keys of ranges that earlier inputs have with the same values; None if some differ."""
    one = inputs[position]
    entry, parts = one.tensors[key], one.parts.get(key, {})
    same: set[bytes] = set()
    for other in (inputs[each] for each in earlier):
        before = other.tensors[key]
        if before[:2] != entry[:2] or bool(before[6]) != bool(entry[6]):
            return None
        mine, theirs = parts or {key: entry}, other.parts.get(key) or {key: before}
        for each in mine.keys() & theirs.keys():
            if not has_same_bytes(one, mine[each], other, theirs[each]):
                return None
            same.add(each)
    return same


def _described(
    inputs: Sequence[MergeInput], earlier: Sequence[int], position: int, key: bytes
) -> list[str]:
    """A tensor that clashes; of a partitioned one also which of its parts do."""
    one = inputs[position]
    pieces = {_core.slice_key(key, piece): piece for piece in one.tensors[key][6]}
    shape = one.tensors[key][1]
    common = [
        _slices.describe(_slices.box_of(piece, shape))
        for part_key, piece in pieces.items()
        if any(part_key in inputs[other].parts.get(key, {}) for other in earlier)
    ]
    return [" ".join((as_text(key), *common[:1])) + (", ..." if len(common) > 1 else "")]


def _combine(
    inputs: Sequence[MergeInput], used: Sequence[set[bytes]]
) -> tuple[dict[tuple[int, int], int], dict[bytes, Entry]]:
    """Numbers of the shards, in the order in which keys name them; and all entries."""
    numbers: dict[tuple[int, int], int] = {}
    merged: dict[bytes, Entry] = {}
    for position, one in enumerate(inputs):
        entries = {**one.tensors}
        for key, parts in one.parts.items():
            kept = tuple(p for p in entries[key][6] if _core.slice_key(key, p) in used[position])
            entries[key] = (*entries[key][:6], kept)
            entries |= parts
        for key, entry in sorted(entries.items()):
            if key not in used[position]:
                continue
            number = numbers.setdefault((position, entry[3]), len(numbers))
            earlier = merged.get(key)
            if earlier is None:
                merged[key] = (*entry[:3], number, *entry[4:])
            else:  # parts of one tensor
                merged[key] = (*earlier[:6], earlier[6] + entry[6])
    return numbers, merged


def _is_slice(key: bytes, entries: dict[bytes, Entry]) -> bool:
    # Slice keys begin with a zero byte, as a name may; `_read` took only those that are listed.
    return key.startswith(b"\0") and not entries[key][6]


def _gaps(entries: Mapping[bytes, Entry]) -> tuple[bytes, ...]:
    """Keys of tensors whose slices leave gaps; ConversionError if those of one overlap."""
    gaps = []
    for key, (_, shape, *_, slices) in entries.items():
        boxes = [_slices.box_of(piece, shape) for piece in slices]
        if clash := _slices.first_overlap(boxes):
            one, other = (_slices.describe(boxes[i]) for i in clash)
            raise ConversionError(f"slices overlap: {one} and {other}", key=as_text(key))
        if slices and sum(map(_slices.volume, boxes)) < math.prod(shape):
            gaps.append(key)
    return tuple(gaps)


def _leave_out(inputs: Sequence[MergeInput], incomplete: Iterable[bytes]) -> None:
    """Drop tensors and warn of it; ConversionError if there is nothing else."""
    for one in inputs:
        for key in one.tensors.keys() & set(incomplete):
            del one.tensors[key], one.parts[key]
    what = f"slices leave gaps in these tensors: {listed(map(as_text, incomplete))}"
    message = Worded.of(f"{what}; partial=True keeps them", f"{what}; --partial keeps them")
    if not any(one.tensors for one in inputs):
        raise ConversionError(message)
    warnings.warn(Worded("left out: ", message), LeftOutWarning, stacklevel=3)
