"""Suggested outputs and inputs of a few programs of each set; `make blind` builds all of them."""

import json
from pathlib import Path

import pytest

import tensorbundle as tb
from tests.outputs.measure import Hits, built_some

Suggested = dict[Path, tuple[tb.Graph, list[tb.Candidate], list[tb.InputCandidate]]]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The graphs, each set in a folder with its heads."""
    return built_some(tmp_path_factory.mktemp("some"))


@pytest.fixture(scope="module")
def suggested(sets: Path) -> Suggested:
    """All graphs, with what is suggested of each."""
    found = {}
    for path in sorted(sets.glob("*/*.meta")):
        graph = tb.load_graph(path)
        found[path] = graph, tb.suggest_outputs(graph), tb.suggest_inputs(graph)
    return found


def roles(path: Path) -> dict[str, str]:
    return {each.name: each.role for each in tb.suggest_inputs(path)}


def test_heads_of_some_programs_come_first(sets: Path, suggested: Suggested) -> None:
    hits = Hits()
    for file in sorted(sets.glob("*/heads.json")):
        for name, heads in json.loads(file.read_text("utf-8")).items():
            outputs = suggested[file.parent / f"{name}.meta"][1]
            hits.count(f"{file.parent.name}/{name}", heads, [each.name for each in outputs])
    print(hits.report("some"))
    assert hits.graphs >= 40
    assert hits.first / hits.graphs >= 0.90
    assert hits.third / hits.graphs >= 0.95


def test_what_leaves_a_loop_is_named(sets: Path) -> None:
    best = tb.suggest_outputs(sets / "first" / "sinusoid_maml.meta")[0]
    assert best.op == "TensorArrayGatherV3"


@pytest.mark.parametrize(
    ("program", "best"),
    [("voices_end_to_end", "l2_normalize"), ("grown_progressively", "G/add")],
)
def test_what_only_training_needs_is_not_named(sets: Path, program: str, best: str) -> None:
    """Rows of a batch told apart by known classes; what was made, mixed with what is real."""
    assert tb.suggest_outputs(sets / "tenth" / f"{program}.meta")[0].name == best


# --- inputs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "rate"),
    [
        ("feeding/nameless_rate", "Placeholder_2"),
        ("second/hazards", "Placeholder"),
        ("third/alex_fine_tuned", "Placeholder_2"),
    ],
)
def test_rate_without_a_name_is_a_switch(sets: Path, program: str, rate: str) -> None:
    found = {each.name: each for each in tb.suggest_inputs(sets / f"{program}.meta")}
    assert found[rate].role == "switch"
    assert "random" in found[rate].reason


def test_what_fills_a_queue_or_a_dataset_is_data(sets: Path) -> None:
    assert roles(sets / "feeding" / "queue_of_placeholders.meta") == {
        "fifo_queue_DequeueMany": "data",
        "image_in": "data",
        "label_in": "data",
        "fifo_queue_DequeueMany:1": "label",
    }
    assert roles(sets / "feeding" / "dataset_of_placeholders.meta") == {
        "IteratorGetNext": "data",
        "src_placeholder": "data",
        "tgt_placeholder": "data",
        "IteratorGetNext:1": "label",
    }


def test_iterator_itself_is_no_input(sets: Path) -> None:
    found = tb.suggest_inputs(sets / "feeding" / "one_shot.meta")
    assert [(each.name, each.dtype) for each in found] == [
        ("IteratorGetNext", "float32"),
        ("IteratorGetNext:1", "int32"),
    ]


def test_weights_that_are_computed_are_weights(sets: Path) -> None:
    quantized = sets / "feeding" / "folded_and_quantized.meta"
    assert roles(quantized) == {"pixels": "data", "truth": "label"}
    assert tb.suggest_outputs(quantized)[0].name == "Softmax"
    assert roles(sets / "first" / "spectral_discriminator.meta") == {
        "z": "data",
        "real_image": "data",
    }


def test_picture_is_no_switch_by_its_name(sets: Path) -> None:
    assert roles(sets / "first" / "sub_pixels.meta") == {"lr_image": "data", "hr_image": "label"}


def test_what_the_best_output_needs_is_no_label(suggested: Suggested) -> None:
    for path, (graph, outputs, inputs) in suggested.items():
        best = outputs[0].name
        stack, seen = [best], set()
        while stack:
            name = stack.pop().partition(":")[0]
            if name not in seen and not name.startswith("^"):
                seen.add(name)
                stack += graph.nodes[name].inputs
        for each in inputs:
            if each.role == "label" and each.op.startswith("Placeholder"):
                assert each.name not in seen, (path.stem, best)
