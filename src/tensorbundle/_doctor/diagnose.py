"""Diagnosis of whatever does not open or restore: findings, evidence, the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._checkpoint.bundle import Bundle
from .._checkpoint.opening import open as open_checkpoint
from .._far.verbs import takes_addresses
from .._format.filenames import Path, as_path
from .._locate.location import is_saved_model
from .._look.outcomes import Outcome
from ..errors import MissingFileError, TensorBundleError
from .byteorder import big_endian, swapped
from .salvage import salvage
from .symptoms.models import of_model
from .symptoms.shards import of_shards
from .symptoms.states import of_opened
from .symptoms.symptom import Symptom
from .symptoms.unopened import salvaging, why_unopened
from .verify import verify_opened

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.report import Fault


_MOST_FAULTS: Final = 50


@dataclass(frozen=True, slots=True, repr=False)
class Diagnosis(Outcome):
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
            return Diagnosis(requested, False, tuple(why_unopened(requested, error)))
    report = verify_opened(requested, ckpt)
    symptoms = list(of_opened(ckpt))
    symptoms += _of_faults(requested, ckpt, report.faults)
    if isinstance(ckpt, Bundle):
        for told in filter(None, (big_endian(ckpt), swapped(ckpt))):
            what, evidence, command = told
            symptoms.append(Symptom(what, evidence, ckpt.location.index, command))
    return Diagnosis(requested, True, tuple(symptoms), report.unchecked)


def _of_faults(requested: str, ckpt: Checkpoint | None, faults: tuple[Fault, ...]) -> list[Symptom]:
    """What verification found, put together by file, with what mends it."""
    by_shard: dict[int, Symptom] = {}
    if isinstance(ckpt, Bundle):
        by_shard = of_shards(
            ckpt, dict.fromkeys(fault.shard for fault in faults if fault.shard is not None)
        )
    found = list(dict.fromkeys(by_shard.values()))
    rest = [fault for fault in faults if fault.shard is None or fault.shard not in by_shard]
    command = None
    if any(_is_salvaged(fault) for fault in rest) and _leaves_something(requested, ckpt, faults):
        command = salvaging(requested)
    for fault in rest[:_MOST_FAULTS]:
        where = fault.path if fault.offset is None else f"{fault.path}, byte {fault.offset}"
        evidence = "; ".join(filter(None, [where, fault.cause]))
        what = f"{fault.kind}: {fault.message}" if fault.name is None else (
            f"{fault.kind} in {fault.name!r}: {fault.message}"
        )  # fmt: skip
        mends = command if _is_salvaged(fault) else of_model(fault.kind, fault.path)
        found.append(Symptom(what, evidence, fault.path, mends))
    if len(rest) > _MOST_FAULTS:
        found.append(Symptom(f"{len(rest) - _MOST_FAULTS} more faults", "see `verify`"))
    return found


def _is_salvaged(fault: Fault) -> bool:
    return fault.shard is not None or fault.kind == "checksum"


def _leaves_something(requested: str, ckpt: Checkpoint | None, faults: tuple[Fault, ...]) -> bool:
    """Whether a salvage would save a tensor at all."""
    named = {fault.name for fault in faults if fault.name is not None}
    missing = {fault.shard for fault in faults if fault.kind == "missing shard"}
    if isinstance(ckpt, Bundle) and missing:
        infos = list(ckpt.iter_infos())
        named |= {info.name for info in infos if info.shard in missing}
    if ckpt is not None and len(ckpt) > len(named):
        return True
    return bool(salvage(requested).kept)
