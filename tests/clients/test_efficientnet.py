"""EfficientNet by the bundled rules: what transformers compute is what TensorFlow computes."""

from pathlib import Path

import numpy as np
import torch
import transformers

import tensorbundle as tb
from tests.oracle.client import TensorFlow


def test_efficientnet_answers_as_under_tensorflow(tmp_path: Path) -> None:
    with TensorFlow() as tensorflow:
        image, logits = tensorflow.call("tests.clients.efficientnet", "save", str(tmp_path / "m"))
    config = transformers.EfficientNetConfig(
        image_size=64, width_coefficient=1.0, depth_coefficient=1.0, hidden_dim=1280, num_labels=5
    )
    made = transformers.EfficientNetForImageClassification(config)
    tb.convert(
        tmp_path / "m",
        tmp_path / "hub",
        rules="efficientnet",
        format="hub",
        config=config.to_dict(),
        like=made.state_dict(),
    )
    model, told = type(made).from_pretrained(tmp_path / "hub", output_loading_info=True)
    assert {kind: names for kind, names in told.items() if names} == {}
    with torch.no_grad():
        found = model(torch.from_numpy(image.transpose(0, 3, 1, 2) / 255)).logits.numpy()
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-4)


def test_the_inverse_gives_back_the_names_and_the_averages(tmp_path: Path) -> None:
    with TensorFlow() as tensorflow:
        tensorflow.call("tests.clients.efficientnet", "save", str(tmp_path / "m"))
    tb.convert(tmp_path / "m", tmp_path / "m.safetensors", rules="efficientnet")
    tb.convert(tmp_path / "m.safetensors", tmp_path / "back", rules="efficientnet", inverse=True)
    original, back = tb.open(tmp_path / "m"), tb.open(tmp_path / "back")
    average = "/ExponentialMovingAverage"
    assert {f"{name}{average}" for name in back} | {*back, "global_step"} == {*original}
    for name in back:
        assert back[name].tobytes() == original[name + average].tobytes(), name
