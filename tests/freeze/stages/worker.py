"""Builds the programs of a group, and runs what the stages of freezing made of them."""

import importlib
import json
import traceback
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import numpy as np
import tensorflow as tf

from tests.freeze.programs.arrays import read_arrays, write_arrays
from tests.freeze.programs.sessions import new_session, without_optimizers

v1 = tf.compat.v1
# Bodies of functions are optimized by what their calls say, which is what is set here.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def variable_values(session: Any, graph: Any) -> dict[str, np.ndarray]:
    """What every variable of the main graph holds, by node; without those that hold nothing."""
    values = {}
    with graph.as_default(), tf.control_dependencies(None):
        for op in graph.get_operations():
            if op.type == "VarHandleOp":
                tensor = tf.raw_ops.ReadVariableOp(
                    resource=op.outputs[0], dtype=op.get_attr("dtype")
                )
            elif op.type in ("Variable", "VariableV2"):
                tensor = v1.identity(op.outputs[0])
            else:
                continue
            try:
                values[op.name] = np.asarray(session.run(tensor))
            except tf.errors.FailedPreconditionError:
                continue
    return values


def fill(session: Any) -> None:
    """Give floating variables numbers that no initializer would."""
    for variable in v1.global_variables() + v1.local_variables():
        session.run(variable.initializer)
        if variable.dtype.base_dtype.is_floating:
            shape = np.shape(session.run(variable.initial_value))
            drawn = np.random.RandomState(zlib.crc32(variable.name.encode())).uniform(-1, 1, shape)
            dtype = variable.dtype.base_dtype.as_numpy_dtype
            session.run(variable.initializer, {variable.initial_value: drawn.astype(dtype)})
    session.run(v1.tables_initializer())


def store(session: Any, graph: Any, folder: Path, tensors: dict[str, str], fed: Any) -> None:
    """What the program computes, and the variables it computes that with, which it may change."""
    values = variable_values(session, graph)
    write_arrays(folder / "values.npz", values)
    write_arrays(folder / "feeds.npz", fed)
    write_arrays(folder / "expected.npz", session.run(tensors, fed))
    (folder / "outputs.json").write_text(json.dumps(tensors))


def build_graph(program: Any, folder: Path) -> None:
    graph = tf.Graph()
    with graph.as_default(), new_session(graph) as session:
        v1.set_random_seed(7)
        outputs, feeds = program()
        fill(session)
        tensors = {str(number): each.name for number, each in enumerate(outputs)}
        # Before anything is added that reads variables.
        v1.train.export_meta_graph(str(folder / "graph.meta"))
        store(session, graph, folder, tensors, {key.name: each for key, each in feeds.items()})


def build_module(program: Any, folder: Path) -> None:
    module, feeds = program()
    path = str(folder / "model")
    if module is not None:
        tf.saved_model.save(module, path)
    else:
        program.save(path)
    graph = tf.Graph()
    with graph.as_default(), new_session(graph) as session:
        plain = without_optimizers(path, folder / "plain")
        meta = v1.saved_model.loader.load(session, ["serve"], plain)
        signature = meta.signature_def["serving_default"]
        tensors = {key: info.name for key, info in signature.outputs.items()}
        fed = {signature.inputs[key].name: value for key, value in feeds.items()}
        store(session, graph, folder, tensors, fed)


def build(group: str, folder: Path) -> None:
    """Write the files of the programs of a group; an error is written in their place."""
    programs = importlib.import_module(f"tests.freeze.stages.{group}_programs").PROGRAMS
    for name, program in programs.items():
        place = folder / name
        place.mkdir(parents=True)
        try:
            (build_module if name.startswith("module_") else build_graph)(program, place)
        except Exception:
            (place / "error.txt").write_text(traceback.format_exc())


def fill_left_over(session: Any, graph: Any, values: Mapping[str, np.ndarray]) -> None:
    """Give variables that were not frozen their values."""
    with graph.as_default():
        for op in graph.get_operations():
            if op.type == "VarHandleOp":
                value = tf.constant(values[op.name])
                session.run(tf.raw_ops.AssignVariableOp(resource=op.outputs[0], value=value))
            elif op.type in ("Variable", "VariableV2"):
                session.run(v1.raw_ops.Assign(ref=op.outputs[0], value=values[op.name]))


def run_one(path: Path) -> None:
    order = json.loads(path.with_suffix(".json").read_text())
    graph_def = v1.GraphDef()
    graph_def.ParseFromString(path.read_bytes())
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    names = {node.name for node in graph_def.node}
    feeds = read_arrays(path.parent / "feeds.npz")
    fed = {name: value for name, value in feeds.items() if name.split(":")[0] in names}
    with new_session(graph) as session:
        fill_left_over(session, graph, read_arrays(path.parent / "values.npz"))
        if order["init"]:
            session.run(graph.get_operation_by_name(order["init"]))
        write_arrays(path.with_suffix(".npz"), session.run(order["tensors"], fed))


def run(folder: Path) -> None:
    """Run all graphs below a folder."""
    for path in sorted(folder.glob("*/*.pb")):
        try:
            run_one(path)
        except Exception:
            path.with_suffix(".error").write_text(traceback.format_exc())
