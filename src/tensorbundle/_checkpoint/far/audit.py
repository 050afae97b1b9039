"""Verification of far bundles: every range fetched by parts, checked as it comes, and forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np

from ... import _core
from ..._format.names import as_text
from ..._format.tensor_info import TensorInfo
from ..._progress import Progress
from ..._source.fetch import Integers, part_bytes, parts, spans
from ..._source.pool import in_order
from ..._source.store import Buffer
from ...errors import ChecksumError, MissingFileError, TensorBundleError
from ..audit import audit
from ..report import Report

if TYPE_CHECKING:
    from .bundle import FarBundle

# Rows of `Bundle.plan_verify`.
_ROW: Final = np.dtype(
    [
        ("offset", "<i8"),
        ("size", "<i8"),
        ("row", "<i8"),
        ("shard", "<u4"),
        ("crc32c", "<u4"),
        ("is_strings", "<i8"),
    ]
)
# Shards that are planned at a time: their rows are in memory together.
SHARDS: Final = 64

Rows = np.ndarray[Any, np.dtype[np.void]]


class CheckedPart(NamedTuple):
    """A part to fetch, and the pieces of rows that lie in it.

    Attributes:
        shard: The shard.
        begin: Its first byte in it.
        end: Where it ends.
        rows: Positions of the rows that have bytes in it.
    """

    shard: int
    begin: int
    end: int
    rows: slice


class RowsChecked(NamedTuple):
    """What became of the stored ranges of some shards."""

    checked: int
    nbytes: int
    findings: list[_core.Finding]
    lost: list[_core.LostShard]


def audit_far(ckpt: FarBundle, progress: Progress) -> Report:
    """Check a far bundle; see `Checkpoint.verify`."""
    ckpt.need_all()
    return audit(_Verified(ckpt), ckpt.location.index or "", 0, progress)


class _Verified:
    """A far bundle as `audit` asks for its verification."""

    def __init__(self, ckpt: FarBundle) -> None:
        self._ckpt = ckpt
        self.index = ckpt.core.index

    def verify(
        self, entries: _core.Entries, threads: int, progress: Callable[[int], object] | None
    ) -> tuple[int, int, list[_core.Finding], list[_core.LostShard]]:
        """Check entries and their bytes; see `_core.Bundle.verify`."""
        return verify_shards(self._ckpt, entries, 0, max(self._ckpt.num_shards, 1), progress)


class Shards(Protocol):
    """A bundle whose shards are read by parts."""

    @property
    def core(self) -> _core.Bundle:
        """The core's bundle."""

    @property
    def num_shards(self) -> int:
        """How many shards there are."""

    def know_shards(self, wanted: Iterable[int]) -> object:
        """Look up the sizes of shards."""

    def shard_file(self, shard: int) -> Any:
        """A shard: ``fetch`` reads a range of it."""

    def read_range(self, info: TensorInfo) -> None:
        """Check a stored range."""


def verify_shards(
    ckpt: Shards,
    entries: _core.Entries,
    first: int,
    last: int,
    progress: Callable[[int], object] | None = None,
) -> RowsChecked:
    """Check the stored ranges of the shards ``first`` to before ``last``."""
    run = ShardRun(ckpt, entries, progress)
    ckpt.know_shards(n for n in entries.shard_counts() if first <= n < min(last, ckpt.num_shards))
    for begin in range(first, last, SHARDS):
        run.add(begin, min(begin + SHARDS, last))
    return RowsChecked(
        run.checked, run.nbytes, sorted(run.findings, key=lambda each: each[0]), run.lost
    )


class ShardRun:
    """One verification, some shards after the other.

    Attributes:
        checked: Stored ranges that were looked at.
        nbytes: Their bytes.
        findings: What is wrong with some.
        lost: Shards that are not there.
    """

    def __init__(
        self,
        ckpt: Shards,
        entries: _core.Entries,
        progress: Callable[[int], object] | None,
    ) -> None:
        self._ckpt = ckpt
        self._entries = entries
        self._progress = progress
        self._done = 0
        self.checked = 0
        self.nbytes = 0
        self.findings: list[_core.Finding] = []
        self.lost: list[_core.LostShard] = []

    def add(self, first: int, last: int) -> None:
        """Check the rows of some shards."""
        plain = self.planned(first, last)
        self.judge(plain, checksums(plain, self._fetch, self.report))

    def planned(self, first: int, last: int) -> Rows:
        """Find what is wrong with shards as far as that takes no bytes; the rows to be read.

        Strings, which no checksum of their bytes is of, are checked here and now.
        """
        packed, findings, lost = self._ckpt.core.plan_verify(self._entries, first, last)
        self.findings += findings
        self.lost += lost
        rows: Rows = np.frombuffer(packed, _ROW)
        for row in rows[rows["is_strings"] != 0]:
            self._check_strings(row)
        self.checked += len(rows)
        self.nbytes += int(rows["size"].sum())
        plain: Rows = rows[rows["is_strings"] == 0]
        return plain

    def judge(self, rows: Rows, crcs: Integers) -> None:
        """Compare checksums of rows with those that are stored."""
        for position in np.flatnonzero(crcs != rows["crc32c"]).tolist():
            self._again(rows[position])

    def _fetch(self, shard: int, begin: int, end: int) -> Buffer:
        return self._ckpt.shard_file(shard).fetch(begin, end)

    def _info(self, row: Any) -> TensorInfo:
        """A row as a tensor of its own."""
        key = self._entries.key(int(row["row"]))
        entry = self._entries.find(key)
        assert entry is not None
        number, shape, nbytes, shard, offset, crc32c, _ = entry
        return TensorInfo(as_text(key), None, shape, nbytes, shard, offset, crc32c, (), number)

    def _found(self, info: TensorInfo, row: Any, kind: str, error: Exception) -> None:
        key = self._entries.key(int(row["row"]))
        self.findings.append((key, info.shard or 0, kind, error))

    def _again(self, row: Any) -> None:
        """Fetch a range whose checksum differs once more, before it is said to be damaged."""
        info = self._info(row)
        try:
            self._ckpt.read_range(info)
        except TensorBundleError as error:
            self._found(info, row, _kind_of(error, "truncated"), error)

    def _check_strings(self, row: Any) -> None:
        info = self._info(row)
        try:
            self._ckpt.read_range(info)
        except TensorBundleError as error:
            self._found(info, row, _kind_of(error, "malformed"), error)
        self.report(info.nbytes)

    def report(self, nbytes: int) -> None:
        """Tell of bytes that are done."""
        self._done += nbytes
        if self._progress is not None:
            self._progress(self._done)


def checksums(
    rows: Rows,
    fetch: Callable[[int, int, int], Buffer],
    tick: Callable[[int], object] = lambda _: None,
) -> Integers:
    """Compute the checksums of rows, whose bytes are fetched by parts and forgotten.

    Args:
        rows: Ranges of shards, in the order of these and of offsets.
        fetch: Reads a range of a shard.
        tick: Told of the bytes that are done.
    """
    crcs = np.zeros(len(rows), np.uint32)
    cut = list(_parts(rows))

    def crcs_in(part: CheckedPart) -> Integers:
        data = fetch(part.shard, part.begin, part.end)
        begins, sizes = _pieces(rows[part.rows], part)
        found = _core.crc32c_pieces(data, begins - part.begin, sizes)
        return np.frombuffer(found, np.uint32).astype(np.int64)

    for part, found in zip(cut, in_order(crcs_in, cut), strict=True):
        _combine(rows[part.rows], crcs[part.rows], part, found)
        tick(part.end - part.begin)
    return crcs.astype(np.int64)


def _combine(rows: Rows, crcs: Any, part: CheckedPart, found: Integers) -> None:
    """Add the checksums of a part's pieces to those of the rows."""
    sizes = _pieces(rows, part)[1]
    whole = sizes == rows["size"]
    crcs[whole] = found[whole]
    for i in np.flatnonzero(~whole).tolist():
        if sizes[i]:
            crcs[i] = _core.crc32c_combine(int(crcs[i]), int(found[i]), int(sizes[i]))


def _kind_of(error: TensorBundleError, otherwise: str) -> str:
    """The kind of fault that an error about a stored range is."""
    if isinstance(error, ChecksumError):
        return "checksum"
    return "missing shard" if isinstance(error, MissingFileError) else otherwise


def _pieces(rows: Rows, part: CheckedPart) -> tuple[Integers, Integers]:
    """Where the part of each row that lies in a part begins, and its length."""
    begins = np.maximum(rows["offset"], part.begin)
    ends = np.minimum(rows["offset"] + rows["size"], part.end)
    sizes = np.maximum(ends - begins, 0)
    return np.where(sizes > 0, begins, part.begin), sizes


def _parts(rows: Rows) -> Iterator[CheckedPart]:
    """What to fetch for rows, which come in the order of shards and offsets."""
    size = part_bytes(int(rows["size"].sum()))
    edges = np.flatnonzero(np.diff(rows["shard"])) + 1
    for low, high in zip([0, *edges.tolist()], [*edges.tolist(), len(rows)], strict=True):
        if low == high:
            continue
        here = rows[low:high]
        offsets = np.ascontiguousarray(here["offset"])
        # Ranges do not overlap; empty ones lie anywhere, and are put where the search finds them.
        ends = np.maximum.accumulate(np.where(here["size"] > 0, offsets + here["size"], 0))
        for begin, end in spans(offsets, np.ascontiguousarray(here["size"])):
            for start, stop in parts(begin, end, size):
                first = low + int(np.searchsorted(ends, start, "right"))
                last = low + int(np.searchsorted(offsets, stop, "left"))
                yield CheckedPart(int(here["shard"][0]), start, stop, slice(first, last))
