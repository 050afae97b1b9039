"""Salvage: from a damaged checkpoint a good one of all that can be trusted, and what became of it.

What is trusted: a tensor whose checksum is right, in an index whose block is right; one in which
flipped bits were found that explain the checksum (`syndromes`); one that a damaged index still
names, or whose place a sibling or the graph knows (`layouts`), and whose checksum is stated in what
is left of the index. Nothing else is, unless it is asked for.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .. import _core
from .._checkpoint.bundle import Bundle
from .._far.verbs import takes_addresses
from .._format.filenames import INDEX_SUFFIX, Path, as_path, shard_path
from .._format.names import as_bytes
from .._format.tensor_info import TensorInfo
from .._format.wording import Worded
from .._progress import Meter, Progress
from .._write.shards import BundleFiles, add_range
from ..errors import ConversionError, TensorBundleError
from .mending.blocks import make_table
from .mending.outcome import NOTABLE_DOUBT, Lost, Salvage
from .mending.ranges import Patient
from .mending.recover import recover
from .mending.remains import Remains, remains_at
from .mending.syndromes import syndromes
from .mending.tables import MendedTable, Mending, mend_table, with_header
from .mending.v1 import salvage_v1

if TYPE_CHECKING:
    from .._checkpoint.report import Fault
    from .._core import BundleWriter, Entry


# Where there is reason to think of other damage (a hole, another save's shard, a page of text in
# place of the shard), only flips are believed that such damage would hardly ever look like.
_SUSPICIOUS_DOUBT: Final = 1e-5
_NOTHING_TELLS: Final = Worded(
    "nothing tells which tensors the data are and where they lie: name a save of the same program "
    "by ",
    Worded.of("like=", "--like"),
)


@takes_addresses(sources=("src", "like"), targets=("dst",))
def salvage(
    src: Path,
    dst: Path | None = None,
    *,
    like: Path | None = None,
    unproved: bool = False,
    max_doubt: float | None = None,
    in_place: bool = False,
    overwrite: bool = False,
    progress: Progress = None,
) -> Salvage:
    """Save what can be trusted of a damaged checkpoint, and say what became of the rest.

    Single flipped bits are found and put right, in tensors, strings and their lengths, index
    blocks, footers and V1 files; two flipped bits where they are near each other and the range is
    small (see `syndromes`). Each is reported, with the likelihood that other damage of the same
    tensor would look just so: it grows with the tensor, from nothing to one half in 128 MiB. That
    is how often damage that is no flipped bit would pass for one, not how likely the mending is
    wrong: flipped bits are the most common rot by far, and where there are signs of other damage (a
    hole, text conversion, another save's shard) only flips of next to no doubt are believed. So a
    doubtful one goes into the new checkpoint, is in `Salvage.doubtful`, and the outcome is not
    ``ok``; in place it is not made unless ``max_doubt`` says so.

    Args:
        src: The damaged checkpoint, in any spelling; its index may be gone.
        dst: Prefix of the good one; a V1 checkpoint becomes a V2 one. None: only report.
        like: A sibling, whose index says where tensors lie if that of ``src`` is damaged; None:
            other checkpoints in its directory are tried.
        unproved: Save also tensors whose place is known, but whose bytes nothing proves.
        max_doubt: Mend no tensor for which other damage is likelier than this to look so; None: 1
            for a new checkpoint, 0.01 in place.
        in_place: Flip the bits back in the files of ``src`` themselves.
        overwrite: Replace a checkpoint at ``dst``.
        progress: As of `Checkpoint.verify`.

    Returns:
        What was saved, mended and lost.

    Raises:
        MissingFileError: There is nothing of a checkpoint at the path.
        FormatError: It is something else; the message says what.
        FileExistsError: There is a checkpoint at ``dst``.
        OSError: A file cannot be read or written.

    Example:
        >>> import tensorbundle as tb
        >>> tb.salvage(tb.demo()).mended
        ()
    """
    if in_place and dst is not None:
        raise ConversionError("in_place mends the files of src: there is no dst")
    if max_doubt is None:
        max_doubt = NOTABLE_DOUBT if in_place else 1.0
    remains = remains_at(as_path(src))
    target = None if dst is None else as_path(dst)
    if target is not None and target == remains.prefix:
        raise ConversionError(
            "dst must be another prefix than src; in_place=True mends its own files"
        )
    if remains.tables:
        done = salvage_v1(remains, target, max_doubt, unproved, overwrite)
    else:
        work = _Work(remains, max_doubt, unproved)
        done = work.run(target, None if like is None else as_path(like), overwrite, progress)
    if in_place:
        flip_back(done.mended)
    return done


def flip_back(mendings: tuple[Mending, ...]) -> None:
    """Put right in the files themselves what was found, and have it on the disk."""
    by_path: dict[str, list[int]] = {}
    for mending in mendings:
        by_path.setdefault(mending.path, []).extend(mending.bits)
    for path, bits in by_path.items():
        with open(path, "r+b", buffering=0) as file:
            for bit in bits:
                file.seek(bit >> 3)
                byte = file.read(1)[0] ^ 1 << (bit & 7)
                file.seek(bit >> 3)
                file.write(bytes([byte]))
            os.fsync(file.fileno())


@dataclass(slots=True)
class _Work:
    """The salvage of one V2 checkpoint."""

    remains: Remains
    max_doubt: float
    unproved_too: bool
    mended: list[Mending] = field(default_factory=list)
    proved: list[str] = field(default_factory=list)
    unproved: list[Lost] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    # What goes into the good checkpoint, by name: the whole's entry, and its ranges with their key.
    saved: dict[str, tuple[Entry, list[tuple[bytes, Patient, Mending | None]]]] = field(
        default_factory=dict
    )

    def run(
        self,
        dst: str | None,
        like: str | None,
        overwrite: bool,
        progress: Progress,
    ) -> Salvage:
        raw = b""
        if self.remains.index is not None:
            with open(self.remains.index, "rb") as file:
                raw = file.read()
        table = MendedTable()
        if raw:
            path = self.remains.index or ""
            table = mend_table(raw, path, syndromes(), self.max_doubt)
        self.mended += table.mendings
        self.notes += table.notes
        if not raw:
            self.notes.append("the index is missing")
        if with_header(table, self.remains.num_shards):
            self.notes.append(
                f"the index's header is lost: {self.remains.num_shards} shards were taken from "
                "the names of the files, numbers for little-endian"
            )
        with tempfile.TemporaryDirectory() as folder:
            ckpt, big_endian = self._open(table, folder)
            loose = {key for block in table.blocks if not block.proved for key in block.list_keys()}
            self._go_through(ckpt, loose, progress)
            if table.lost or not raw:
                found = recover(self.remains, like, raw, set(self.saved) | self._names_lost())
                self._take(found)
            if not raw and not (self.saved or self.lost or self.unproved):
                self.notes.append(_NOTHING_TELLS)
            # A checkpoint without a tensor is nothing that was saved.
            is_whole = not (self.lost or table.lost or self.unproved or not raw)
            dst = dst if self.saved or is_whole else None
            if dst is not None:
                self._write(dst, big_endian, overwrite)
        return Salvage(
            self.remains.prefix,
            dst,
            tuple(sorted(self.saved, key=as_bytes)),
            tuple(self.mended),
            tuple(self.proved),
            tuple(self.unproved),
            tuple(self.lost),
            tuple((each.offset, each.nbytes, each.why) for each in table.lost),
            tuple(self.notes),
        )

    def _names_lost(self) -> set[str]:
        return {each.name for each in self.lost}

    def _open(self, table: MendedTable, folder: str) -> tuple[Bundle, bool]:
        """Open the mended index, beside links to the shards."""
        from .._checkpoint.opening import open as open_checkpoint

        prefix = os.path.join(folder, "mended")
        with open(prefix + INDEX_SUFFIX, "wb") as file:
            file.write(make_table(table.blocks))
        for number, path in self.remains.shards.items():
            os.symlink(os.path.abspath(path), shard_path(prefix, number, self.remains.num_shards))
        ckpt = open_checkpoint(prefix, mode="read")
        assert isinstance(ckpt, Bundle)
        return ckpt, ckpt.big_endian

    # --- the tensors that the index has -----------------------------------------------------------

    def _go_through(self, ckpt: Bundle, loose: set[bytes], progress: Progress) -> None:
        faults: dict[str, list[Fault]] = {}
        suspicious: set[int | None] = set()
        for fault in ckpt.verify().faults:
            if fault.name is not None:
                faults.setdefault(fault.name, []).append(fault)
            if fault.cause is not None:
                suspicious.add(fault.shard)
        meter = Meter(progress, sum(map(os.path.getsize, self.remains.shards.values())))
        for name in ckpt:
            try:
                info = ckpt.info(name)
                meter.add(info.nbytes)
                self._tensor(ckpt, info, name in faults, suspicious, loose)
            except TensorBundleError as error:
                where = f": {os.path.basename(error.path)}" if error.path is not None else ""
                self.lost.append(Lost(name, error.message + where))
        meter.finish()

    def _tensor(
        self,
        ckpt: Bundle,
        info: TensorInfo,
        is_faulty: bool,
        suspicious: set[int | None],
        loose: set[bytes],
    ) -> None:
        """Take a tensor if all its ranges are sound or can be mended. Raises what prevents it."""
        ranges: list[tuple[bytes, Patient, Mending | None]] = []
        mended: list[Mending] = []
        key = as_bytes(info.name)
        keys = [key]
        for slice, part in ckpt.stored(info):
            if slice:
                keys.append(_core.slice_key(key, slice))
            file = _core.File(self._shard(part.shard or 0))
            patient = Patient(part, file, ckpt.big_endian)
            mending = None
            if is_faulty or any(each in loose for each in keys):
                mending = self._mend(patient, part.shard in suspicious)
                if mending.bits:
                    mended.append(mending)
            ranges.append((keys[-1], patient, mending))
        whole = (info.data_type, info.shape, 0, 0, 0, 0, info.slices)
        if not loose.isdisjoint(keys):
            if mended:
                raise ConversionError("neither its entry nor its bytes are sound")
            if info.name not in self.remains.known_names:
                self._unproved(info.name, "the index's block is damaged: the name may be wrong")
                if not self.unproved_too:
                    return
            else:
                self.proved.append(info.name)
        self.mended += mended
        self.saved[info.name] = (whole, ranges)

    def _unproved(self, name: str, why: str) -> None:
        self.unproved.append(Lost(name, why))

    def _shard(self, number: int) -> str:
        path = self.remains.shards.get(number)
        if path is None:
            path = shard_path(self.remains.prefix, number, self.remains.num_shards)
        return path

    def _mend(self, patient: Patient, is_suspicious: bool) -> Mending:
        mending = patient.mend(syndromes())
        if mending is None:
            raise ConversionError("its checksum is wrong, and no flipped bit explains it")
        limit = min(self.max_doubt, _SUSPICIOUS_DOUBT if is_suspicious else 1.0)
        if mending.doubt > limit:
            raise ConversionError(
                f"its checksum is wrong, and a flipped bit would explain it, but other damage "
                f"would look so with a likelihood of {mending.doubt:.2g}"
            )
        return mending

    # --- tensors that something else knows of -----------------------------------------------------

    def _take(self, found: tuple[list[tuple[Patient, str | None]], list[str]]) -> None:
        """Take tensors whose place is known: (tensor, why it is not proved or None)."""
        tensors, notes = found
        self.notes += notes
        for patient, doubt in tensors:
            info = patient.info
            self.lost = [each for each in self.lost if each.name != info.name]
            if doubt is None:
                self.proved.append(info.name)
            else:
                self._unproved(info.name, doubt)
                if not self.unproved_too:
                    continue
            whole = (info.data_type, info.shape, 0, 0, 0, 0, ())
            self.saved[info.name] = (whole, [(as_bytes(info.name), patient, None)])

    # --- the good checkpoint ----------------------------------------------------------------------

    def _write(self, dst: str, big_endian: bool, overwrite: bool) -> None:
        with BundleFiles(dst, overwrite=overwrite) as files:
            self._copy(files.writer)
            files.commit(big_endian=big_endian)

    def _copy(self, out: BundleWriter) -> None:
        """Copy the tensors, shard by shard in the order of their bytes."""
        ranges = [
            (key, patient, mending)
            for _, parts in self.saved.values()
            for key, patient, mending in parts
        ]
        ranges.sort(key=lambda each: (each[1].info.shard or 0, each[1].offset))
        shard = ranges[0][1].info.shard if ranges else None
        for key, patient, mending in ranges:
            info = patient.info
            if info.shard != shard:
                shard = info.shard
                out.next_shard()
            add_range(out, key, info.data_type, info.shape, patient.chunks(mending), info.crc32c)
        out.add_entries((as_bytes(n), whole) for n, (whole, _) in self.saved.items() if whole[6])
