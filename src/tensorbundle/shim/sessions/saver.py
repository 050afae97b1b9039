"""``tf.train.Saver`` of a session: variables restored, and written again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..._checkpoint.opening import open
from ..._graph.mapping import map_variables
from ..._graph.variables import Variable
from ...train import Saver as Writer
from ...train.directory import local_path
from ...train.errors import MisfitError, MissingTensorError, NoCheckpointError, raised_as_both
from .graph import Graph, get_default_graph

if TYPE_CHECKING:
    from .session import Session


class Saver:
    """Saver of the variables of the default graph.

    Args:
        var_list: Variables, or variables by their names in the checkpoint; None for all.
        options: As of `tensorbundle.train.Saver`, which writes.

    Raises:
        ValueError: There are no variables.
    """

    def __init__(self, var_list: Any = None, *args: Any, **options: Any) -> None:
        self._graph = get_default_graph()
        self._keys = _keys(var_list)
        self._by_graph = False
        allow_empty = options.get("allow_empty", False)
        if not allow_empty and (self._graph.is_empty or not (self._keys or self._graph.variables)):
            raise ValueError("No variables to save")
        self._options = (args, options)
        self._written: Writer | None = None

    @staticmethod
    def of_graph(graph: Graph) -> Saver:
        """The saver that a graph has itself."""
        with graph.as_default():
            saver = Saver(allow_empty=True)
        saver._by_graph = graph.loaded.saver is not None
        return saver

    def restore(self, sess: Session, save_path: Any) -> None:
        """Have a session take the values of a checkpoint; they are read when they are asked for.

        Raises:
            NoCheckpointError: There is none; it is a ValueError.
            MissingTensorError: It does not hold a variable.
            MisfitError: A variable is of another type or shape.
        """
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        path = local_path(save_path)
        words = f"The passed save_path is not a valid checkpoint: {path}"
        with raised_as_both(NoCheckpointError, words):
            ckpt = open(path)
        with raised_as_both():
            found = map_variables(self._graph.loaded.meta, ckpt, override=self._keys)
        if self._keys is not None:
            found = {name: found[name] for name in self._keys}
        elif self._by_graph:
            # What its own saver does not restore has no value.
            found = {
                name: each for name, each in found.items() if each.how == "restore op"
            } or found
        for variable in found.values():
            _check(variable, path)
        sess.values.restore(ckpt, found, by_graph=self._keys is None)

    def save(
        self,
        sess: Session,
        save_path: Any,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        **options: Any,
    ) -> str | None:
        """Write the values that a session has, with the graph; see `tensorbundle.train.Saver`."""
        variables = self._graph.variables
        keys = self._keys or {name: each.stored.key or name for name, each in variables.items()}
        arrays = {key: sess.values.read(name) for name, key in keys.items()}
        if self._written is None:
            args, given = self._options
            meta = bytes(self._graph.loaded.meta.raw) if self._graph.loaded.kind == "meta" else None
            self._written = Writer(None, *args, **{**given, "meta_graph": meta})
        if hasattr(global_step, "eval"):
            global_step = int(sess.run(global_step))
        return self._written.save(
            arrays,
            save_path,
            global_step,
            latest_filename,
            meta_graph_suffix,
            write_meta_graph,
            write_state,
        )

    @property
    def last_checkpoints(self) -> list[str]:
        """Checkpoints that were written, oldest first."""
        return [] if self._written is None else self._written.last_checkpoints


def _keys(var_list: Any) -> dict[str, str] | None:
    """Keys by variable."""
    if var_list is None:
        return None
    if isinstance(var_list, Mapping):
        return {
            part.stored.name: key
            for key, given in var_list.items()
            for part in (given if isinstance(given, (list, tuple)) else [given])
        }
    return {each.stored.name: each.op.name for each in var_list}


def _check(variable: Variable, path: str) -> None:
    if variable.problem:
        raise MisfitError(
            f"the variable {variable.name!r} does not fit what is stored as {variable.key!r}: "
            f"{variable.problem}",
            path=path,
            key=variable.key,
        )
    if not variable.in_checkpoint:
        raise MissingTensorError(
            f"Key {variable.key} not found in checkpoint: the variable {variable.name!r} has it",
            path=path,
            key=variable.key,
        )
