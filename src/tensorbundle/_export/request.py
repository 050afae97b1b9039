"""Requests to export: what is wanted, what of it was left out, and how far it has come.

The rule of every target: a tensor that it cannot hold is an error if it was asked for by its full
name, and is left out, with the reason, if a glob, a pattern or "everything" led to it, unless
nothing may be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from .._checkpoint.selection import literal_names, parts_of, refuse_nothing
from .._progress import Meter, Progress
from ..errors import ConversionError

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._format.tensor_info import TensorInfo
    from .._write.staging import Staging

Piece: TypeAlias = "memoryview | bytes"


class DryRun(Exception):
    """All is ready to be written, and nothing is to be."""


class Request:
    """One call of `export`: the tensors wanted, and the account of what became of them."""

    def __init__(
        self,
        ckpt: Checkpoint,
        names: Filter,
        progress: Progress,
        *,
        exclude: Filter = None,
        paths: bool | Mapping[str, str] = False,
        strict: bool = False,
        dry_run: bool = False,
    ) -> None:
        if names is not None:
            names = parts_of(names)  # read twice, so an iterator must be kept
        self.ckpt = ckpt
        named = literal_names(names)
        if names is None:
            self.infos: list[TensorInfo] = ckpt.infos(exclude=exclude)
        else:  # what was asked for by another name, such as a readable path, is called by it
            labels = ckpt.select(names, exclude=exclude)
            refuse_nothing(names, labels)
            self.infos = [replace(ckpt.info(each), name=each) for each in labels]
        if paths and (objects := ckpt.objects) is not None:
            path_of = objects.path_of if isinstance(paths, bool) else paths.get
            called = {
                each.name: path_of(ckpt.info(each.name).name) or each.name for each in self.infos
            }
            self.infos = [replace(each, name=called[each.name]) for each in self.infos]
            named = frozenset(called.get(each, each) for each in named)
        self.left_out: list[tuple[str, str]] = []
        self.notes: tuple[str, ...] = ()
        self.written = 0
        self.nbytes = 0
        self._named = named
        self._strict = strict
        self.is_dry_run = dry_run
        self._meter = Meter(progress, sum(info.nbytes for info in self.infos))

    def keep(self, obstacle: Callable[[TensorInfo], str | None] = lambda _: None) -> None:
        """Leave out what no array holds, and what ``obstacle`` gives a reason for."""
        kept = []
        for info in self.infos:
            reason = info.obstacle or obstacle(info)
            if reason is None:
                kept.append(info)
            else:
                self.leave_out(info, reason)
        self.infos = kept
        if self.left_out and not kept:
            more = "" if len(self.left_out) == 1 else f", and {len(self.left_out) - 1} more"
            name, reason = self.left_out[0]
            raise ConversionError(f"nothing would be left to export: {name!r}: {reason}{more}")

    def begin(self, staging: Staging) -> Staging:
        """Go on to write, unless that is not wanted: then DryRun ends it here."""
        if self.is_dry_run:
            raise DryRun
        return staging

    def leave_out(self, info: TensorInfo, reason: str) -> None:
        """Note that a tensor cannot be written, or raise if it had to be."""
        if self._strict or info.name in self._named:
            raise ConversionError(f"cannot export tensor {info.name!r}: {reason}", key=info.name)
        self.left_out.append((info.name, reason))
        self._meter.total -= info.nbytes

    def pieces(self, info: TensorInfo) -> Iterator[Piece]:
        """Yield the raw bytes of a numeric tensor; the last step checks its CRC."""
        return self.counted(info, self.ckpt.chunks(info.name))

    def counted(self, info: TensorInfo, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Pass the pieces of a tensor on, and keep the account of it."""
        size, before = 0, self._meter.done
        for piece in pieces:
            yield piece
            size += memoryview(piece).nbytes
            # Padding may make a string tensor longer than it is stored.
            self._meter.at(before + min(size, info.nbytes))
        self._meter.at(before + info.nbytes)
        self.nbytes += size
        self.written += 1

    def finish(self) -> None:
        """Report the end, which the interval may have swallowed."""
        self._meter.finish()
