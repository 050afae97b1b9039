"""Retention: which checkpoints of a directory stay (TensorFlow's two rules, format.md §1.4).

Rules only: nothing here knows the file system or the clock, so each is a list that can be tested by
giving it times. What they say is done in ``train``.

Both keep the newest ``max_to_keep``; they differ in what they keep beyond that for good:

- `SaverRetention` measures N hours from its own start, and forgets when the process ends.
- `ManagerRetention` measures them from the last one kept, and is carried on by the state file.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from .._format.state import CheckpointState

_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True)
class SaverDef:
    """Description of a saver, with the fields of TensorFlow's ``SaverDef``.

    Attributes:
        filename_tensor_name, save_tensor_name, restore_op_name: Empty: there is no graph.
        max_to_keep: How many of the newest are kept; 0 for all.
        sharded: Whether there is a shard a device.
        keep_checkpoint_every_n_hours: Of those that would go, how often one stays.
        version: The format: 2.
    """

    filename_tensor_name: str = ""
    save_tensor_name: str = ""
    restore_op_name: str = ""
    max_to_keep: int = 5
    sharded: bool = False
    keep_checkpoint_every_n_hours: float = 10000.0
    version: int = 2

    LEGACY: ClassVar[int] = 0
    V1: ClassVar[int] = 1
    V2: ClassVar[int] = 2


class SaverRetention:
    """The rule of ``tf.train.Saver``.

    Args:
        max_to_keep: How many of the newest to keep; None or 0 keeps all, and lists none.
        keep_every_n_hours: Of those that would go, one every so many hours stays; None or 0 keeps
            each of them.
        now: Seconds since the epoch.
    """

    def __init__(
        self, max_to_keep: int | None, keep_every_n_hours: float | None, now: float
    ) -> None:
        if max_to_keep is not None and max_to_keep < 0:
            raise ValueError(f"max_to_keep must be None, 0 or more, not {max_to_keep}")
        self._max_to_keep = max_to_keep or 0
        # TensorFlow carries the hours in a float32 field: a tenth of an hour is 360.00000536 s.
        (hours,) = struct.unpack("<f", struct.pack("<f", keep_every_n_hours or 0.0))
        self._interval = hours * _SECONDS_AN_HOUR
        self._keep_after = now + self._interval
        self._listed: list[tuple[str, float]] = []
        self._leaving: list[str] = []

    @property
    def paths(self) -> list[str]:
        """The checkpoints in the rotation, oldest first."""
        return [path for path, _ in self._listed]

    def recover(self, listed: Iterable[tuple[str, float]]) -> None:
        """Replace the rotation by paths and when they were saved, oldest first."""
        self._listed = list(listed)

    def record(self, path: str, now: float) -> None:
        """Take in a checkpoint just saved; at most one other leaves for it."""
        if not self._max_to_keep:
            return
        self._listed = [each for each in self._listed if each[0] != path]
        self._listed.append((path, now))
        if len(self._listed) <= self._max_to_keep:
            return
        oldest, saved = self._listed.pop(0)
        if saved > self._keep_after:
            self._keep_after += self._interval
        else:
            self._leaving.append(oldest)

    def take_leaving(self) -> list[str]:
        """Hand over the checkpoints whose files are to be removed, each once."""
        leaving, self._leaving = self._leaving, []
        return leaving


class ManagerRetention:
    """The rule of ``tf.train.CheckpointManager``.

    Args:
        max_to_keep: How many of the newest to keep; None keeps all.
        keep_every_n_hours: A checkpoint that would go stays when it was saved at least so many
            hours after the last one that stayed; None lets all go.
        state: What the directory's state file says, with paths that can be opened; None for a fresh
            directory. Its checkpoints without a time, and those from before the last that stayed,
            are not taken back into the rotation: they stay for ever.
        now: Seconds since the epoch.
    """

    def __init__(
        self,
        max_to_keep: int | None,
        keep_every_n_hours: float | None,
        state: CheckpointState | None,
        now: float,
    ) -> None:
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"max_to_keep must be None or positive, not {max_to_keep}")
        self._max_to_keep = max_to_keep or math.inf
        self._interval = (keep_every_n_hours or math.inf) * _SECONDS_AN_HOUR
        self._saved: dict[str, float] = {}
        self.latest: str | None = None
        # A second back: a manager made anew within the clock's resolution keeps its checkpoints.
        self._last_preserved = now - 1
        if state is not None:
            self.latest = state.model_checkpoint_path
            # A clock set back must not make kept checkpoints look older than they are.
            self._last_preserved = min(state.last_preserved_timestamp, now)
            paths, times = state.all_model_checkpoint_paths, state.all_model_checkpoint_timestamps
            for path, saved in zip(paths, times, strict=False):
                if min(saved, now) > self._last_preserved:
                    self._saved[path] = min(saved, now)

    @property
    def paths(self) -> list[str]:
        """The checkpoints in the rotation, oldest first."""
        return list(self._saved)

    def record(self, path: str, now: float) -> None:
        """Take in a checkpoint just saved; one saved again under its name is the newest now."""
        self._saved.pop(path, None)
        self._saved[path] = now
        self.latest = path

    def sweep(self) -> list[str]:
        """Drop what is too much from the rotation, and hand over what is to be removed."""
        leaving = []
        while len(self._saved) > self._max_to_keep:
            oldest = next(iter(self._saved))
            saved = self._saved.pop(oldest)
            if saved - self._interval >= self._last_preserved:
                self._last_preserved = saved
            else:
                leaving.append(oldest)
        return leaving

    def state(self) -> CheckpointState:
        """What the state file has to say now; paths are as they were recorded."""
        return CheckpointState(
            self.latest or "",
            tuple(self._saved),
            tuple(self._saved.values()),
            self._last_preserved,
        )
