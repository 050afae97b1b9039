"""Sources of a job: checkpoints that workers open by themselves, each once a process."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..._locate.location import Location
from ..._source.address import Address
from ...errors import ConversionError, FormatError
from ..bundle import Bundle
from ..checkpoint import Checkpoint
from .bundle import FarBundle


@dataclass(frozen=True, slots=True, eq=False)
class JobSource:
    """Where a checkpoint is that workers open.

    Attributes:
        path: Its path or address; credentials do not travel.
        token: What the index was when the job was made; of another one nothing is read.
    """

    path: str | Address
    token: str | None

    def _identity(self) -> tuple[object, ...]:
        path = self.path
        if isinstance(path, Address):
            return path.url, sorted(path.options.items()), id(path.store), self.token
        return path, self.token

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobSource) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((str(self.path), self.token))


def source_of(ckpt: Checkpoint) -> JobSource:
    """What a worker opens a checkpoint by.

    Raises:
        ConversionError: It is none that could be opened anew.
    """
    address = getattr(ckpt, "address", None)
    if isinstance(address, Address):
        return JobSource(address, ckpt.index_etag if isinstance(ckpt, FarBundle) else None)
    path = _path_of(ckpt.location)
    if not os.path.exists(path):
        raise ConversionError(
            f"workers open what they read by themselves, and cannot open {path!r}: give the path "
            "of a checkpoint"
        )
    path = os.path.abspath(path)
    return JobSource(path, _token_of(path))


@contextmanager
def job_sources(ckpts: Iterable[Checkpoint]) -> Iterator[tuple[JobSource, ...]]:
    """What workers open checkpoints by; this process forgets them when the job ends.

    Raises:
        ConversionError: One could not be opened anew.
    """
    try:
        yield tuple(map(source_of, ckpts))
    finally:
        opened_source.cache_clear()


def _path_of(location: Location) -> str:
    return (location.index if location.kind == "v2" else None) or location.requested


def _token_of(path: str) -> str:
    found = os.stat(path)
    return f"{found.st_size} {found.st_mtime_ns}"


@functools.lru_cache(maxsize=64)
def opened_source(source: JobSource) -> Checkpoint:
    """Open a source; the one that was opened before, where this process has had it.

    Raises:
        FormatError: It was replaced since the job was made.
    """
    if not isinstance(source.path, Address) and _token_of(source.path) != source.token:
        raise FormatError("the checkpoint was replaced while a job read it", path=source.path)
    # By the door of the package: what opens lies above this room, and a worker begins here.
    api: Any = importlib.import_module("tensorbundle")
    ckpt: Checkpoint = api.open(source.path, mode="read")
    if isinstance(ckpt, FarBundle):
        ckpt.need_all()
        if source.token is not None and ckpt.index_etag != source.token:
            raise FormatError(
                "the checkpoint was replaced while a job read it", path=ckpt.location.prefix
            )
    return ckpt


def opened_bundle(source: JobSource) -> Bundle:
    """Open a source that is a V2 checkpoint; see `opened_source`."""
    ckpt = opened_source(source)
    assert isinstance(ckpt, Bundle)
    return ckpt
