"""Real graphs frozen: the same bits as the originals in TensorFlow, nearly the same in OpenVINO.

What cannot be frozen or compared is listed with its reason; a listed model that has become fine
fails as much as an unlisted one that is not.
"""

import re
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.programs.arrays import exact, read_arrays
from tests.graph.real_models import Hints, Real, export_and_run, freeze_and_run

KEEP = np.float32(1)  # dropout off
WORDS = {
    f"IteratorGetNext:{port}": np.array([word, b"other"], object)
    for port, word in ((1, b"n"), (2, b"First"), (3, b"unknown"), (4, b"Southampton"), (8, b"male"))
}
NUMBERS = {
    **{f"IteratorGetNext:{port}": np.array([22.0, 7.25]) for port in (0, 5)},
    **{f"IteratorGetNext:{port}": np.array([1, 0]) for port in (6, 7)},
}
TITANIC = Hints(feeds=WORDS | NUMBERS)
HINTS = {
    "255BITS__vocal-autoencoder@85d64249/model.ckpt": Hints(shapes={"Placeholder:0": (2, 64)}),
    "CyberZHG__keras-bert/tests/test_checkpoint/bert_model.ckpt": Hints(
        options={"inputs": [f"IteratorGetNext:{port}" for port in range(7)]}
    ),
    "Dormir30__Siamese_network/model.ckpt": Hints(feeds={"Placeholder_5:0": KEEP}),
    "Pookkie__NLP/model.ckpt": Hints(feeds={"Placeholder_2:0": KEEP}, invented=True),
    "Pookkie__NLP/model_20_60.ckpt": Hints(feeds={"Placeholder_2:0": KEEP}, invented=True),
    "Rohan-Hirekerur__Minesweeper/model.ckpt": Hints(invented=True),
    "leyankoh__tensorflow-learning@a3a6cab0/model.ckpt-0": TITANIC,
    "leyankoh__tensorflow-learning@a3a6cab0/model.ckpt-200": TITANIC,
}

# Freezing ends with an error, and rightly so.
POINTER = "not frozen: FormatError: .* is a git-LFS pointer"
NOT_FROZEN = {
    "2Obe__BSData/saved_model": POINTER,
    "MTRNord__matrix-spam-ml/models/spam_keras_1664583738.3207538": POINTER,
    "MTRNord__matrix-spam-ml@64b9f77b/models/spam_keras_1664061067.8239014": POINTER,
    "OneRaynyDay__TensorFlowConvnet/best_model.ckpt": (
        "not frozen: MissingFileError: no values for the 20 variables"
    ),
    "dgg95223__ML_QC_GEOM_OPT@ad52841a/test/water/monomer/model.ckpt": (
        "not frozen: FormatError: .* is a symbolic link stored as text"
    ),
}
# Frozen, but the original gives nothing to compare with.
NOT_COMPARABLE = {
    # Its input pipeline is of an op that is gone; and its dropout is always on.
    "CyberZHG__keras-bert/tests/test_checkpoint/bert_model.ckpt": (
        "no reference: .*Op type not registered 'MapAndBatchDatasetV2'.*ours runs"
    ),
    # Random numbers are added to what comes before the output.
    "KeplerC__TexasHoldem/model.ckpt": "random: ",
    # A training step: each run changes the variable that it reads.
    "onnx__tensorflow-onnx@66161eb1/tests/models/assign#serving_default": "random: ",
    "onnx__tensorflow-onnx@66161eb1/tests/models/assign#serving_default kept": "random: ",
}
# What TensorFlow's own freezer says, or its frozen graph, of models that are identical here.
UNINITIALIZED = "Attempting to use uninitialized value"  # variables of before 1.0 stay variables
NO_TABLE = "Table not initialized"
REFERENCE = "incompatible with expected float_ref"
NOT_THEIRS = {
    "255BITS__vocal-autoencoder@85d64249/model.ckpt": UNINITIALIZED,
    "Gknoblau__nxt-tensorflow@38b9f868/model.ckpt": UNINITIALIZED,
    "cbilgili__hands-on-ml/my_model_final.ckpt": UNINITIALIZED,
    "tegg89__SRCNN-Tensorflow/checkpoint/srcnn_21/SRCNN.model-2550000": UNINITIALIZED,
    "leyankoh__tensorflow-learning@a3a6cab0/model.ckpt-0": NO_TABLE,
    "leyankoh__tensorflow-learning@a3a6cab0/model.ckpt-200": NO_TABLE,
    "huqinwei__tensorflow_demo/my_net/save_net_2.ckpt": REFERENCE,
    "huqinwei__tensorflow_demo/my_net/save_net_3.ckpt": REFERENCE,
}
OPENVINO_SHARE = 122 / 177  # freeze.md §8


@pytest.fixture(scope="module")
def real_models(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Real]:
    models = freeze_and_run(corpus, tmp_path_factory.mktemp("corpus"), HINTS)
    return {real.name: real for real in models}


def unexpected(found: dict[str, str], listed: dict[str, str], fine: str) -> dict[str, str]:
    """What is listed and fine, not listed and not fine, or not fine for another reason."""
    return {
        name: told
        for name, told in found.items()
        if not re.search(listed.get(name, f"^{fine}$"), told, re.DOTALL)
    }


def test_every_frozen_graph_gives_the_bits_of_its_original(real_models: dict[str, Real]) -> None:
    verdicts = {name: real.verdict for name, real in real_models.items()}
    assert {name: told for name, told in verdicts.items() if told.startswith("different")} == {}
    assert unexpected(verdicts, NOT_FROZEN | NOT_COMPARABLE, "identical") == {}
    assert set(NOT_FROZEN) | set(NOT_COMPARABLE) <= set(real_models)


def test_every_constant_is_what_tensorflow_restores(real_models: dict[str, Real]) -> None:
    compared = 0
    for real in real_models.values():
        if real.frozen is None or "original" in real.errors:
            continue
        constants = tb.open(real.folder / "frozen.pb")
        for name, value in real.values("variables").items():
            assert exact(constants[name]) == exact(value), (real.name, name)
            compared += 1
    assert compared > 200


def test_every_frozen_graph_runs_in_tensorflow(real_models: dict[str, Real]) -> None:
    frozen = {name: real for name, real in real_models.items() if real.frozen is not None}
    assert {n: each.errors["ours"] for n, each in frozen.items() if "ours" in each.errors} == {}


def test_the_freezer_of_tensorflow_gives_the_same_where_it_works(
    real_models: dict[str, Real],
) -> None:
    found = {}
    for name, real in real_models.items():
        if real.verdict == "identical":
            same = "theirs" in real.errors or real.exact("theirs") == real.exact("ours")
            found[name] = real.errors.get("theirs", "same" if same else "other numbers")
    assert unexpected(found, NOT_THEIRS, "same") == {}


def test_every_exported_graph_gives_the_bits_of_its_original(
    real_models: dict[str, Real], tmp_path: Path
) -> None:
    exported = {
        name: real
        for name, real in real_models.items()
        if real.signature is None and real.verdict == "identical" and HINTS.get(name) is not TITANIC
    }
    for name, answer in export_and_run(exported.values(), tmp_path).items():
        assert answer.exists(), (name, answer.with_suffix(".error").read_text())
        found, expected = read_arrays(answer), exported[name].values("original")
        named = {key if ":" in key else f"{key}:0": exact(each) for key, each in expected.items()}
        for loader in ("v1", "v2"):
            assert {key: exact(found[f"{loader} {key}"]) for key in named} == named, (name, loader)
    assert len(exported) > 30


def by_openvino(real: Real) -> str:
    """``agrees``, or what kept it from it."""
    try:
        values = tb.run(real.folder / "frozen.pb", real.feeds, real.frozen.outputs)
        for key, expected in real.values("ours").items():
            np.testing.assert_allclose(values[key], expected, rtol=1e-4, atol=1e-4)
    except (tb.TensorBundleError, AssertionError) as error:
        return " ".join(str(error).split())
    return "agrees"


def test_openvino_agrees_on_as_large_a_share_as_the_prototype(
    real_models: dict[str, Real], capsys: pytest.CaptureFixture[str]
) -> None:
    inlined = [real for real in real_models.values() if real.frozen and not real.kept]
    told = {real.name: by_openvino(real) for real in inlined if "ours" not in real.errors}
    agreeing = sum(each == "agrees" for each in told.values())
    with capsys.disabled():
        print(f"\nOpenVINO agrees within 1e-4 on {agreeing} of {len(told)} frozen graphs")
        for name, each in told.items():
            if each != "agrees":
                print(f"  {name}: {each[:160]}")
    assert agreeing >= OPENVINO_SHARE * len(told)
