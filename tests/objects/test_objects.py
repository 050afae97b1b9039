"""Object graphs: read, walked, written, and restored by TensorFlow."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensorbundle as tb
from tensorbundle._objects.edit import Draft, move, without
from tensorbundle._objects.graph import flatten
from tensorbundle._objects.message import Attribute, Slot, TrackedObject
from tensorbundle.errors import ConversionError, FormatError
from tests.freeze.program import document, run
from tests.golden.cases import DATA
from tests.objects.keras import samples, tensorflow

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = ".ATTRIBUTES/VARIABLE_VALUE"


def variable(key: str) -> TrackedObject:
    return TrackedObject(attributes=(Attribute("VARIABLE_VALUE", "", key),), has_values=True)


def real() -> list[Path]:
    """Prefixes of object-based checkpoints that real TensorFlow wrote."""
    names = ["k2-1", "k2ema-1", "k2legacy-1", "k2weights", "k3-1", "k3ema-1", "net1"]
    golden = [DATA / "objects" / "keras", DATA / "objects" / "manager"]
    return [*(samples() / name for name in names), *golden]


def test_graphs_of_tensorflow_are_encoded_byte_for_byte() -> None:
    for path in real():
        ckpt = tb.open(path)
        assert ckpt.objects is not None
        assert ckpt.objects.encode() == ckpt[GRAPH].item()
        # Numbered and keyed anew it is the same graph: ours follow TensorFlow's rules.
        assert Draft(ckpt.objects).finish()[0] == ckpt.objects


def test_every_key_but_the_graph_is_a_value() -> None:
    for path in real():
        ckpt = tb.open(path)
        assert ckpt.objects is not None
        assert [key for key in ckpt if ckpt.objects.owner(key) is None] == [GRAPH]


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("tf1", "tf1"),
        ("k2-1", "keras2"),
        ("k2weights", "keras2"),
        ("k2legacy-1", "keras2"),
        ("k3-1", "keras3"),
        ("net1", "tf.Module"),
        ("saved1", "tf.Module"),
    ],
)
def test_origins_are_told_apart(name: str, origin: str) -> None:
    assert tb.open(samples() / name).origin == origin


def test_tensors_are_found_on_every_way_to_their_object() -> None:
    ckpt = tb.open(samples() / "k2-1")
    key = f"model/layer_with_weights-0/kernel/{VALUE}"
    for path in ("model/layer_with_weights-0/kernel", "model/layer-0/kernel", key):
        assert ckpt.info(path).name == key
        assert path in ckpt
        np.testing.assert_array_equal(ckpt[path], ckpt[key])
        assert list(ckpt.load([path])) == [path]
    assert "model/layer-0/none" not in ckpt
    keras3 = tb.open(samples() / "k3-1")
    assert keras3.info("model/_functional/_operations/1/_kernel").name.startswith("optimizer/")


def test_slots_are_folded_under_their_variable() -> None:
    graph = tb.open(samples() / "k2legacy-1").objects
    assert graph is not None
    kernel = next(each for each in graph.variables if each.full_name == "d1/kernel")
    assert kernel.path == "model/layer_with_weights-0/kernel"
    assert list(kernel.slots) == ["optimizer/m", "optimizer/v"]
    assert kernel.slots["optimizer/m"] == f"{kernel.path}/.OPTIMIZER_SLOT/optimizer/m/{VALUE}"
    assert graph.save_counter == f"save_counter/{VALUE}"


def test_names_with_slashes_and_dots_are_found_raw_and_escaped() -> None:
    ckpt = tb.open(DATA / "objects" / "manager" / "ckpt-2")
    for raw, escaped in {"a/b": "a.Sb", "c.d": "c..d", ".x": "..x"}.items():
        key = f"network/heads/{escaped}/{VALUE}"
        assert ckpt.info(f"network/heads/{raw}").name == key
        assert ckpt.info(f"network/heads/{escaped}").name == key


def test_ls_shows_readable_paths() -> None:
    text = run("ls", DATA / "objects" / "manager" / "ckpt-2", "--paths").stdout
    assert re.search(r"^network/shared/kernel  +float32", text, re.MULTILINE)
    assert re.search(r"^network/shared/kernel/.OPTIMIZER_SLOT/optimizer/m  ", text, re.MULTILINE)
    names = [each["name"] for each in document("ls", samples() / "net1", "--paths")["tensors"]]
    assert names == [GRAPH, "net/bias", "net/inner/kernel", "step"]


def test_cycles_end() -> None:
    nodes = [
        TrackedObject(children=(("self", 0), ("w", 1)), has_values=True),
        variable(f"w/{VALUE}"),
    ]
    graph = tb.ObjectGraph(nodes)
    assert graph.key_of("self/self/self/w") == f"w/{VALUE}"
    assert graph.key_of("self/self") is None
    assert without(graph, {1})[0].nodes == (TrackedObject(has_values=False),)


@pytest.mark.parametrize(
    "node",
    [
        TrackedObject(children=(("w", 2),)),
        TrackedObject(slots=(Slot(0, "m", 7),)),
    ],
)
def test_graph_that_names_no_object_is_refused(node: TrackedObject) -> None:
    with pytest.raises(FormatError, match="names object"):
        tb.ObjectGraph.decode(tb.ObjectGraph([node, TrackedObject()]).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_graph_or_a_format_error(message: bytes) -> None:
    try:
        graph = tb.ObjectGraph.decode(message)
    except FormatError:
        return
    assert graph.paths[0] == ""
    assert isinstance(graph.variables, tuple)


def test_saved_objects_are_restored_by_tensorflow(tmp_path: Path) -> None:
    names = ["model/w", "model/table/a.Sb", "step"]
    graph = tb.ObjectGraph.of(names)
    tensors = {
        "model/w": np.float32([1, 2]),
        "model/table/a.Sb": np.float32(3),
        "step": np.int64(4),
    }
    tb.save(tmp_path / "out", tensors, objects=graph)
    assert tensorflow().objects(tmp_path / "out") == [[1, 2], 3, 4]


def test_tree_is_saved_byte_for_byte_as_tensorflow_does(tmp_path: Path) -> None:
    tree = {"b": [np.float32([1, 2]), np.float32(3)], "a": {"k/1": np.int64(4)}}
    tb.save(tmp_path / "ours", flatten(tree), objects=tb.ObjectGraph.of_tree(tree))
    tensorflow().write_tree(tmp_path / "theirs")
    ours, theirs = tb.open(tmp_path / "ours"), tb.open(tmp_path / "theirs")
    assert list(ours) == list(theirs)
    assert [i.offset for i in ours.infos() if i.name != GRAPH] == [
        i.offset for i in theirs.infos() if i.name != GRAPH
    ]
    names = [node.children for node in ours.objects.nodes]  # type: ignore[union-attr]
    assert names == [node.children for node in theirs.objects.nodes]  # type: ignore[union-attr]


def test_saves_are_counted_where_tensorflow_counts_them(tmp_path: Path) -> None:
    tree = {"b": [np.float32([1, 2]), np.float32(3)], "a": {"k/1": np.int64(4)}}
    ours = tb.open(tb.train.Checkpoint(tree).save(tmp_path / "ours"))
    tensorflow().write_tree(tmp_path / "theirs", counted=True)
    theirs = tb.open(tmp_path / "theirs-1")
    places = [
        [(i.name, i.offset) for i in each.infos() if i.name != GRAPH] for each in (ours, theirs)
    ]
    assert places[0] == places[1]
    assert nameless(ours.objects) == nameless(theirs.objects)
    assert tensorflow().continue_tree(tmp_path / "ours-1") == 2


def nameless(graph: tb.ObjectGraph | None) -> list[TrackedObject]:
    """All of a graph but the names that TensorFlow's variables have, and arrays have not."""
    assert graph is not None
    return [
        replace(node, attributes=tuple(replace(each, full_name="") for each in node.attributes))
        for node in graph.nodes
    ]


@pytest.mark.parametrize("name", ["k2-1", "k2ema-1", "k2legacy-1", "k2weights", "k3ema-1", "net1"])
def test_values_saved_with_the_objects_of_tensorflow_are_its_files(
    tmp_path: Path, name: str
) -> None:
    source = tb.open(samples() / name)
    tensors = {key: array for key, array in source.load().items() if key != GRAPH}
    tb.save(tmp_path / name, tensors, objects=source.objects)
    for suffix in (".index", ".data-00000-of-00001"):
        ours, theirs = (Path(f"{folder / name}{suffix}") for folder in (tmp_path, samples()))
        assert ours.read_bytes() == theirs.read_bytes()


def test_variables_keep_their_full_names_when_they_are_renamed(tmp_path: Path) -> None:
    tb.rewrite(samples() / "k2-1", tmp_path / "out", rename=[("^model/", "net/")])
    before, after = tb.open(samples() / "k2-1").objects, tb.open(tmp_path / "out").objects
    assert before is not None
    assert after is not None
    names = {each.path: each.full_name for each in before.variables}
    assert "d1/kernel" in names.values()
    renamed = {re.sub("^model/", "net/", path): name for path, name in names.items()}
    assert renamed == {each.path: each.full_name for each in after.variables}


def test_slot_without_its_variable_is_refused() -> None:
    with pytest.raises(ConversionError, match="a slot without its variable"):
        tb.ObjectGraph.of(["w/.OPTIMIZER_SLOT/opt/m"])
    graph = tb.ObjectGraph.of(["w", "w/.OPTIMIZER_SLOT/opt/m"])
    assert graph.variables[0].slots == {"opt/m": f"w/.OPTIMIZER_SLOT/opt/m/{VALUE}"}


def test_variables_without_tensors_are_listed() -> None:
    graph = tb.ObjectGraph.of(["a", "b", "c"])
    with pytest.raises(ConversionError, match=r"no tensor for these variables .*'a/.*'c/"):
        graph.arrange({"b": 1})


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4), min_size=1, max_size=8))
def test_moved_there_and_back_is_the_same_values(routes: list[list[str]]) -> None:
    paths = sorted({"/".join(route) + "/v" for route in routes})
    graph = tb.ObjectGraph.of(paths)
    moved, renamed = move(graph, {path: f"x/{path}" for path in paths})
    assert renamed == {f"{path}/{VALUE}": f"x/{path}/{VALUE}" for path in paths}
    assert sorted(each.path for each in moved.variables) == [f"x/{path}" for path in paths]
    back, _ = move(moved, {f"x/{path}": path for path in paths})
    assert sorted(each.path for each in back.variables) == paths
