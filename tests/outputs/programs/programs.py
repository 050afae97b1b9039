"""Programs of TensorFlow 1's time, as people wrote them.

Each function of the modules builds one training graph and returns its heads, each a list of
the tensors that are that head (probabilities, logits, arg-max), what its author fetches first.
Written are `FOLDER/<name>.meta` and `FOLDER/heads.json`. Needs TensorFlow: a process of its own.
"""

import json
from pathlib import Path

# tf.layers and the recurrent cells need Keras 2.
ENVIRONMENT = {"TF_USE_LEGACY_KERAS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

MODULES = (
    "tests.outputs.programs.classifiers",
    "tests.outputs.programs.sequences",
    "tests.outputs.programs.agents",
    "tests.outputs.programs.images",
    "tests.outputs.programs.repositories",
    "tests.outputs.programs.habits",
    "tests.outputs.programs.afterwards",
    "tests.outputs.programs.copies",
    "tests.outputs.programs.tutorials",
    "tests.outputs.programs.attention",
)


def build_all(folder: Path) -> dict[str, list[list[str]]]:
    """Build every program's graph, each in a graph and with a saver of its own."""
    import importlib

    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    heads = {}
    for module in MODULES:
        for name, program in list(vars(importlib.import_module(module)).items()):
            if name.startswith("_") or getattr(program, "__module__", "") != module:
                continue
            with tf.Graph().as_default():
                made = program(tf)
                saver = tf.train.Saver()
                saver.export_meta_graph(str(folder / f"{name}.meta"))
            heads[name] = [[tensor.op.name for tensor in head] for head in made]
    (folder / "heads.json").write_text(json.dumps(heads), encoding="utf-8")
    return heads
