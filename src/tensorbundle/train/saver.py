"""``tf.train.Saver`` for variables that are numpy arrays."""

from __future__ import annotations

import math
import operator
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, SupportsIndex, TypeAlias

import numpy as np

from .._checkpoint.checkpoint import Checkpoint
from .._checkpoint.opening import open
from .._checkpoint.selection import not_found
from .._format.dtypes import Array
from .._format.filenames import STATE_NAME
from .._objects.graph import GRAPH_KEY
from .._write.durable import replace_file
from .._write.save import save
from ..errors import UnsupportedError
from .directory import (
    Foreign,
    Path,
    generate_checkpoint_state_proto,
    get_checkpoint_mtimes,
    local_path,
    meta_graph_path,
    remove_leaving,
    write_state,
)
from .errors import NoCheckpointError, raised_as_both
from .restoring import as_mutable, read_variables
from .retention import SaverDef, SaverRetention
from .series.newest import whole_from

Names: TypeAlias = "Mapping[str, str | Array] | Iterable[str]"


class Saver:
    """Save variables now and then, keep the newest checkpoints, and restore them.

    The directory that results is the one that TensorFlow's ``Saver`` leaves: the same files, and
    the same bytes in the state file. Either may go on where the other stopped.

    A program's variables are a mapping from names to arrays, which takes the place of TensorFlow's
    session: ``saver.save(variables, "run/model.ckpt", step)``.

    Args:
        var_list: What to save and restore. None: all variables. Names: those. A mapping: from the
            name in the checkpoint to the variable's name, or to the variable itself, which then
            need not be among those given to `save` and `restore`. Two names for one variable save
            it twice, and cannot be restored.
        reshape: Restore into arrays of another shape, if the number of elements is the same.
        sharded: Write one data shard a device.
        devices: The device of each variable, for ``sharded``; shards are in the order of their
            names, and variables that are not listed go into the first.
        max_to_keep: How many of the newest to keep; None or 0 keeps all files, and the state file
            names only the newest.
        keep_checkpoint_every_n_hours: Of the files that would be removed, one every so many hours
            stays for good; None or 0 keeps each.
        allow_empty: Whether `save` may be called without variables; it then does nothing.
        pad_step_number: Write steps with at least eight digits.
        save_relative_paths: Write paths in the state file relative to it, so that the directory can
            be moved; otherwise they are as ``save_path`` is.
        filename: The ``save_path`` of a `save` that has none.
        saver_def: What `as_saver_def` of another gave: instead of ``sharded`` and what to keep.
        name, restore_sequentially, builder, defer_build: Not looked at.
        write_version: 2, for V2.
        meta_graph: A serialised ``MetaGraphDef``, to be written beside each checkpoint.

    Raises:
        ValueError: ``max_to_keep`` is negative, or ``var_list`` empty without ``allow_empty``.

    Example:
        >>> import numpy as np, os, tempfile, tensorbundle as tb
        >>> directory = tempfile.mkdtemp()
        >>> variables = {"w": np.zeros((2, 3), np.float32), "step": np.array(0)}
        >>> saver = tb.train.Saver(max_to_keep=2)
        >>> for _ in range(3):
        ...     variables["w"] += 1
        ...     variables["step"] += 1
        ...     path = saver.save(variables, directory + "/model.ckpt", variables["step"])
        >>> [os.path.basename(path) for path in saver.last_checkpoints]
        ['model.ckpt-2', 'model.ckpt-3']
        >>> saver.restore(variables, directory + "/model.ckpt-2")["w"][0]
        array([2., 2., 2.], dtype=float32)
    """

    def __init__(
        self,
        var_list: Names | None = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float | None = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: SaverDef | None = None,
        builder: object = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = SaverDef.V2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: Path | None = None,
        *,
        devices: Mapping[str, str] | None = None,
        meta_graph: bytes | None = None,
    ) -> None:
        if saver_def is not None:
            sharded, max_to_keep = saver_def.sharded, saver_def.max_to_keep
            keep_checkpoint_every_n_hours = saver_def.keep_checkpoint_every_n_hours
            write_version = saver_def.version
        if write_version != SaverDef.V2:
            raise UnsupportedError("V1 checkpoints are read, not written: `write_version` is 2")
        self._names, self._own = _parse_names(var_list)
        if self._names is not None and not self._names and not allow_empty:
            raise ValueError("no variables to save: `var_list` is empty")
        self._definition = SaverDef(
            max_to_keep=max_to_keep or 0,
            sharded=sharded,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours or 0.0,
        )
        self._reshape = reshape
        self._sharded = sharded
        self._devices = (devices or {}) if sharded else {}
        self._allow_empty = allow_empty
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._filename = filename
        self._meta_graph = meta_graph
        self._foreign = Foreign()
        self._kept: list[str] = []
        self._retention = SaverRetention(max_to_keep, keep_checkpoint_every_n_hours, time.time())

    # --- what it is ------------------------------------------------------------------------------

    def as_saver_def(self) -> SaverDef:
        """Describe the saver."""
        return self._definition

    def to_proto(self, export_scope: str | None = None) -> SaverDef:
        """Describe the saver; of scopes it knows nothing."""
        return self._definition

    @staticmethod
    def from_proto(saver_def: SaverDef, import_scope: str | None = None) -> Saver:
        """Make a saver of its description."""
        return Saver(saver_def=saver_def)

    def build(self) -> None:
        """Do nothing: there is no graph to add operations to."""

    def export_meta_graph(self, filename: Path | None = None, **options: object) -> bytes:
        """Give the graph that the saver was made with, and write it where a path is given.

        Args:
            filename: The file.
            options: Not looked at: the graph is written as it is.

        Raises:
            ValueError: There is none: graphs are not made here.
        """
        if self._meta_graph is None:
            raise ValueError("there is no graph: give the saver one as `meta_graph`")
        if filename is not None:
            replace_file(local_path(filename), self._meta_graph)
        return self._meta_graph

    # --- saving ----------------------------------------------------------------------------------

    def save(
        self,
        variables: Mapping[str, Any] | None,
        save_path: Path | None = None,
        global_step: SupportsIndex | None = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str | None:
        """Save the variables, then the state file, then remove what is not to be kept.

        Args:
            variables: Arrays, or what numpy makes arrays of, by name; None when ``var_list`` holds
                them all.
            save_path: The prefix of the checkpoint's files. Their directory is made if only its
                last part is missing.
            global_step: Appended to ``save_path``: ``-100``.
            latest_filename: The name of the state file, kept beside the checkpoint; ``checkpoint``
                when None.
            meta_graph_suffix: The suffix of the graph's file.
            write_meta_graph: Whether to write the graph, if there is one.
            write_state: Whether to update the state file; without it nothing is removed either.
            strip_default_attrs: Not looked at: the graph is written as it is.
            save_debug_info: Not looked at.

        Returns:
            The checkpoint's prefix; None when there were no variables.

        Raises:
            TensorNotFoundError: A variable of ``var_list`` is not there.
            ValueError: ``latest_filename`` is a path, or what ``save_path`` ends in; or there are
                no variables.
            ConversionError, OSError: As for `tensorbundle.save`; the last checkpoint is still
                there, and still the newest.
        """
        state_name = latest_filename or STATE_NAME
        prefix = self._prefix(save_path, global_step, state_name)
        tensors = self._gather(variables or {})
        if tensors:
            save(prefix, tensors, shards=self._shards(tensors), overwrite=True)
        elif not self._allow_empty:
            raise ValueError("no variables to save")
        if write_meta_graph and self._meta_graph is not None:
            replace_file(meta_graph_path(prefix, meta_graph_suffix), self._meta_graph)
        if not tensors:
            return None
        if write_state:
            self._rotate(prefix, state_name, meta_graph_suffix)
        return prefix

    def _rotate(self, prefix: str, state_name: str, meta_graph_suffix: str) -> None:
        """Take a checkpoint just saved into the rotation and the state file; remove what leaves."""
        directory = os.path.dirname(prefix)
        self._foreign.saved(prefix)
        self._retention.record(prefix, time.time())
        leaving, others = self._foreign.split(self._retention.take_leaving(), directory)
        self._kept += [path for path in others if path not in self._kept]
        state = generate_checkpoint_state_proto(
            directory,
            prefix,
            [*self._kept, *self.last_checkpoints],
            save_relative_paths=self._save_relative_paths,
        )
        paths = list(state.all_model_checkpoint_paths)
        for number, path in enumerate(self._kept):
            paths[number] = path if os.path.isabs(path) else paths[number]
        state = replace(state, all_model_checkpoint_paths=tuple(paths))
        write_state(directory, state, state_name)
        remove_leaving(leaving, meta_graph_suffix)

    def _prefix(self, save_path: Path | None, step: SupportsIndex | None, state_name: str) -> str:
        path = save_path or self._filename
        if path is None:
            raise ValueError("no path to save to: neither `save_path` nor `filename` was given")
        prefix = local_path(path)
        if os.path.dirname(state_name):
            raise ValueError(f"`latest_filename` must be a name, not the path {state_name!r}")
        if step is not None:
            number = operator.index(step)
            return f"{prefix}-{number:08d}" if self._pad_step_number else f"{prefix}-{number}"
        if os.path.basename(prefix) == state_name and not self._sharded:
            # As TensorFlow has it: only the V1 format has a file of that very name.
            raise ValueError(f"the checkpoint {prefix!r} would have the name of its state file")
        return prefix

    def _gather(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The tensors of a checkpoint, in the order in which TensorFlow writes them."""
        known = {**variables, **self._own}
        names = {name: name for name in known} if self._names is None else self._names
        for name in names.values():
            if name not in known:
                raise not_found(name, lambda: list(known))
        return {name: known[names[name]] for name in sorted(names)}

    def _shards(self, tensors: Iterable[str]) -> dict[str, int] | None:
        """The shard of each tensor: one a device, in the order of the devices' names."""
        if not self._devices:
            return None
        names = self._names or {}
        device = {name: self._devices.get(names.get(name, name), "") for name in tensors}
        order = {each: number for number, each in enumerate(sorted(set(device.values())))}
        return {name: order[each] for name, each in device.items()}

    # --- restoring -------------------------------------------------------------------------------

    def restore(
        self, variables: Mapping[str, Any] | None, save_path: Path | None, *, intact: bool = False
    ) -> dict[str, Array]:
        """Read the variables from a checkpoint.

        Args:
            variables: Where to put them, by name. Arrays are filled; anything else is replaced by a
                new array, which needs a mutable mapping. None: new arrays.
            save_path: The checkpoint: what `save` or `latest_checkpoint` returned, or whatever else
                `tensorbundle.open` takes.
            intact: Read the newest checkpoint that is whole, as `latest_checkpoint` finds it:
                of a directory, or of those up to the one named.

        Returns:
            The variables by name: those of ``var_list``; without it those in ``variables``, or all
            in the checkpoint.

        Raises:
            ValueError: ``save_path`` is None, or there is no checkpoint, which is a
                MissingFileError too.
            TensorNotFoundError: It does not hold one of the variables.
            ConversionError: An array has another type or shape; none was changed.
            ChecksumError, FormatError: It is damaged; some arrays may have been filled.
        """
        if save_path is None:
            raise ValueError("nothing to restore: `save_path` is None")
        path = local_path(save_path)
        with raised_as_both(NoCheckpointError, f"The passed save_path is not valid: {path}"):
            checkpoint = open(whole_from(path) if intact else path)
        known = {**(variables or {}), **self._own}
        with raised_as_both():
            restored = read_variables(
                checkpoint, self._keys(checkpoint, variables), known, reshape=self._reshape
            )
        for name, array in restored.items():
            if name in known and known[name] is not array and name not in self._own:
                as_mutable(variables)[name] = array
        return restored

    def _keys(self, checkpoint: Checkpoint, variables: Mapping[str, Any] | None) -> dict[str, str]:
        """The tensor of each variable; in an object-based checkpoint, by the variable's name."""
        if self._names is not None:
            names = {variable: name for name, variable in self._names.items()}
            if len(names) != len(self._names):
                raise ValueError("`var_list` has two names for one variable: which is to be read?")
        else:
            given = checkpoint if variables is None else variables
            names = {name: name for name in given if name != GRAPH_KEY}
        if checkpoint.objects is None:
            return names
        # Objects are known by their variable's name in a graph, if only one has it, or by path.
        times = Counter(each.full_name for each in checkpoint.objects.variables)
        keys = {e.full_name: e.key for e in checkpoint.objects.variables if times[e.full_name] == 1}
        tensors = frozenset(checkpoint)
        return {
            variable: name if name in tensors else keys.get(name, name)
            for variable, name in names.items()
        }

    # --- the rotation ----------------------------------------------------------------------------

    @property
    def last_checkpoints(self) -> list[str]:
        """Checkpoints in the rotation, oldest first."""
        return self._retention.paths

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Replace the rotation by checkpoints that are never to be removed."""
        self._retention.recover((path, math.inf) for path in last_checkpoints)

    def set_last_checkpoints_with_time(
        self, last_checkpoints_with_time: Iterable[tuple[str, float]]
    ) -> None:
        """Replace the rotation by prefixes and the times when they were saved, oldest first."""
        self._retention.recover(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Iterable[str]) -> None:
        """Take the checkpoints of an earlier run into the rotation, so that it goes on.

        Args:
            checkpoint_paths: Their prefixes, oldest first, as ``all_model_checkpoint_paths`` of
                `get_checkpoint_state` has them. Those that are gone are left out; for the others
                the time when they were changed is when they were saved.
        """
        found = [(path, get_checkpoint_mtimes([path])) for path in checkpoint_paths]
        self._retention.recover((path, times[0]) for path, times in found if times)


def _parse_names(var_list: Names | None) -> tuple[dict[str, str] | None, dict[str, Array]]:
    """Variables' names by their names in the checkpoint, and the variables that were given."""
    if var_list is None:
        return None, {}
    if not isinstance(var_list, Mapping):
        if isinstance(var_list, str):
            raise TypeError(f"`var_list` must be names, not the single name {var_list!r}")
        return {name: name for name in var_list}, {}
    own = {name: each for name, each in var_list.items() if not isinstance(each, str)}
    for name, each in own.items():
        if not isinstance(each, np.ndarray):
            raise TypeError(f"`var_list` must map to names or arrays: {name!r} is {each!r:.80}")
    names = {name: each if isinstance(each, str) else name for name, each in var_list.items()}
    return names, own
