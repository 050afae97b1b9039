"""Frozen graphs of every kind of program, against the same programs in TensorFlow.

Each test is one column of freeze.md §11; what is expected of a program stands in `graphs/matrix`.
"""

import re
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.checkpoint.frozen_models import Outcome, freeze_all
from tests.freeze.models import CASE_OF, Models
from tests.freeze.programs.arrays import exactly
from tests.freeze.programs.case import Case
from tests.freeze.programs.matrix import CASES, THEIRS


def with_check(letter: str) -> list[str]:
    return [case.name for case in CASES if letter in case.checks]


def is_frozen_alike(name: str) -> bool:
    """Whether TensorFlow freezes it and no function was inlined, so that the nodes are the same."""
    return CASE_OF[name].signature is None and name not in THEIRS


@pytest.fixture(scope="session")
def outcomes(models: Models, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return freeze_all(models, tmp_path_factory.mktemp("frozen"))


@pytest.mark.parametrize("name", with_check("A"))
def test_every_frozen_graph_runs_in_tensorflow(outcomes: dict[str, Outcome], name: str) -> None:
    assert outcomes[name].values.keys() == outcomes[name].frozen.outputs.keys()


@pytest.mark.parametrize("name", with_check("B"))
def test_outputs_are_those_of_the_restored_graph_bit_for_bit(
    outcomes: dict[str, Outcome], name: str
) -> None:
    outcome = outcomes[name]
    assert exactly(outcome.values) == exactly(outcome.model.arrays("expected"))


@pytest.mark.parametrize("name", with_check("B"))
def test_outputs_are_those_of_the_freezer_of_tensorflow_where_it_works(
    outcomes: dict[str, Outcome], name: str
) -> None:
    outcome = outcomes[name]
    if name not in THEIRS:
        assert exactly(outcome.values) == exactly(outcome.model.arrays("theirs"))
        return
    with pytest.raises(AssertionError, match=THEIRS[name]):
        raise AssertionError(outcome.model.facts["told"])


@pytest.mark.parametrize("case", [case for case in CASES if case.error], ids=lambda c: c.name)
def test_what_cannot_be_frozen_is_told(outcomes: dict[str, Outcome], case: Case) -> None:
    error = outcomes[case.name].error
    with pytest.raises(tb.TensorBundleError, match=case.error):
        raise error or AssertionError("frozen all the same")


# Told of many graphs, and of nothing that freezing did.
NOTES = ("switches are left as placeholders", "random ops are reachable")


@pytest.mark.parametrize("case", [case for case in CASES if case.checks], ids=lambda c: c.name)
def test_warnings_are_those_expected(outcomes: dict[str, Outcome], case: Case) -> None:
    frozen = outcomes[case.name].frozen
    if case.error:
        assert frozen is None
        return
    found = [each for each in frozen.warnings if not each.startswith(NOTES)]
    assert len(found) == len(case.warnings), found
    for expected, each in zip(case.warnings, found, strict=True):
        assert re.search(expected, each)


@pytest.mark.parametrize("case", [case for case in CASES if case.mapping], ids=lambda c: c.name)
def test_keys_of_variables_and_how_they_were_found(
    outcomes: dict[str, Outcome], case: Case
) -> None:
    variables = outcomes[case.name].frozen.variables
    assert {each.name: (each.key, each.how) for each in variables} == case.mapping


def test_parts_of_a_variable_are_slices_of_one_key(outcomes: dict[str, Outcome]) -> None:
    variables = outcomes["partitioned ref"].frozen.variables
    parts = {each.name: (each.key, each.slice) for each in variables if "table" in each.name}
    assert parts == {
        "table/part_0": ("table", "10 4 0,4:0,4"),
        "table/part_1": ("table", "10 4 4,3:0,4"),
        "table/part_2": ("table", "10 4 7,3:0,4"),
    }


@pytest.mark.parametrize("name", with_check("G"))
def test_freezing_what_is_frozen_changes_nothing(
    outcomes: dict[str, Outcome], name: str, tmp_path: Path
) -> None:
    outcome = outcomes[name]
    again = tmp_path / "again.pb"
    tb.freeze(outcome.path, outputs=list(outcome.frozen.outputs.values()), path=again)
    assert again.read_bytes() == outcome.path.read_bytes()


@pytest.mark.parametrize("name", with_check("E"))
def test_openvino_computes_nearly_the_same(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    expected = outcome.model.arrays("expected")
    feeds = outcome.model.arrays("feeds")
    values = tb.run(outcome.path, feeds, outcome.frozen.outputs)
    for key, value in values.items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-4, atol=1e-4)


# --- the nodes that are left --------------------------------------------------------------------


# What TensorFlow drags in: by colocation, and the datasets of an iterator, which nobody runs.
DATASET = {
    "BatchDatasetV2",
    "TensorSliceDataset",
    "batch_size",
    "drop_remainder",
    "normalize_element/component_0",
}
DRAGGED_IN = {
    "placed": {"aside"},
    "iterator": DATASET,
    "iterator cut": DATASET | {"OneShotIterator"},
    "queue cut": {"input_producer"},
}


@pytest.mark.parametrize("name", [n for n in with_check("B") if is_frozen_alike(n)])
def test_the_nodes_are_those_that_the_freezer_of_tensorflow_leaves(
    outcomes: dict[str, Outcome], name: str
) -> None:
    outcome = outcomes[name]
    expected = set(outcome.model.facts["told"]) - DRAGGED_IN.get(name, set())
    assert set(tb.load_graph(outcome.path).nodes) == expected


def test_new_axis_takes_no_name_that_is_taken(outcomes: dict[str, Outcome]) -> None:
    nodes = tb.load_graph(outcomes["gathers"].path).nodes
    ops = {name: nodes[name].op for name in ("plain", "batch", "nested", "shape", "ready")}
    assert ops == {
        "plain": "GatherV2",
        "batch": "GatherV2",
        "nested": "GatherNd",
        "shape": "Shape",
        "ready": "Const",
    }
    assert nodes["plain"].inputs[2] != nodes["batch"].inputs[2]


def test_no_device_and_no_colocation_with_what_is_gone(outcomes: dict[str, Outcome]) -> None:
    nodes = tb.load_graph(outcomes["placed"].path).nodes
    assert set(nodes) == {"x", "W", "W/read", "out"}
    assert {node.device for node in nodes.values()} == {""}
    assert not any("_class" in node.attrs for node in nodes.values())
