"""Building one case: the model's files, its inputs, and what TensorFlow computes from them."""

import contextlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tests.freeze.programs.arrays import exactly, write_arrays
from tests.freeze.programs.sessions import (
    fetch,
    new_session,
    run_frozen,
    tensor_name,
    v1,
    without_optimizers,
)

PREFIX = "model.ckpt"


@dataclass
class GraphProgram:
    """What a builder of a version 1 graph made.

    Attributes:
        saver: By default one of all variables.
        values: What variables hold when they are saved; by default random numbers.
        prepare: Run before saving.
        afterwards: Run before the expected outputs are computed, in the original session; without
            it they are computed by the saved graph, restored.
        text: Write the graph as graph.pbtxt in place of a .meta.
    """

    feeds: dict[Any, Any]
    outputs: list[Any]
    saver: Any = None
    values: dict[Any, Any] = field(default_factory=dict)
    prepare: Any = None
    afterwards: Any = None
    text: bool = False


@dataclass
class ModuleProgram:
    """What a builder of a SavedModel made: `write` saves it; feeds are by the signature's keys."""

    write: Callable[[str], None]
    feeds: dict[str, Any]
    before_running: Callable[[], None] = lambda: None


def numbers(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    drawn = np.random.RandomState(seed).uniform(-scale, scale, shape)
    return np.asarray(drawn, np.float32)


@contextlib.contextmanager
def control_flow(version: int) -> Iterator[None]:
    """Loops and conditionals as nodes of the graph (1) or as functions (2)."""
    if version == 2:
        yield
        return
    v1.disable_control_flow_v2()
    try:
        yield
    finally:
        v1.enable_control_flow_v2()


def operation_name(tensor: Any) -> str:
    return tensor if isinstance(tensor, str) else tensor.name


def fill_variables(session: Any, values: dict[Any, Any]) -> None:
    """Give every variable numbers that its initializer would not."""
    given = {variable.name: value for variable, value in values.items()}
    for variable in v1.global_variables():
        name = variable.name
        if name in given:
            value = given[name]
        elif variable.dtype.base_dtype.is_floating:
            shape = np.shape(session.run(variable.initial_value))
            value = numbers(*shape, seed=zlib.crc32(name.encode()))
            value = value.astype(variable.dtype.base_dtype.as_numpy_dtype)
        else:
            continue
        session.run(variable.initializer, {variable.initial_value: value})


def by_tensorflow(session: Any, graph: Any, outputs: list[str], feeds: dict[str, Any]) -> Any:
    """Freeze with TensorFlow's own function: (values, node names), or what it raised."""
    try:
        frozen = v1.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), [name.split(":")[0] for name in outputs]
        )
        values = run_frozen(frozen, {name: name for name in outputs}, feeds)
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"
    return values, sorted(node.name for node in frozen.node)


def initialise_the_rest(session: Any) -> None:
    """What restoring leaves to initializers: tables and local variables."""
    session.run([v1.tables_initializer(), v1.local_variables_initializer()])


def build_graph(program: Callable[[], GraphProgram], folder: Path) -> dict[str, Any]:
    graph = tf.Graph()
    with graph.as_default(), new_session(graph) as session:
        built = program()
        for variable in v1.global_variables():  # one by one: some read those before them
            session.run(variable.initializer)
        initialise_the_rest(session)
        fill_variables(session, built.values)
        if built.prepare is not None:
            session.run(built.prepare)
        saver = built.saver or (v1.train.Saver() if v1.global_variables() else None)
        prefix = str(folder / PREFIX)
        outputs = [operation_name(each) for each in built.outputs]
        feeds = {operation_name(key): value for key, value in built.feeds.items()}
        if saver is not None:
            saver.save(session, prefix, write_state=False, write_meta_graph=not built.text)
        if built.text or saver is None:
            v1.train.write_graph(graph, str(folder), "graph.pbtxt", as_text=True)
            v1.train.write_graph(graph, str(folder), "graph.pb", as_text=False)
        in_place = built.afterwards is not None or built.text or saver is None
        if in_place:
            if built.afterwards is not None:
                session.run(built.afterwards)
            result = outcome(graph, session, outputs, feeds)
    if not in_place:
        result = restored(prefix, outputs, feeds)
    return store(folder, feeds, result)


def restored(prefix: str, outputs: list[str], feeds: dict[str, Any]) -> dict[str, Any]:
    graph = tf.Graph()
    with graph.as_default(), new_session(graph) as session:
        v1.train.import_meta_graph(prefix + ".meta").restore(session, prefix)
        initialise_the_rest(session)
        return outcome(graph, session, outputs, feeds)


def outcome(graph: Any, session: Any, outputs: list[str], feeds: dict[str, Any]) -> dict[str, Any]:
    expected = fetch(session, {name: name for name in outputs}, feeds)
    theirs, told = by_tensorflow(session, graph, outputs, feeds)
    return {"expected": expected, "theirs": theirs, "told": told}


def store(folder: Path, feeds: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Write the arrays; what is left are names and messages."""
    write_arrays(folder / "feeds.npz", feeds)
    expected, theirs, told = result["expected"], result["theirs"], result["told"]
    write_arrays(folder / "expected.npz", expected)
    if theirs is not None:
        if exactly(theirs) == exactly(expected):
            write_arrays(folder / "theirs.npz", theirs)
        else:
            told = "other numbers"
    return {"outputs": list(expected), "told": told}


def build_module(
    program: Callable[[], ModuleProgram], folder: Path, signature: str
) -> dict[str, Any]:
    built = program()
    path = str(folder / "model")
    built.write(path)
    built.before_running()
    graph = tf.Graph()
    with graph.as_default(), new_session(graph) as session:
        plain = without_optimizers(path, folder / "plain")
        meta = v1.saved_model.loader.load(session, ["serve"], plain)
        signed = meta.signature_def[signature]
        names = {key: info.name for key, info in signed.outputs.items()}
        feeds = {signed.inputs[key].name: value for key, value in built.feeds.items()}
        expected = fetch(session, names, feeds)
    theirs, told = module_by_tensorflow(path, signature, built.feeds)
    return store(folder, feeds, {"expected": expected, "theirs": theirs, "told": told})


def module_by_tensorflow(path: str, signature: str, feeds: dict[str, Any]) -> Any:
    """The same with TensorFlow 2's loader and its `convert_variables_to_constants_v2`."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    try:
        loaded = tf.saved_model.load(path)  # holds the variables for as long as it lives
        concrete = loaded.signatures[signature]
        frozen = convert_variables_to_constants_v2(concrete)
        keys = sorted(concrete.structured_outputs)
        tensors = dict(zip(keys, (each.name for each in frozen.outputs), strict=True))
        graph_def = frozen.graph.as_graph_def()
        fed = {tensor_name(key): value for key, value in feeds.items()}
        values = run_frozen(graph_def, tensors, fed)
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"
    return values, sorted(node.name for node in graph_def.node)
