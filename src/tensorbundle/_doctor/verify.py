"""Verification of all that lies at a path: values, and the graph that they belong to."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

from .._checkpoint.bundle import Bundle
from .._checkpoint.checkpoint import Checkpoint
from .._checkpoint.opening import open as open_checkpoint
from .._checkpoint.report import Fault, Report
from .._far.verbs import graph_near
from .._format.filenames import META_SUFFIX, Path, as_path
from .._format.wording import Worded
from .._locate.location import SAVED_MODELS, VARIABLES, is_regular_file, is_saved_model
from .._parallel.runners import Workers
from .._progress import Progress
from .._source.address import Address
from .._source.connect import connect
from ..errors import MissingFileError

_NEVER: Final = ("whether the values are those that training meant: checksums only tell of change",)


def verify(
    path: Path,
    *,
    finite: bool = False,
    threads: int = 0,
    progress: Progress = None,
    workers: Workers = None,
) -> Report:
    """Check a checkpoint, and the graph that belongs to it: a SavedModel's, or the ``.meta``.

    Every checksum and every claim of the index is checked, as by `Checkpoint.verify`. The graph is
    parsed to its end; each variable that it restores must be there with its dtype and shape, each
    asset too; a SavedModel's graph must be the one that ``fingerprint.pb`` knows, and its objects
    those of the values.

    Args:
        path: Any spelling of a checkpoint, or a SavedModel without variables.
        finite: Also find tensors with NaN or infinite elements.
        threads: How many to use; 0 means as many as are useful.
        progress: As of `Checkpoint.verify`.
        workers: Who reads the shards: a number of threads, a `concurrent.futures.Executor`, or a
            Dask client. Tasks carry paths and addresses, never credentials; on one machine nothing
            is won by them.

    Returns:
        A report; ``unchecked`` says what was not looked at.

    Raises:
        TensorBundleError: There is neither a checkpoint nor a SavedModel that can be opened.

    Example:
        >>> import tensorbundle as tb
        >>> report = tb.verify(tb.demo("saver") + "/model.ckpt-20")
        >>> report.ok, report.unchecked[0]
        (True, 'whether the values have NaN or infinite elements: ask with finite=True')
    """
    requested = as_path(path)
    ckpt: Checkpoint | None = None
    try:
        ckpt = open_checkpoint(path)
    except MissingFileError:
        if not is_saved_model(requested):
            raise
    return verify_opened(
        requested, ckpt, finite=finite, threads=threads, progress=progress, workers=workers
    )


def verify_opened(
    requested: str,
    ckpt: Checkpoint | None,
    *,
    finite: bool = False,
    threads: int = 0,
    progress: Progress = None,
    workers: Workers = None,
) -> Report:
    """The same of a checkpoint that was opened by this path; None: a SavedModel has no values."""
    from .model import check_model

    report = Report(True, 0, 0, ())
    if workers is not None and isinstance(ckpt, Bundle):
        from .._checkpoint.far.tasks import verify_by

        report = verify_by(ckpt, workers, progress)
    elif ckpt is not None:
        report = ckpt.verify(threads=threads, progress=progress)
    faults: list[Fault] = list(report.faults)
    unchecked: list[str] = []
    if finite and ckpt is not None:
        from .finite import not_finite

        faults += not_finite(ckpt)
    elif ckpt is not None:
        asked = Worded.of("finite=True", "--finite")
        unchecked.append(
            Worded("whether the values have NaN or infinite elements: ask with ", asked)
        )
    graph = _graph_of(requested, ckpt)
    address = _far_graph_of(ckpt)
    if address is not None:
        (found, remarks), _ = graph_near(address, lambda near: check_model(_file_in(near), ckpt))
        faults += found
        unchecked += remarks
    elif graph is not None:
        found, remarks = check_model(graph, ckpt)
        faults += found
        unchecked += remarks
    elif lost := _lost_graph(requested, ckpt):
        faults.append(lost)
    elif ckpt is None or ckpt.location.kind != "graph":
        unchecked.append("a graph: none lies beside the values")
    return replace(report, ok=not faults, faults=tuple(faults), unchecked=(*unchecked, *_NEVER))


def _graph_of(requested: str, ckpt: Checkpoint | None) -> str | None:
    """The file of the graph that was named, or lies beside the values."""
    if requested.endswith(META_SUFFIX) and is_regular_file(requested):
        return requested
    directory = requested if ckpt is None else ckpt.location.saved_model
    if directory is not None:
        paths = (os.path.join(directory, name) for name in SAVED_MODELS)
        return next((path for path in paths if is_regular_file(path)), None)
    return ckpt.location.meta if ckpt is not None else None


def _far_graph_of(ckpt: Checkpoint | None) -> Address | None:
    """The address of the graph that lies beside far values: a ``.meta``, or a SavedModel."""
    values = getattr(ckpt, "address", None)
    if ckpt is None or not isinstance(values, Address):
        return None
    model = ckpt.location.saved_model
    places = [f"{values.key}{META_SUFFIX}"]
    if model is not None:
        directory = values.at(Address(model).key)
        places = [f"{directory.key}/{name}" for name in SAVED_MODELS]
    client = connect(values)
    found = next((key for key in places if client.find(key) is not None), None)
    if found is None:
        return None
    return values.at(found) if model is None else directory


def _file_in(path: str) -> str:
    """The file of a graph: itself, or the one in the directory of a SavedModel."""
    inside = (os.path.join(path, name) for name in SAVED_MODELS)
    return next((file for file in inside if is_regular_file(file)), path)


def _lost_graph(requested: str, ckpt: Checkpoint | None) -> Fault | None:
    """The fault of a directory with variables/ and no graph, when the directory was asked for."""
    if ckpt is None or not os.path.isdir(requested):
        return None
    inside = os.path.join(requested, VARIABLES, VARIABLES)
    if os.path.normpath(ckpt.location.prefix) != os.path.normpath(inside):
        return None
    message = "the graph of the SavedModel is missing: expected saved_model.pb"
    return Fault(None, None, None, None, "graph", message, os.path.join(requested, SAVED_MODELS[0]))
