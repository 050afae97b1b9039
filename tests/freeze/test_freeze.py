"""What `freeze` and `prune` take, what they give back, and what they say when they cannot."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field, text_field
from tensorbundle._graphdef.attributes import type_list_attr
from tensorbundle._graphdef.nodes import const_node, make_node
from tests.graph.small_graphs import (
    FLOAT,
    VALUES,
    graph_def,
    identity,
    loaded,
    names,
    network,
    write_meta,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("model")
    tb.save(folder / "model.ckpt", VALUES)
    return write_meta(folder / "model.ckpt.meta", network())


# --- outputs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("net/logits", {"net/logits": "net/logits:0"}),
        ("net/logits:0", {"net/logits:0": "net/logits:0"}),
        ("split:2", {"split:2": "split:2"}),
        (["split:1", "tower/probs"], {"split:1": "split:1", "tower/probs": "tower/probs:0"}),
        ({"scores": "tower/probs"}, {"scores": "scores:0"}),
        ({"second one": "split:1"}, {"second one": "second_one:0"}),
        ({"x": "net/logits"}, {"x": "x_1:0"}),
        ({"_odd": "net/logits"}, {"_odd": "output_odd:0"}),
        ({"net/logits": "net/logits"}, {"net/logits": "net/logits:0"}),
        ("net/w", {"net/w": "net/w:0"}),
        ("x", {"x": "x:0"}),
    ],
)
def test_outputs_are_named_in_many_ways(model: str, outputs: Any, expected: dict[str, str]) -> None:
    frozen = tb.freeze(model, outputs=outputs)
    assert frozen.outputs == expected
    nodes = loaded(frozen).nodes
    assert all(tensor.partition(":")[0] in nodes for tensor in expected.values())


def test_only_what_outputs_need_is_kept(model: str) -> None:
    frozen = tb.freeze(model, outputs="net/logits")
    assert names(frozen) == ["x", "net/w", "net/b", "net/w/read", "net/matmul", "net/logits"]
    assert [(each.name, each.key, each.how) for each in frozen.variables] == [
        ("net/w", "net/w", "node name"),
        ("net/b", "net/b", "node name"),
    ]
    assert (frozen.num_nodes, frozen.init_op, frozen.warnings) == (6, None, ())


def test_the_result_tells_of_itself(model: str, tmp_path: Path) -> None:
    frozen = tb.freeze(model, outputs={"y": "dropped"}, path=tmp_path / "f.pb")
    told = str(frozen)
    assert told.startswith(f"frozen graph {tmp_path}/f.pb: 13 nodes, ")
    assert "  input   x:0 float32[?, 4]\n" in told
    assert "  input   keep_prob:0 float32[] = 1.0\n" in told
    assert "  output  y:0\n" in told
    assert "  note: random ops are reachable: 'noise'" in told
    assert "data" not in repr(frozen)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("logits", r"no output 'logits' in the graph .*: did you mean 'net/logits'"),
        ("net/logit", r"did you mean 'net/logits'"),
        ("tower_1/probs", r"did you mean 'tower/probs'"),
        ("NET/LOGITS", r"did you mean 'net/logits'"),
        ("net/matmull:0", r"no output 'net/matmull:0' in the graph .*: did you mean 'net/matmul'"),
        ("zzzzzzzzzzzzzz", r"did you mean 'tower/probs'"),
    ],
)
def test_unknown_output_names_those_that_are_near(model: str, output: str, message: str) -> None:
    with pytest.raises(tb.TensorNotFoundError, match=message):
        tb.freeze(model, outputs=output)


def test_near_names_of_endless_ones_take_no_time(tmp_path: Path) -> None:
    """Comparing letter by letter is quadratic in the length of names."""
    endless = "".join(map(chr, range(0x400, 0x500))) * 80  # difflib passes over common letters
    nodes = [const_node(f"{i}/{endless}", np.float32(i)) for i in range(9)]
    (tmp_path / "g.pb").write_bytes(graph_def(nodes))
    start = time.perf_counter()
    with pytest.raises(tb.TensorNotFoundError, match=r"did you mean '0/"):
        tb.freeze(tmp_path / "g.pb", outputs=endless[::-1])
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("given", ["inputs", "bind"])
def test_unknown_input_leads_to_what_lists_inputs(model: str, given: str) -> None:
    name = "zzzzzzzzzzzzzz"
    with pytest.raises(tb.TensorNotFoundError, match=r"expected one of 'x' float32"):
        tb.freeze(model, outputs="net/logits", **{given: {name: (1,)}})


def test_all_unknown_outputs_are_told_at_once(model: str) -> None:
    with pytest.raises(tb.TensorNotFoundError, match=r"'logits'.*; there is no output 'prob'"):
        tb.freeze(model, outputs=["logits", "net/logits", "prob"])


def test_at_most_five_names_are_suggested(tmp_path: Path) -> None:
    nodes = [const_node(f"tower_{i}/out", np.float32(i)) for i in range(9)]
    (tmp_path / "g.pb").write_bytes(graph_def(nodes))
    with pytest.raises(tb.TensorNotFoundError, match=r"out'") as caught:
        tb.freeze(tmp_path / "g.pb", outputs="out")
    assert str(caught.value).count("tower_") == 5


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("train", r"'train' is a NoOp, which gives no tensor .* such as 'net/logits'"),
        ("split:3", r"no output 'split:3' .*: 'split' is a Split with 3 outputs"),
        ("net/logits:1", r"'net/logits' is a BiasAdd with 1 output$"),
        ("^net/logits", r"'\^net/logits' is a control edge .*: name the tensor"),
        ([], r"no outputs are named"),
    ],
)
def test_what_gives_no_tensor_is_refused(model: str, output: Any, message: str) -> None:
    with pytest.raises(tb.ConversionError, match=message):
        tb.freeze(model, outputs=output)


def test_two_outputs_of_one_name_are_refused(model: str) -> None:
    with pytest.raises(TypeError, match="named by a str, not by 7"):
        tb.freeze(model, outputs=["net/logits", 7])
    assert tb.freeze(model, outputs=["net/logits"] * 2).outputs == {"net/logits": "net/logits:0"}


def test_no_outputs_and_no_signature_lists_candidates_and_freezes_nothing(
    model: str, tmp_path: Path
) -> None:
    with pytest.raises(tb.ConversionError, match=r"give outputs=.*'auto'.*'tower/probs' \(Softmax"):
        tb.freeze(model, path=tmp_path / "f.pb")
    assert not list(tmp_path.iterdir())


def test_auto_takes_the_best_candidate_and_says_so(model: str) -> None:
    frozen = tb.freeze(model, outputs="auto")
    assert frozen.outputs == {"tower/probs": "tower/probs:0"}
    assert frozen.warnings[0].startswith("outputs='auto' took 'tower/probs' (Softmax): ")


# --- signatures ---------------------------------------------------------------------------------


def signed(folder: Path, *keys: str) -> Path:
    """A SavedModel with the same outputs under these signatures."""

    def info(name: str) -> bytes:
        return text_field(1, name) + bytes([0x10, FLOAT])

    def entry(number: int, key: str, value: bytes) -> bytes:
        return bytes_field(number, text_field(1, key) + bytes_field(2, value))

    signature = entry(1, "images", info("x:0")) + entry(2, "scores", info("tower/probs:0"))
    signature += entry(2, "raw", info("net/logits:0"))
    meta = bytes_field(1, text_field(4, "serve")) + bytes_field(2, graph_def(network()))
    meta += b"".join(entry(5, key, signature) for key in keys)
    meta += entry(5, "train_op", entry(2, "op", info("train:0")))
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"\x08\x01" + bytes_field(2, meta))
    tb.save(folder / "variables" / "variables", VALUES)
    return folder


@pytest.mark.parametrize("keys", [("only",), ("other", "serving_default")])
def test_outputs_of_a_signature_are_called_by_their_keys(tmp_path: Path, keys: Any) -> None:
    path = signed(tmp_path / "m", *keys)
    frozen = tb.freeze(path)
    assert frozen.outputs == {"raw": "raw:0", "scores": "scores:0"}
    nodes = loaded(frozen).nodes
    assert (nodes["raw"].op, nodes["raw"].inputs) == ("Identity", ("net/logits",))
    assert tb.freeze(path, outputs="scores").outputs == {"scores": "scores:0"}
    assert tb.freeze(path, outputs=keys[0]).outputs == frozen.outputs
    assert tb.freeze(path, outputs={"p": "scores"}).outputs == {"p": "p:0"}


def test_signatures_to_choose_among_are_listed(tmp_path: Path) -> None:
    path = signed(tmp_path / "m", "one", "two")
    with pytest.raises(tb.ConversionError, match=r"several signatures .* one of 'one', 'two'"):
        tb.freeze(path)
    with pytest.raises(tb.TensorNotFoundError, match="no signature 'three': expected one of 'one'"):
        tb.freeze(path, signature="three")
    assert set(tb.freeze(path, signature="two").outputs) == {"raw", "scores"}


# --- warnings -----------------------------------------------------------------------------------


def test_random_ops_and_switches_are_told(model: str) -> None:
    random, switches = tb.freeze(model, outputs=["dropped", "gated"]).warnings
    assert random.startswith("random ops are reachable: 'noise': results differ")
    assert switches.startswith("switches are left as placeholders: 'keep_prob', 'is_training': ")


def test_input_pipelines_are_told_with_the_ports_to_cut_at(tmp_path: Path) -> None:
    types = type_list_attr([1, 1])
    nodes = [
        make_node("it", "IteratorV2", (), {"output_types": types}),
        make_node("next", "IteratorGetNext", ("it",), {"output_types": types}),
        identity("out", "next:1"),
    ]
    (tmp_path / "g.pb").write_bytes(graph_def(nodes))
    (told,) = tb.freeze(tmp_path / "g.pb", outputs="out").warnings
    assert told.endswith("cut there: inputs=['next:1']")
    cut = tb.freeze(tmp_path / "g.pb", outputs="out", inputs=["next:1"])
    assert (names(cut), cut.warnings) == (["out", "next_1"], ())


def test_ops_that_are_not_of_tensorflow_are_told(tmp_path: Path) -> None:
    (tmp_path / "g.pb").write_bytes(graph_def([make_node("odd", "NobodysOp")]))
    (told,) = tb.freeze(tmp_path / "g.pb", outputs="odd").warnings
    assert told == "ops of no plain TensorFlow are needed at run time: 'NobodysOp'"


# --- prune --------------------------------------------------------------------------------------


def test_pruned_graph_has_its_variables_and_needs_no_checkpoint(tmp_path: Path) -> None:
    meta = write_meta(tmp_path / "m.meta", network())
    pruned = tb.prune(meta, outputs="tower/probs", path=tmp_path / "p.pb")
    nodes = tb.load_graph(tmp_path / "p.pb").nodes
    assert (pruned.num_nodes, pruned.variables) == (7, ())
    assert nodes["net/w"].op == "VariableV2"
    text = tb.prune(meta, outputs="tower/probs", path=tmp_path / "p.pbtxt")
    assert text.nbytes == os.path.getsize(tmp_path / "p.pbtxt")
    assert list(tb.load_graph(tmp_path / "p.pbtxt").nodes) == list(nodes)
    cut = tb.prune(meta, outputs="tower/probs", inputs="net/logits")
    assert names(cut) == ["net/logits", "tower/probs"]
