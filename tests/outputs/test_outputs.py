"""Suggested outputs and inputs, measured against what authors fetch and against known programs."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field
from tensorbundle._graphdef.attributes import type_attr
from tensorbundle._graphdef.meta_graph import MetaGraph
from tensorbundle._graphdef.nodes import Node, const_node, make_node
from tensorbundle._outputs.suggest import find_heads
from tensorbundle._outputs.topology import Topology
from tests.outputs.measure import Hits, built

FLOAT = type_attr(1)
# Graphs whose recorded head is a node of another version of theirs: there is no such node.
NO_SUCH_HEAD = {
    "tegg89__SRCNN-Tensorflow@4ac6ab7c/checkpoint/srcnn_21/SRCNN.model-203320",
    "tegg89__SRCNN-Tensorflow@4ac6ab7c/pretrained_checkpoints/gaussian sigma=1/SRCNN.model-5332",
    "tegg89__SRCNN-Tensorflow@4ac6ab7c/pretrained_checkpoints/gaussian sigma=2/SRCNN.model-203320",
    "tegg89__SRCNN-Tensorflow@4ac6ab7c/pretrained_checkpoints/gaussian sigma=3/SRCNN.model-1693370",
    "tegg89__SRCNN-Tensorflow@4ac6ab7c/pretrained_checkpoints/pepper/SRCNN.model-10370",
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The graphs of the programs that the rules were made with, and their heads."""
    return built(tmp_path_factory.mktemp("programs"), "known") / "known"


# --- the measure -------------------------------------------------------------------------------


def test_heads_of_real_graphs_come_first(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = json.loads((corpus / "outputs.json").read_text("utf-8"))
    hits, everywhere, absent = Hits(), Hits(), set()
    for name, heads in truth.items():
        graph = tb.load_graph(corpus / f"{name}.meta")
        suggested = [each.name for each in tb.suggest_outputs(graph)]
        everywhere.count(name, heads, suggested)
        if graph.nodes.keys().isdisjoint(node for head in heads for node in head):
            absent.add(name)
        else:
            hits.count(name, heads, suggested)
    with capsys.disabled():
        print(
            f"\n{hits.report('real graphs')}\n{everywhere.report('with heads of other versions')}"
        )
    assert sorted(absent) == sorted(NO_SUCH_HEAD)
    assert hits.first / hits.graphs >= 0.85
    assert hits.third / hits.graphs >= 0.93


def test_heads_of_programs_come_first(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hits = Hits()
    for name, heads in json.loads((programs / "heads.json").read_text("utf-8")).items():
        suggested = tb.suggest_outputs(programs / f"{name}.meta")
        assert all(len(each.reason) > 0 for each in suggested)
        hits.count(name, heads, [each.name for each in suggested])
    with capsys.disabled():
        print(f"\n{hits.report('programs')}")
    assert hits.graphs >= 60
    assert hits.first / hits.graphs >= 0.85
    assert hits.third / hits.graphs >= 0.93
    assert hits.found / hits.heads >= 0.84


def test_hidden_signature_is_guessed(corpus: Path) -> None:
    wanted = {
        "onnx__tensorflow-onnx/tests/models/regression/saved_model": "pred",
        "onnx__tensorflow-onnx@66161eb1/tests/models/assign": "output",
        "spotify__basic-pitch/basic_pitch/saved_models/icassp_2022/nmp": "StatefulPartitionedCall",
    }
    for name, head in wanted.items():
        graph = tb.load_graph(corpus / name)
        topology = Topology(graph.meta)
        _, heads = find_heads(graph, topology)
        assert topology.names[heads[0].place] == head


# --- what the file says ------------------------------------------------------------------------


def test_signature_settles_the_outputs(corpus: Path) -> None:
    folder = corpus / "tensorflow__tfjs/tfjs-node/test_objects/saved_model/model_multi_output"
    names = [each.name for each in tb.suggest_outputs(folder)]
    assert names == ["StatefulPartitionedCall", "StatefulPartitionedCall:1"]
    first = tb.suggest_outputs(folder)[0]
    assert (first.op, first.dtype, first.shape) == ("StatefulPartitionedCall", "int32", ())
    assert "of signature 'serving_default'" in first.reason
    assert {each.role for each in tb.suggest_inputs(folder)} == {"data"}


def test_collection_of_the_program_is_named(programs: Path) -> None:
    best = tb.suggest_outputs(programs / "collected_prediction.meta")[0]
    assert best.name == "fc/BiasAdd"
    assert "collection 'predict'" in best.reason
    assert best.shape == (-1, 3)


def test_other_forms_of_a_head_are_aliases(programs: Path) -> None:
    best, *others = tb.suggest_outputs(programs / "mnist_softmax.meta")
    assert best.name == "Softmax"
    assert "add" in best.aliases
    assert "add" not in [each.name for each in others]


@pytest.mark.parametrize(
    ("kept", "wanted"),
    [("eval_net", "eval_net"), ("target_net", "target_net"), ("", "eval_net")],
)
def test_twins_are_told_apart_by_the_checkpoint(
    programs: Path, tmp_path: Path, kept: str, wanted: str
) -> None:
    for program in ("deep_q_twins", "deep_q_in_one_graph"):
        graph = tb.load_graph(programs / f"{program}.meta")
        values = {
            name: np.zeros(variable.shape, np.float32)
            for name, variable in graph.variables.items()
            if name.startswith(kept) and variable.shape is not None
        }
        tb.save(tmp_path / program, values)
        best, *others = tb.suggest_outputs(graph, tmp_path / program)
        assert best.name.startswith(wanted)
        assert "the checkpoint lacks" not in best.reason
        unfit = [each for each in others if kept and not each.name.startswith(kept)]
        assert all("the checkpoint lacks" in each.reason for each in unfit if "_net/" in each.name)


def test_frozen_graph_has_its_sinks() -> None:
    nodes = [
        make_node("x", "Placeholder", (), {"dtype": FLOAT}),
        const_node("w", np.ones((2, 2), np.float32)),
        make_node("product", "MatMul", ("x", "w"), {"T": FLOAT}),
        make_node("scores", "Softmax", ("product",), {"T": FLOAT}),
    ]
    graph = graph_of(nodes)
    assert [each.name for each in tb.suggest_outputs(graph)] == ["scores"]
    assert [(each.name, each.role) for each in tb.suggest_inputs(graph)] == [("x", "data")]


def test_graph_of_variables_alone_suggests_nothing() -> None:
    nodes = [
        make_node("w", "VariableV2", (), {"dtype": FLOAT}),
        const_node("initial", np.ones(3, np.float32)),
        make_node("w/Assign", "Assign", ("w", "initial"), {"T": FLOAT}),
    ]
    assert tb.suggest_outputs(graph_of(nodes)) == []


# --- inputs --------------------------------------------------------------------------------------


def test_inputs_have_roles_shapes_and_defaults(programs: Path) -> None:
    found = {each.name: each for each in tb.suggest_inputs(programs / "iterator_classifier.meta")}
    assert {name: each.role for name, each in found.items()} == {
        "IteratorGetNext": "data",
        "is_training": "switch",
        "IteratorGetNext:1": "label",
    }
    assert found["IteratorGetNext"].shape == (-1, 30)
    assert found["IteratorGetNext:1"].dtype == "int64"
    assert found["is_training"].default == np.array(False)
    assert found["IteratorGetNext"].default is None


def test_inputs_of_the_likeliest_output_come_first(programs: Path) -> None:
    found = tb.suggest_inputs(programs / "deep_q_in_one_graph.meta")
    assert found[0].name == "s"
    assert [each.role for each in found] == sorted(
        (each.role for each in found), key=["data", "switch", "label"].index
    )


# --- graphs of any kind and size ----------------------------------------------------------------


def graph_of(nodes: list[Node]) -> tb.Graph:
    raw = b"".join(bytes_field(1, node.encode()) for node in nodes)
    return tb.Graph("made.pb", "graph", MetaGraph(raw, bare=True))


def chain(count: int) -> list[Node]:
    nodes = [make_node("n0", "Placeholder", (), {"dtype": FLOAT})]
    nodes += [make_node(f"n{i}", "Relu", (f"n{i - 1}",)) for i in range(1, count)]
    nodes.append(make_node("w", "VariableV2", (), {"dtype": FLOAT}))
    return [*nodes, make_node("end", "MatMul", (f"n{count - 1}", "w"), {"T": FLOAT})]


def losses(count: int) -> list[Node]:
    nodes = [make_node("x", "Placeholder"), make_node("w", "VariableV2")]
    nodes.append(make_node("a0", "MatMul", ("x", "w")))
    for i in range(1, count // 2):
        nodes.append(make_node(f"a{i}", "Add", (f"a{i - 1}", "a0")))
        nodes.append(make_node(f"sum{i}", "Sum", (f"a{i}",)))
    return nodes


def ring(count: int) -> list[Node]:
    return [make_node(f"n{i}", "Merge", (f"n{i - 1}", f"n{i * 7 % count}")) for i in range(count)]


def named(count: int) -> list[Node]:
    nodes = [make_node("x", "Placeholder"), make_node("w", "VariableV2")]
    source = "x"
    for i in range(count):
        nodes.append(make_node(f"p{i}/output", "MatMul", (source, "w")))
        source = f"p{i}/output"
    return nodes


@pytest.mark.parametrize("make", [chain, losses, ring, named])
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "backwards"])
def test_time_grows_with_the_size_only(make: Callable[[int], list[Node]], turned: bool) -> None:
    nodes = make(30_000)
    graph = graph_of(nodes[::-1] if turned else nodes)
    begin = time.perf_counter()
    tb.suggest_outputs(graph)
    tb.suggest_inputs(graph)
    assert time.perf_counter() - begin < 20  # seconds; a quadratic step takes many minutes


def test_end_of_a_long_chain_is_found() -> None:
    assert tb.suggest_outputs(graph_of(chain(100_000)))[0].name == "end"


def test_dangling_and_repeated_names_are_no_trouble() -> None:
    nodes = chain(20)
    nodes += [make_node("end", "Softmax", ("nowhere:3", "^gone", "n3:999999"))]
    graph = graph_of([*nodes, make_node("self", "Add", ("self", "self"))])
    assert tb.suggest_outputs(graph)[0].name == "end"


def test_long_names_take_no_longer() -> None:
    name = "optimi_pred_" * 20_000
    nodes = [*chain(5), make_node(f"{name}-/{name}-", "Softmax", ("end",), {"T": FLOAT})]
    begin = time.perf_counter()
    tb.suggest_outputs(graph_of(nodes))
    assert time.perf_counter() - begin < 10  # seconds


def test_suggestions_are_the_same_every_time(programs: Path) -> None:
    path = programs / "translator.meta"
    assert tb.suggest_outputs(path) == tb.suggest_outputs(path)
