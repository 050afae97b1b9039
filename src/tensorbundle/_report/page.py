"""``report``: what is looked at, and the file that is written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from .._checkpoint.checkpoint import Checkpoint
from .._checkpoint.opening import Source, opened, path_of
from .._doctor.verify import verify_opened
from .._format.filenames import Path, as_path
from .._graph.graph import Graph, load_graph
from .._look.outcomes import Outcome
from .._look.tensors import facts
from .._objects.optimizers import origin
from .._printable import printable
from .._progress import Meter, Progress
from .._write.durable import replace_file
from .._write.staging import TargetExistsError, check_target
from ..errors import MissingFileError, TensorBundleError
from .comparison import compared
from .html import page
from .objects import objects_of
from .outline import outline_of
from .tensors import Values, facts_of

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

SCHEMA: Final = 1
_STEPS: Final = ("global_step", "step", "save_counter")


@dataclass(frozen=True, slots=True, repr=False)
class ReportPage(Outcome):
    """Page that `report` wrote.

    Attributes:
        path: The file.
        nbytes: Its size.
        tensors: How many tensors are on it.
        faults: How many faults verification found; None when it was not asked for.
        different: Of two checkpoints, whether they differ; else None.
    """

    path: str
    nbytes: int
    tensors: int
    faults: int | None
    different: bool | None


def report(
    src: Source | Graph,
    other: Source | None = None,
    *,
    path: Path,
    graph: Path | Graph | None = None,
    values: bool = True,
    verify: bool = True,
    overwrite: bool = False,
    progress: Progress = None,
) -> ReportPage:
    """Write a page about a checkpoint, a graph or a model; or about two checkpoints compared.

    The page is one file that needs no network: sizes as a map, a table of all tensors with
    statistics and histograms, the object tree, what verification found, the graph scope by scope.

    Args:
        src: A checkpoint, a SavedModel, a frozen graph, or a ``.meta`` with or without its
            checkpoint, in any spelling.
        other: A second checkpoint, which the first is compared with.
        path: The file to write, ``report.html``.
        graph: The graph, if it does not lie beside the checkpoint.
        values: Whether tensors are read: for statistics and histograms.
        verify: Whether all checksums are checked, and the graph.
        overwrite: Whether a file that is there is replaced.
        progress: Called with the bytes read and the bytes in all.

    Raises:
        MissingFileError: There is neither a checkpoint nor a graph.
        FileExistsError: There is a file of that name.
        FormatError: The checkpoint or the graph cannot be opened.
        ChecksumError: One of two that are compared is damaged.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = tb.report(tb.demo(), path=f"{folder}/report.html")
        >>> page.tensors, page.faults
        (28, 0)
    """
    target = check_target(as_path(path), is_directory=False)
    if os.path.exists(target) and not overwrite:
        raise TargetExistsError(target)
    unopened: list[str] = []
    ckpt, found_graph = _found(src, graph, unopened)
    second = None if other is None else opened(other)
    if second is not None and ckpt is None:
        raise MissingFileError("a graph without values cannot be compared with a checkpoint")
    document: dict[str, Any] = {"schema": SCHEMA, "unopened": unopened}
    infos: list[TensorInfo] = []
    sides = [side for side in (ckpt, second) if side is not None]
    # Values are read, both sides of a comparison, and all of the first is checked.
    work = [values, second is not None, verify and ckpt is not None]
    meter = Meter(progress, sum(side.nbytes for side in sides) * sum(work))
    if ckpt is not None:
        infos = _add_tensors(document, ckpt, second, values, meter)
        if verify:
            document["verify"] = _verified(_named(src, ckpt), ckpt, finite=values, meter=meter)
    meter.finish()
    rows = {info.name: number for number, info in enumerate(infos)}
    if ckpt is not None and (objects := _objects(ckpt)) is not None:
        document["objects"] = objects_of(objects, rows)
    if found_graph is not None:
        document["graph"] = outline_of(found_graph, ckpt, rows)
    title = _title(ckpt, found_graph)
    document["title"] = printable(title)
    document["codes"] = {"path": ascii(title), "shell": printable(title)}
    content = page(title, document)
    os.makedirs(os.path.dirname(target) or os.curdir, exist_ok=True)
    replace_file(target, content)
    return ReportPage(
        target,
        len(content),
        len(infos),
        len(document["verify"]["faults"]) if "verify" in document else None,
        None if second is None else not document["diff"]["same"],
    )


def _found(
    src: Source | Graph, graph: Path | Graph | None, unopened: list[str]
) -> tuple[Checkpoint | None, Graph | None]:
    """The checkpoint and the graph that are meant; either may not be there.

    Args:
        src: What was given.
        graph: The graph, if it was given apart.
        unopened: Takes why one of them is there and cannot be shown.
    """
    if isinstance(src, Graph):
        return src.open_checkpoint(), src
    ckpt: Checkpoint | None = None
    failure: TensorBundleError | None = None
    try:
        ckpt = opened(src)
    except TensorBundleError as error:
        failure = error
    beside = path_of(src)
    if isinstance(src, Checkpoint):
        beside = src.location.saved_model or src.location.meta or beside
    try:
        found = load_graph(beside if graph is None else graph)
    except TensorBundleError as error:
        if failure is not None:
            raise failure from None
        if graph is not None:
            raise
        if not isinstance(error, MissingFileError):
            unopened.append(printable(f"the graph is not shown: {error}"))
        return ckpt, None
    if failure is not None and not isinstance(failure, MissingFileError):
        # A graph whose weights lie elsewhere is no frozen one; what lies beside it must open.
        if graph is not None or found.path != beside:
            raise failure
        unopened.append(printable(f"the graph is shown without values: {failure}"))
    return ckpt, found


def _title(ckpt: Checkpoint | None, graph: Graph | None) -> str:
    """The path by which people open what the page is about."""
    if ckpt is not None:
        return ckpt.location.saved_model or ckpt.location.prefix
    return "" if graph is None else graph.directory or graph.path


def _named(src: Source | Graph, ckpt: Checkpoint) -> str:
    return ckpt.location.prefix if isinstance(src, (Graph, Checkpoint)) else path_of(src)


def _objects(ckpt: Checkpoint) -> Any:
    try:
        return ckpt.objects
    except TensorBundleError:  # verification tells what is wrong with it
        return None


def _add_tensors(
    document: dict[str, Any],
    ckpt: Checkpoint,
    second: Checkpoint | None,
    values: bool,
    meter: Meter,
) -> list[TensorInfo]:
    """Put down the tensors of a checkpoint, and what another has otherwise."""
    infos = ckpt.infos()
    count = len(infos)
    if second is not None:
        infos += [info for info in second.iter_infos() if info.name not in ckpt._known]
    document["tensors"] = facts_of(infos, _objects(ckpt))
    document["facts"] = _facts(ckpt, infos[:count])
    if second is not None:
        document["second"] = {
            "title": printable(second.location.prefix),
            "facts": _facts(second, second.infos()),
        }
    if values:
        read = Values(len(infos))
        read.read(ckpt, infos[:count], meter)
        if second is not None:
            more = Values(len(infos))
            more.read(second, infos[count:], meter)
            for key, column in more.columns.items():
                read.columns[key] += column
        document["values"] = read.columns
        document["unread"] = read.unread
        whole = read.whole
        document["whole"] = {
            "negative": whole.negative.tolist(),
            "positive": whole.positive.tolist(),
            **{key: getattr(whole, key) for key in ("zeros", "nan", "inf", "count")},
        }
    if second is not None:
        from .._edit.diff import diff

        found = diff(ckpt, second, progress=_onward(meter))
        document["diff"] = compared(ckpt, second, found, infos, count)
    return infos


def _onward(meter: Meter) -> Callable[[int, int], object]:
    """What is told of a part of the work, told of the whole."""
    start = meter.done
    return lambda done, total: meter.at(start + done)


def _facts(ckpt: Checkpoint, infos: Sequence[TensorInfo]) -> list[list[str]]:
    """What is said of a checkpoint on top of its page; amounts of tensors are summed up there."""
    dtypes = Counter(info.tf_dtype for info in infos)
    told = [
        ["format", facts(ckpt)[0]],
        ["written by", origin(_objects(ckpt))],
        ["shards", f"{ckpt.num_shards:,}"],
        ["dtypes", ", ".join(f"{count:,} × {dtype}" for dtype, count in dtypes.most_common())],
    ]
    if (step := _step(ckpt)) is not None:
        told.append(["step", f"{step:,}"])
    for name, place in (
        ("graph beside it", ckpt.location.meta),
        ("SavedModel", ckpt.location.saved_model),
    ):
        if place is not None:
            told.append([name, printable(place)])
    return told + [["note", printable(note)] for note in ckpt.location.notes]


def _step(ckpt: Checkpoint) -> int | None:
    """The step that training had come to, as the checkpoint itself says."""
    for name in _STEPS:
        try:
            info = ckpt.info(name)
            if info.dtype is not None and info.dtype.kind in "iu" and not info.shape:
                return int(ckpt[name])
        except TensorBundleError:
            continue
    return None


def _verified(requested: str, ckpt: Checkpoint, *, finite: bool, meter: Meter) -> dict[str, Any]:
    found = verify_opened(requested, ckpt, finite=finite, progress=_onward(meter))
    faults = [
        {
            key: printable(value) if isinstance(value, str) else value
            for key, value in asdict(fault).items()
        }
        for fault in found.faults
    ]
    return {
        "checked": found.checked,
        "nbytes": found.nbytes,
        "faults": faults,
        "notes": [printable(each) for each in found.notes],
        "unchecked": [printable(each) for each in found.unchecked],
    }
