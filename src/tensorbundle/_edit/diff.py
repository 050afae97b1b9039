"""Two checkpoints compared: names, dtypes, shapes, values; renames are found by content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .._checkpoint.bundle import Bundle
from .._checkpoint.opening import Source, opened
from .._core import crc32c
from .._format import dtypes
from .._format.filenames import shard_path
from .._look.outcomes import Outcome
from .._parallel.runners import Workers
from .._progress import Meter, Progress
from ..errors import FormatError, MissingFileError
from .distance import Tolerance
from .shared.comparing import Compared, Manner
from .shared.comparison import TensorDifference, is_swapped

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._format.tensor_info import TensorInfo

_CHUNK_BYTES: Final = 256 << 10  # small enough for the cache to hold what is made of it


@dataclass(frozen=True, slots=True, repr=False)
class Diff(Outcome):
    """Result of `diff`: what it found.

    Attributes:
        only_a: Names that only the first has.
        only_b: Names that only the second has.
        renamed: New names by old ones: the same dtype, shape and bytes under another name.
        changed: Tensors that differ.
        equal: How many are the same.
        by_checksum: How many of these are so by their stored checksums: their data was not read.
        incomplete: Tensors that lack some of their parts, in either: these cannot be compared.
        frozen: Whether one of the two, but not the other, is a frozen graph. What only one has is
            then no difference: a graph has constants of its own, and a checkpoint holds what
            training needs and the graph's outputs do not.
    """

    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    renamed: Mapping[str, str]
    changed: tuple[TensorDifference, ...]
    equal: int
    by_checksum: int = 0
    incomplete: tuple[str, ...] = ()
    frozen: bool = False

    def __bool__(self) -> bool:
        """Tell whether there is a difference, as the exit code of ``diff`` does: ``not same``."""
        return not self.same

    @property
    def same(self) -> bool:
        """True when there is no difference at all.

        Of a frozen graph and a checkpoint: whether the graph may have been made from it, because
        they have tensors in common, and all of these are equal.
        """
        if self.incomplete:
            return False
        if self.frozen:
            return not self.changed and bool(self.equal or self.renamed)
        return not (self.only_a or self.only_b or self.renamed or self.changed)

    def __str__(self) -> str:
        from .._look.differences import text

        return text(self)

    def _repr_html_(self) -> str:
        from .._look.differences import markup

        return markup(self)


def diff(
    a: Source,
    b: Source,
    *,
    names: Filter = None,
    exclude: Filter = None,
    rtol: float = 0.0,
    atol: float = 0.0,
    ignore_dtype: bool = False,
    exact: bool = False,
    workers: Workers = None,
    progress: Progress = None,
) -> Diff:
    """Compare two checkpoints, or a frozen graph with the checkpoint it may have been made from.

    Tensors whose dtype, shape and stored checksum agree are taken to be the same and not read, so
    that two like checkpoints are compared by their indexes alone; how many these are is told. Their
    data must be there, and long enough. Tensors of one element are never found under another name.

    Args:
        a: A checkpoint or a frozen graph, in any spelling.
        b: Another.
        names: Which tensors: names, globs or patterns; those that either has.
        exclude: Which not, likewise, whatever ``names`` says.
        rtol: Numbers are the same within ``atol + rtol * abs(b)``, as `numpy.isclose` has it:
            infinite ones only if they are equal. NaN equals NaN. Integers are compared exactly.
        atol: Likewise.
        ignore_dtype: Whether numbers of different dtypes are compared by value alone.
        exact: Read every tensor, whatever the checksums say.
        workers: Who reads: a number of threads, a `concurrent.futures.Executor`, or a Dask client.
            They open both by themselves. On one machine nothing is won by them.
        progress: As of `Checkpoint.verify`.

    Returns:
        What differs.

    Raises:
        ChecksumError, FormatError: A tensor cannot be read, or a shard is cut off.
        MissingFileError: A shard is not there.
        TensorNotFoundError: A name is not there, or nothing matches.
        ValueError: A tolerance is negative.

    Example:
        >>> import tensorbundle as tb
        >>> tb.diff(tb.demo(), tb.demo()).same
        True
    """
    tolerance = Tolerance(rtol, atol)
    one, other = opened(a), opened(b)
    here, there = _infos(one, other, names, exclude)
    for ckpt, infos in ((one, here), (other, there)):
        if isinstance(ckpt, Bundle):
            _refuse_absent(ckpt, infos.values())
    only_here = [name for name in here if name not in there]
    only_there = [name for name in there if name not in here]
    compared = Compared(one, other, Manner(tolerance, ignore_dtype, exact), workers)
    pairs = _candidates(
        one, other, {n: here[n] for n in only_here}, {n: there[n] for n in only_there}
    )
    renamed = compared.equal([(here[old], there[new]) for old, new in pairs])
    found = set(renamed.values())
    common = [name for name in here if name in there]
    meter = Meter(progress, sum(here[name].nbytes for name in common))
    done = compared.all([(here[name], there[name]) for name in common], meter)
    meter.finish()
    return Diff(
        tuple(name for name in only_here if name not in renamed),
        tuple(name for name in only_there if name not in found),
        renamed,
        done.changed,
        len(common) - len(done.changed) - len(done.incomplete),
        done.by_checksum,
        done.incomplete,
        (one.location.kind == "graph") != (other.location.kind == "graph"),
    )


class _PathsOfEither:
    """Readable paths that one or the other of two checkpoints has."""

    def __init__(self, one: Checkpoint, other: Checkpoint) -> None:
        self._both = [paths for ckpt in (one, other) if (paths := ckpt._aliases) is not None]

    def key(self, name: str) -> str | None:
        """The key that a path means."""
        return next((key for each in self._both if (key := each.key(name))), None)

    def paths(self) -> Mapping[str, str]:
        """All paths with their keys."""
        return {path: key for each in self._both for path, key in each.paths().items()}


def _infos(
    one: Checkpoint, other: Checkpoint, names: Filter, exclude: Filter
) -> tuple[dict[str, TensorInfo], dict[str, TensorInfo]]:
    if names is not None or exclude is not None:
        from .._checkpoint.selection import parts_of, refuse_nothing, select

        names = names if names is None else parts_of(names)
        both = sorted({*one, *other})
        aliases = _PathsOfEither(one, other)
        known = set(both).__contains__
        chosen = set(select(names, lambda: both, known, aliases, exclude=exclude).values())
        refuse_nothing(names, chosen)
        here, there = [n for n in one if n in chosen], [n for n in other if n in chosen]
    else:
        here, there = list(one), list(other)
    return {n: one.info(n) for n in here}, {n: other.info(n) for n in there}


def _refuse_absent(ckpt: Bundle, infos: Iterable[TensorInfo]) -> None:
    """Raise for shards that are not there, or too short for what lies in them; none is read."""
    ends: dict[int, int] = {}
    for info in infos:
        for _, part in ckpt.stored(info):
            shard, end = part.shard or 0, (part.offset or 0) + part.nbytes
            ends[shard] = max(ends.get(shard, 0), end)
    sizes = ckpt.sizes_of(ends)
    for shard, end in sorted(ends.items()):
        path = shard_path(ckpt.location.prefix, shard, ckpt.num_shards)
        size = sizes[shard]
        if size is None:
            raise MissingFileError(f"a data shard is missing: {path!r}", path=path)
        if size < end:
            raise FormatError(
                f"the shard is cut off: it has {size} bytes, its tensors end at byte {end}",
                path=path,
            )


def _candidates(
    one: Checkpoint,
    other: Checkpoint,
    lost: Mapping[str, TensorInfo],
    new: Mapping[str, TensorInfo],
) -> list[tuple[str, str]]:
    """Tensors that may have another name: those whose content there is once only on each side.

    The checksum finds them, the bytes decide. Tensors that are alike by nature, biases of zeros,
    are told apart by the end of their names, or not at all.
    """
    by_content: dict[Any, tuple[list[str], list[str]]] = {}
    forms = {_form(info) for info in lost.values()} & {_form(info) for info in new.values()}
    for side, (ckpt, infos) in enumerate(((one, lost), (other, new))):
        for name, info in infos.items():
            # A number alone, such as a rate or an axis, is like others by chance.
            checksum = _checksum(ckpt, info) if _form(info) in forms and info.size > 1 else None
            if checksum is not None:
                by_content.setdefault((*_form(info), checksum), ([], []))[side].append(name)
    found = []
    for olds, news in by_content.values():
        found += [(olds[0], news[0])] if len(olds) == len(news) == 1 else _by_ending(olds, news)
    return found


def _form(info: TensorInfo) -> tuple[int, tuple[int, ...], int]:
    return info.data_type, info.shape, info.nbytes


def _checksum(ckpt: Checkpoint, info: TensorInfo) -> int | None:
    """That of the values as this machine has them; None where it cannot be told cheaply."""
    if info.crc32c is not None and not is_swapped(ckpt, info):
        return info.crc32c
    is_graph = ckpt.location.kind == "graph"  # whose constants have no checksums
    if not (is_graph or info.crc32c is not None):
        return None
    if info.dtype is None or info.data_type == dtypes.STRING:
        return info.crc32c
    value = 0
    for chunk in ckpt.chunks(info.name, nbytes=_CHUNK_BYTES):
        value = crc32c(chunk, value)
    return value


def _by_ending(olds: list[str], news: list[str]) -> list[tuple[str, str]]:
    def ending(name: str) -> str:
        return "/".join(name.split("/")[-2:])

    pairs = []
    for old in olds:
        like = [name for name in news if ending(name) == ending(old)]
        if len(like) == 1 and sum(ending(each) == ending(old) for each in olds) == 1:
            pairs.append((old, like[0]))
    return pairs
