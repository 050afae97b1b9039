"""Graphs whose weights are large: streamed within little memory, and refused past the limit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.format.handmade import Entry, Handmade
from tests.freeze.models import Models

WIDTH, LAYERS, TOO_MANY = 2048, 20, 132
NBYTES = 4 * WIDTH * WIDTH

MEASURED = """
import json, sys, threading, time
import tensorbundle as tb

def anonymous():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon")) << 10

def watch():
    while not done.wait(0.002):
        peaks.append(anonymous())

start, peaks, done = anonymous(), [0], threading.Event()
thread = threading.Thread(target=watch)
thread.start()
begun = time.process_time()
tb.freeze(sys.argv[1], outputs=["out"], path=sys.argv[2])
elapsed_s = time.process_time() - begun
done.set()
thread.join()
print(json.dumps([elapsed_s, max(peaks) - start]))
"""


def weights(layers: int) -> dict[str, np.ndarray]:
    random = np.random.RandomState(0)
    return {
        f"w{number:03d}": random.random_sample((WIDTH, WIDTH)).astype(np.float32)
        for number in range(layers)
    }


def test_336_megabytes_are_frozen_within_two_seconds_and_little_memory(
    models: Models, tmp_path: Path
) -> None:
    prefix, frozen = tmp_path / "model.ckpt", tmp_path / "frozen.pb"
    values = weights(LAYERS)
    tb.save(str(prefix), values)
    (tmp_path / "model.ckpt.meta").write_bytes(
        (models["large"].folder / "model.ckpt.meta").read_bytes()
    )
    result = subprocess.run(
        [sys.executable, "-c", MEASURED, f"{prefix}.meta", frozen],
        capture_output=True,
        text=True,
        check=True,
    )
    elapsed_s, nbytes = json.loads(result.stdout)
    assert nbytes < 64 << 20
    assert elapsed_s < 2  # of this process: the machine may be busy with other things
    constants = tb.open(frozen)
    assert all(np.array_equal(constants[name], value) for name, value in values.items())


@pytest.fixture
def too_large(models: Models, tmp_path: Path) -> Path:
    """A checkpoint of 2.2 GB that occupies next to nothing."""
    sparse = Handmade()
    for number in range(TOO_MANY):
        entry = Entry(1, (WIDTH, WIDTH), NBYTES, number * NBYTES)
        sparse.entries[f"w{number:03d}".encode()] = entry
    prefix = sparse.write(tmp_path)
    os.truncate(f"{prefix}.data-00000-of-00001", TOO_MANY * NBYTES)
    meta = Path(f"{prefix}.meta")
    meta.write_bytes((models["too large"].folder / "model.ckpt.meta").read_bytes())
    return meta


def test_graph_past_two_gigabytes_is_refused_before_it_is_written(
    too_large: Path, tmp_path: Path
) -> None:
    with pytest.raises(tb.ConversionError, match=r"(?s)22\d{8}.*export_saved_model|saved-model"):
        tb.freeze(too_large, outputs=["out"], path=tmp_path / "frozen.pb")
    assert not list(tmp_path.glob("*frozen*"))


def test_what_is_too_large_to_freeze_is_exported_as_saved_model(
    too_large: Path, tmp_path: Path
) -> None:
    exported = tmp_path / "exported"
    tb.export_saved_model(too_large, outputs=["out"], path=exported)
    data = exported / "variables" / "variables.data-00000-of-00001"
    assert data.stat().st_nlink > 1  # the weights themselves are not copied
    graph = tb.load_graph(exported)
    assert len(graph.variables) == TOO_MANY
    assert {each.key for each in graph.variables.values()} == set(graph.variables)
