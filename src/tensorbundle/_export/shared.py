"""Files of safetensors by workers: each writes some, and they get their names together."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .._checkpoint.far.sources import JobSource, job_sources, opened_source
from .._parallel.runners import run_tasks
from .._progress import Meter
from .._source.address import Address
from .._source.connect import connect
from .._source.copies import FarCopy, copy_object
from .._write.casting import Loss
from .._write.jobs.parts import Parts
from .._write.jobs.run import resumable, run_parts
from .._write.shards import clone
from .._write.staging import Staging
from .cast import CastCheckpoint
from .request import DryRun, Request
from .safetensors import (
    cut,
    earlier_files,
    index_of,
    moved_index,
    names_of,
    nbytes_of,
    obstacle,
    refuse_strange,
    write_file,
)

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._format.tensor_info import TensorInfo
    from .._parallel.runners import Workers
    from .._progress import Progress
    from .._write.jobs.parts import JobTarget
    from .request import Piece

_FRAMEWORK = "np"


class ExportTask(NamedTuple):
    """One file to write.

    Attributes:
        source: The checkpoint.
        names: The tensors, as they are called in the file.
        numbers: DataTypes that some are cast to, by key.
        loss: What casts may lose.
        parts: Where parts go.
        number: That of this one.
        nbytes: Bytes of the tensors.
    """

    source: JobSource
    names: tuple[str, ...]
    numbers: Mapping[str, int]
    loss: Loss
    parts: Parts
    number: int
    nbytes: int


def export_task(task: ExportTask) -> int:
    """Write one file; the bytes of its tensors."""
    ckpt = opened_source(task.source)
    if task.numbers:
        ckpt = CastCheckpoint(ckpt, task.numbers, task.loss)
    infos = [replace(ckpt.info(name), name=name) for name in task.names]

    def pieces(info: TensorInfo) -> Iterator[Piece]:
        return ckpt.chunks(info.name)

    with task.parts.file(task.number) as path, open(path, "xb") as file:
        write_file(file, infos, _FRAMEWORK, pieces)
    return task.nbytes


def write_by(
    request: Request,
    source: Checkpoint,
    target: JobTarget,
    workers: Workers,
    loss: Loss,
    progress: Progress,
    *,
    overwrite: bool,
    max_shard_bytes: int | None,
) -> tuple[str, ...]:
    """Write the files by workers, then their index; all files, the index last.

    Args:
        request: What is to be written.
        source: The checkpoint that is read, before any cast.
        target: Where to.
        workers: Who writes; see `run_tasks`.
        loss: What casts may lose.
        progress: As of `Checkpoint.verify`.
        overwrite: Whether files of an earlier export are replaced.
        max_shard_bytes: The most bytes of tensors in one file.
    """
    request.keep(obstacle)
    shards = list(cut(request.infos, max_shard_bytes))
    place: _Near | _Far = _Far(target) if isinstance(target, Address) else _Near(target)
    place.check(len(shards), overwrite=overwrite)
    if request.is_dry_run:
        raise DryRun
    sizes = [sum(map(nbytes_of, shard)) for shard in shards]
    meter = Meter(progress, sum(sizes))
    numbers = request.ckpt.numbers if isinstance(request.ckpt, CastCheckpoint) else {}
    with job_sources([source]) as (opened,):
        names = [tuple(info.name for info in shard) for shard in shards]
        what = ("export", str(opened.path), opened.token, names, sorted(numbers.items()), loss)
        parts = Parts.of(target, what, len(shards), ".safetensors")
        tasks = (
            ExportTask(opened, names[n], _of(names[n], request, numbers), loss, parts, n, size)
            for n, size in enumerate(sizes)
        )
        with resumable(parts):
            run_parts(export_task, tasks, workers, parts, meter)
            index = index_of(shards, names_of(str(target), len(shards))[0], sum(sizes))
            files = place.put(parts, index, workers, overwrite=overwrite)
    meter.finish()
    request.written, request.nbytes = len(request.infos), sum(sizes)
    return files


def _of(names: Sequence[str], request: Request, numbers: Mapping[str, int]) -> dict[str, int]:
    """DataTypes that some tensors are cast to, of those that any are."""
    if not numbers:
        return {}
    keys = (request.ckpt.info(name).name for name in names)
    return {key: numbers[key] for key in keys if key in numbers}


class _Near:
    """A target on this machine's file systems."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._directory, self._name = os.path.split(path)

    def check(self, count: int, *, overwrite: bool) -> None:
        """Raise FileExistsError where something is that has to stay."""
        earlier = earlier_files(self._directory, self._name)
        names, index = names_of(self._path, count)
        if count > 1:
            refuse_strange(self._directory, [*names, index], earlier)
        Staging(self._directory, earlier=earlier, overwrite=overwrite)

    def put(
        self, parts: Parts, index: bytes, workers: Workers, *, overwrite: bool
    ) -> tuple[str, ...]:
        """Give parts their names, and write the index."""
        names, index_name = names_of(self._path, parts.total)
        moved = partial(moved_index, os.path.join(self._directory, index_name))
        earlier = earlier_files(self._directory, self._name)
        with Staging(self._directory, earlier=earlier, overwrite=overwrite, moved=moved) as staging:
            for number, name in enumerate(names if parts.total > 1 else [self._name]):
                clone(str(parts.path(number)), staging.place(name))
            if parts.total > 1:
                with staging.create(index_name) as file:
                    file.write(index)
        return staging.files


class _Far:
    """A target in a store."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._client = connect(address)
        self._parent = address.key[: len(address.key) - len(address.key.rpartition("/")[2])]

    def _names(self, count: int) -> tuple[list[str], str | None]:
        names, index = names_of(self._address.key, count)
        return (names, index) if count > 1 else ([self._address.key.rpartition("/")[2]], None)

    def check(self, count: int, *, overwrite: bool) -> None:
        """Raise FileExistsError where something is that has to stay."""
        names, index = self._names(count)
        for name in () if overwrite else (index or names[0], names[0]):
            if self._client.find(self._parent + name) is not None:
                url = self._client.url(self._parent + name)
                raise FileExistsError(errno.EEXIST, "it exists already", url)

    def put(
        self, parts: Parts, index: bytes, workers: Workers, *, overwrite: bool
    ) -> tuple[str, ...]:
        """Copy parts to their names, inside of the store, and write the index."""
        names, index_name = self._names(parts.total)
        copies = []
        for number, name in enumerate(names):
            part = parts.path(number)
            assert isinstance(part, Address)
            meta = self._client.head(part.key)
            copies.append(FarCopy(part, meta, self._address.at(self._parent + name)))
        for _ in run_tasks(copy_object, copies, workers):
            pass
        if index_name is not None:
            self._client.put(self._parent + index_name, index)
        files = [*names] if index_name is None else [*names, index_name]
        return tuple(self._client.url(self._parent + name) for name in files)
