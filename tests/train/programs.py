"""Programs of real TensorFlow that save and restore as users do; `savers.py` calls them."""

import contextlib
import inspect
import json
import os
import time
from collections import defaultdict
from typing import Any, Final

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
v1.logging.set_verbosity(v1.logging.FATAL)

NOW = time.time


class NamedVariables:
    """A graph with variables by name, and a saver of theirs: TensorFlow 1's way of training."""

    def __init__(self, values: dict[str, Any], var_list: Any = None, **options: Any) -> None:
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.variables = {
                name: v1.Variable(np.array(value, np.float32), name=name)
                for name, value in values.items()
            }
            if isinstance(var_list, dict):
                var_list = {key: self.variables[name] for key, name in var_list.items()}
            elif var_list is not None:
                var_list = [self.variables[name] for name in var_list]
            self.saver = v1.train.Saver(var_list, **options)
            self.session = v1.Session()
            self.session.run(v1.global_variables_initializer())

    def values(self) -> dict[str, Any]:
        return {name: self.session.run(each).tolist() for name, each in self.variables.items()}


def variable_tree(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: variable_tree(each) for name, each in tree.items()}
    if isinstance(tree, list) and tree and isinstance(tree[0], dict):
        return [variable_tree(each) for each in tree]
    return tf.Variable(np.array(tree, np.float32))


def value_tree(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: value_tree(each) for name, each in tree.items()}
    return [value_tree(each) for each in tree] if isinstance(tree, list) else tree.numpy().tolist()


class Program:
    """Commands, each a method; `saver` and `manager` are kept from one to the next."""

    # --- by name ---------------------------------------------------------------------------------

    def start_saver(self, values: dict[str, Any], recover: list[str], **options: Any) -> None:
        self.named = NamedVariables(values, **options)
        if recover:
            self.named.saver.recover_last_checkpoints(recover)

    def save(self, path: str, step: int | None, **options: Any) -> str:
        with self.named.graph.as_default():
            saved: str = self.named.saver.save(self.named.session, path, step, **options)
        return saved

    def restore(self, path: str, values: dict[str, Any], var_list: Any = None) -> dict[str, Any]:
        """Restore into a new graph, whose variables begin with these values."""
        named = NamedVariables(values, var_list)
        with named.graph.as_default():
            named.saver.restore(named.session, path)
        return named.values()

    def meta_graph(self, values: dict[str, Any], path: str) -> None:
        """Write the graph of a program with these variables."""
        named = NamedVariables(values)
        with named.graph.as_default():
            named.saver.export_meta_graph(path)

    def import_meta_graph(self, path: str) -> dict[str, Any]:
        """Rebuild a program from the graph beside a checkpoint, and restore its variables."""
        with tf.Graph().as_default(), v1.Session() as session:
            saver = v1.train.import_meta_graph(path + ".meta")
            saver.restore(session, path)
            return {each.op.name: session.run(each).tolist() for each in v1.global_variables()}

    # --- by object -------------------------------------------------------------------------------

    def start_manager(self, directory: str, tree: Any, **options: Any) -> str | None:
        self.tree = variable_tree(tree)
        checkpoint = tf.train.Checkpoint(**self.tree)
        self.manager = tf.train.CheckpointManager(checkpoint, directory, **options)
        restored: str | None = self.manager.restore_or_initialize()
        return restored

    def manage(self, **options: Any) -> str | None:
        saved: str | None = self.manager.save(**options)
        return saved

    def managed(self) -> list[str]:
        paths: list[str] = self.manager.checkpoints
        return paths

    def restore_objects(self, path: str, tree: Any) -> tuple[Any, int]:
        """Restore into new objects; everything on both sides must find its partner."""
        variables = variable_tree(tree)
        checkpoint = tf.train.Checkpoint(**variables)
        checkpoint.restore(path).assert_consumed()
        return value_tree(variables), int(checkpoint.save_counter)

    def write_objects(self, path: str, tree: Any) -> str:
        written: str = tf.train.Checkpoint(**variable_tree(tree)).save(path)
        return written

    # --- the state file and readers ---------------------------------------------------------------

    def latest_checkpoint(self, directory: str, name: str | None = None) -> str | None:
        newest: str | None = tf.train.latest_checkpoint(directory, name)
        return newest

    def exists(self, paths: list[str]) -> list[bool]:
        return [v1.train.checkpoint_exists(path) for path in paths]

    def mtimes(self, paths: list[str]) -> list[float]:
        found: list[float] = v1.train.get_checkpoint_mtimes(paths)
        return found

    def remove(self, path: str, version: int) -> None:
        v1.train.remove_checkpoint(path, version)

    def change_directory(self, directory: str) -> None:
        os.chdir(directory)

    def update_state(self, *arguments: Any, **options: Any) -> None:
        v1.train.update_checkpoint_state(*arguments, **options)

    def load_variable(self, path: str, name: str) -> Any:
        return tf.train.load_variable(path, name).tolist()

    def error_classes(self) -> dict[str, int]:
        """The codes of the errors, by the names of their classes."""
        found = {}
        for name in dir(tf.errors):
            each = getattr(tf.errors, name)
            if isinstance(each, type) and issubclass(each, tf.errors.OpError) and name != "OpError":
                found[name] = each(None, None, "").error_code
        return found

    def new_reader(self, path: str) -> Any:
        """Shapes by name, or the class of the error."""
        try:
            return v1.train.NewCheckpointReader(path).get_variable_to_shape_map()
        except tf.errors.OpError as error:
            return type(error).__name__

    def signatures(self) -> dict[str, list[str]]:
        """The names of the arguments of what `train` has too, in their order."""
        faces = {**vars(v1.train), **vars(tf.train)}
        found = {}
        for name, face in sorted(faces.items()):
            if name.startswith("_") or not callable(face):
                continue
            members = {name: face}
            if isinstance(face, type):
                members = {
                    f"{name}.{each}": getattr(face, each)
                    for each in dir(face)
                    if each == "__init__" or not each.startswith("_")
                }
            for key, member in members.items():
                with contextlib.suppress(TypeError, ValueError):
                    found[key] = list(inspect.signature(member).parameters)
        return found

    def view(self, path: str, tree: Any) -> Any:
        """What `CheckpointView` says of a checkpoint beside new objects."""
        view = tf.train.CheckpointView(path)
        both, theirs, ours = view.diff(tf.train.Checkpoint(**variable_tree(tree)))
        children = {number: dict(view.children(number)) for number in view.descendants()}
        return children, sorted(view.descendants()), sorted(both), sorted(theirs), len(ours)

    def _values(self, reader: Any) -> dict[str, tuple[str, str]]:
        values = {}
        for name in reader.get_variable_to_shape_map():
            with contextlib.suppress(tf.errors.InternalError, tf.errors.UnimplementedError):
                value = reader.get_tensor(name)
                values[name] = (type(value).__name__, repr(value))
        return values

    def read(self, path: str) -> dict[str, Any]:
        """What the reader of `load_checkpoint` says, and the values that it can give."""
        reader = tf.train.load_checkpoint(path)
        return {
            "debug_string": reader.debug_string().decode(),
            "shapes": reader.get_variable_to_shape_map(),
            "dtypes": {
                name: [dtype.name, dtype.as_datatype_enum]
                for name, dtype in reader.get_variable_to_dtype_map().items()
            },
            "values": self._values(reader),
            "listed": tf.train.list_variables(path),
        }


PROGRAMS: Final = defaultdict(Program)


def command(
    program: str, clock: float | None, name: str, /, *arguments: Any, **options: Any
) -> Any:
    """Run a command of a program, while ``time.time()`` is the clock: both sides live by it.

    What it gives is as JSON would give it back: lists and plain numbers.
    """
    time.time = NOW if clock is None else lambda: clock
    try:
        result = getattr(PROGRAMS[program], name)(*arguments, **options)
    finally:
        time.time = NOW
    return json.loads(json.dumps(result))
