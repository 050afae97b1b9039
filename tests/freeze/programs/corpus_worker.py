"""Real models in TensorFlow: the original restored, our frozen graph, and TensorFlow's own.

What raised is answered by its message: a model that TensorFlow cannot load does not end the others.
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import tensorflow as tf

from tests.freeze.programs.arrays import read_arrays, write_arrays
from tests.freeze.programs.sessions import (
    fetch,
    new_session,
    read_graph,
    run_frozen,
    v1,
    without_optimizers,
)


def read_meta(path: str) -> Any:
    meta = v1.MetaGraphDef()
    meta.ParseFromString(Path(path).read_bytes())
    return meta


def restore_meta(session: Any, order: dict[str, Any]) -> None:
    v1.train.import_meta_graph(order["model"]).restore(session, order["prefix"])


def restore_graph(session: Any, order: dict[str, Any]) -> None:
    """The graph without its collections, and the restore op that its saver names."""
    meta = read_meta(order["model"])
    for node in meta.graph_def.node:  # some are wrong, and TensorFlow does not need them
        node.attr.pop("_output_shapes", None)
    tf.import_graph_def(meta.graph_def, name="")
    saver = meta.saver_def
    session.run(saver.restore_op_name, {saver.filename_tensor_name: order["prefix"]})


def restore_saved_model(session: Any, order: dict[str, Any]) -> None:
    model = without_optimizers(order["model"], Path(order["folder"]) / "plain")
    v1.saved_model.loader.load(session, order["tags"], model)


def original(order: dict[str, Any], restore: Callable[..., None], feeds: dict[str, Any]) -> Any:
    """What the restored model gives, twice, and what TensorFlow's frozen graph of it gives."""
    graph = tf.Graph()
    with graph.as_default(), new_session(graph) as session:
        restore(session, order)
        if not order["tags"]:  # the loader of SavedModels has done it
            session.run([v1.tables_initializer(), v1.local_variables_initializer()])
        values = fetch(session, order["variables"], {})
        write_arrays(Path(order["folder"]) / "variables.npz", values)
        first = fetch(session, order["tensors"], feeds)
        second = fetch(session, order["tensors"], feeds)
        try:
            nodes = [name.split(":")[0] for name in order["tensors"].values()]
            frozen = v1.graph_util.convert_variables_to_constants(
                session, graph.as_graph_def(), nodes
            )
        except Exception as error:
            return first, second, f"{type(error).__name__}: {error}"
    return first, second, frozen


def answer_original(order: dict[str, Any], feeds: dict[str, Any], folder: Path) -> dict[str, str]:
    ways = [restore_saved_model] if order["tags"] else [restore_meta, restore_graph]
    told = ""
    for restore in ways:
        try:
            first, second, frozen = original(order, restore, feeds)
            break
        except Exception as error:
            told += f"{restore.__name__}: {type(error).__name__}: {error}\n"
    else:
        return {"original": told}
    write_arrays(folder / "original.npz", first)
    write_arrays(folder / "again.npz", second)
    if isinstance(frozen, str):
        return {"theirs": frozen}
    try:
        theirs = run_frozen(frozen, order["tensors"], feeds)
        write_arrays(folder / "theirs.npz", theirs)
    except Exception as error:
        return {"theirs": f"{type(error).__name__}: {error}"}
    return {}


def answer(order: dict[str, Any]) -> dict[str, str]:
    folder = Path(order["folder"])
    feeds = read_arrays(folder / "feeds.npz")
    errors = answer_original(order, feeds, folder)
    try:
        ours = run_frozen(read_graph(order["frozen"]), order["outputs"], feeds, order["init_ops"])
        write_arrays(folder / "ours.npz", ours)
    except Exception as error:
        errors["ours"] = f"{type(error).__name__}: {error}"
    return errors


def answer_all(folder: Path) -> None:
    """Answer the orders of a folder, each in the folder that it names."""
    for order in json.loads((folder / "orders.json").read_text()):
        path = Path(order["folder"]) / "errors.json"
        path.write_text(json.dumps(answer(order)))
