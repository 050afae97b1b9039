"""Programs of TensorFlow 1's time, as people wrote them.

Each function of the modules builds one training graph and returns its heads, each a list of
the tensors that are that head (probabilities, logits, arg-max), what its author fetches first.
Written are `FOLDER/SET/<name>.meta` and `FOLDER/SET/heads.json`. Needs TensorFlow.
"""

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Program = Callable[[Any], Any]

# tf.layers and the recurrent cells need Keras 2.
ENVIRONMENT = {"TF_USE_LEGACY_KERAS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

# The rules were made with the known ones in sight. Each of the others was written, its heads too,
# before the rules of its time had seen it; what came of it is in `test_blind.py`.
SETS = {
    "known": (
        "classifiers sequences agents images repositories habits afterwards copies tutorials "
        "attention"
    ),
    "feeding": "feeding",
    "first": (
        "blind_agents blind_generators blind_images blind_scenes blind_texts blind_letters "
        "blind_tables"
    ),
    "second": "blind_makers blind_lenses blind_pages blind_columns",
    "third": "blind_players blind_cameras blind_readers",
    "fourth": "blind_tools blind_records",
    "last": "blind_last",
    "sixth": "sixth_sight sixth_words sixth_tables",
    "seventh": "seventh_sight seventh_words seventh_tables",
    "eighth": "eighth_kinds eighth_others",
    "ninth": "ninth_dress ninth_more",
    "tenth": "tenth_sight tenth_players tenth_words tenth_tables",
}

# What is built in every run: those that tests name, and of each set one in so many.
NAMED = {
    "first": {"sinusoid_maml", "spectral_discriminator", "sub_pixels"},
    "second": {"hazards"},
    "third": {"alex_fine_tuned"},
}
ONE_IN = 10


def build_all(parent: Path, sets: tuple[str, ...]) -> None:
    """Build sets of programs, each into a folder of its own below this one."""
    for each in sets:
        build_set(parent / each, programs_of(each))


def build_some(parent: Path) -> None:
    """Build a few programs of each set but the known one, as `build_all` does."""
    for each in SETS.keys() - {"known"}:
        programs = programs_of(each)
        names = sorted(programs)[:: 1 if each == "feeding" else ONE_IN]
        chosen = sorted({*names, *NAMED.get(each, ())})
        build_set(parent / each, {name: programs[name] for name in chosen})


def programs_of(chosen: str) -> dict[str, Program]:
    """Every program of a set, by its name."""
    found = {}
    for room in SETS[chosen].split():
        module = f"{__package__}.{room}"
        for name, program in vars(importlib.import_module(module)).items():
            if not name.startswith("_") and getattr(program, "__module__", "") == module:
                found[name] = program
    return found


def build_set(folder: Path, programs: Mapping[str, Program]) -> None:
    """Build programs, each in a graph and with a saver of its own."""
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    heads = {}
    folder.mkdir()
    for name, program in programs.items():
        with tf.Graph().as_default():
            made = program(tf)
            saver = tf.train.Saver()
            saver.export_meta_graph(str(folder / f"{name}.meta"))
        heads[name] = [[tensor.op.name for tensor in head] for head in made]
    (folder / "heads.json").write_text(json.dumps(heads), encoding="utf-8")
