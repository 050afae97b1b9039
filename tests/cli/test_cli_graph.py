"""The commands on graphs as their users meet them: what they print, and how wrong use ends."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field, int_field, text_field
from tensorbundle._graphdef.attributes import function_attr, tensor_attr, type_attr
from tensorbundle._graphdef.nodes import const_node, make_node
from tests.freeze.program import document, run
from tests.golden.cases import path_of

DEMO = path_of("demo")
SAVED_MODEL = path_of("saved_model")


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    path = tmp_path / "frozen.pb"
    run("freeze", DEMO, path, "--output", "probabilities")
    return path


# --- graph --------------------------------------------------------------------------------------


def test_graph_shows_a_summary() -> None:
    shown = run("graph", DEMO).stdout
    assert shown.splitlines()[0].endswith("model.ckpt-2000.meta: MetaGraph of TensorFlow 2.21.0")
    for fact in (
        r"nodes +397 of 39 operations \(Const 72, ",
        r"variables +28, 168 kB",
        r"values +28 of 28 in .*demo/model.ckpt-2000 \(28 by restore op\)",
        r"inputs +image  float32 \[\?,28,28,1\]  data",
        r"output +probabilities  float32 \[\?,10\]  Softmax, a guess",
        r"saver +save/restore_all",
    ):
        assert re.search(fact, shown), fact


def test_graph_of_a_saved_model_shows_its_signatures_and_guesses_nothing() -> None:
    shown = run("graph", SAVED_MODEL).stdout
    assert re.search(r"signature +serving_default: x -> output_0", shown)
    assert "__saved_model_init_op" not in shown
    assert "guess" not in shown
    listed = run("graph", SAVED_MODEL, "--signatures").stdout
    assert re.search(r"serving_default  \(tensorflow/serving/predict\)", listed)
    assert re.search(r"output  output_0  float32 .*  StatefulPartitionedCall:0", listed)


def test_graph_ranks_outputs_with_reasons() -> None:
    lines = run("graph", DEMO, "--outputs").stdout.splitlines()
    assert lines[0].split() == ["output", "op", "dtype", "shape", "score", "reason"]
    assert lines[1].split()[:4] == ["probabilities", "Softmax", "float32", "[?,10]"]
    assert "depends on 8 of 8 trained variables" in lines[1]


def test_graph_lists_variables_with_their_keys() -> None:
    lines = run("graph", DEMO, "--variables").stdout.splitlines()
    assert lines[0].split() == ["variable", "dtype", "shape", "key", "stored", "found", "by"]
    assert "dense/kernel  " in "\n".join(lines)
    assert lines[-1] == "28 variables"


def test_graph_shows_one_node_with_its_users() -> None:
    shown = run("graph", DEMO, "--node", "probabilities").stdout
    assert shown.splitlines()[0] == "probabilities: Softmax"
    assert re.search(r"input +BiasAdd_3  BiasAdd", shown)
    assert re.search(r"attributes +T = float32", shown)


def test_graph_with_an_unknown_node_names_near_ones() -> None:
    result = run("graph", DEMO, "--node", "probabilitys", code=2)
    assert "there is no node 'probabilitys'" in result.stderr
    assert "did you mean 'probabilities'" in result.stderr


def test_graph_counts_ops_and_draws_trees() -> None:
    assert re.search(r"^Const +72$", run("graph", DEMO, "--ops").stdout, re.MULTILINE)
    tree = run("graph", DEMO, "--tree").stdout
    assert tree.splitlines()[0].split() == ["model.ckpt-2000.meta", "397", "nodes"]
    assert re.search(r"^  probabilities +Softmax$", tree, re.MULTILINE)


def test_graph_as_json_holds_every_node_and_edge() -> None:
    read = document("graph", DEMO)
    graph = tb.load_graph(DEMO)
    assert [node["name"] for node in read["nodes"]] == list(graph.nodes)
    assert all(tuple(n["inputs"]) == graph.nodes[n["name"]].inputs for n in read["nodes"])
    assert read["outputs"][0]["name"] == "probabilities"
    assert {each["how"] for each in read["variables"]} == {"restore op"}


def test_graph_as_dot_has_a_line_for_every_edge() -> None:
    lines = run("graph", DEMO, "--dot").stdout.splitlines()
    assert (lines[0], lines[-1]) == ("digraph {", "}")
    edges = sum(len(node.inputs) for node in tb.load_graph(DEMO).nodes.values())
    assert sum(" -> " in line for line in lines) == edges


def test_graph_of_something_else_says_what_it_is(tmp_path: Path) -> None:
    pointer = tmp_path / "model.meta"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    assert "git-LFS pointer" in run("graph", pointer, code=2).stderr


def test_graph_prints_no_control_characters_of_names(tmp_path: Path) -> None:
    evil = "\x1b[31m\udcff\n"
    function = bytes_field(1, bytes_field(1, text_field(1, f"fn{evil}")))
    attrs = {f"k{evil}": function_attr(f"f{evil}"), "t": tensor_attr(int_field(1, 21))}
    nodes = [
        make_node(f"n{evil}", f"Op{evil}", (f"p{evil}",), attrs, f"/gpu{evil}"),
        make_node(f"v{evil}", "VariableV2", (), {"dtype": type_attr(1)}),
        make_node(f"p{evil}", "Placeholder", (), {"dtype": type_attr(1)}),
    ]
    graph = b"".join(bytes_field(1, node.encode()) for node in nodes)
    graph += bytes_field(2, function)
    info = text_field(5, f"1.15{evil}") + text_field(4, f"tag{evil}")
    fact = bytes_field(2, text_field(1, evil))
    sides = [bytes_field(side, text_field(1, evil) + fact) for side in (1, 2)]
    signature = bytes_field(2, b"".join(sides) + text_field(3, f"method{evil}"))
    rest = bytes_field(3, text_field(3, f"restore{evil}"))
    for name, more in (
        ("plain.meta", b""),
        ("signed.meta", bytes_field(5, text_field(1, evil) + signature)),
    ):
        path = tmp_path / name
        path.write_bytes(bytes_field(1, info) + bytes_field(2, graph) + rest + more)
        views = ("--outputs", "--variables", "--signatures", "--ops", "--tree", "--json", "--dot")
        for view in ((), *((each,) for each in views), ("--node", r"n\x1b[31m\xff\n")):
            assert "\x1b" not in run("graph", path, *view).stdout, (name, view)
    # What is damaged or has no values is told in its place.
    assert "t = (a tensor of variant has no values" in run("graph", path, *view).stdout


def test_graph_with_an_unknown_node_says_the_name_as_it_was_given() -> None:
    assert "there is no node 'tensor_x' " in run("graph", DEMO, "--node", "tensor_x", code=2).stderr


@pytest.mark.parametrize(
    ("views", "fields"),
    [
        (["--outputs"], {"inputs", "outputs"}),
        (["--variables", "--ops"], {"variables", "ops"}),
        (["--signatures"], {"signatures"}),
        (["--node", "probabilities", "--node", "image"], {"nodes"}),
    ],
)
def test_graph_as_json_holds_the_views_that_were_asked_for(
    views: list[str], fields: set[str]
) -> None:
    head = {"schema", "path", "kind", "tensorflow_version", "tags", "notes"}
    found, whole = document("graph", DEMO, *views), document("graph", DEMO)
    assert found.keys() - head == fields
    for field in fields - {"nodes"}:
        assert found[field] == whole[field]
    if "nodes" in fields:
        assert [node["name"] for node in found["nodes"]] == ["probabilities", "image"]


@pytest.mark.parametrize(
    ("views", "told"),
    [
        (["--dot", "--outputs", "--variables"], "--outputs and --dot exclude each other"),
        (["--dot", "--node", "image"], "--node and --dot exclude each other"),
        (["--dot", "--json"], "--json and --dot exclude each other"),
        (["--tree", "--json"], "--tree and --json exclude each other"),
    ],
)
def test_graph_refuses_views_of_which_only_one_would_be_shown(views: list[str], told: str) -> None:
    assert told in run("graph", DEMO, *views, code=2).stderr


# --- freeze, prune ------------------------------------------------------------------------------


def test_freeze_without_outputs_lists_candidates_and_writes_nothing(tmp_path: Path) -> None:
    result = run("freeze", DEMO, tmp_path / "x.pb", code=2)
    assert "no outputs are named" in result.stderr
    assert "--output auto takes the first of the candidates: 'probabilities'" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_freeze_says_what_it_wrote(tmp_path: Path) -> None:
    result = run("freeze", DEMO, tmp_path / "x.pb", "-o", "auto")
    lines = result.stdout.splitlines()
    assert re.fullmatch(r"wrote .*x\.pb: \d+ nodes, [\d.]+ kB, 8 variables frozen", lines[0])
    assert lines[1].split() == ["input", "image:0", "float32", "[?,28,28,1]"]
    assert lines[2].split()[:2] == ["output", "probabilities:0"]
    assert "took 'probabilities'" in result.stderr


def test_frozen_file_holds_the_values_of_the_checkpoint(frozen: Path) -> None:
    ckpt = tb.open(DEMO)
    constants = tb.open(frozen)
    for name in ("conv1/kernel", "dense/bias", "logits/kernel"):
        np.testing.assert_array_equal(constants[name], ckpt[name])
    assert "dense/kernel" in run("ls", frozen).stdout


def test_freeze_keeps_a_file_unless_forced(frozen: Path) -> None:
    before = frozen.read_bytes()
    arguments = ("freeze", DEMO, frozen, "-o", "BiasAdd_3")
    assert "add --force" in run(*arguments, code=2).stderr
    assert frozen.read_bytes() == before
    run(*arguments, "--force")
    assert frozen.read_bytes() != before


def test_freeze_as_json_tells_outputs_and_variables(tmp_path: Path) -> None:
    told = document("freeze", SAVED_MODEL, tmp_path / "x.pb")
    assert told["outputs"].keys() == {"output_0"}
    assert len(told["variables"]) == 2


def test_freeze_with_a_key_map_takes_the_keys_named(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"dense/bias": "dense/bias/Adam"}))
    target = tmp_path / "x.pb"
    run("freeze", DEMO, target, "-o", "probabilities", "--keys", keys)
    np.testing.assert_array_equal(tb.open(target)["dense/bias"], tb.open(DEMO)["dense/bias/Adam"])


def test_prune_needs_no_checkpoint(tmp_path: Path) -> None:
    graph = tmp_path / "alone.meta"
    graph.write_bytes(Path(tb.load_graph(DEMO).path).read_bytes())
    result = run("prune", graph, tmp_path / "pruned.pb", "-o", "probabilities")
    assert re.match(r"wrote .*pruned\.pb: \d+ nodes", result.stdout)
    assert len(tb.load_graph(tmp_path / "pruned.pb").variables) == 8


def test_export_saved_model_says_that_weights_are_linked(tmp_path: Path) -> None:
    shown = run("export-saved-model", DEMO, tmp_path / "served", "-o", "probabilities").stdout
    assert re.search(r"8 variables, weights (linked|copied)", shown)
    assert "probabilities" in shown
    assert tb.load_graph(tmp_path / "served").signatures["serving_default"].outputs


# --- run ----------------------------------------------------------------------------------------


def test_run_prints_saves_and_tells_results(frozen: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 28, 28, 1), np.float32))
    feed = ("--feed", f"image:0={tmp_path / 'x.npy'}", "--fetch", "probabilities")
    assert run("run", frozen, *feed).stdout.splitlines()[0] == "probabilities  float32 [1,10]"
    [[row]] = document("run", frozen, *feed)["results"].values()
    assert sum(row) == pytest.approx(1)
    run("run", frozen, *feed, "--save", tmp_path / "out.npy")
    np.testing.assert_allclose(np.load(tmp_path / "out.npy")[0], row, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--feed", "image", "--fetch", "probabilities"], "--feed takes NAME=VALUE, not 'image'"),
        (["--feed", "imag=1", "--fetch", "probabilities"], "imag"),
        (["--fetch", "probabilitys"], "did you mean 'probabilities'"),
        (["--fetch", "a", "--fetch", "b", "--save", "x.npy"], "--save a .npz"),
    ],
)
def test_run_with_arguments_that_mean_nothing_exits_2(
    frozen: Path, arguments: list[str], message: str
) -> None:
    assert message in run("run", frozen, *arguments, code=2).stderr


def test_run_saves_strings_and_names_that_numpy_takes_for_options(tmp_path: Path) -> None:
    words = const_node("file", np.array([b"a", b"bc"], object))
    ended = const_node("ended", np.array([b"a\0"], object))
    number = const_node("allow_pickle", np.float32(2))
    model, saved = tmp_path / "m.pb", tmp_path / "new" / "folder" / "r.npz"
    nodes = (words, ended, number)
    model.write_bytes(b"".join(bytes_field(1, node.encode()) for node in nodes))
    shown = run(
        "run", model, "--fetch", "file", "--fetch", "allow_pickle", "--save", saved, "--json"
    ).stdout
    assert json.loads(shown)["results"] == {"file": ["a", "bc"], "allow_pickle": 2.0}
    with np.load(saved) as read:
        assert read["file"].tolist() == [b"a", b"bc"]
        assert read["allow_pickle"] == 2
    refused = run("run", model, "--fetch", "ended", "--save", saved, "--force", code=2).stderr
    assert "a string ends in NUL" in refused


def test_run_takes_what_is_no_json_for_text(frozen: Path) -> None:
    value = "1" * 5000
    shown = run("run", frozen, "--feed", f"image={value}", "--fetch", "probabilities", code=2)
    assert "does not fit: text, not float32[?, 28, 28, 1]" in shown.stderr


@pytest.mark.parametrize("value", ["[" * 100_000, "[[1,2", "{"])
def test_run_says_of_half_an_array_that_it_is_no_json(frozen: Path, value: str) -> None:
    shown = run("run", frozen, "--feed", f"image={value}", "--fetch", "probabilities", code=2)
    assert "is no JSON, and no file of numpy's" in shown.stderr
    assert len(shown.stderr) < 500


def test_run_with_an_empty_file_exits_2(frozen: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.touch()
    shown = run("run", frozen, "--feed", f"image={path}", "--fetch", "probabilities", code=2)
    assert "holds no plain array" in shown.stderr
