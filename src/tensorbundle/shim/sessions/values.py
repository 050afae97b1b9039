"""Values that the variables of a graph have in a session: restored, initial, or put there."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._format.dtypes import Array, numpy_dtype
from ..._format.parts import shape_of_part
from ..._graph.mapping import map_variables
from ..._graph.variables import Variable, parse_slice, read_variable
from ...train.errors import FailedPreconditionError, MisfitError, raised_as_both
from ..missing import needs_tensorflow

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint
    from .graph import Graph


@dataclass(frozen=True, slots=True)
class _Restored:
    """Value in a checkpoint; under the key that the graph itself would read, or another."""

    ckpt: Checkpoint
    variable: Variable
    by_graph: bool


class Values:
    """Values of the variables of one session, by name of the node.

    Args:
        graph: The graph, which may be imported later.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[str, _Restored | Array | None] = {}
        self._tidy_up: Callable[[], object] = tuple
        self.version = 0

    def restore(self, ckpt: Checkpoint, found: Mapping[str, Variable], *, by_graph: bool) -> None:
        """Take values from a checkpoint, where they are read when they are asked for.

        Args:
            ckpt: The checkpoint.
            found: Where it holds the variables.
            by_graph: Whether these are the keys that the graph itself reads.
        """
        for name, variable in found.items():
            self._known[name] = _Restored(ckpt, variable, by_graph)
        self.version += 1

    def put(self, variable: Variable, value: Any) -> None:
        """Set a value.

        Raises:
            MisfitError: It is of another shape.
        """
        array = np.array(value, numpy_dtype(variable.dtype))
        if variable.is_static and array.shape != variable.shape:
            raise MisfitError(
                f"the value for {variable.name!r} is {list(array.shape)}, "
                f"not {list(variable.shape or ())}"
            )
        self._known[variable.name] = array
        self.version += 1

    def initialise(self, names: Iterable[str]) -> None:
        """Give variables their initial values; what computes one is told when it is asked for."""
        initial = map_variables(self._graph.loaded.meta, None, missing="initial")
        for name in names:
            self._known[name] = None if (each := initial[name].initial) is None else np.array(each)
        self.version += 1

    def check(self, names: Iterable[str]) -> None:
        """Raise what `read` raises where a value is not there, without reading any."""
        for name in names:
            self._source(name)

    def _source(self, name: str) -> _Restored | Array:
        if name not in self._known:
            raise FailedPreconditionError(
                None, None, f"Attempting to use uninitialized value {self._graph.scope}{name}"
            )
        found = self._known[name]
        if found is None:
            raise needs_tensorflow(
                f"the initial value of {self._graph.scope}{name}",
                "the graph computes it, which is for training; restore() reads a stored one",
            )
        return found

    def read(self, name: str) -> Array:
        """Value of a variable, in an array of its own.

        Raises:
            FailedPreconditionError: It was neither restored nor initialised.
            NeedsTensorFlowError: Its initial value is computed.
            TensorBundleError: As for any tensor.
        """
        found = self._source(name)
        if not isinstance(found, _Restored):
            return found.copy()
        with raised_as_both():
            return np.array(read_variable(found.ckpt, found.variable))

    def checkpoint(self) -> Checkpoint | None:
        """Checkpoint in which the graph finds all values that are known, by itself."""
        sources = {name: found for name, found in self._known.items() if found is not None}
        restored = [each for each in sources.values() if isinstance(each, _Restored)]
        if len(restored) == len(sources) and all(each.by_graph for each in restored):
            found = {id(each.ckpt): each.ckpt for each in restored}
            if len(found) < 2:
                return next(iter(found.values()), None)
        return self._written(sources)

    def _written(self, names: Iterable[str]) -> Checkpoint:
        """A checkpoint of values that came from several places."""
        from ..._checkpoint.opening import open
        from ..._write.save import save

        keyed: dict[str, Array] = {}
        for name in names:
            variable, array = self._graph.variables[name].stored, self.read(name)
            key = variable.key or name
            if not variable.slice:
                keyed[key] = array
                continue
            shape, extents = parse_slice(variable.slice)
            whole = keyed.setdefault(key, np.zeros(shape, array.dtype))
            part = shape_of_part(extents, shape)
            starts = [max(start, 0) for start, _ in extents]
            index = tuple(slice(a, a + n) for a, n in zip(starts, part, strict=True))
            whole[index] = array
        self._tidy_up()
        folder = tempfile.mkdtemp(prefix="tensorbundle-")
        self._tidy_up = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        prefix = os.path.join(folder, "session")
        save(prefix, keyed)
        return open(prefix)
