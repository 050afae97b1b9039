"""Converters in the styles of the public ones: they write what they write with TensorFlow."""

import json
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import tensorbundle as tb
from tests.clients import programs
from tests.golden.cases import DATA, digest
from tests.oracle.client import Module, TensorFlow
from tests.shim.bare import Bare
from tests.shim.running import PROGRAMS
from tests.shim.test_programs import run_both

CONVERTERS = PROGRAMS.parent / "converters"
DEMO, DEMO_FOLDER = str(DATA / "demo" / "model.ckpt-2000"), str(DATA / "demo")
SAVER, SAVER_V1 = str(DATA / "saver" / "model.ckpt-20"), str(DATA / "saver_v1" / "model.ckpt-3")
OBJECTS = str(DATA / "objects" / "keras")
CASES = [
    ("audio_flags", [f"--checkpoint_file={DEMO}", "--output_dir=OUT/x", "--temperature=2", "rest"]),
    ("average", ["MADE/averaged", "OUT/saved"]),
    ("bert_session", [f"--tf_checkpoint_path={DEMO}", "--npz_dump_path", "OUT/saved"]),
    ("bert_session", [f"--tf_checkpoint_path={SAVER_V1}", "--npz_dump_path", "OUT/saved"]),
    ("bert_table", ["MADE/bert/model.ckpt", "OUT/saved"]),
    ("elmo_dump", [DEMO_FOLDER, "OUT/saved"]),
    ("ema_detector", ["MADE/mobilenet/model.ckpt-5", "OUT/saved"]),
    ("face_embed", [DEMO_FOLDER, "OUT/saved"]),
    ("freeze_optimize", [f"--model_dir={DEMO_FOLDER}", "--output_node_names=probabilities",
                         "--out=OUT/saved"]),
    ("frozen_reader", ["MADE/frozen.pb", "OUT/saved"]),
    ("frozen_runner", ["MADE/frozen.pb", "OUT/saved"]),
    ("gpt_numpy", ["MADE/gpt2", "OUT/saved"]),
    ("inception_resume", [DEMO, "OUT/saved"]),
    ("object_keys", [OBJECTS, "OUT/saved"]),
    ("rl_params", [DEMO, "OUT/saved"]),
    ("saved_model_dump", [str(DATA / "saved_model"), "OUT/saved"]),
    ("slim_dump", [DEMO, "OUT/saved"]),
    ("t5_mesh", ["MADE/t5", "OUT/saved"]),
    ("threads_readers", ["MADE/bert/model.ckpt", "OUT/saved"]),
    ("vit_npz", ["OUT/saved"]),
    ("wavenet_step", [DEMO_FOLDER, "OUT/saved"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of the kinds of programs whose names and shapes these are."""
    folder = tmp_path_factory.mktemp("made")
    for name, file, shapes in (
        ("bert", "model.ckpt", programs.bert()),
        ("gpt2", "model.ckpt", programs.gpt2()),
        ("mobilenet", "model.ckpt-5", programs.mobilenet_v1()),
        ("t5", "model.ckpt-900", programs.t5()),
        ("t5", "model.ckpt-1000", programs.t5()),
        *(("averaged", f"avg-{n}", programs.gpt2()) for n in range(10)),
    ):
        values = programs.values(shapes, seed=ord(file[-1]))
        tb.save(str(folder / name / file), values)
    written = [str(folder / "averaged" / f"avg-{n}") for n in range(10)]
    tb.train.update_checkpoint_state(str(folder / "averaged"), written[-1], written)
    tb.train.update_checkpoint_state(str(folder / "gpt2"), "model.ckpt")
    (folder / "gpt2" / "hparams.json").write_text(json.dumps({"n_layer": 11}))
    tb.freeze(DEMO, outputs=["probabilities"], path=folder / "frozen.pb")
    return folder


def contents(path: Path) -> Any:
    """What a file holds, by name."""
    if path.suffix == ".npz":
        return dict(np.load(path, allow_pickle=True))
    if path.suffix == ".pkl":
        return pickle.loads(path.read_bytes())
    if path.suffix in (".h5", ".hdf5"):
        found: dict[str, Any] = {}
        with h5py.File(path) as file:
            file.visititems(
                lambda name, each: (
                    found.update({name: each[()]}) if hasattr(each, "dtype") else None
                )
            )
        return found
    return {"bytes": np.frombuffer(path.read_bytes(), np.uint8)}


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_a_converter_writes_the_same(
    oracle: TensorFlow, tensorflow_1: Module, bare: Bare, made: Path, tmp_path: Path,
    name: str, arguments: list[str],
) -> None:  # fmt: skip
    program = (CONVERTERS / f"{name}.py").read_text("utf-8")
    is_1 = "disable_eager" in program or "disable_v2" in program
    theirs = tensorflow_1 if is_1 else oracle.module("tests.shim.running")
    given = [each.replace("MADE", str(made)) for each in arguments]
    folders = run_both(theirs, bare, tmp_path, f"../converters/{name}", given)
    files = [
        sorted(each.relative_to(folder) for each in folder.rglob("*") if each.is_file())
        for folder in folders
    ]
    assert files[0] == files[1]
    assert files[0] or name == "wavenet_step"
    for file in files[0]:
        wanted, found = (contents(folder / file) for folder in folders)
        assert list(wanted) == list(found)
        for key, value in wanted.items():
            if "computed" in file.name:
                np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-6)
            elif file.suffix != ".pb":
                assert np.asarray(value).dtype == np.asarray(found[key]).dtype
                assert digest(value) == digest(found[key]), (file, key)
