"""Diagnosis of whatever does not open or restore: findings, evidence, the command that mends it."""

from __future__ import annotations

import os
import shlex
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .. import _core
from .._checkpoint.bundle import Bundle
from .._checkpoint.opening import open as open_checkpoint
from .._edit.relocate import relocate
from .._far.verbs import takes_addresses
from .._format.filenames import INDEX_SUFFIX, STATE_NAME, Path, as_path, shard_path, split_data_path
from .._locate.damage import FileKind, explain_not_a_table, identify_file
from .._locate.location import is_regular_file, is_saved_model
from .._look.amounts import format_count
from ..errors import MissingFileError, TensorBundleError
from .byteorder import big_endian, swapped
from .mangled import mangled_index, mangled_shard, proves
from .mending.remains import Remains, remains_at
from .salvage import salvage
from .verify import verify_opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.report import Fault
    from .._format.tensor_info import TensorInfo
    from .mending.outcome import Salvage


_MOST_NEIGHBOURS: Final = 200  # files whose content is compared
_MOST_FAULTS: Final = 50
_UNPACK: Final = (
    (".tar.gz", "tar xzf"),
    (".tgz", "tar xzf"),
    (".tar", "tar xf"),
    (".zip", "unzip"),
    (".gz", "gunzip -k"),
    (".bz2", "bunzip2 -k"),
    (".xz", "unxz -k"),
    (".zst", "unzstd -k"),
)


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that is wrong.

    Attributes:
        what: What is wrong.
        evidence: How that is known.
        path: The file concerned.
        command: What mends it, to be given to a shell; None where nothing here can.
    """

    what: str
    evidence: str
    path: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Diagnosis: what `diagnose` found.

    Attributes:
        path: What was looked at.
        readable: Whether it can be opened as it is.
        symptoms: What is wrong, the first to mend first.
        unchecked: What was not looked at.
    """

    path: str
    readable: bool
    symptoms: tuple[Symptom, ...]
    unchecked: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Tell whether nothing is wrong."""
        return self.readable and not self.symptoms


@takes_addresses(sources=("path",))
def diagnose(path: Path) -> Diagnosis:
    """Say what is wrong with a checkpoint or model, and which command mends it.

    Nothing is changed. Guesses are proved by checksums before they are told.

    Args:
        path: Any spelling of a checkpoint or SavedModel; it need not open.

    Raises:
        OSError: The file system refuses.

    Example:
        >>> import tensorbundle as tb
        >>> tb.diagnose(tb.demo()).healthy
        True
    """
    requested = as_path(path)
    ckpt: Checkpoint | None = None
    try:
        ckpt = open_checkpoint(requested)
    except TensorBundleError as error:
        if not (isinstance(error, MissingFileError) and is_saved_model(requested)):
            found = [*_unopened(requested, error)]
            return Diagnosis(requested, False, tuple(found))
    report = verify_opened(requested, ckpt)
    symptoms = list(_state(requested, ckpt))
    symptoms += _of_faults(requested, ckpt, report.faults)
    if isinstance(ckpt, Bundle):
        for told in filter(None, (big_endian(ckpt), swapped(ckpt))):
            what, evidence, command = told
            symptoms.append(Symptom(what, evidence, ckpt.location.index, command))
    return Diagnosis(requested, True, tuple(symptoms), report.unchecked)


# --- what opens -----------------------------------------------------------------------------------


def _state(requested: str, ckpt: Checkpoint | None) -> Iterator[Symptom]:
    """A state file that names what has moved."""
    state = ckpt.location.state if ckpt is not None else None
    if state is None:
        return
    try:
        done = relocate(state, dry_run=True)
    except TensorBundleError:
        return
    if done.found or done.lost:
        moved = ", ".join(f"{old!r} lies at {new!r}" for old, new in list(done.found.items())[:3])
        lost = f"{len(done.lost)} that it names are nowhere" if done.lost else ""
        yield Symptom(
            "the state file names checkpoints where they are not",
            "; ".join(filter(None, [moved, lost])),
            state,
            f"tensorbundle relocate {shlex.quote(state)}",
        )


def _of_faults(requested: str, ckpt: Checkpoint | None, faults: tuple[Fault, ...]) -> list[Symptom]:
    """What verification found, put together by file, with what mends it."""
    found: list[Symptom] = []
    done: set[int] = set()
    if isinstance(ckpt, Bundle):
        for fault in faults:
            if fault.shard is None or fault.shard in done:
                continue
            symptom = _shard(ckpt, fault.shard, fault.kind == "missing shard")
            if symptom is not None:
                done.add(fault.shard)
                found.append(symptom)
    rest = [fault for fault in faults if fault.shard is None or fault.shard not in done]
    command = None
    if any(fault.shard is not None or fault.kind == "checksum" for fault in rest):
        command = _salvage_command(requested)
    for fault in rest[:_MOST_FAULTS]:
        where = fault.path if fault.offset is None else f"{fault.path}, byte {fault.offset}"
        evidence = "; ".join(filter(None, [where, fault.cause]))
        what = f"{fault.kind}: {fault.message}" if fault.name is None else (
            f"{fault.kind} in {fault.name!r}: {fault.message}"
        )  # fmt: skip
        mends = command if fault.shard is not None or fault.kind == "checksum" else None
        found.append(Symptom(what, evidence, fault.path, mends))
    if len(rest) > _MOST_FAULTS:
        found.append(Symptom(f"{len(rest) - _MOST_FAULTS} more faults", "see `verify`"))
    return found


def _shard(ckpt: Bundle, number: int, is_missing: bool) -> Symptom | None:
    """What became of a shard: mangled, something else, or there under another name."""
    path = shard_path(ckpt.location.prefix, number, ckpt.num_shards)
    ranges = _ranges_in(ckpt, number)
    if not ranges:
        return None
    if not is_missing:
        if mistaken := _mistaken(path):
            return mistaken
        if mangled := mangled_shard(path, ranges):
            evidence = "undone, the checksums are right" if mangled.command else "by its bytes"
            return Symptom(mangled.what, evidence, path, mangled.command)
    size = max((info.offset or 0) + info.nbytes for info in ranges)
    for candidate in _files_beside(path):
        if os.path.getsize(candidate) == size and _holds(candidate, ranges):
            what = "a shard is missing" if is_missing else "a shard is of another save"
            return Symptom(
                what,
                f"{candidate!r} has its size and the tensors' checksums",
                path,
                f"cp -- {shlex.quote(candidate)} {shlex.quote(path)}",
            )
    return None


def _ranges_in(ckpt: Bundle, number: int) -> list[TensorInfo]:
    found: list[TensorInfo] = []
    for info in ckpt.iter_infos():
        try:
            found += [part for _, part in ckpt.stored(info) if part.shard == number]
        except TensorBundleError:
            continue
    return found


def _files_beside(path: str) -> Iterator[str]:
    """Other regular files in the directory."""
    directory, base = os.path.split(path)
    for name in sorted(os.listdir(directory or os.curdir))[:_MOST_NEIGHBOURS]:
        other = os.path.join(directory, name)
        if name != base and is_regular_file(other):
            yield other


def _holds(path: str, ranges: list[TensorInfo]) -> bool:
    return proves(_core.File(path), ranges)


# --- what does not open ---------------------------------------------------------------------------


def _unopened(requested: str, error: TensorBundleError) -> Iterator[Symptom]:
    if isinstance(error, MissingFileError) and (state := _repairable_state(requested)):
        yield state
        return
    try:
        remains = remains_at(requested)
    except TensorBundleError:
        remains = None
    prefix = requested if remains is None else remains.prefix
    parts = _parts(prefix)
    if parts and (remains is None or remains.index is None):
        yield Symptom(
            "a save was not finished: its parts were never merged",
            f"{format_count(len(parts), 'part')} in {os.path.dirname(parts[0])!r}",
            parts[0] + INDEX_SUFFIX,
            f"tensorbundle merge {' '.join(map(shlex.quote, [*parts, prefix]))}",
        )
    elif remains is None or remains.tables:
        yield _mistaken(requested) or Symptom(str(error), "it cannot be opened", error.path)
    elif remains.index is not None:
        yield _bad_index(requested, remains.index, error)
    elif index := _index_beside(remains):
        path = remains.prefix + INDEX_SUFFIX
        yield Symptom(
            "the index is missing",
            f"{index!r} is one of the tensors in this shard, by their checksums",
            path,
            f"cp -- {shlex.quote(index)} {shlex.quote(path)}",
        )
    elif remains.shards:
        yield Symptom(
            "the index is missing, the shards are there",
            _evidence(salvage(remains.prefix)),
            remains.prefix + INDEX_SUFFIX,
            _salvage_command(remains.prefix),
        )
    else:
        yield Symptom(str(error), "nothing of it is there", error.path)


def _repairable_state(requested: str) -> Symptom | None:
    """A state file that can be made to name what is there."""
    state = requested
    if os.path.isdir(requested):
        state = os.path.join(requested, STATE_NAME)
    if not is_regular_file(state):
        return None
    try:
        done = relocate(state, dry_run=True)
    except TensorBundleError:
        return None
    if not done.changed:
        return None
    return Symptom(
        "the state file names checkpoints where they are not",
        f"the newest that is there is {done.latest!r}",
        state,
        f"tensorbundle relocate {shlex.quote(state)}",
    )


def _bad_index(requested: str, index: str, error: TensorBundleError) -> Symptom:
    if mistaken := _mistaken(index):
        return mistaken
    if mangled := mangled_index(index):
        evidence = "undone, its checksums are right" if mangled.command else "by its bytes"
        return Symptom(mangled.what, evidence, index, mangled.command)
    evidence = explain_not_a_table(index) or "its blocks have wrong checksums"
    if not is_regular_file(index):
        return Symptom(str(error), "it cannot be opened", index)
    return Symptom(
        f"the index is damaged: {error}",
        f"{evidence}; {_evidence(salvage(requested))}",
        index,
        _salvage_command(requested),
    )


def _index_beside(remains: Remains) -> str | None:
    """An index under another name whose tensors are those of the shards."""
    if not remains.shards:
        return None
    number, shard = min(remains.shards.items())
    for candidate in _files_beside(shard):
        if split_data_path(candidate) is not None or explain_not_a_table(candidate) is not None:
            continue
        if (ranges := _ranges_by(candidate, number)) and _holds(shard, ranges):
            return candidate
    return None


def _ranges_by(index: str, number: int) -> list[TensorInfo]:
    """What an index has in a shard; nothing if it is none that opens."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "other")
        os.symlink(os.path.abspath(index), prefix + INDEX_SUFFIX)
        try:
            ckpt = open_checkpoint(prefix)
            return _ranges_in(ckpt, number) if isinstance(ckpt, Bundle) else []
        except TensorBundleError:
            return []


def _parts(prefix: str) -> list[str]:
    """The prefixes of parts that a killed save left, if all are there."""
    folder = prefix + "_temp"
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [
        os.path.join(folder, name[: -len(INDEX_SUFFIX)])
        for name in names
        if name.endswith(INDEX_SUFFIX)
    ]


# --- what mends -----------------------------------------------------------------------------------


def _mistaken(path: str) -> Symptom | None:
    """A file that is something else, and how the one that is meant is got."""
    if not is_regular_file(path):
        return None
    found = identify_file(path)
    if found is None:
        return None
    name = shlex.quote(path)
    command = None
    if found.kind is FileKind.POINTER:
        with open(path, "rb") as file:
            head = file.read(200)
        if head.startswith(b"version https://git-lfs"):
            folder, base = os.path.split(path)
            inside = f"-C {shlex.quote(folder)} " if folder else ""
            command = f"git {inside}lfs pull --include {shlex.quote(base)}"
        elif b"annex/objects/" in head:
            command = f"git annex get {name}"
        elif head.startswith(b"outs:"):
            command = f"dvc pull {name}"
    elif found.kind is FileKind.ARCHIVE:
        command = next((f"{do} {name}" for end, do in _UNPACK if path.endswith(end)), None)
    return Symptom(f"{path!r} is {found.phrase}", "by its first bytes", path, command)


def _salvage_command(requested: str) -> str:
    try:
        prefix = remains_at(requested).prefix
    except TensorBundleError:
        prefix = requested
    return f"tensorbundle salvage {shlex.quote(requested)} {shlex.quote(prefix + '-salvaged')}"


def _evidence(done: Salvage) -> str:
    text = f"{format_count(len(done.kept), 'tensor')} can be saved"
    if done.mended:
        text += f", {format_count(sum(len(each.bits) for each in done.mended), 'bit')} mended"
    if done.unproved:
        text += f", {len(done.unproved)} without proof (--unproved)"
    return text
