"""Builds the cases of the matrix, and runs graphs that were made of them, with TensorFlow."""

import importlib
import json
import time
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import tensorflow as tf

from tests.freeze.programs.arrays import read_arrays, write_arrays
from tests.freeze.programs.building import build_graph, build_module
from tests.freeze.programs.case import Case
from tests.freeze.programs.matrix import CASES
from tests.freeze.programs.sessions import fetch, new_session, read_graph, run_frozen, v1


def build_case(case: Case, folder: Path) -> dict[str, Any]:
    module, function = case.build.split(".")
    builder = getattr(importlib.import_module(f"tests.freeze.programs.{module}"), function)

    if not case.checks:  # a program that writes its files itself
        facts: dict[str, Any] = builder(folder, **case.arguments)
        return facts

    def program() -> Any:
        return builder(**case.arguments)

    if case.signature is None:
        return build_graph(program, folder)
    return build_module(program, folder, case.signature)


def build(folder: Path) -> None:
    """Write the files of the cases; an error is written in their place."""
    for case in CASES:
        place = folder / case.name
        place.mkdir(parents=True)
        start = time.perf_counter()
        try:
            facts = build_case(case, place)
        except Exception as error:
            facts = {"error": f"{type(error).__name__}: {error}"}
        facts["elapsed_s"] = round(time.perf_counter() - start, 2)
        (place / "built.json").write_text(json.dumps(facts))


def run_saved_model(order: dict[str, Any], feeds: dict[str, Any]) -> dict[str, Any]:
    """The outputs of a signature by both of TensorFlow's loaders: `v1` and `v2` before each key."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    with tf.Graph().as_default() as graph, new_session(graph) as session:
        meta = v1.saved_model.loader.load(session, ["serve"], order["saved_model"])
        signed = meta.signature_def["serving_default"]
        tensors = {f"v1 {info.name}": info.name for info in signed.outputs.values()}
        fed = {info.name: feeds[info.name] for info in signed.inputs.values()}
        values = fetch(session, tensors, fed)
    loaded = tf.saved_model.load(order["saved_model"])
    arguments = {key: tf.constant(feeds[info.name]) for key, info in signed.inputs.items()}
    found = loaded.signatures["serving_default"](**arguments)
    return values | {f"v2 {signed.outputs[key].name}": each.numpy() for key, each in found.items()}


def run_order(order: dict[str, Any]) -> dict[str, Any]:
    feeds = read_arrays(Path(order["feeds"]))
    if "saved_model" in order:
        return run_saved_model(order, feeds)
    return run_frozen(read_graph(order["graph"]), order["outputs"], feeds, order["init_ops"])


def run(folder: Path) -> None:
    """Run what orders.json of the folder names."""
    for order in json.loads((folder / "orders.json").read_text()):
        answer = Path(order["answer"])
        try:
            write_arrays(answer, run_order(order))
        except Exception as error:
            answer.with_suffix(".error").write_text(f"{type(error).__name__}: {error}")
