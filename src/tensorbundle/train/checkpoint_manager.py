"""``tf.train.CheckpointManager``: keep the newest checkpoints of a directory."""

from __future__ import annotations

import operator
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, SupportsIndex, TypeAlias

from .._format.state import CheckpointState
from .directory import (
    Foreign,
    Path,
    generate_checkpoint_state_proto,
    get_checkpoint_state,
    local_path,
    remove_leaving,
    write_state,
    written_state,
)
from .retention import ManagerRetention
from .series.newest import newest_first, newest_whole
from .tree_checkpoint import Checkpoint

Step: TypeAlias = "SupportsIndex | Callable[[], SupportsIndex]"


class CheckpointManager:
    """Save a `Checkpoint` now and then into a directory of its own, and keep the newest.

    What was kept by an earlier manager of the directory, TensorFlow's too, is taken over. Only one
    should be at work there at a time.

    Args:
        checkpoint: The variables, or the tree of them to make a `Checkpoint` of.
        directory: Where to save; made when it is first needed.
        max_to_keep: How many of the newest to keep; None keeps all.
        keep_checkpoint_every_n_hours: A checkpoint that would be removed stays for good when it was
            saved at least so many hours after the last one that stayed.
        checkpoint_name: What the number is appended to.
        step_counter: The training step, for ``checkpoint_interval``: an integer array that the
            program counts up, or a function that returns the number.
        checkpoint_interval: The least number of steps between two checkpoints.
        init_fn: Called by `restore_or_initialize` when there is nothing to restore.
        last_checkpoint_step: The step of the last checkpoint, if there was one.

    Attributes:
        checkpoint: The variables.
        directory: As it was given.
        checkpoint_interval: As it was given.

    Raises:
        ValueError: ``max_to_keep`` is not positive, or there is an interval and no step counter.
        FormatError: The directory's state file names no newest checkpoint.

    Example:
        >>> import numpy as np, os, tempfile, tensorbundle as tb
        >>> tree = {"layer": {"kernel": np.ones((2, 3), np.float32)}, "step": np.array(0)}
        >>> manager = tb.train.CheckpointManager(tree, tempfile.mkdtemp(), max_to_keep=2)
        >>> manager.restore_or_initialize()
        >>> for _ in range(3):
        ...     tree["step"] += 1
        ...     path = manager.save()
        >>> [os.path.basename(path) for path in manager.checkpoints]
        ['ckpt-2', 'ckpt-3']
    """

    def __init__(
        self,
        checkpoint: Checkpoint | Mapping[str, Any],
        directory: Path,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Step | None = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable[[], object] | None = None,
        last_checkpoint_step: int | None = None,
    ) -> None:
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError("`checkpoint_interval` needs a `step_counter`")
        self.checkpoint = (
            checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
        )
        self.directory = local_path(directory)
        self.checkpoint_interval = checkpoint_interval
        self._prefix = os.path.join(self.directory, checkpoint_name)
        self._step_counter = step_counter
        self._last_step = last_checkpoint_step
        self._init_fn = init_fn
        self._foreign = Foreign()
        self._kept, state = self._take_over()
        self._retention = ManagerRetention(
            max_to_keep, keep_checkpoint_every_n_hours, state, time.time()
        )

    def _take_over(self) -> tuple[list[tuple[str, float]], CheckpointState | None]:
        """What an earlier manager kept: not ours to remove, as it was written; and the rest."""
        written, state = written_state(self.directory), get_checkpoint_state(self.directory)
        if written is None or state is None:
            return [], None
        times = dict(enumerate(state.all_model_checkpoint_timestamps))
        _, others = self._foreign.split(state.all_model_checkpoint_paths, self.directory)
        kept: list[tuple[str, float]] = []
        ours: list[tuple[str, float]] = []
        for number, path in enumerate(state.all_model_checkpoint_paths):
            if path in others:
                kept.append((written.all_model_checkpoint_paths[number], times.get(number, 0.0)))
            elif number in times:
                ours.append((path, times[number]))
        return kept, replace(
            state,
            all_model_checkpoint_paths=tuple(path for path, _ in ours),
            all_model_checkpoint_timestamps=tuple(saved for _, saved in ours),
        )

    @property
    def latest_checkpoint(self) -> str | None:
        """Newest checkpoint of the directory; None when there is none."""
        return self._retention.latest

    @property
    def checkpoints(self) -> list[str]:
        """Checkpoints in the rotation, oldest first; those kept for good are not among them."""
        return self._retention.paths

    def save(
        self,
        checkpoint_number: SupportsIndex | None = None,
        check_interval: bool = True,
        options: object = None,
    ) -> str | None:
        """Save the variables and the state file, then remove what is not to be kept.

        Args:
            checkpoint_number: The number in the checkpoint's name; the number of saves when None.
            check_interval: Whether ``checkpoint_interval`` holds. Without it the same step is still
                not saved twice.
            options: As of `Checkpoint.write`.

        Returns:
            The checkpoint's prefix; None when none was due.

        Raises:
            ConversionError, OSError: As for `tensorbundle.save`; the last checkpoint is still
                there, and still the newest.
        """
        if self.checkpoint_interval is not None:
            step = self._step()
            if step == self._last_step or (check_interval and not self._is_due(step)):
                return None
            self._last_step = step
        self.checkpoint.save_counter += 1
        number = self.checkpoint.save_counter if checkpoint_number is None else checkpoint_number
        prefix = self.checkpoint.write(f"{self._prefix}-{operator.index(number)}")
        self._foreign.saved(prefix)
        self._retention.record(prefix, time.time())
        # Twice: whoever is stopped while files go has a state file that names the new checkpoint,
        # and those of which files are left, so that the next save removes them.
        self._record_state()
        ours, _ = self._foreign.split(self._retention.sweep(), self.directory)
        remove_leaving(ours)
        self._record_state()
        return prefix

    def restore_or_initialize(self, *, intact: bool = False) -> str | None:
        """Restore the newest checkpoint, or call ``init_fn`` when there is none.

        Args:
            intact: Restore the newest that is whole, as `latest_checkpoint` finds it: also one that
                was saved by a process that was killed before it could say so. The rotation goes on
                from there.

        Returns:
            The prefix of what was restored; None when nothing was.

        Raises:
            TensorBundleError: As for `Checkpoint.restore`.
            FormatError: There are checkpoints, and none is whole: nothing was initialized.
        """
        newest = self._newest_whole() if intact else self.latest_checkpoint
        if newest is None:
            if self._init_fn is not None:
                self._init_fn()
            return None
        self.checkpoint.restore(newest)
        if self.checkpoint_interval is not None:
            self._last_step = self._step()
        return newest

    def _newest_whole(self) -> str | None:
        stem = os.path.basename(self._prefix)
        candidates = newest_first(self.directory, stem=stem)
        found = newest_whole(candidates)
        found.refuse_damaged(self.directory)
        for each in candidates:  # what is in no state file yet has to leave in its turn
            if each.prefix == found.prefix and not each.is_named:
                self._foreign.saved(each.prefix)
                self._retention.record(each.prefix, (each.changed_ns or 0) / 1e9)
        return found.prefix

    def sync(self) -> None:
        """Do nothing: what `save` returns from is on the disk."""

    def _step(self) -> int:
        counter = self._step_counter
        return operator.index(counter() if callable(counter) else counter)  # type: ignore[arg-type]

    def _is_due(self, step: int) -> bool:
        last, interval = self._last_step, self.checkpoint_interval
        return last is None or interval is None or step >= last + interval

    def _record_state(self) -> None:
        state = self._retention.state()
        state = generate_checkpoint_state_proto(
            self.directory,
            state.model_checkpoint_path,
            state.all_model_checkpoint_paths,
            state.all_model_checkpoint_timestamps,
            state.last_preserved_timestamp,
            save_relative_paths=True,
        )
        paths = tuple(path for path, _ in self._kept)
        times = tuple(saved for _, saved in self._kept)
        state = replace(
            state,
            all_model_checkpoint_paths=paths + state.all_model_checkpoint_paths,
            all_model_checkpoint_timestamps=times + state.all_model_checkpoint_timestamps,
        )
        write_state(self.directory, state)
