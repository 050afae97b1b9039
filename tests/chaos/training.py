"""Small trainings that save now and then and resume by themselves, as users write them.

    python tests/chaos/training.py saver|manager|save DIRECTORY

Each prints the step that it goes on from, and writes what it came to into ``DIRECTORY/result``. The
weights depend on every step, so whoever resumes from other weights comes to another result.
"""

import os
import sys
from typing import Any

import numpy as np

import tensorbundle as tb

STEPS, EVERY = 12, 3


def fresh() -> dict[str, Any]:
    """Variables before the first step."""
    return {"w": np.ones((50, 20)), "b": np.zeros(20, np.float32), "step": np.array(0)}


def train(variables: dict[str, Any]) -> None:
    """One step, which depends on the one before."""
    variables["step"] += 1
    variables["w"] += np.sin(variables["w"] * float(variables["step"]))
    variables["b"] += variables["w"].sum(axis=0).astype(np.float32)


def with_saver(directory: str) -> dict[str, Any]:
    """The loop of TensorFlow 1."""
    variables = fresh()
    saver = tb.train.Saver(max_to_keep=None)
    newest = tb.train.latest_checkpoint(directory, intact=True)
    if newest is not None:
        saver.restore(variables, newest)
    told(variables)
    while variables["step"] < STEPS:
        train(variables)
        if variables["step"] % EVERY == 0:
            saver.save(variables, os.path.join(directory, "ckpt"), variables["step"])
    return variables


def with_manager(directory: str) -> dict[str, Any]:
    """The loop of TensorFlow 2."""
    variables = fresh()
    manager = tb.train.CheckpointManager(variables, directory, max_to_keep=None)
    manager.restore_or_initialize(intact=True)
    told(variables)
    while variables["step"] < STEPS:
        train(variables)
        if variables["step"] % EVERY == 0:
            manager.save(int(variables["step"]))
    return variables


def with_save(directory: str) -> dict[str, Any]:
    """A loop of somebody who needs no more than files."""
    variables = fresh()
    newest = tb.latest_checkpoint(directory, intact=True)
    if newest is not None:
        variables = tb.open(newest).load()
    told(variables)
    while variables["step"] < STEPS:
        train(variables)
        if variables["step"] % EVERY == 0:
            tb.save(os.path.join(directory, f"ckpt-{variables['step']}"), variables, overwrite=True)
    return variables


def told(variables: dict[str, Any]) -> None:
    """Say where the training goes on."""
    print(f"resumed from step {int(variables['step'])}", flush=True)


WAYS = {"saver": with_saver, "manager": with_manager, "save": with_save}


if __name__ == "__main__":
    way, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    came_to = WAYS[way](folder)
    with open(os.path.join(folder, "result"), "w", encoding="utf-8") as file:
        file.write("".join(f"{name} {came_to[name].tobytes().hex()}\n" for name in sorted(came_to)))
