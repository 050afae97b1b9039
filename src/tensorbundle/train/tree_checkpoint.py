"""``tf.train.Checkpoint`` for nested mappings and lists of numpy arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .._checkpoint.opening import open
from .._format.dtypes import Array
from .._objects.graph import ObjectGraph, flatten
from .._write.writer import save
from .directory import Path, latest_checkpoint, update_checkpoint_state
from .restoring import read_variables

_COUNTER = "save_counter"


class Checkpoint:
    """Variables in a tree, saved so that ``tf.train.Checkpoint.restore`` restores them.

    Args:
        tree: Nested mappings and lists with arrays, or what numpy makes arrays of, at their ends.
            It is looked at anew for each save.
        children: The same as keywords, as for ``tf.train.Checkpoint(model=…, optimizer=…)``.

    Attributes:
        tree: As it was given.
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

    def __init__(self, tree: Mapping[str, Any] | None = None, /, **children: Any) -> None:
        if tree is not None and children:
            raise ValueError("either a tree or keywords, not both")
        self.tree: Mapping[str, Any] = children if tree is None else tree
        if _COUNTER in self.tree:
            raise ValueError(f"{_COUNTER!r} counts the saves: choose another name")
        self.save_counter = 0

    def write(self, file_prefix: Path) -> str:
        """Write the variables; no number is appended, and there is no state file.

        Args:
            file_prefix: The prefix of the files. Directories are made as needed.

        Returns:
            The prefix.

        Raises:
            ConversionError, OSError: As for `tensorbundle.save`.
        """
        prefix = os.fsdecode(file_prefix)
        os.makedirs(os.path.dirname(prefix) or os.curdir, exist_ok=True)
        tree = dict(self.tree)
        if self.save_counter:
            tree[_COUNTER] = np.int64(self.save_counter)
        return save(prefix, flatten(tree), objects=ObjectGraph.of_tree(tree), overwrite=True)

    def save(self, file_prefix: Path) -> str:
        """Write the variables under the next number, and a state file that names only them.

        `CheckpointManager` keeps several.

        Args:
            file_prefix: What the number is appended to: ``-1``, ``-2``, …

        Returns:
            The prefix with its number.

        Raises:
            ConversionError, OSError: As for `tensorbundle.save`.
        """
        self.save_counter += 1
        prefix = self.write(f"{os.fsdecode(file_prefix)}-{self.save_counter}")
        directory = os.path.dirname(prefix)
        update_checkpoint_state(directory, prefix, save_relative_paths=True)
        return prefix

    def restore(self, save_path: Path | None) -> dict[str, Array]:
        """Read the variables, and the number of the last save.

        Args:
            save_path: The checkpoint, object-based or with variables named by their paths in the
                tree; or a directory; or None, for which nothing happens.

        Returns:
            The variables by path (``layer/kernel``). Arrays in the tree were filled, anything else
            at its ends was replaced by a new array. What else the checkpoint holds is left alone.

        Raises:
            MissingFileError: There is no checkpoint.
            TensorNotFoundError: It does not hold one of the variables.
            ConversionError: An array has another type or shape; none was changed.
            ChecksumError, FormatError: It is damaged; some arrays may have been filled.
        """
        if save_path is None:
            return {}
        path = os.fsdecode(save_path)
        newest = latest_checkpoint(path) if os.path.isdir(path) else None
        checkpoint = open(newest or path)
        leaves = flatten(self.tree)
        restored = read_variables(checkpoint, {name: name for name in leaves}, leaves)
        _put(self.tree, iter(restored.values()))
        if _COUNTER in checkpoint:
            self.save_counter = int(checkpoint[_COUNTER])
        return restored


def _put(tree: Any, arrays: Iterator[Array]) -> None:
    """Put arrays at the ends of a tree, in its order, where other objects are."""
    for key, inner in list(tree.items() if isinstance(tree, Mapping) else enumerate(tree)):
        if isinstance(inner, (Mapping, list, tuple)):
            _put(inner, arrays)
        elif (array := next(arrays)) is not inner:
            tree[key] = array
