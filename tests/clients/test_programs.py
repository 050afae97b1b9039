"""Programs of others, unmodified: with the stand-in they make what they make with TensorFlow."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.oracle.client import QUIET
from tests.places import PROJECT
from tests.shim.bare import Bare

DRIVERS = Path(__file__).parent / "drivers"
# Where `make test-clients` puts packages that are taken apart, or are too old to be installed.
FETCHED = PROJECT / "build" / "clients"
OLD = FETCHED / "transformers-4.30"
CONVERTER = "vendor/ggml/examples/gpt-2/convert-ckpt-to-ggml.py"
BERT = {
    "vocab_size": 23,
    "hidden_size": 8,
    "num_hidden_layers": 12,
    "num_attention_heads": 2,
    "intermediate_size": 14,
    "max_position_embeddings": 12,
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """Python without TensorFlow."""
    return Bare(tmp_path_factory.mktemp("bare") / "venv")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    command = [sys.executable, "-W", "ignore", "-m", "tests.clients.checkpoints", str(folder)]
    subprocess.run(command, cwd=PROJECT, env={**os.environ, **QUIET}, check=True)
    return folder


def both(bare: Bare, program: list[str], arguments: list[list[str]], more: str) -> Iterator[str]:
    """Run a program with TensorFlow and without; what each prints."""
    given = [more, os.environ.get("PYTHONPATH", "")]
    quiet = {**QUIET, "PYTHONPATH": os.pathsep.join(filter(None, given))}
    command = [sys.executable, "-W", "ignore", *program, *arguments[0]]
    theirs = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, **quiet}, capture_output=True, text=True
    )
    assert theirs.returncode == 0, theirs.stderr
    yield theirs.stdout.replace(arguments[0][-1], "OUT")
    quiet["PYTHONPATH"] = more
    ours = bare.run("-m", "tensorbundle.shim", *program, *arguments[1], **quiet)
    assert ours.returncode == 0, ours.stderr
    yield ours.stdout.replace(arguments[1][-1], "OUT")


def same_archives(theirs: Path, ours: Path, count: int) -> None:
    names = sorted(each.name for each in theirs.glob("*.npz"))
    assert names == sorted(each.name for each in ours.glob("*.npz"))
    arrays = 0
    for name in names:
        wanted, found = np.load(theirs / name), np.load(ours / name)
        assert wanted.files == found.files
        for key in wanted.files:
            assert wanted[key].dtype == found[key].dtype
            assert wanted[key].shape == found[key].shape
            assert wanted[key].tobytes() == found[key].tobytes(), f"{name}: {key}"
        arrays += len(wanted.files)
    assert arrays > count


@pytest.mark.parametrize(
    ("driver", "count"), [("transformers_loaders", 600), ("gpt2_from_scratch", 100)]
)
def test_loaders_make_the_same_of_every_checkpoint(
    bare: Bare, checkpoints: Path, tmp_path: Path, driver: str, count: int
) -> None:
    folders = [tmp_path / "theirs", tmp_path / "ours"]
    for each in folders:
        each.mkdir()
    arguments = [[str(checkpoints), str(each)] for each in folders]
    theirs, ours = both(bare, [str(DRIVERS / f"{driver}.py")], arguments, "")
    assert theirs == ours
    same_archives(*folders, count)


@pytest.mark.parametrize("kind", ["0", "1"])
def test_the_converter_of_ggml_writes_the_same_file(
    bare: Bare, checkpoints: Path, kind: str
) -> None:
    script = next(FETCHED.glob(f"ggml_python-*/{CONVERTER}"))
    folder = checkpoints / "gpt2"
    written = folder / f"ggml-model-{'f16' if int(kind) else 'f32'}.bin"
    contents = []
    for _ in both(bare, [str(script)], [[str(folder), kind]] * 2, ""):
        contents.append(written.read_bytes())
        written.unlink()
    assert contents[0] == contents[1]
    assert len(contents[0]) > 20_000


@pytest.mark.skipif(not OLD.is_dir(), reason="transformers 4.30 has no wheels for this Python")
def test_the_command_of_transformers_4_30_converts_bert(
    bare: Bare, checkpoints: Path, tmp_path: Path
) -> None:
    import json

    import torch

    (tmp_path / "config.json").write_text(json.dumps(BERT))
    command = ["-m", "transformers.commands.transformers_cli", "convert", "--model_type", "bert"]
    given = ["--tf_checkpoint", str(checkpoints / "bert" / "model.ckpt")]
    given += ["--config", str(tmp_path / "config.json"), "--pytorch_dump_output"]
    arguments = [[*given, str(tmp_path / "theirs.bin")], [*given, str(tmp_path / "ours.bin")]]
    theirs, ours = both(bare, command, arguments, str(OLD))
    assert theirs == ours
    states = [torch.load(each[-1], weights_only=True) for each in arguments]
    assert states[0].keys() == states[1].keys()
    assert len(states[0]) > 190
    for name, tensor in states[0].items():
        assert tensor.dtype == states[1][name].dtype
        assert tensor.numpy().tobytes() == states[1][name].numpy().tobytes(), name
