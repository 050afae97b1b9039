"""Crosscheck: every tensor against TensorFlow's own restore, bit for bit.

TensorFlow runs in a process of its own (`oracle`), because it aborts on some tensors and because
a process that holds both libraries would prove less. Both of its ways are asked: the reader of
`tf.train.load_checkpoint` and the `RestoreV2` operation; of a frozen graph `tf.make_ndarray` and
a session into which the graph is imported.
"""

from __future__ import annotations

import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from .._checkpoint.opening import Source, opened
from .._checkpoint.selection import parts_of, refuse_nothing
from .._far.verbs import takes_addresses
from .._format.dtypes import name_of
from .._progress import Meter, Progress
from ..errors import TensorBundleError, UnsupportedError
from .bitwise import Difference, Tensor
from .oracle import Oracle, OracleFailure, files_of

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._format.tensor_info import TensorInfo
    from .._locate.location import Location

__all__ = ["Comparison", "Crosscheck", "Difference", "crosscheck"]

_WAYS: Final = ("get_tensor", "RestoreV2")
_GRAPH_WAYS: Final = ("make_ndarray", "Session.run")
_CONTRADICTIONS: Final = ("different", "only here", "only there")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Verdict on one tensor.

    Attributes:
        name: The tensor.
        status: ``"equal"``; ``"different"``; ``"only here"`` (TensorFlow neither lists nor reads
            it); ``"only there"`` (TensorFlow lists it, tensorbundle does not); ``"tensorflow
            cannot"`` (neither of its ways reads it, tensorbundle does); ``"we cannot"``;
            ``"neither can"`` (a damaged tensor, or one of which slices are missing).
        how: Which of TensorFlow's ways gave that status.
        detail: One line: what differs, or what was said by who cannot.
        sha256: Of the little-endian bytes in C order as tensorbundle reads them; of a string
            tensor, of each element's length as 8 little-endian bytes and the element. None if
            tensorbundle cannot read it.
        dtype: TensorFlow's name of the type.
        shape: The shape.
        difference: The first element that differs, if it came to comparing elements.
        ok: False for what contradicts TensorFlow or hides damage. A documented limit of either side
            (a type that tensorbundle refuses, a tensor that TensorFlow cannot read) is no fault.
            Neither are missing slices, which TensorFlow itself leaves out.
    """

    name: str
    status: str
    how: str
    detail: str
    sha256: str | None
    dtype: str
    shape: tuple[int, ...]
    difference: Difference | None = None
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Crosscheck:
    """Outcome of `crosscheck`.

    Attributes:
        location: What the path turned out to mean.
        comparisons: One for each tensor in key order, then those that only TensorFlow lists.
        notes: Sentences for the user about what limits the outcome.
        files: The checkpoint's files with their sizes in bytes.
        tensorflow_version: The TensorFlow that was asked.
        python_version: The Python that ran it.
        tensorbundle_version: This library.
        platform: The system and processor.
        date: When, in UTC.
    """

    location: Location
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    files: tuple[tuple[str, int], ...]
    tensorflow_version: str
    python_version: str
    tensorbundle_version: str
    platform: str
    date: str

    @property
    def ok(self) -> bool:
        """True when nothing contradicts and, if there is a tensor at all, one was found equal."""
        equal = any(each.status == "equal" for each in self.comparisons)
        return all(each.ok for each in self.comparisons) and (equal or not self.comparisons)

    @property
    def counts(self) -> dict[str, int]:
        """Number of tensors by each status that occurs."""
        return dict(Counter(each.status for each in self.comparisons))

    def certificate(self) -> dict[str, Any]:
        """Return everything as what `json.dumps` takes."""
        tensors = []
        for each in self.comparisons:
            record = {key: value for key, value in asdict(each).items() if value not in (None, "")}
            tensors.append(record)
        return {
            "ok": self.ok,
            "counts": self.counts,
            "path": self.location.requested,
            "prefix": self.location.prefix,
            "format": self.location.kind,
            "files": [{"path": path, "nbytes": nbytes} for path, nbytes in self.files],
            "tensorbundle": self.tensorbundle_version,
            "tensorflow": self.tensorflow_version,
            "python": self.python_version,
            "platform": self.platform,
            "date": self.date,
            "notes": list(self.notes),
            "tensors": tensors,
        }


@takes_addresses(sources=("src",))
def crosscheck(
    src: Source,
    *,
    names: Filter = None,
    exclude: Filter = None,
    python: str | os.PathLike[str] = sys.executable,
    progress: Progress = None,
    timeout_s: float = 300.0,
) -> Crosscheck:
    """Compare every tensor with what TensorFlow restores, bit for bit.

    TensorFlow runs in another process, which is started again whenever a tensor makes it abort. No
    more than about one tensor is in memory on either side. The checkpoint is only read.

    Args:
        src: The checkpoint or frozen graph, in any spelling that `open` takes.
        names: Compare only these: a name, a glob, a regular expression, or several of them.
        exclude: Do not compare these, likewise, whatever ``names`` says.
        python: The Python that has TensorFlow; it need not have tensorbundle.
        progress: Called with the bytes compared and all bytes, at most ten times a second.
        timeout_s: How long TensorFlow may take to start, and to read one tensor.

    Returns:
        The outcome, tensor by tensor.

    Raises:
        UnsupportedError: ``python`` has no TensorFlow; the message says what to install. Or the
            file is of another program.
        MissingFileError: There is no checkpoint at the path.
        TensorNotFoundError: A name in ``names`` is not in the checkpoint, or nothing matches.
        FormatError: The checkpoint is too damaged to list its tensors.
        OSError: ``python`` cannot be started.

    Example:
        >>> import tensorbundle as tb
        >>> result = tb.crosscheck(tb.demo())
        >>> result.ok, result.counts
        (True, {'equal': 28})
    """
    checkpoint = opened(src)
    if names is not None:
        names = parts_of(names)
    infos = checkpoint.infos(names, exclude=exclude)
    refuse_nothing(names, infos)
    location = checkpoint.location
    if location.kind not in ("v2", "v1", "graph"):
        raise UnsupportedError(
            f"TensorFlow restores no {location.kind}: `save` makes a checkpoint of it",
            path=location.prefix,
        )
    files = files_of(location, checkpoint.num_shards)
    with Oracle(location, files, os.fspath(python), timeout_s) as oracle:
        listing = _listing(oracle)
        comparisons = []
        for info in _reporting(infos, progress):
            comparisons.append(_compare_tensor(checkpoint, info, oracle, listing))
        if names is None and exclude is None and listing is not None:
            comparisons += _only_there(listing, checkpoint)
        return Crosscheck(
            location=location,
            comparisons=tuple(comparisons),
            notes=(*location.notes, *oracle.notes),
            files=tuple((file, os.path.getsize(file)) for file in files),
            tensorflow_version=oracle.tensorflow_version,
            python_version=oracle.python_version,
            tensorbundle_version=sys.modules["tensorbundle"].__version__,
            platform=platform.platform(),
            date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )


def _reporting(infos: list[TensorInfo], progress: Progress) -> Iterator[TensorInfo]:
    """Infos, with progress told after each has been dealt with."""
    meter = Meter(progress, sum(info.nbytes for info in infos))
    for info in infos:
        yield info
        meter.add(info.nbytes)
    meter.finish()


def _listing(oracle: Oracle) -> dict[str, tuple[int, tuple[int, ...]]] | None:
    """DataType number and shape by name as TensorFlow lists them; None if it cannot."""
    try:
        tensors = oracle.ask(do="list")["tensors"]
    except OracleFailure as failure:
        oracle.notes.append(
            f"tensorflow cannot list the tensors ({failure}): names that only it knows go unseen"
        )
        return None
    return {name: (dtype, tuple(shape)) for name, dtype, shape in tensors}


def _only_there(
    listing: dict[str, tuple[int, tuple[int, ...]]], checkpoint: Checkpoint
) -> list[Comparison]:
    return [
        Comparison(name, "only there", "", "", None, name_of(dtype), shape, ok=False)
        for name, (dtype, shape) in sorted(listing.items(), key=lambda item: os.fsencode(item[0]))
        if name not in checkpoint
    ]


def _compare_tensor(
    checkpoint: Checkpoint,
    info: TensorInfo,
    oracle: Oracle,
    listing: dict[str, tuple[int, tuple[int, ...]]] | None,
) -> Comparison:
    def verdict(status: str, how: Iterable[str] = (), detail: str = "", **more: Any) -> Comparison:
        more.setdefault("ok", status not in _CONTRADICTIONS)
        sha256 = None if ours is None else ours.sha256()
        how = " and ".join(how)
        return Comparison(info.name, status, how, detail, sha256, info.tf_dtype, info.shape, **more)

    ours = None
    ways = _GRAPH_WAYS if checkpoint.location.kind == "graph" else _WAYS
    try:
        ours = Tensor(info, checkpoint.load([info.name])[info.name])
    except UnsupportedError as error:
        return verdict("we cannot", detail=str(error))
    except (TensorBundleError, OSError) as error:
        refused = {way: _ask_in_vain(oracle, way, info) for way in ways}
        said = "; ".join(f"{way}: {why or 'it reads this tensor'}" for way, why in refused.items())
        neither = all(refused.values())
        return verdict(
            "neither can" if neither else "we cannot",
            detail=f"{error}; in tensorflow: {said}",
            ok=neither and not info.complete,
        )

    listed = None if listing is None else listing.get(info.name)
    if listed is not None and listed != (info.data_type, info.shape):
        here = f"{info.tf_dtype} {list(info.shape)}"
        there = f"{name_of(listed[0])} {list(listed[1])}"
        return verdict("different", detail=f"{here} here, {there} in tensorflow")
    equal, refusals = [], []
    for way in ways:
        try:
            difference = _compare_way(ours, info, oracle, way)
        except OracleFailure as failure:
            refusals.append(f"{way}: {failure}")
            continue
        if isinstance(difference, Difference):
            return verdict("different", [way], str(difference), difference=difference)
        if difference is not None:
            return verdict("different", [way], difference)
        equal.append(way)
    if listing is not None and listed is None:
        refusals.insert(0, "tensorflow does not list it")
        if not equal:
            return verdict("only here", detail="; ".join(refusals))
    return verdict("equal" if equal else "tensorflow cannot", equal or ways, "; ".join(refusals))


def _compare_way(
    ours: Tensor, info: TensorInfo, oracle: Oracle, way: str
) -> Difference | str | None:
    """Have TensorFlow read a tensor one way: the first difference, what else differs, or None."""
    answer = oracle.ask(do=way, name=info.name, dtype=info.data_type)
    nbytes = answer["nbytes"]
    if tuple(answer["shape"]) == info.shape and ours.nbytes in (None, nbytes):
        return ours.compare(nbytes, oracle.read)
    oracle.skip()
    here = f"shape {list(info.shape)} and {ours.nbytes} bytes here"
    return f"{here}, {answer['shape']} and {nbytes} in tensorflow"


def _ask_in_vain(oracle: Oracle, way: str, info: TensorInfo) -> str | None:
    """Ask TensorFlow for a tensor that tensorbundle cannot read: what it says; None if it can."""
    try:
        oracle.ask(do=way, name=info.name, dtype=info.data_type)
    except OracleFailure as failure:
        return str(failure)
    oracle.skip()
    return None
