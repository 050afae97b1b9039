"""Several bundles made one, as TensorFlow's ``MergeV2Checkpoints`` does (format.md §7).

The inputs stay: their shards are shared, not moved. What a sharded save left in ``P_temp`` when it
was interrupted is merged likewise, even when some of its shards were moved already.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .. import _core
from .._checkpoint.opening import Source, path_of
from .._format import boxes as _slices
from .._format.filenames import INDEX_SUFFIX, shard_path
from .._format.names import as_bytes, as_text
from .._locate.checkpoints import locate
from .._locate.location import file_mode, is_regular_file
from .._write.shards import BundleFiles
from ..errors import ConversionError, FormatError, MissingFileError, TensorBundleError
from .rules import listed, refuse_in_saved_model

if TYPE_CHECKING:
    from .._core import Entry

_PART: Final = re.compile(r"part-(\d{5,})-of-(\d{5,})\.index")
_TEMPORARY: Final = re.compile(r"(.+)_temp(?:_[0-9a-fA-F-]+)?")


@dataclass(frozen=True, slots=True)
class Merge:
    """What `merge` did, or would do.

    Attributes:
        prefixes: The bundles that were merged, in order.
        tensors: How many tensors the result has.
        shards: The shards of the inputs, in the order of their numbers in the result.
        files: The files of the result, the index last; none of a dry run.
    """

    prefixes: tuple[str, ...]
    tensors: int
    shards: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(slots=True)
class _Input:
    prefix: str
    index: _core.Index
    entries: list[tuple[bytes, Entry]]


def merge(
    src: Iterable[Source],
    dst: str | os.PathLike[str] | bytes,
    *,
    partial: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
) -> Merge:
    """Merge checkpoints into one; the inputs are kept.

    No tensor is copied: shards are shared with the inputs by reflinks or hard links, or copied
    whole to another file system. Slices of one partitioned tensor may come from several inputs.

    Args:
        src: Checkpoints, opened or in any spelling, or directories of parts that a sharded save
            left (``P_temp`` with ``part-00000-of-00002.index`` …). Parts may be gathered from
            several directories; together they must be complete.
        dst: The prefix of the result.
        partial: Whether parts may be missing, and slices leave gaps.
        overwrite: Whether a checkpoint at ``dst`` is replaced.
        dry_run: Only say what would be done.

    Returns:
        What was done.

    Raises:
        ConversionError: Tensors of one name, or slices that leave a gap; all are listed.
        MissingFileError: A part or a shard is not there; all are listed.
        FileExistsError: There is a checkpoint at ``dst``.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> parts = ["tests/golden/data/demo/model.ckpt-2000", "tests/golden/data/strings"]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = tb.merge(parts, f"{folder}/all")
        >>> len(done.shards)
        2
    """
    target = os.fsdecode(dst)
    inputs = [_read(found) for found in _gather(map(path_of, src), partial=partial)]
    if len({one.index.big_endian for one in inputs}) > 1:
        raise ConversionError("inputs of both byte orders cannot be merged")
    numbers, entries = _combine(inputs)
    _check_slices(entries, partial=partial)
    shards = _find_shards(inputs, numbers)
    named = {as_text(key): each[:2] for key, each in entries.items()}
    refuse_in_saved_model(target, named)
    tensors = sum(1 for key in entries if not _is_slice(key, entries))
    files: tuple[str, ...] = ()
    if not dry_run:
        with BundleFiles(target, overwrite=overwrite) as out:
            for path in shards:
                out.link(path)
            files = out.commit(list(entries.items()), big_endian=inputs[0].index.big_endian)
    return Merge(tuple(one.prefix for one in inputs), tensors, tuple(shards), files)


# --- inputs ---------------------------------------------------------------------------------------


def _gather(paths: Iterable[str], *, partial: bool) -> list[str]:
    """The prefixes that are meant: given ones in their order, then parts by their number."""
    plain: list[str] = []
    parts: dict[tuple[int, int], str] = {}
    for path in paths:
        found = _parts_in(path)
        for number, name in found.items():
            if number in parts:
                raise ConversionError(f"two parts of one number: {parts[number]!r} and {name!r}")
            parts[number] = name
        if not found:
            location = locate(path)
            if location.kind != "v2":
                raise ConversionError(f"only V2 checkpoints can be merged: {path!r} is V1")
            plain.append(location.prefix)
    totals = {total for _, total in parts}
    if len(totals) > 1:
        raise ConversionError(f"parts of several saves: of {', '.join(map(str, sorted(totals)))}")
    for total in totals:
        numbers = {number for number, _ in parts}
        missing = [f"part-{n:05d}-of-{total:05d}" for n in range(total) if n not in numbers]
        if missing and not partial:
            raise MissingFileError(
                f"{len(missing)} of {total} parts are missing: {listed(missing)}"
            )
    prefixes = plain + [parts[number] for number in sorted(parts)]
    if not prefixes:
        raise MissingFileError("nothing to merge: no checkpoints were given")
    twice = [each for each in prefixes if prefixes.count(each) > 1]
    if twice:
        raise ConversionError(f"given twice: {listed(sorted(set(twice)))}")
    return prefixes


def _parts_in(directory: str) -> dict[tuple[int, int], str]:
    if not os.path.isdir(directory):
        return {}
    return {
        (int(found[1]), int(found[2])): os.path.join(directory, name[: -len(INDEX_SUFFIX)])
        for name in sorted(os.listdir(directory))
        if (found := _PART.fullmatch(name))
    }


def _read(prefix: str) -> _Input:
    path = prefix + INDEX_SUFFIX
    try:
        index = _core.Index(_core.File(path))
        listing = index.entries()
        entries = []
        for name, entry in zip(listing.names(), listing.tuples(), strict=True):
            key = as_bytes(name)
            entries.append((key, entry))
            for piece in entry[6]:
                part_key = _core.slice_key(key, piece)
                part = listing.find(part_key)
                if part is None:
                    raise FormatError("the index lacks a slice that the tensor lists", key=name)
                entries.append((part_key, part))
    except TensorBundleError as error:
        raise error.add_context(path=path) from None
    return _Input(prefix, index, sorted(entries))


# --- the result -----------------------------------------------------------------------------------


def _combine(
    inputs: Sequence[_Input],
) -> tuple[dict[tuple[int, int], int], dict[bytes, Entry]]:
    """Numbers of the shards, in the order in which keys name them; and all entries."""
    numbers: dict[tuple[int, int], int] = {}
    merged: dict[bytes, Entry] = {}
    clashes: list[str] = []
    for position, one in enumerate(inputs):
        for key, entry in one.entries:
            number = numbers.setdefault((position, entry[3]), len(numbers))
            earlier = merged.get(key)
            if earlier is None:
                merged[key] = (*entry[:3], number, *entry[4:])
            elif earlier[6] and entry[6] and earlier[:2] == entry[:2]:
                merged[key] = (*earlier[:6], earlier[6] + entry[6])
            else:
                clashes.append(as_text(key))
    if clashes:
        raise ConversionError(f"{len(clashes)} tensors are in several inputs: {listed(clashes)}")
    return numbers, merged


def _is_slice(key: bytes, entries: dict[bytes, Entry]) -> bool:
    # Slice keys begin with a zero byte, as a name may; `_read` took only those that are listed.
    return key.startswith(b"\0") and not entries[key][6]


def _check_slices(entries: dict[bytes, Entry], *, partial: bool) -> None:
    gaps = []
    for key, (_, shape, *_, slices) in entries.items():
        if not slices:
            continue
        name = as_text(key)
        boxes = [_slices.box_of(piece, shape) for piece in slices]
        if clash := _slices.first_overlap(boxes):
            one, other = (_slices.describe(boxes[i]) for i in clash)
            raise ConversionError(f"slices overlap: {one} and {other}", key=name)
        whole = _slices.volume(tuple((0, dim) for dim in shape))
        if sum(map(_slices.volume, boxes)) < whole:
            gaps.append(name)
    if gaps and not partial:
        raise ConversionError(f"slices leave gaps in {len(gaps)} tensors: {listed(gaps)}")


def _find_shards(inputs: Sequence[_Input], numbers: dict[tuple[int, int], int]) -> list[str]:
    """The files of the shards, by number; a merge that did not finish moved some of them."""
    found, missing = [], []
    for (position, shard), number in numbers.items():
        one = inputs[position]
        path = shard_path(one.prefix, shard, one.index.num_shards)
        temporary = _TEMPORARY.fullmatch(os.path.dirname(one.prefix))
        if not is_regular_file(path) and temporary:
            moved = shard_path(temporary[1], number, len(numbers))
            path = moved if file_mode(moved) else path
        if not is_regular_file(path):
            missing.append(path)
        found.append(path)
    if missing:
        raise MissingFileError(f"{len(missing)} data shards are missing: {listed(missing)}")
    return found
