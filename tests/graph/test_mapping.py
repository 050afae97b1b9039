"""Variables of graphs and their keys: as TensorFlow restores them, and where it would not."""

import contextlib
import os
import random

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field, int_field
from tensorbundle._graph.files import read_graph_file
from tensorbundle._graph.mapping import find_variables, map_tables, map_variables
from tensorbundle._graph.problems import report
from tensorbundle._graph.variables import read_variable
from tensorbundle._graphdef.attributes import string_attr
from tensorbundle._graphdef.meta_graph import MetaGraph
from tensorbundle._graphdef.nodes import const_node
from tensorbundle._graphdef.tensors import encode_tensor
from tests.graph.mapping_digest import digest
from tests.graph.mapping_graphs import changed, graph, hows, node, restoring, strings, variable
from tests.oracle.client import in_tensorflow

PROGRAMS = "tests.graph.mapping_programs"
SAVERS = [
    *("ref", "resource", "sharded", "v1_format", "v1_sharded", "two_savers", "renamed", "swapped"),
    *("twins", "ema", "ema_plain", "partitioned", "repartitioned", "reshaped", "not_all_saved"),
    *("trained_before", "no_static_shape", "dtypes", "by_object", "mutable_table"),
]
SAVED_MODELS = ["sm_module", "sm_keras3", "sm_keras2", "sm_v1/model"]

# Graphs that TensorFlow no longer imports, and checkpoints whose data nobody committed.
NOT_RESTORED = {
    "0TEJA__Chatbot/model.tflearn.meta",
    "CyberZHG__keras-bert/tests/test_checkpoint/bert_model.ckpt.meta",
    "Pookkie__NLP/model.ckpt.meta",
    "Pookkie__NLP/model_20_60.ckpt.meta",
    "Rohan-Hirekerur__Minesweeper/model.ckpt.meta",
}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of what TensorFlow's programs saved, and the values that it restores of each."""
    folder = tmp_path_factory.mktemp("programs")
    return folder, in_tensorflow(PROGRAMS, "save_all", folder)


def digests(ckpt, variables):
    return {
        name: digest(read_variable(ckpt, each)) for name, each in variables.items() if each.found
    }


@pytest.fixture
def load(made):
    """Gives the graph and the checkpoint of a program."""

    def load(name):
        path = made[0] / name
        if name.startswith("sm_"):
            return read_graph_file(path).meta_graphs[0], tb.open(path)
        prefix = f"{path}/model" + ("-?????-of-00002" if name == "v1_sharded" else "")
        return read_graph_file(path / "model.meta").meta_graphs[0], tb.open(prefix)

    return load


# --- as TensorFlow restores them --------------------------------------------------------------


@pytest.mark.parametrize("name", [*SAVERS, *SAVED_MODELS])
def test_each_variable_has_the_value_that_tensorflow_restores(made, load, name):
    meta, ckpt = load(name)
    restored = made[1][name.partition("/")[0]]["values"]
    variables = map_variables(meta, ckpt)
    values = digests(ckpt, variables)
    assert restored
    assert {name: values.get(name) for name in restored} == restored
    best = "full name" if name == "by_object" else "restore op"
    assert {name for name, each in variables.items() if each.how == best} >= restored.keys()
    # What TensorFlow does not restore is known from elsewhere, or not at all.
    others = {name for name in values if name not in restored}
    assert all(variables[name].how != "restore op" for name in others)


def test_each_graph_of_the_corpus_maps_as_tensorflow_restores_it(corpus):
    graphs = sorted(each for each in corpus.rglob("*") if each.name.endswith(".meta"))
    graphs += sorted(each.parent for each in corpus.rglob("saved_model.pb"))
    loaded = {}
    for path in graphs:
        try:
            loaded[str(path)] = read_graph_file(path).meta_graphs[0], tb.open(path)
        except (tb.FormatError, tb.MissingFileError):
            continue  # pointers and links in place of files; a graph without its checkpoint
    pairs = [
        (path, "" if os.path.isdir(path) else ckpt.location.prefix)
        for path, (_, ckpt) in loaded.items()
    ]
    answers = in_tensorflow(PROGRAMS, "restore", pairs)
    assert len(answers) == len(loaded) == 57
    failed = {os.path.relpath(path, corpus) for path, each in answers.items() if "error" in each}
    assert failed <= NOT_RESTORED
    for path, answer in answers.items():
        meta, ckpt = loaded[path]
        variables = map_variables(meta, ckpt)
        hows = {each.how for each in variables.values() if each.found}
        assert hows == {"restore op"}, path
        if "values" in answer:
            assert digests(ckpt, variables) == answer["values"], path


def test_variables_are_found_in_a_graph_alone(load):
    meta, _ = load("ref")
    w = find_variables(meta)["w"]
    assert (w.kind, w.op, w.tf_dtype, w.shape) == ("ref", "VariableV2", "float32", (3, 2))
    assert (w.key, w.how, w.slice, w.in_checkpoint) == ("w", "restore op", "", None)
    assert w.trainable
    assert not find_variables(meta)["w/Adam"].trainable
    r = find_variables(load("resource")[0])["b"]
    assert (r.kind, r.op, r.shape, r.trainable) == ("resource", "VarHandleOp", (2,), True)


# --- sources ----------------------------------------------------------------------------------


def test_a_graph_without_a_saver_is_mapped_by_all_of_its_restore_ops(load):
    meta, ckpt = load("renamed")
    bare = changed(meta, saver=False)
    expected = {"a": ("model/a", "other restore op"), "b": ("model/b", "other restore op")}
    assert hows(map_variables(bare, ckpt)) == hows(find_variables(bare)) == expected


def test_save_ops_are_asked_when_nothing_restores(load):
    meta, ckpt = load("renamed")
    bare = changed(meta, lambda node: not node.op.startswith("Restore"))
    expected = {"a": ("model/a", "save op"), "b": ("model/b", "save op")}
    assert hows(map_variables(bare, ckpt)) == expected


def test_functions_of_a_saved_model_are_followed_without_its_saver(load):
    meta, ckpt = load("sm_module")
    keys = {name: each.key for name, each in map_variables(meta, ckpt).items()}
    assert keys["kernel_1"] == "layers/1/w/.ATTRIBUTES/VARIABLE_VALUE"
    bare = map_variables(changed(meta, saver=False), ckpt)
    assert hows(bare) == {name: (key, "other restore op") for name, key in keys.items()}
    restoring = meta.saver.restore_op
    saved = map_variables(changed(meta, lambda node: node.name != restoring, saver=False), ckpt)
    assert hows(saved) == {name: (key, "save op") for name, key in keys.items()}


def is_saver(node):
    return node.name.startswith("save/")


def test_parts_are_known_from_collections_when_there_is_no_saver(made, load):
    meta, ckpt = load("partitioned")
    bare = map_variables(changed(meta, lambda node: not is_saver(node), saver=False), ckpt)
    part = bare["ref/emb/part_1"]
    assert (part.key, part.slice, part.how) == ("ref/emb", "10 4 4,3:0,4", "slice info")
    assert digests(ckpt, bare) == made[1]["partitioned"]["values"]
    nameless = map_variables(changed(meta, lambda node: not is_saver(node), False, False), ckpt)
    assert not any(each.found for each in nameless.values())


def test_names_come_last(load):
    meta, ckpt = load("ref")
    bare = map_variables(changed(meta, lambda node: not is_saver(node), saver=False), ckpt)
    assert {each.how for each in bare.values()} == {"node name"}
    assert all(each.found for each in bare.values())


def test_shared_name_is_tried_when_the_node_is_named_otherwise(tmp_path):
    tb.save(tmp_path / "m", {"old": np.zeros(2, np.float32)})
    node = variable("new", (2,), shared_name=string_attr(b"old"))
    found = map_variables(graph([node]), tb.open(tmp_path / "m"))
    assert hows(found) == {"new": ("old", "shared name")}


def test_a_full_name_must_be_unique(tmp_path):
    objects = tb.ObjectGraph.of(["x", "y", "z"], full_names={"x": "a", "y": "a", "z": "b"})
    tb.save(tmp_path / "m", {name: np.zeros(2, np.float32) for name in "xyz"}, objects=objects)
    found = map_variables(
        graph([variable("a", (2,)), variable("b", (2,))]), tb.open(tmp_path / "m")
    )
    assert [each.found for each in found.values()] == [False, True]
    assert hows(found)["b"] == ("z/.ATTRIBUTES/VARIABLE_VALUE", "full name")


def test_what_another_checkpoint_is_read_for_says_nothing_about_this_one(load):
    meta, ckpt = load("trained_before")
    found = map_variables(meta, ckpt)
    assert "a" in ckpt
    assert (found["b"].key, found["b"].found) == ("b", False)
    assert find_variables(meta)["b"].how == "node name"


def test_a_value_that_is_made_of_restored_ones_is_no_stored_tensor(tmp_path):
    tb.save(tmp_path / "m", {"v": np.zeros(2, np.float32)})
    nodes = restoring("v", "v")
    nodes[-1] = node("assign", "Assign", ["v", "concat"])
    nodes += [node("concat", "ConcatV2", ["restore", "restore:1", "axis"]), strings("axis", b"")]
    found = map_variables(graph(nodes, "assign"), tb.open(tmp_path / "m"))["v"]
    assert not found.found
    assert found.problem == "the graph makes it with ConcatV2 out of restored tensors"


# --- what the user says -----------------------------------------------------------------------


def test_given_keys_win(load):
    meta, ckpt = load("swapped")
    found = map_variables(meta, ckpt, override={"a": "a", "b:0": "b"})
    assert hows(found)["a"] == ("a", "given")
    assert hows(found)["b"] == ("b", "given")
    assert hows(found)["c"] == ("d", "restore op")
    asked = map_variables(meta, ckpt, override=lambda name: "a" if name == "b" else None)
    assert hows(asked)["b"] == ("a", "given")


def test_a_given_key_that_is_absent_is_missing(load):
    meta, ckpt = load("ref")
    w = map_variables(meta, ckpt, override={"w": "nowhere"})["w"]
    assert (w.key, w.how, w.found) == ("nowhere", "given", False)


def test_a_key_given_to_no_variable_is_refused(load):
    meta, ckpt = load("renamed")
    with pytest.raises(tb.TensorNotFoundError, match="no variable 'aa': did you mean 'a'"):
        map_variables(meta, ckpt, override={"aa": "model/a"})


def test_a_part_is_taken_of_a_given_key_that_holds_the_whole(load):
    meta, ckpt = load("partitioned")
    name = "ref/emb/part_1"
    found = map_variables(meta, ckpt, override={name: "resource/emb"})[name]
    assert (found.found, found.slice, found.shape) == (True, "10 4 4,3:0,4", (3, 4))
    assert read_variable(ckpt, found).tolist() == ckpt["resource/emb"][4:7].tolist()


def test_averages_are_taken_where_there_are_some(load):
    meta, ckpt = load("ema_plain")
    found = map_variables(meta, ckpt, ema=True)
    assert {name for name, each in found.items() if each.averaged} == {"a", "b"}
    assert found["a"].key == "a/ExponentialMovingAverage"
    assert found["plain"].key == "plain"
    assert digest(read_variable(ckpt, found["a"])) == digest(ckpt["a/ExponentialMovingAverage"])
    restoring, _ = load("ema")
    assert not any(each.averaged for each in map_variables(restoring, ckpt, ema=True).values())


def test_initial_values_stand_in_when_they_are_constants(load):
    meta, ckpt = load("not_all_saved")
    assert [name for name, each in map_variables(meta, ckpt).items() if each.found] == ["a"]
    found = map_variables(meta, ckpt, missing="initial")
    values = {name: read_variable(ckpt, each) for name, each in found.items() if each.found}
    assert values.keys() == {"a", "counter", "large", "local"}
    assert found["counter"].how == "initial value"
    assert found["a"].how == "restore op"
    assert (values["counter"], values["local"].tolist()) == (7, [0, 1])
    assert (values["large"].shape, values["large"].any()) == ((50, 40), False)


def test_initial_values_need_no_checkpoint_and_replace_no_given_key(load):
    meta, ckpt = load("not_all_saved")
    assert map_variables(meta, None, missing="initial")["counter"].initial == 7
    given = map_variables(meta, ckpt, missing="initial", override={"counter": "nowhere"})
    assert (given["counter"].how, given["counter"].found) == ("given", False)


def test_initial_values_are_found_without_collections(load):
    meta, ckpt = load("not_all_saved")
    found = map_variables(changed(meta, collections=False), ckpt, missing="initial")
    assert found["local"].initial.tolist() == [0, 1]


def test_a_large_initial_value_takes_no_memory(tmp_path):
    tb.save(tmp_path / "m", {"other": np.zeros(1)})
    nodes = [
        variable("v", (1 << 20, 1 << 20)),
        const_node("dims", np.array([1 << 20, 1 << 20], np.int32)),
        const_node("one", np.float32(1)),
        node("fill", "Fill", ["dims", "one"]),
        node("init", "Assign", ["v", "fill"]),
    ]
    found = map_variables(graph(nodes), tb.open(tmp_path / "m"), missing="initial")["v"]
    assert (found.found, found.initial.nbytes) == (True, 1 << 42)


def test_an_initial_value_of_impossible_dimensions_is_none(tmp_path):
    tb.save(tmp_path / "m", {"other": np.zeros(1)})
    endless = (
        int_field(1, 3)
        + bytes_field(2, bytes_field(2, int_field(1, 1 << 40)))
        + bytes_field(7, b"\x02")
    )
    for dims in (endless, encode_tensor(np.array([np.inf], np.float32))):
        nodes = [
            variable("v", None),
            const_node("dims", dims),
            const_node("one", np.float32(1)),
            node("fill", "Fill", ["dims", "one"]),
            node("init", "Assign", ["v", "fill"]),
        ]
        found = map_variables(graph(nodes), tb.open(tmp_path / "m"), missing="initial")["v"]
        assert found.initial is None


# --- tables -----------------------------------------------------------------------------------


def test_mutable_tables_have_their_keys(load):
    assert map_tables(*load("mutable_table")) == {"words": ("words-keys", "words-values")}
    keys = "table/.ATTRIBUTES/table-keys", "table/.ATTRIBUTES/table-values"
    assert map_tables(*load("sm_module")) == {"MutableHashTable": keys}
    assert map_tables(load("sm_module")[0], None) == {"MutableHashTable": keys}


def test_mutable_tables_are_known_by_their_names_without_a_saver(load):
    meta, ckpt = load("mutable_table")
    bare = changed(meta, lambda node: not is_saver(node), saver=False)
    assert map_tables(bare, ckpt) == {"words": ("words-keys", "words-values")}
    assert map_tables(bare, None) == {}


@pytest.mark.parametrize("name", ["partitioned", "mutable_table", "not_all_saved"])
def test_damaged_graphs_map_or_raise_errors_of_this_library(made, load, name):
    _, ckpt = load(name)
    sound = (made[0] / name / "model.meta").read_bytes()
    chance = random.Random(name)
    for _ in range(150):
        raw = bytearray(sound)
        for _ in range(chance.randint(1, 8)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        with contextlib.suppress(tb.TensorBundleError):
            meta = MetaGraph(bytes(raw))
            map_tables(meta, ckpt)
            report(map_variables(meta, ckpt, ema=True, missing="initial").values(), ckpt).error()
