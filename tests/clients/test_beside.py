"""Living beside others: libraries that look for TensorFlow behave as if it were not there."""

from pathlib import Path

import pytest

from tests.shim.bare import Bare

FIT = """
import numpy as np
import keras
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "relu"),
                          keras.layers.BatchNormalization(), keras.layers.Dense(1)])
model.compile("adam", "mse")
x = np.random.default_rng(1).random((16, 4), np.float32)
y = x.sum(1, keepdims=True)
history = model.fit(x, y, epochs=2, verbose=0)
model.save("m.keras")
model.save_weights("m.weights.h5")
again = keras.saving.load_model("m.keras")
again.load_weights("m.weights.h5")
assert np.array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
print(keras.backend.backend(), round(history.history["loss"][-1], 4), again.count_params())
"""
PROGRAMS = {
    "keras with torch": ({"KERAS_BACKEND": "torch"}, FIT),
    "keras with jax": ({"KERAS_BACKEND": "jax"}, FIT),
    "torch dynamo": (
        {},
        "import torch._dynamo, torch\n"
        "print(torch.compile(lambda x: x + 1, backend='eager')(torch.ones(2)).tolist())",
    ),
    "transformers": (
        {},
        "import transformers\n"
        "print(transformers.utils.is_tf_available(), transformers.utils.is_torch_available())\n"
        "config = transformers.BertConfig(hidden_size=8, num_hidden_layers=1, vocab_size=9,\n"
        "                                 num_attention_heads=2, intermediate_size=8)\n"
        "print(len(transformers.BertModel(config).state_dict()))",
    ),
    "torch writer": (
        {},
        "import glob\n"
        "from torch.utils.tensorboard import SummaryWriter\n"
        "with SummaryWriter('runs/one') as writer:\n"
        "    writer.add_scalar('loss', 0.5, 1)\n"
        "from tensorboard.backend.event_processing.event_file_loader import EventFileLoader\n"
        "for path in glob.glob('runs/one/*'):\n"
        "    print([each.step for each in EventFileLoader(path).Load()])",
    ),
    "flax files": (
        {},
        "from flax import io\n"
        "io.makedirs('d/e')\n"
        "with io.GFile('d/e/f.txt', 'w') as file:\n"
        "    file.write('text')\n"
        "io.rename('d/e/f.txt', 'd/e/g.txt')\n"
        "print(io.listdir('d/e'), io.exists('d/e/f.txt'), io.isdir('d'), io.glob('d/*/*'))\n"
        "print(io.GFile('d/e/g.txt', 'rb').read())",
    ),
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """Python without TensorFlow."""
    return Bare(tmp_path_factory.mktemp("bare") / "venv")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_library_does_the_same_with_the_stand_in_there(
    bare: Bare, tmp_path: Path, name: str
) -> None:
    environment, text = PROGRAMS[name]
    printed = []
    for n, first in enumerate(("", "from tensorbundle import shim\nassert shim.install()\n")):
        folder = tmp_path / str(n)
        folder.mkdir()
        result = bare.run("-c", first + text, cwd=folder, **environment)
        assert result.returncode == 0, result.stderr
        printed.append(result.stdout)
    assert printed[0] == printed[1]
    assert printed[0]


def test_safetensors_imports_what_it_has_for_tensorflow(bare: Bare) -> None:
    text = (
        "from tensorbundle import shim\nshim.install()\n"
        "import safetensors.tensorflow\nprint(safetensors.tensorflow.save_file.__name__)"
    )
    assert bare.run("-c", text).stdout == "save_file\n"
