"""Keras 3 on a backend of its own, without TensorFlow: loads weights, saves and loads them again.

Runs as `KERAS_BACKEND=numpy python -m tests.clients.keras_loading FOLDER`, where the other process
has saved; prints a line of JSON a model and source.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

import tensorbundle as tb
from tests.clients.keras_models import MODELS, outputs
from tests.clients.keras_saving import SOURCES

# Nothing of TensorFlow may have been asked for.
assert "tensorflow" not in sys.modules


def main(folder: Path) -> None:
    for name, build in MODELS.items():
        for source in SOURCES:
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
            print(
                json.dumps(
                    {
                        "model": name,
                        "source": source,
                        "weights": len(model.weights),
                        "assigned": len(done.assigned),
                        "left": done.left,
                        "reloaded": all(np.array_equal(*pair) for pair in zip(*made, strict=True)),
                    }
                )
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
