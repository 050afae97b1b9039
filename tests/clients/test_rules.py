"""Bundled rules against the loaders of transformers, run under real TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._convert.reading import bundled
from tests.places import PROJECT

MODELS = (
    *("albert", "bert", "electra", "electra_generator", "gpt2", "mobilenet_v1", "mobilenet_v2"),
    *("t5", "t5_v1_1"),
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loaded")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.clients.loaders", str(folder)],
        cwd=PROJECT,
        env={**os.environ, **quiet},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder


def expected_of(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(folder / "expected.npz") as archive:
        return dict(archive)


@pytest.mark.parametrize("model", MODELS)
def test_conversion_equals_the_librarys_own_loader(
    loaded: Path, model: str, tmp_path: Path
) -> None:
    expected = expected_of(loaded / model)
    done = tb.convert(loaded / model, tmp_path / "m.safetensors", rules=model, like=expected)
    made = tb.open(tmp_path / "m.safetensors")
    assert {*made} == {*expected}
    for name, array in expected.items():
        assert (made[name].dtype, made[name].shape) == (array.dtype, array.shape), name
        assert made[name].tobytes() == array.tobytes(), name
    assert done.written == len(expected)


@pytest.mark.parametrize("model", MODELS)
def test_the_inverse_is_the_checkpoint_bit_for_bit(
    loaded: Path, model: str, tmp_path: Path
) -> None:
    there = tb.convert(loaded / model, tmp_path / "m.npz", rules=model)
    back = tb.convert(tmp_path / "m.npz", tmp_path / "model.ckpt", rules=model, inverse=True)
    original, found = tb.open(loaded / model), tb.open(tmp_path / "model.ckpt")
    used = {name for row in there.plan.rows for name in row.sources}
    assert {*found} == used
    assert used | {*there.plan.ignored} | {*there.plan.averaged.values()} == {*original}
    for name in found:
        # What was averaged has the average's values from then on.
        source = there.plan.averaged.get(name, name)
        assert found[name].dtype == original[source].dtype
        assert found[name].tobytes() == original[source].tobytes(), name
    assert back.written == len(found)


@pytest.mark.parametrize("model", MODELS)
def test_a_hub_folder_is_loaded_with_nothing_missing(
    loaded: Path, model: str, tmp_path: Path
) -> None:
    import transformers

    done = tb.convert(
        loaded / model,
        tmp_path / "hub",
        rules=model,
        format="hub",
        config=loaded / model / "config.json",
        max_shard_bytes=40_000,
    )
    config = transformers.AutoConfig.from_pretrained(tmp_path / "hub")
    found, told = getattr(transformers, config.architectures[0]).from_pretrained(
        tmp_path / "hub", output_loading_info=True
    )
    assert {kind: names for kind, names in told.items() if names} == {}
    state = found.state_dict()
    for name, array in expected_of(loaded / model).items():
        assert state[name].numpy().tobytes() == array.tobytes(), name
    names = [os.path.basename(each) for each in done.files]
    assert names[0] == "config.json"
    assert names[-1] == ("model.safetensors.index.json" if len(names) > 2 else "model.safetensors")


def test_every_bundled_rulebook_is_proved() -> None:
    assert {*bundled()} == {*MODELS, "efficientnet"}  # the last in test_efficientnet
