"""Verification of models: graphs to their end, variables, assets, fingerprints, objects."""

import json
import random
import shutil
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from click.testing import CliRunner

import tensorbundle as tb
from tensorbundle._doctor.fingerprint import checksum_of
from tensorbundle._format.wire import fields
from tensorbundle.cli import program
from tests.doctor.conftest import MadeModels
from tests.doctor.damage import flip
from tests.golden.cases import DATA


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA / "saved_model", tmp_path / "model"))


def kinds(path: Path, **options: bool) -> set[str]:
    report = tb.verify(path, **options)
    assert report.ok == (not report.faults)
    return {fault.kind for fault in report.faults}


# --- nothing is found where nothing is wrong ----------------------------------------------------


def test_golden_models_and_graphs_are_sound() -> None:
    paths = [path.parent for path in DATA.rglob("saved_model.pb")]
    paths += [path for path in DATA.rglob("*.meta") if "damaged" not in path.parts]
    for path in paths:
        assert (str(path), tb.verify(path).faults) == (str(path), ())
    print(f"{len(paths)} golden models and graphs sound")
    assert len(paths) >= 6


def test_models_that_tensorflow_makes_are_sound(made: MadeModels) -> None:
    graphs_alone = {"text", "binary", "savers", "two_graphs"}
    names = set(made.cases) - graphs_alone - {"leaving_asset", "absolute_asset"}
    for name in sorted(names):
        assert (name, tb.verify(made.folder / name).faults) == (name, ())
    print(f"{len(names)} models of this TensorFlow sound")


def test_real_models_are_sound(corpus: Path) -> None:
    """What is left out: shards, indexes and graphs that are not in the repositories."""
    checked, fingerprints = 0, 0
    for path in sorted([*corpus.rglob("saved_model.pb"), *corpus.rglob("*.meta")]):
        target = path.parent if path.name == "saved_model.pb" else path
        try:
            report = tb.verify(target)
        except tb.TensorBundleError:
            continue
        wrong = [fault for fault in report.faults if fault.kind != "missing shard"]
        assert (str(path), wrong) == (str(path), [])
        checked += 1
        fingerprints += (target / "fingerprint.pb").exists()
    print(f"{checked} real models and graphs sound, {fingerprints} with a fingerprint")
    assert checked >= 50
    assert fingerprints >= 2


def test_fingerprints_are_those_that_tensorflow_wrote(made: MadeModels, corpus: Path) -> None:
    compared = 0
    for root in (made.folder, corpus, DATA):
        for path in root.rglob("fingerprint.pb"):
            if "asset" in path.parent.name and "_" in path.parent.name:
                continue  # the graph was changed afterwards
            stored = next(f.value for f in fields(path.read_bytes()) if f.number == 1)
            data = path.with_name("saved_model.pb").read_bytes()
            assert (str(path), checksum_of(memoryview(data))) == (str(path), stored)
            compared += 1
    print(f"{compared} fingerprints of TensorFlow compared")
    assert compared >= 12


# --- damage -------------------------------------------------------------------------------------


def test_a_graph_cut_off_is_a_fault(model: Path) -> None:
    graph = model / "saved_model.pb"
    raw = graph.read_bytes()
    cuts = random.Random(1).sample(range(1, len(raw)), 40)
    for cut in cuts:
        graph.write_bytes(raw[:cut])
        assert kinds(model), cut
    print(f"{len(cuts)} graphs cut off, all told")


def test_every_flipped_bit_of_a_graph_is_a_fault(model: Path) -> None:
    graph = model / "saved_model.pb"
    raw = graph.read_bytes()
    bits = random.Random(2).sample(range(8 * len(raw)), 200)
    for bit in bits:
        graph.write_bytes(flip(raw, bit))
        assert kinds(model), bit
    print(f"{len(bits)} bits of a graph flipped, all told")


def test_a_missing_graph_is_a_fault(model: Path) -> None:
    (model / "saved_model.pb").unlink()
    assert kinds(model) == {"graph"}


def test_the_values_of_another_model_are_a_fault(model: Path) -> None:
    shutil.rmtree(model / "variables")
    (model / "variables").mkdir()
    for path in (DATA / "demo").glob("model.ckpt-2000.[id]*"):
        target = path.name.replace("model.ckpt-2000", "variables")
        shutil.copy(path, model / "variables" / target)
    assert {"variable", "objects"} <= kinds(model)


def test_a_model_without_its_values_is_told(model: Path) -> None:
    shutil.rmtree(model / "variables")
    report = tb.verify(model)
    assert [fault.kind for fault in report.faults] == ["variable"]


def test_a_missing_asset_is_a_fault(made: MadeModels, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made.folder / "asset", tmp_path / "asset"))
    assert kinds(folder) == set()
    (folder / "assets" / "vocabulary.txt").unlink()
    assert kinds(folder) == {"asset"}


def test_a_meta_that_is_no_graph_is_a_fault_named_or_beside(tmp_path: Path) -> None:
    for path in (DATA / "saver").glob("model.ckpt-20.*"):
        shutil.copy(path, tmp_path / path.name)
    meta = tmp_path / "model.ckpt-20.meta"
    assert kinds(meta) == set()
    meta.write_text("garbage\n")
    assert kinds(meta) == {"malformed"}
    assert kinds(tmp_path / "model.ckpt-20") == {"malformed"}


# --- values that are not finite -----------------------------------------------------------------


def test_tensors_with_nan_and_infinities_are_listed(tmp_path: Path) -> None:
    values = {
        "fine": np.ones((2, 3), np.float32),
        "nan": np.array([[1, np.nan], [np.nan, 2]], np.float32),
        "inf": np.array([0, -np.inf]),
        "small": np.array([1, np.inf], ml_dtypes.bfloat16),
        "complex": np.array([1 + 1j, complex(0, np.nan)], np.complex64),
        "text": np.array([b"nan"], object),
        "int": np.arange(3),
    }
    tb.save(tmp_path / "m", values)
    assert tb.verify(tmp_path / "m").ok
    report = tb.verify(tmp_path / "m", finite=True)
    assert {fault.name: fault.kind for fault in report.faults} == dict.fromkeys(
        ["complex", "inf", "nan", "small"], "not finite"
    )
    found = {fault.name: fault.message for fault in report.faults}
    assert found["nan"] == "2 NaN and 0 infinite of 4 elements, first at [0, 1]"


# --- the command --------------------------------------------------------------------------------


def test_the_command_says_what_it_did_not_look_at(model: Path, tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"x": np.array([1.0, np.nan])})
    plain = CliRunner().invoke(program, ["verify", str(tmp_path / "m")])
    assert plain.exit_code == 0
    assert "not looked at: whether the values have NaN" in plain.stdout
    assert "a graph: none lies beside the values" in plain.stdout
    strict = CliRunner().invoke(program, ["verify", str(tmp_path / "m"), "--finite", "--json"])
    document = json.loads(strict.stdout)
    assert (strict.exit_code, [f["kind"] for f in document["faults"]]) == (1, ["not finite"])
    assert any("graph" in each for each in document["unchecked"])
    (model / "saved_model.pb").unlink()
    assert CliRunner().invoke(program, ["verify", str(model)]).exit_code == 1
