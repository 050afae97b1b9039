"""``tf.train.Checkpoint`` for nested mappings and lists of numpy arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .._checkpoint.opening import open
from .._format.dtypes import Array
from .._objects.graph import GRAPH_KEY, ObjectGraph, flatten
from .._write.save import save
from .directory import Path, local_path, update_checkpoint_state
from .errors import raised_as_both
from .restoring import Restored, read_variables
from .series.newest import latest_checkpoint

_COUNTER = "save_counter"


class Checkpoint:
    """Variables in a tree, saved so that ``tf.train.Checkpoint.restore`` restores them.

    Args:
        root: Nested mappings and lists with arrays, or what numpy makes arrays of, at their ends.
            It is looked at anew for each save.
        children: The same as keywords, as for ``tf.train.Checkpoint(model=…, optimizer=…)``.

    Attributes:
        tree: The variables as they were given.
        save_counter: How many saves this was part of, restored checkpoints' included.

    Raises:
        ValueError: Both ways were used, or ``save_counter`` was, which has its own meaning.

    Example:
        >>> import numpy as np, tempfile, tensorbundle as tb
        >>> layer = {"kernel": np.ones((2, 3), np.float32), "bias": np.zeros(3, np.float32)}
        >>> path = tb.train.Checkpoint(layer=layer).save(tempfile.mkdtemp() + "/ckpt")
        >>> tb.open(path)["layer/bias/.ATTRIBUTES/VARIABLE_VALUE"]
        array([0., 0., 0.], dtype=float32)
        >>> fresh = {"layer": {"bias": np.ones(3, np.float32)}}
        >>> _ = tb.train.Checkpoint(fresh).restore(path)
        >>> fresh["layer"]["bias"]
        array([0., 0., 0.], dtype=float32)
    """

    def __init__(self, root: Mapping[str, Any] | None = None, **children: Any) -> None:
        if root is not None and children:
            raise ValueError("either a tree or keywords, not both")
        self.tree: Mapping[str, Any] = children if root is None else root
        if _COUNTER in self.tree:
            raise ValueError(f"{_COUNTER!r} counts the saves: choose another name")
        self.save_counter = 0

    def write(self, file_prefix: Path, options: object = None) -> str:
        """Write the variables; no number is appended, and there is no state file.

        Args:
            file_prefix: The prefix of the files. Directories are made as needed.
            options: Not looked at: TensorFlow's are of its devices and threads.

        Returns:
            The prefix.

        Raises:
            ConversionError, OSError: As for `tensorbundle.save`.
        """
        prefix = local_path(file_prefix)
        os.makedirs(os.path.dirname(prefix) or os.curdir, exist_ok=True)
        tree = dict(self.tree)
        if self.save_counter:
            tree[_COUNTER] = np.int64(self.save_counter)
        return save(prefix, flatten(tree), objects=ObjectGraph.of_tree(tree), overwrite=True)

    def save(self, file_prefix: Path, options: object = None) -> str:
        """Write the variables under the next number, and a state file that names only them.

        `CheckpointManager` keeps several.

        Args:
            file_prefix: What the number is appended to: ``-1``, ``-2``, …
            options: As of `write`.

        Returns:
            The prefix with its number.

        Raises:
            ConversionError, OSError: As for `tensorbundle.save`.
        """
        self.save_counter += 1
        prefix = self.write(f"{local_path(file_prefix)}-{self.save_counter}")
        directory = os.path.dirname(prefix)
        update_checkpoint_state(directory, prefix, save_relative_paths=True)
        return prefix

    def restore(self, save_path: Path | None, options: object = None) -> Restored:
        """Read the variables, and the number of the last save.

        Args:
            save_path: The checkpoint, object-based or with variables named by their paths in the
                tree; or a directory; or None, for which nothing happens.
            options: As of `write`.

        Returns:
            The variables by path (``layer/kernel``). Arrays in the tree were filled, anything else
            at its ends was replaced by a new array. What else the checkpoint holds is left alone:
            ``assert_consumed()`` of the result says whether there is any.

        Raises:
            MissingFileError: There is no checkpoint; it is a `train.errors.NotFoundError` too.
            TensorNotFoundError: It does not hold one of the variables; likewise.
            ConversionError: An array has another type or shape; none was changed.
            ChecksumError, FormatError: It is damaged; some arrays may have been filled.
        """
        return self._read(save_path, with_counter=True)

    def read(self, save_path: Path | None, options: object = None) -> Restored:
        """Read the variables of a checkpoint that `write` made; as `restore`, without its count."""
        return self._read(save_path, with_counter=False)

    def sync(self) -> None:
        """Do nothing: what `save` and `write` return from is on the disk."""

    def _read(self, save_path: Path | None, *, with_counter: bool) -> Restored:
        if save_path is None:
            return Restored({})
        path = local_path(save_path)
        words = f"Error when restoring from checkpoint or SavedModel at {path}"
        with raised_as_both(words=words):
            newest = latest_checkpoint(path) if os.path.isdir(path) else None
            checkpoint = open(newest or path)
            leaves = flatten(self.tree)
            restored = read_variables(checkpoint, {name: name for name in leaves}, leaves)
            used = {checkpoint.info(name).name for name in leaves}
            if _COUNTER in checkpoint:
                used.add(checkpoint.info(_COUNTER).name)
                if with_counter:
                    self.save_counter = int(checkpoint.load([_COUNTER])[_COUNTER])
        _put(self.tree, iter(restored.values()))
        unused = [key for key in checkpoint if key not in used and key != GRAPH_KEY]
        return Restored(restored, unused)


def _put(tree: Any, arrays: Iterator[Array]) -> None:
    """Put arrays at the ends of a tree, in its order, where other objects are."""
    for key, inner in list(tree.items() if isinstance(tree, Mapping) else enumerate(tree)):
        if isinstance(inner, (Mapping, list, tuple)):
            _put(inner, arrays)
        elif (array := next(arrays)) is not inner:
            tree[key] = array
