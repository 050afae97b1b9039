"""Imports of graphs: ``.meta`` files, frozen graphs, SavedModels of both kinds."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..._graph.graph import Graph as LoadedGraph
from ..._graph.graph import load_graph
from ..._graph.variables import Variable as StoredVariable
from ..._graph.variables import read_variable
from ..._graphdef.meta_graph import MetaGraph
from ..._locate.location import SAVED_MODELS
from ...errors import MissingFileError
from ...train import DType
from ...train.dtypes import interned
from ...train.errors import raised_as_both
from ..missing import MissingPartError, needs_tensorflow
from ..parts.tensors import EagerTensor, TensorShape, Variable
from .graph import get_default_graph
from .messages import GraphDef, meta_graph_def
from .saver import Saver
from .session import Session

SERVING: str = "serve"
TRAINING: str = "train"
GPU: str = "gpu"
TPU: str = "tpu"
EVAL: str = "eval"
DEFAULT_SERVING_SIGNATURE_DEF_KEY: str = "serving_default"
PREDICT_INPUTS: str = "inputs"
PREDICT_OUTPUTS: str = "outputs"
PREDICT_METHOD_NAME: str = "tensorflow/serving/predict"
CLASSIFY_INPUTS: str = "inputs"
CLASSIFY_OUTPUT_SCORES: str = "scores"
CLASSIFY_OUTPUT_CLASSES: str = "classes"
REGRESS_INPUTS: str = "inputs"
REGRESS_OUTPUTS: str = "outputs"


def import_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    **options: Any,
) -> Saver | None:
    """Import a graph from a ``.meta`` file into the default graph.

    Args:
        meta_graph_or_file: The file.
        clear_devices: Not looked at: there is one device.
        import_scope: What is put before the names.
        **options: ``input_map`` is refused; others are not looked at.

    Returns:
        The saver that the graph has; None when it has no variables.

    Raises:
        MissingFileError: There is no such file; it is an OSError.
        FormatError: It is damaged, or something else.
    """
    _refuse_map(options.get("input_map"))
    path = os.fspath(meta_graph_or_file)
    if not os.path.exists(path):
        raise MissingFileError(f"File {path} does not exist.", path=path)
    with raised_as_both():
        loaded = load_graph(path)
    graph = get_default_graph()
    graph.take(loaded, import_scope or "")
    return Saver.of_graph(graph) if loaded.saver is not None or graph.variables else None


def import_graph_def(
    graph_def: Any,
    input_map: Any = None,
    return_elements: Iterable[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Import a graph from its message into the default graph.

    Args:
        graph_def: The message.
        input_map: Tensors to be replaced, which is refused.
        return_elements: Names of tensors and operations that are wanted.
        name: What is put before the names; ``import`` when None.
        op_dict: Not looked at.
        producer_op_list: Not looked at.

    Returns:
        The elements that were asked for.
    """
    _refuse_map(input_map)
    if not isinstance(graph_def, GraphDef):
        raise TypeError(f"graph_def must be a GraphDef, not {type(graph_def).__name__}")
    graph = get_default_graph()
    meta = MetaGraph(memoryview(graph_def.SerializeToString()), bare=True)
    graph.take(LoadedGraph("<bytes>", "graph", meta), "import" if name is None else name)
    if return_elements is None:
        return None
    return [graph.as_graph_element(graph.scope + each) for each in return_elements]


def _refuse_map(input_map: Any) -> None:
    if input_map:
        raise needs_tensorflow("input_map", "changing a graph needs TensorFlow itself")


# --- SavedModels ---------------------------------------------------------------------------------


def contains_saved_model(export_dir: Any) -> bool:
    """Tell whether a directory holds a SavedModel."""
    folder = os.fspath(export_dir)
    return any(os.path.isfile(os.path.join(folder, name)) for name in SAVED_MODELS)


maybe_saved_model_directory = contains_saved_model


def load(first: Any, *args: Any, **options: Any) -> Any:
    """Load a SavedModel: into a session as `load_into`, as in TensorFlow 1; or as `LoadedModel`."""
    if isinstance(first, Session):
        return load_into(first, *args, **options)
    return LoadedModel(os.fspath(first), *args)


def load_into(
    sess: Session,
    tags: Iterable[str],
    export_dir: Any,
    import_scope: str | None = None,
    **options: Any,
) -> Any:
    """Import the graph of a SavedModel into a session, and restore its variables.

    Returns:
        Its message, with ``signature_def``.
    """
    path = os.fspath(export_dir)
    if not contains_saved_model(path):
        raise MissingFileError(f"SavedModel file does not exist at: {path}", path=path)
    with raised_as_both():
        loaded = load_graph(path, tags=tags)
    sess.graph.take(loaded, import_scope or "")
    if sess.graph.variables and loaded.checkpoint_path is not None:
        Saver.of_graph(sess.graph).restore(sess, loaded.checkpoint_path)
    return meta_graph_def(loaded.meta)


class LoadedVariable(Variable):
    """Variable of a SavedModel, with its value."""

    def __init__(self, model: LoadedModel, stored: StoredVariable) -> None:
        self._model = model
        self._stored = stored

    @property
    def name(self) -> str:
        """Name with ``:0``."""
        return f"{self._model.name_of(self._stored)}:0"

    @property
    def dtype(self) -> DType:
        """Type."""
        return interned(self._stored.dtype)

    @property
    def shape(self) -> TensorShape:
        """Shape."""
        return TensorShape(self._stored.shape)

    @property
    def trainable(self) -> bool:
        """True when training changes it."""
        return self._stored.trainable

    def numpy(self) -> Any:
        """Value."""
        return self._model.value(self._stored)[()]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self.numpy(), dtype)

    def __repr__(self) -> str:
        return f"<tf.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}>"


class LoadedModel:
    """SavedModel as an object: its variables, and its signatures as functions.

    Args:
        export_dir: Its directory.
        tags: Which graph of it.
        options: Not looked at.
    """

    def __init__(self, export_dir: str, tags: Any = None, options: Any = None) -> None:
        if not contains_saved_model(export_dir):
            raise MissingFileError(f"SavedModel file does not exist at: {export_dir}")
        with raised_as_both():
            self._graph = load_graph(export_dir, tags=tags)
            self._ckpt = self._graph.open_checkpoint()
        self.tensorflow_version = self._graph.tensorflow_version
        self.signatures = {
            key: functools.partial(self._call, key) for key in self._graph.signatures
        }

    @functools.cached_property
    def variables(self) -> tuple[LoadedVariable, ...]:
        """Variables that the checkpoint holds."""
        found = self._graph.variables.values()
        return tuple(LoadedVariable(self, each) for each in found if each.in_checkpoint)

    @property
    def trainable_variables(self) -> tuple[LoadedVariable, ...]:
        """Variables that training changes."""
        return tuple(each for each in self.variables if each.trainable)

    def name_of(self, stored: StoredVariable) -> str:
        """Name of a variable in the program that saved it."""
        objects = None if self._ckpt is None else self._ckpt.objects
        for each in () if objects is None else objects.variables:
            if each.key == stored.key and each.full_name:
                return each.full_name
        return stored.name

    def value(self, stored: StoredVariable) -> Any:
        """Value of a variable, in an array of its own."""
        assert self._ckpt is not None
        with raised_as_both():
            return np.array(read_variable(self._ckpt, stored))

    @functools.cached_property
    def _runner(self) -> Any:
        from ..._runner.runner import Runner

        return Runner(self._graph)

    def _call(self, key: str, *args: Any, **inputs: Any) -> dict[str, Any]:
        if args:
            raise TypeError("signatures take their inputs by name")
        signature = self._graph.signatures[key]
        names = {each: fact.name for each, fact in signature.outputs.items()}
        feeds = {signature.inputs[each].name: value for each, value in inputs.items()}
        with raised_as_both():
            results = self._runner.run(feeds, names)
        return {each: np.asarray(array).view(EagerTensor) for each, array in results.items()}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        purpose = "functions and layers need TensorFlow; `signatures` and `variables` are here"
        raise MissingPartError(f"the SavedModel's {name!r} is not there: {purpose}")
