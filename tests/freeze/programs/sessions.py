"""Sessions that compute what the graph says and nothing else: no Grappler, no other optimizer."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.freeze.programs.arrays import as_array

v1 = tf.compat.v1
TIMEOUT_MS = 120_000  # a graph that dequeues would block for ever


def plain_config() -> Any:
    """Nothing is optimized, and all is done on one thread: sums are made in the same order."""
    config = v1.ConfigProto(
        intra_op_parallelism_threads=1,
        inter_op_parallelism_threads=1,
        device_count={"CPU": 2},
        allow_soft_placement=True,
        operation_timeout_in_ms=TIMEOUT_MS,
    )
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = v1.OptimizerOptions.L0
    return config


def new_session(graph: Any = None) -> Any:
    return v1.Session(graph=graph, config=plain_config())


def ask_for_no_optimizer(graph: Any) -> None:
    """Each call of a function carries the settings of its body, whatever those of the session."""
    settings = plain_config().SerializeToString()
    for nodes in (graph.node, *(each.node_def for each in graph.library.function)):
        for node in nodes:
            if "config_proto" in node.attr:
                node.attr["config_proto"].s = settings


def without_optimizers(model: str, folder: Path) -> str:
    """A copy of a SavedModel whose function calls ask for no optimizer."""
    message = saved_model_pb2.SavedModel()
    message.ParseFromString((Path(model) / "saved_model.pb").read_bytes())
    for meta in message.meta_graphs:
        ask_for_no_optimizer(meta.graph_def)
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(message.SerializeToString())
    for name in ("variables", "assets"):
        if (Path(model) / name).exists():
            (folder / name).symlink_to(Path(model).resolve() / name)
    return str(folder)


def tensor_name(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def fetch(session: Any, tensors: Mapping[str, str], feeds: Mapping[str, Any]) -> dict[str, Any]:
    """The values of tensors, by the keys that they are given under."""
    fed = {tensor_name(name): value for name, value in feeds.items()}
    values = session.run({key: tensor_name(name) for key, name in tensors.items()}, fed)
    return {key: as_array(value) for key, value in values.items()}


def read_graph(path: str) -> Any:
    graph_def = v1.GraphDef()
    with open(path, "rb") as file:
        graph_def.ParseFromString(file.read())
    return graph_def


def run_frozen(
    graph_def: Any,
    tensors: Mapping[str, str],
    feeds: Mapping[str, Any],
    init_ops: Iterable[str] = (),
) -> dict[str, Any]:
    """Import a graph without variables and run it; feeds of tensors that it lacks are left out."""
    ask_for_no_optimizer(graph_def)
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    present = {node.name for node in graph_def.node}
    fed = {name: value for name, value in feeds.items() if name.split(":")[0] in present}
    with new_session(graph) as session:
        for name in init_ops:
            session.run(graph.get_operation_by_name(name))
        return fetch(session, tensors, fed)
