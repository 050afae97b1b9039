"""Two checkpoints compared: names, dtypes, shapes, values; renames are found by content."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._checkpoint.opening import Source, opened
from .._core import crc32c
from .._format import dtypes

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._format.tensor_info import TensorInfo

_CHUNK_BYTES: Final = 256 << 10  # small enough for the cache to hold what is made of it


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """How far apart two tensors of one dtype and shape are.

    Attributes:
        count: Elements that differ by more than the tolerance.
        size: Elements in all.
        max_abs: The largest difference; NaN where one is NaN and the other is not, None for what
            are no numbers.
        max_rel: The largest difference in proportion to the second value; None likewise.
        norm_a: Euclidean norm of the first; None likewise.
        norm_b: Euclidean norm of the second; None likewise.
        norm_difference: Euclidean norm of the difference; None likewise.
    """

    count: int
    size: int
    max_abs: float | None
    max_rel: float | None
    norm_a: float | None
    norm_b: float | None
    norm_difference: float | None


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """One tensor that differs.

    Attributes:
        name: Its name.
        kind: ``"dtype"``, ``"shape"`` or ``"values"``.
        a: Dtype and shape in the first checkpoint.
        b: Dtype and shape in the second.
        values: How values differ, for that kind.
    """

    name: str
    kind: str
    a: str
    b: str
    values: ValueDifference | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """What `diff` found.

    Attributes:
        only_a: Names that only the first has.
        only_b: Names that only the second has.
        renamed: New names by old ones: the same dtype, shape and bytes under another name.
        changed: Tensors that differ.
        equal: How many are the same.
        frozen: Whether one of the two, but not the other, is a frozen graph. What only one has is
            then no difference: a graph has constants of its own, and a checkpoint holds what
            training needs and the graph's outputs do not.
    """

    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    renamed: Mapping[str, str]
    changed: tuple[TensorDifference, ...]
    equal: int
    frozen: bool = False

    @property
    def same(self) -> bool:
        """Whether there is no difference at all.

        Of a frozen graph and a checkpoint: whether the graph may have been made from it, because
        they have tensors in common, and all of these are equal.
        """
        if self.frozen:
            return not self.changed and bool(self.equal or self.renamed)
        return not (self.only_a or self.only_b or self.renamed or self.changed)


def diff(
    a: Source,
    b: Source,
    *,
    names: Filter = None,
    rtol: float = 0.0,
    atol: float = 0.0,
    exact: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> Diff:
    """Compare two checkpoints, or a frozen graph with the checkpoint it may have been made from.

    Tensors whose dtype, shape and stored checksum agree are taken to be the same and not read, so
    that two like checkpoints are compared by their indexes alone.

    Args:
        a: A checkpoint or a frozen graph, in any spelling.
        b: Another.
        names: Which tensors: names, globs or patterns; those that either has.
        rtol: Elements are the same within ``atol + rtol * abs(b)``; NaN equals NaN.
        atol: Likewise.
        exact: Read every tensor, whatever the checksums say.
        progress: Called with the bytes done and the bytes in all.

    Returns:
        What differs.

    Raises:
        ChecksumError, FormatError: A tensor cannot be read.

    Example:
        >>> import tensorbundle as tb
        >>> tb.diff("tests/golden/data/demo", "tests/golden/data/demo").same
        True
    """
    one, other = opened(a), opened(b)
    here, there = _infos(one, other, names)
    only_here = [name for name in here if name not in there]
    only_there = [name for name in there if name not in here]
    renamed = _renames(
        one, other, {n: here[n] for n in only_here}, {n: there[n] for n in only_there}
    )
    found = set(renamed.values())
    common = [name for name in here if name in there]
    total = sum(here[name].nbytes for name in common)
    changed, done = [], 0
    for name in common:
        if difference := _compare(one, other, here[name], there[name], rtol, atol, exact):
            changed.append(difference)
        done += here[name].nbytes
        if progress is not None:
            progress(done, total)
    return Diff(
        tuple(name for name in only_here if name not in renamed),
        tuple(name for name in only_there if name not in found),
        renamed,
        tuple(changed),
        len(common) - len(changed),
        (one.location.kind == "graph") != (other.location.kind == "graph"),
    )


def _infos(
    one: Checkpoint, other: Checkpoint, names: Filter
) -> tuple[dict[str, TensorInfo], dict[str, TensorInfo]]:
    if names is not None:
        from .._checkpoint.selection import select

        both = sorted({*one, *other})
        chosen = set(select(names, lambda: both, set(both).__contains__))
        here, there = [n for n in one if n in chosen], [n for n in other if n in chosen]
    else:
        here, there = list(one), list(other)
    return {n: one.info(n) for n in here}, {n: other.info(n) for n in there}


def _shown(info: TensorInfo) -> str:
    return f"{info.tf_dtype}[{','.join(map(str, info.shape))}]"


def _has_same_checksum(a: TensorInfo, b: TensorInfo) -> bool:
    return a.crc32c is not None and (a.crc32c, a.nbytes) == (b.crc32c, b.nbytes)


def _renames(
    one: Checkpoint,
    other: Checkpoint,
    lost: Mapping[str, TensorInfo],
    new: Mapping[str, TensorInfo],
) -> dict[str, str]:
    """Tensors under another name: those whose content there is once only on each side.

    The checksum finds them, the bytes decide. Tensors that are alike by nature, biases of zeros,
    are told apart by the end of their names, or not at all.
    """
    by_content: dict[Any, tuple[list[str], list[str]]] = {}
    forms = {_form(info) for info in lost.values()} & {_form(info) for info in new.values()}
    for side, (ckpt, infos) in enumerate(((one, lost), (other, new))):
        for name, info in infos.items():
            checksum = _checksum(ckpt, info) if _form(info) in forms else None
            if checksum is not None and info.size:
                by_content.setdefault((*_form(info), checksum), ([], []))[side].append(name)
    found = {}
    for olds, news in by_content.values():
        pairs = [(olds[0], news[0])] if len(olds) == len(news) == 1 else _by_ending(olds, news)
        for old, name in pairs:
            if _is_equal(one, other, old, name):
                found[old] = name
    return found


def _form(info: TensorInfo) -> tuple[int, tuple[int, ...], int]:
    return info.data_type, info.shape, info.nbytes


def _checksum(ckpt: Checkpoint, info: TensorInfo) -> int | None:
    """The stored one; a frozen graph has none, so it is computed of what may be a weight."""
    if info.crc32c is not None or ckpt.location.kind != "graph":
        return info.crc32c
    if info.dtype is None or info.data_type == dtypes.STRING:
        return None
    # A number alone, such as an axis, is like others by chance.
    if info.size == 1 and info.dtype.kind in "iub":
        return None
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


def _is_equal(one: Checkpoint, other: Checkpoint, a: str, b: str) -> bool:
    info = one.info(a)
    if info.dtype is None:
        return True  # variants: their checksums are all that can be compared
    if info.data_type == dtypes.STRING:
        return bool(np.array_equal(one[a], other[b]))
    streams = (one.chunks(a, nbytes=_CHUNK_BYTES), other.chunks(b, nbytes=_CHUNK_BYTES))
    return all(x == y for x, y in zip(*streams, strict=True))


def _compare(
    one: Checkpoint,
    other: Checkpoint,
    a: TensorInfo,
    b: TensorInfo,
    rtol: float,
    atol: float,
    exact: bool,
) -> TensorDifference | None:
    if a.data_type != b.data_type:
        return TensorDifference(a.name, "dtype", _shown(a), _shown(b))
    if a.shape != b.shape:
        return TensorDifference(a.name, "shape", _shown(a), _shown(b))
    if _has_same_checksum(a, b) and not exact:
        return None
    if a.dtype is None:
        values = None if _has_same_checksum(a, b) else _Sums(None).result()
    elif a.data_type == dtypes.STRING:
        values = _compare_strings(one[a.name], other[a.name])
    else:
        sums = _Sums(a.dtype)
        streams = (c.chunks(a.name, nbytes=_CHUNK_BYTES) for c in (one, other))
        for x, y in zip(*streams, strict=True):
            sums.add(np.frombuffer(x, a.dtype), np.frombuffer(y, a.dtype), rtol, atol)
        values = sums.result() if sums.count else None
    if values is None:
        return None
    return TensorDifference(a.name, "values", _shown(a), _shown(b), values)


def _compare_strings(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> ValueDifference | None:
    count = int(np.count_nonzero(x != y))
    if not count:
        return None
    return ValueDifference(count, x.size, None, None, None, None, None)


class _Sums:
    """Sums over the pieces of two tensors."""

    def __init__(self, dtype: np.dtype[Any] | None) -> None:
        self.count = self.size = 0
        self.max_abs = self.max_rel = 0.0
        self.squares = np.zeros(3)
        self._dtype = dtype

    def add(
        self, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], rtol: float, atol: float
    ) -> None:
        """Take in a piece of each."""
        wide = np.complex128 if x.dtype.kind == "c" else np.float64
        self.size += x.size
        # Integers of 64 bits are more than a double holds: whether they differ is asked of them.
        unequal = x != y
        with np.errstate(all="ignore"):
            p, q = x.astype(wide), y.astype(wide)
            gap, magnitude = np.abs(p - q), np.abs(q)
            if np.isnan(gap.max()):
                unequal &= ~((x != x) & (y != y))
                gap[~unequal] = 0.0
            if rtol or atol:
                unequal &= ~(gap <= atol + rtol * magnitude)
            self.count += int(np.count_nonzero(unequal))
            # maximum keeps a NaN, fmax passes over those of 0 / 0.
            self.max_abs = float(np.maximum(self.max_abs, gap.max()))
            self.squares += [_sum_of_squares(each) for each in (p, q, gap)]
            np.divide(gap, magnitude, out=magnitude)
            self.max_rel = float(np.fmax(self.max_rel, np.fmax.reduce(magnitude)))

    def result(self) -> ValueDifference:
        """What the sums say."""
        if self._dtype is None:
            return ValueDifference(1, 1, None, None, None, None, None)
        max_rel = math.nan if math.isnan(self.max_abs) else self.max_rel
        norms = [math.sqrt(each) if each >= 0 else math.nan for each in self.squares]
        return ValueDifference(self.count, self.size, self.max_abs, max_rel, *norms)


def _sum_of_squares(values: np.ndarray[Any, Any]) -> float:
    # Not np.dot: the threads that its library starts cost more than such small pieces.
    flat = values.view(np.float64)
    return float(np.einsum("i,i->", flat, flat))
