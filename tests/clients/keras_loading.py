"""Keras 3 on a backend of its own, without TensorFlow: loads weights, saves and loads them again.

Runs as `KERAS_BACKEND=numpy python -m tests.clients.keras_loading FOLDER`, where the other process
has saved; prints a line of JSON a model and source.
"""

import json
import sys
from pathlib import Path
from typing import Any

modules: dict[str, Any] = sys.modules
modules["tensorflow"] = None  # whoever imports it finds none

import keras
import numpy as np

import tensorbundle as tb
from tests.clients.keras_models import MODELS, outputs
from tests.clients.keras_saving import SAVED


def main(folder: Path) -> None:
    for name, _, source in SAVED:
        build = MODELS[name]
        model = build(keras)
        outputs(model, name)
        done = tb.keras.load_weights(model, folder / name / source)
        file = folder / f"{name}-{keras.backend.backend()}.weights.h5"
        model.save_weights(file)
        again = build(keras)
        outputs(again, name)
        again.load_weights(file)
        made = [outputs(each, name) for each in (model, again)]
        np.savez(folder / name / f"{source}-{keras.backend.backend()}.npz", *made[0])
        report = {
            "model": name,
            "source": source,
            "weights": len(model.weights),
            "assigned": len(done.assigned),
            "left": done.left,
            "reloaded": all(np.array_equal(*pair) for pair in zip(*made, strict=True)),
        }
        print(json.dumps(report))


def rebuild(folder: Path) -> None:
    """Build a model anew from a SavedModel, save it as `.keras`, and load that."""
    loaded = tb.keras.load_model(folder / "cnn" / "k2-saved_model")
    file = folder / "cnn.keras"
    loaded.model.save(file)
    again = keras.models.load_model(file)
    made = [outputs(each, "cnn") for each in (loaded.model, again)]
    np.savez(folder / "cnn" / "rebuilt.npz", *made[1])
    print(
        json.dumps(
            {
                "assigned": len(loaded.weights.assigned),
                "dropped": loaded.dropped,
                "reloaded": all(np.array_equal(*pair) for pair in zip(*made, strict=True)),
            }
        )
    )
    for name in ("sequence", "subclassed"):
        try:
            tb.keras.load_model(folder / name / "k2-saved_model")
            print(json.dumps({"built": name}))
        except tb.ConversionError as error:
            print(json.dumps({"refused": name, "message": str(error)}))


if __name__ == "__main__":
    (rebuild if sys.argv[2:] else main)(Path(sys.argv[1]))
