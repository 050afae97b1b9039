"""`load_graph`: every spelling of a path, and what a graph says of itself."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field, int_field, text_field
from tensorbundle._graph.files import read_graph_file
from tensorbundle._graph.graph import Graph, load_graph
from tensorbundle._graphdef.nodes import Node, const_node, make_node
from tests.golden.cases import DATA

SAVER = DATA / "saver"
SAVED_MODEL = DATA / "saved_model"


def graph_def(*nodes: Node, rest: bytes = b"") -> bytes:
    return b"".join(bytes_field(1, node.encode()) for node in nodes) + rest


def meta_graph(*tags: str, node: str = "n", rest: bytes = b"") -> bytes:
    info = b"".join(text_field(4, tag) for tag in tags) + text_field(5, "1.15.0")
    graph = graph_def(make_node(node, "NoOp"))
    return bytes_field(1, info) + bytes_field(2, graph) + rest


def saved_model(*metas: bytes) -> bytes:
    return int_field(1, 1) + b"".join(bytes_field(2, meta) for meta in metas)


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# --- spellings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("saver/model.ckpt-20.meta", "saver/model.ckpt-20.meta"),
        ("saver/model.ckpt-10", "saver/model.ckpt-10.meta"),
        ("saver/model.ckpt-10.index", "saver/model.ckpt-10.meta"),
        ("saver/model.ckpt-10.data-00000-of-00001", "saver/model.ckpt-10.meta"),
        ("saver", "saver/model.ckpt-20.meta"),
        ("saver/checkpoint", "saver/model.ckpt-20.meta"),
        ("saver_v1", "saver_v1/model.ckpt-3.meta"),
        ("saver_v1/model.ckpt-3", "saver_v1/model.ckpt-3.meta"),
        ("moved", "moved/model.ckpt-20.meta"),
        ("estimator", "estimator/model.ckpt-100.meta"),
        ("estimator/graph.pbtxt", "estimator/graph.pbtxt"),
        ("saved_model", "saved_model/saved_model.pb"),
        ("saved_model/saved_model.pb", "saved_model/saved_model.pb"),
        ("saved_model/variables/variables", "saved_model/saved_model.pb"),
        ("saved_model/variables/variables.index", "saved_model/saved_model.pb"),
        ("damaged/meta_only/model.ckpt", "damaged/meta_only/model.ckpt.meta"),
    ],
)
def test_every_spelling_finds_its_graph(path, found):
    graph = load_graph(DATA / path)
    assert graph.path == str(DATA / found)
    assert load_graph(os.fsencode(DATA / path)).path == graph.path
    assert load_graph(graph) is graph


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("saver", "saver/model.ckpt-20"),
        ("saver/model.ckpt-10", "saver/model.ckpt-10"),
        ("saver_v1", "saver_v1/model.ckpt-3"),
        ("estimator/graph.pbtxt", "estimator/model.ckpt-100"),
        ("saved_model", "saved_model/variables/variables"),
    ],
)
def test_graph_knows_where_its_values_lie(path, prefix):
    graph = load_graph(DATA / path)
    assert graph.checkpoint.prefix == str(DATA / prefix)
    assert list(graph.open_checkpoint()) == list(tb.open(DATA / prefix))


def test_graph_without_its_checkpoint_loads(tmp_path):
    path = written(tmp_path / "m.meta", (SAVER / "model.ckpt-20.meta").read_bytes())
    graph = load_graph(path)
    assert (graph.checkpoint, graph.open_checkpoint()) == (None, None)
    assert graph.checkpoint_path == str(tmp_path / "m")
    assert set(graph.variables) == set(load_graph(SAVER / "model.ckpt-20").variables)


def test_frozen_graph_belongs_to_no_checkpoint(tmp_path):
    path = written(tmp_path / "frozen.pb", graph_def(const_node("c", np.float32(1))))
    graph = load_graph(path)
    assert (graph.kind, graph.checkpoint_path, graph.checkpoint) == ("graph", None, None)


def test_estimator_directory_without_a_meta_means_its_text(tmp_path):
    shutil.copytree(DATA / "estimator", tmp_path / "run")
    for meta in (tmp_path / "run").glob("*.meta"):
        meta.unlink()
    graph = load_graph(tmp_path / "run")
    assert graph.path == str(tmp_path / "run" / "graph.pbtxt")
    assert graph.checkpoint.prefix == str(tmp_path / "run" / "model.ckpt-100")


def test_text_and_binary_of_one_graph_say_the_same():
    text = load_graph(DATA / "estimator" / "graph.pbtxt")
    binary = load_graph(DATA / "estimator" / "model.ckpt-100.meta")
    assert text.kind == "graph"
    assert set(text.nodes) <= set(binary.nodes) or set(binary.nodes) <= set(text.nodes)


def test_only_meta_of_a_directory_is_taken_and_of_several_none(tmp_path):
    one = written(tmp_path / "a.meta", meta_graph())
    assert load_graph(tmp_path).path == str(one)
    written(tmp_path / "b.meta", meta_graph())
    with pytest.raises(tb.MissingFileError, match=r"several graphs .* name one of 'a.meta'"):
        load_graph(tmp_path)


def test_state_file_of_a_checkpoint_without_a_graph_says_so(tmp_path):
    shutil.copy(SAVER / "checkpoint", tmp_path)
    with pytest.raises(tb.MissingFileError, match="beside the checkpoint that it names"):
        load_graph(tmp_path / "checkpoint")
    meta = written(tmp_path / "other.meta", meta_graph())
    assert load_graph(tmp_path).path == str(meta)
    (tmp_path / "checkpoint").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert load_graph(tmp_path).path == str(meta)


def test_graph_wins_over_the_graph_beside_a_file_of_its_name(tmp_path):
    frozen = written(tmp_path / "m", graph_def(make_node("n", "NoOp")))
    written(tmp_path / "m.meta", meta_graph())
    assert load_graph(frozen).kind == "graph"


@pytest.mark.parametrize("path", ["", "absent", "absent/model.ckpt", "nul\0"])
def test_nothing_there_is_a_missing_file(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(tb.MissingFileError, match="no graph at"):
        load_graph(path)


def test_directory_without_a_graph_says_what_it_holds(tmp_path):
    with pytest.raises(tb.MissingFileError, match="found nothing"):
        load_graph(tmp_path)
    written(tmp_path / "notes.txt", b"x")
    with pytest.raises(tb.MissingFileError, match=r"found 'notes\.txt'"):
        load_graph(tmp_path)


def test_checkpoint_without_a_graph_says_so():
    with pytest.raises(
        tb.MissingFileError, match=r"a checkpoint, but no \.meta of its own beside it"
    ):
        load_graph(DATA / "names")


# --- what a file is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (graph_def(make_node("n", "NoOp")), "graph"),  # alone: it might be meta information
        (graph_def(make_node("n", "NoOp"), make_node("m", "NoOp")), "graph"),
        (graph_def(make_node("n", "NoOp"), rest=bytes_field(4, int_field(1, 9))), "graph"),
        (graph_def(make_node("n", "NoOp"), rest=int_field(3, 9)), "graph"),
        (meta_graph(), "meta"),
        (meta_graph("serve", rest=bytes_field(3, text_field(3, "save/restore"))), "meta"),
        (saved_model(meta_graph("serve")), "saved_model"),
        (saved_model(meta_graph("serve"))[2:], "saved_model"),  # without its version
        (bytes_field(2, graph_def(make_node("n", "NoOp"))), "meta"),  # nothing said of it
    ],
)
def test_kind_is_told_by_content(data, kind, tmp_path):
    graph = load_graph(written(tmp_path / "any.name", data))
    assert (graph.kind, graph.num_nodes) == (kind, 1 + (kind == "graph" and b"m" in data))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "an empty file"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 5\n",
            "a git-LFS pointer",
        ),
        (b"../models/graph.pb", "a symbolic link stored as text"),
        (b"<!DOCTYPE html><html></html>", "an HTML page"),
        (b"\x89HDF\r\n\x1a\n" + bytes(90), "an HDF5 file"),
        (b"PK\x03\x04" + bytes(22) + b"\x0d\0\0\0metadata.json", r"a Keras \.keras file"),
        (b"\x1c\0\0\0TFL3" + bytes(90), "a TensorFlow Lite model"),
        (b"\x08\x07\x12\x07pytorch\x1a\x032.1", "an ONNX model"),
        (b"\x08\x08\x3a\x02\x0a\x00", "an ONNX model"),
        (b'{"format": "graph-model"}', "a JSON text"),
        (bytes(5000), "a zero-filled file"),
    ],
)
@pytest.mark.parametrize("name", ["model.meta", "saved_model/saved_model.pb", "frozen.pb"])
def test_other_files_are_named(data, what, name, tmp_path):
    with pytest.raises(tb.FormatError, match=f"not a graph: .* is {what}") as caught:
        load_graph(written(tmp_path / name, data))
    assert caught.value.path == str(tmp_path / name)


def test_parts_of_checkpoints_are_named(tmp_path):
    shutil.copy(DATA / "names.index", tmp_path / "n.index")
    with pytest.raises(tb.FormatError, match="is the index of a checkpoint"):
        load_graph(tmp_path / "n.index")
    shutil.copy(SAVER / "model.ckpt-20.data-00000-of-00001", tmp_path / "n.data-00000-of-00001")
    with pytest.raises(tb.FormatError, match="is a data shard of a checkpoint"):
        load_graph(tmp_path / "n.data-00000-of-00001")


def test_model_of_a_later_schema_is_refused(tmp_path):
    with pytest.raises(tb.FormatError, match="version 9, expected 1"):
        load_graph(written(tmp_path / "saved_model.pb", int_field(1, 9) + b"\x10\x00"))


def test_other_protobuf_messages_are_refused(tmp_path):
    other = bytes_field(1, int_field(3, 1)) * 2
    with pytest.raises(tb.FormatError, match="not those of a GraphDef"):
        load_graph(written(tmp_path / "other.pb", other))
    with pytest.raises(tb.FormatError, match="what Keras notes of a SavedModel"):
        load_graph(written(tmp_path / "keras_metadata.pb", other))
    with pytest.raises(tb.FormatError, match=r"the fingerprint .*: its graph is saved_model\.pb"):
        load_graph(SAVED_MODEL / "fingerprint.pb")


def test_graph_of_one_node_with_debug_info_is_a_graph(tmp_path):
    debug = bytes_field(5, text_field(1, "model.py"))
    data = graph_def(make_node("n", "NoOp"), rest=debug)
    assert load_graph(written(tmp_path / "g.pb", data)).kind == "graph"


def test_prefix_or_variables_directory_means_what_open_takes_it_for(tmp_path):
    meta = written(tmp_path / "model.meta", meta_graph())
    (tmp_path / "model").mkdir()
    assert load_graph(tmp_path / "model").path == str(meta)
    for path in (SAVED_MODEL / "variables", f"{SAVED_MODEL}/variables/"):
        assert load_graph(path).path == str(SAVED_MODEL / "saved_model.pb")


def test_tags_of_a_loaded_graph_must_be_those_that_are_asked_for():
    graph = load_graph(SAVED_MODEL)
    assert load_graph(graph, tags="serve") is graph
    with pytest.raises(tb.TensorNotFoundError, match=r"no graph is tagged exactly \{'train'\}"):
        load_graph(graph, tags="train")


# --- several graphs ---------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path):
    """Train, eval, serve: the first is not the one to serve (freeze.md §12.10)."""
    sets = (("train",), ("eval",), ("serve",), ("serve", "gpu"))
    metas = [meta_graph(*tags, node="_".join(tags)) for tags in sets]
    return written(tmp_path / "saved_model.pb", saved_model(*metas)).parent


@pytest.mark.parametrize(
    ("tags", "node"),
    [
        (None, "serve"),
        ("serve", "serve"),
        ("train", "train"),
        (["eval"], "eval"),
        ({"gpu", "serve"}, "serve_gpu"),
    ],
)
def test_tags_choose_a_graph(three, tags, node):
    graph = load_graph(three, tags=tags)
    assert list(graph.nodes) == [node]
    assert graph.tag_sets == (("train",), ("eval",), ("serve",), ("gpu", "serve"))


def test_unknown_tags_list_what_there_is(three):
    with pytest.raises(tb.TensorNotFoundError, match=r"tagged exactly \{'tpu'\}.* \{'train'\}"):
        load_graph(three, tags="tpu")


def test_several_graphs_without_one_to_serve_are_listed(tmp_path):
    metas = (meta_graph("train"), meta_graph("eval"))
    written(tmp_path / "saved_model.pb", saved_model(*metas))
    with pytest.raises(tb.TensorNotFoundError, match=r"one of \{'train'\}, \{'eval'\}"):
        load_graph(tmp_path)


def test_only_graph_is_taken_whatever_its_tags(tmp_path):
    written(tmp_path / "saved_model.pb", saved_model(meta_graph("train")))
    assert load_graph(tmp_path).tags == ("train",)
    with pytest.raises(tb.TensorNotFoundError, match="no graph is tagged"):
        load_graph(tmp_path, tags="serve")


# --- what a graph says ------------------------------------------------------------------------


def test_facts_of_a_training_graph():
    graph = load_graph(SAVER)
    assert (graph.kind, graph.directory, graph.signatures) == ("meta", None, {})
    assert graph.num_nodes == len(graph.nodes) == sum(graph.ops.values())
    assert sum(graph.devices.values()) == graph.num_nodes
    assert graph.ops["VarHandleOp"] == len(graph.variables)
    assert list(graph.ops.values()) == sorted(graph.ops.values(), reverse=True)
    assert graph.saver.restore_op == "save/restore_all"
    assert graph.savers[0] == graph.saver
    assert graph.tensorflow_version.startswith("2.")
    assert graph.versions.producer > 1000
    assert "trainable_variables" in graph.collections or "variables" in graph.collections


def test_facts_of_a_saved_model():
    graph = load_graph(SAVED_MODEL)
    assert (graph.kind, graph.tags) == ("saved_model", ("serve",))
    assert graph.directory == str(SAVED_MODEL)
    assert "serving_default" in graph.signatures
    assert graph.functions
    assert all(function.name == name for name, function in graph.functions.items())
    assert graph.meta.object_graph is not None
    assert repr(graph) == f"<Graph {graph.path!r}: saved_model, {graph.num_nodes} nodes>"


def test_tables_are_listed(tmp_path):
    nodes = (make_node("t", "HashTableV2"), make_node("n", "NoOp"))
    assert list(load_graph(written(tmp_path / "g.pb", graph_def(*nodes))).tables) == ["t"]
    assert load_graph(SAVER).tables == {}


def test_edges_lead_from_consumers_to_sources(tmp_path):
    nodes = (
        make_node("a", "Split"),
        make_node("b", "Add", ["a:1", "gone", "^c"]),
        make_node("c", "NoOp"),
        make_node("a", "NoOp"),
    )
    meta = load_graph(written(tmp_path / "g.pb", graph_def(*nodes))).meta
    assert meta.edges.starts.tolist() == [0, 0, 3, 3, 3]
    assert meta.edges.sources.tolist() == [0, -1, 2]
    assert meta.edges.ports.tolist() == [1, 0, -1]
    assert meta.duplicates == ["a"]
    assert meta.nodes["a"].op == "Split"
    assert meta.node_names == ["a", "b", "c", "a"]


def test_constants_of_a_graph_are_read_only_views_of_what_was_read(tmp_path):
    values = np.arange(5000, dtype=np.float32)
    path = written(tmp_path / "g.pb", graph_def(const_node("c", values)))
    found = read_graph_file(path)
    array = found.meta_graphs[0].nodes["c"].attr("value").array()
    assert np.array_equal(array, values)
    assert not array.flags.writeable
    assert np.shares_memory(array, np.frombuffer(found.data, np.uint8))


def test_graph_of_two_gigabytes_is_refused_unread(tmp_path):
    path = written(tmp_path / "frozen.pb", graph_def(make_node("n", "NoOp")))
    with open(path, "r+b") as file:
        file.truncate(1 << 31)
    with pytest.raises(tb.UnsupportedError, match="reads less than 2147483648"):
        load_graph(path)


def test_graphs_are_made_by_load_graph():
    assert isinstance(load_graph(SAVER), Graph)
